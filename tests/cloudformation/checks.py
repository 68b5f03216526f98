"""What must hold for every deployment, and what linters do not see.

Each check takes a Deployment and yields what is wrong. tests/cloudformation/test_mutations.py
shows for each one that it notices.
"""

import ipaddress
import json
import re

import cfn
import tree

ELB = "AWS::ElasticLoadBalancingV2::"
EC2 = "AWS::EC2::"
CHECKS = {}
# Linux keeps some descriptors busy beside clients: Redis, listeners, the log, the admin port.
RESERVED_DESCRIPTORS = 500


def check(function):
    CHECKS[function.__name__] = function
    return function


def number(text, low, high):
    return re.fullmatch(r"\d+", str(text)) and low <= int(text) <= high


BOOLEAN = ("true", "false")
# Of a target group of protocol TCP behind a Network Load Balancer.
TARGET_GROUP_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "deregistration_delay.connection_termination.enabled": BOOLEAN,
    "target_health_state.unhealthy.connection_termination.enabled": BOOLEAN,
    "target_health_state.unhealthy.draining_interval_seconds": (0, 360000),
    "preserve_client_ip.enabled": BOOLEAN,
    "proxy_protocol_v2.enabled": BOOLEAN,
    "stickiness.enabled": BOOLEAN,
    "stickiness.type": ("source_ip",),
    "load_balancing.cross_zone.enabled": (*BOOLEAN, "use_load_balancer_configuration"),
}
LOAD_BALANCER_ATTRIBUTES = {
    "load_balancing.cross_zone.enabled": BOOLEAN,
    "deletion_protection.enabled": BOOLEAN,
    "access_logs.s3.enabled": BOOLEAN,
    "access_logs.s3.bucket": None,
    "access_logs.s3.prefix": None,
    "dns_record.client_routing_policy": (
        "any_availability_zone", "partial_availability_zone_affinity", "availability_zone_affinity",
    ),
}
LISTENER_ATTRIBUTES = {"TCP": {"tcp.idle_timeout.seconds": (60, 6000)}, "TLS": {}}


def wrong_attributes(where, given, known):
    keys = [a["Key"] for a in given]
    for key in {k for k in keys if keys.count(k) > 1}:
        yield f"{where}: {key} twice"
    for attribute in given:
        key, value = attribute["Key"], str(attribute["Value"])
        allowed = known.get(key, ())
        if key not in known:
            yield f"{where}: there is no attribute {key}"
        elif allowed is None:
            continue
        elif isinstance(allowed[0], int):
            if not number(value, *allowed):
                yield f"{where}: {key} = {value} is not from {allowed[0]} to {allowed[1]}"
        elif value not in allowed:
            yield f"{where}: {key} = {value} is none of {allowed}"


@check
def attributes(d):
    for _, name, p in d.each(ELB + "TargetGroup"):
        yield from wrong_attributes(name, p["TargetGroupAttributes"], TARGET_GROUP_ATTRIBUTES)
    for _, name, p in d.each(ELB + "LoadBalancer"):
        yield from wrong_attributes(name, p["LoadBalancerAttributes"], LOAD_BALANCER_ATTRIBUTES)
    for _, name, p in d.each(ELB + "Listener"):
        known = LISTENER_ATTRIBUTES.get(p["Protocol"], {})
        yield from wrong_attributes(name, p.get("ListenerAttributes", []), known)


def attribute(p, key):
    return {a["Key"]: str(a["Value"]) for a in p["TargetGroupAttributes"]}.get(key)


@check
def protocols(d):
    groups = {f"<{s}:{n}>": p for s, n, p in d.each(ELB + "TargetGroup")}
    balancers = {f"<{s}:{n}>": p for s, n, p in d.each(ELB + "LoadBalancer")}
    for name, p in balancers.items():
        if p.get("Type") != "network":
            yield f"{name}: no network load balancer"
        if not p.get("SecurityGroups"):
            yield f"{name}: without a security group it can never get one"
        if ("Subnets" in p) == ("SubnetMappings" in p):
            yield f"{name}: either Subnets or SubnetMappings"
        mappings = p.get("SubnetMappings", [])
        if mappings and len(mappings) != int(d.parameter("network", "ZoneCount")):
            yield f"{name}: {len(mappings)} fixed addresses for {d.parameter('network', 'ZoneCount')} zones"
    for name, p in groups.items():
        if p["Protocol"] != "TCP":
            yield f"{name}: protocol {p['Protocol']}"
        if p["TargetType"] != "ip":
            yield f"{name}: Fargate tasks are targets of type ip, not {p['TargetType']}"
    used = set()
    for _, name, p in d.each(ELB + "Listener"):
        if p["Protocol"] not in ("TCP", "TLS"):
            yield f"{name}: protocol {p['Protocol']}"
        if (p["Protocol"] == "TLS") != ("Certificates" in p) or ("SslPolicy" in p) != ("Certificates" in p):
            yield f"{name}: certificate and policy are for TLS, and TLS needs them"
        if p["LoadBalancerArn"] not in balancers:
            yield f"{name}: no load balancer"
        for action in p["DefaultActions"]:
            used.add(action["TargetGroupArn"])
            if action["Type"] != "forward" or action["TargetGroupArn"] not in groups:
                yield f"{name}: forwards to nothing"
    for name in groups.keys() - used:
        yield f"{name}: no listener forwards to it, so no service can use it"


# docs: "TLS listeners for your Network Load Balancer", those with TLS 1.2 or newer only.
SSL_POLICIES = {
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
    "ELBSecurityPolicy-TLS-1-2-2017-01",
}


@check
def ssl_policy(d):
    for _, name, p in d.each(ELB + "Listener"):
        if "SslPolicy" in p and p["SslPolicy"] not in SSL_POLICIES:
            yield f"{name}: SslPolicy {p['SslPolicy']} is unknown or allows less than TLS 1.2"


@check
def health_checks(d):
    container = containers(d)[0]
    environment = environment_of(container)
    admin = int(environment["PARLEY_ADMIN"].rsplit(":", 1)[1])
    if environment["PARLEY_ADMIN"].startswith(("127.", "localhost")):
        yield "PARLEY_ADMIN: the load balancer cannot reach the loopback"
    for _, name, p in d.each(ELB + "TargetGroup"):
        if p["HealthCheckProtocol"] not in ("TCP", "HTTP"):
            yield f"{name}: health check by {p['HealthCheckProtocol']}"
        is_http = p["HealthCheckProtocol"] == "HTTP"
        if is_http != (p.get("HealthCheckPath") == "/readyz"):
            yield f"{name}: path {p.get('HealthCheckPath')} for {p['HealthCheckProtocol']}"
        if is_http != ("Matcher" in p):
            yield f"{name}: a matcher is for HTTP"
        if is_http and attribute(p, "proxy_protocol_v2.enabled") == "true":
            yield f"{name}: the admin port would be sent a PROXY header"
        if int(p["HealthCheckPort"]) != (admin if is_http else p["Port"]):
            yield f"{name}: asks port {p['HealthCheckPort']}"
        for key, low, high in (
            ("HealthCheckIntervalSeconds", 5, 300), ("HealthCheckTimeoutSeconds", 2, 120),
            ("HealthyThresholdCount", 2, 10), ("UnhealthyThresholdCount", 2, 10),
        ):
            if not number(p[key], low, high):
                yield f"{name}: {key} {p[key]} is not from {low} to {high}"
        if p["HealthCheckTimeoutSeconds"] >= p["HealthCheckIntervalSeconds"]:
            yield f"{name}: checks overlap"
    check_command = container["HealthCheck"]["Command"]
    if f"/{admin} " not in check_command[-1] + " " or "/healthz" not in check_command[-1]:
        yield "the container's health check does not ask /healthz of the admin port"
    if check_command[0] != "CMD":
        yield "the container's health check is not exec'd"
    if d.one("AWS::ECS::Service").get("HealthCheckGracePeriodSeconds", 0) < 60:
        yield "a grace period below 60 s"


def containers(d):
    return d.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]


def environment_of(container):
    return {e["Name"]: str(e["Value"]) for e in container["Environment"]}


def listeners(container):
    """Port -> flags, of PARLEY_LISTEN."""
    found, port = {}, None
    for word in environment_of(container)["PARLEY_LISTEN"].split(","):
        if ":" in word:
            port = int(word.rsplit(":", 1)[1])
            found[port] = set()
        else:
            found[port].add(word)
    return found


@check
def container_ports(d):
    by_name = {c["Name"]: c for c in containers(d)}
    groups = {f"<{s}:{n}>": p for s, n, p in d.each(ELB + "TargetGroup")}
    wanted = set(groups)
    tls = {
        a["TargetGroupArn"]
        for _, _, p in d.each(ELB + "Listener") if p["Protocol"] == "TLS"
        for a in p["DefaultActions"]
    }
    for entry in d.one("AWS::ECS::Service")["LoadBalancers"]:
        name, port, arn = entry["ContainerName"], entry["ContainerPort"], entry["TargetGroupArn"]
        wanted.discard(arn)
        if name not in by_name:
            yield f"the service balances the container {name}, which is not there"
            continue
        if port not in [m["ContainerPort"] for m in by_name[name]["PortMappings"]]:
            yield f"the container {name} has no port {port}"
        if arn not in groups:
            yield f"the service registers in {arn}, which is no target group"
            continue
        if groups[arn]["Port"] != port:
            yield f"{arn}: port {groups[arn]['Port']}, the service registers {port}"
        flags = listeners(by_name[name]).get(port)
        if flags is None:
            yield f"PARLEY_LISTEN has no port {port}"
            continue
        if ("proxy" in flags) != (attribute(groups[arn], "proxy_protocol_v2.enabled") == "true"):
            yield f"port {port}: relay and load balancer do not agree about PROXY protocol"
        if ("secure" in flags) != (arn in tls):
            yield f"port {port}: relay and load balancer do not agree about TLS"
        if (attribute(groups[arn], "preserve_client_ip.enabled") == "true") == ("proxy" in flags):
            yield f"{arn}: clients' addresses come by exactly one of the two ways"
    for arn in wanted:
        yield f"no service registers in {arn}"
    if "EXPOSE 5050" not in tree.DOCKERFILE or 5050 not in listeners(containers(d)[0]):
        yield "the image does not listen on 5050"


def rules(d):
    """(direction, group, protocol, from, to, peer) of all rules of security groups."""
    for stack, name, p in d.each(EC2 + "SecurityGroup"):
        me = f"<{stack}:{name}.GroupId>"
        for rule in p.get("SecurityGroupIngress", []):
            yield rule_of("in", me, rule)
        for rule in p.get("SecurityGroupEgress", [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]):
            yield rule_of("out", me, rule)
    for _, _, p in d.each(EC2 + "SecurityGroupIngress"):
        yield rule_of("in", p["GroupId"], p)
    for _, _, p in d.each(EC2 + "SecurityGroupEgress"):
        yield rule_of("out", p["GroupId"], p)


def rule_of(direction, group, p):
    peers = [
        p[key] for key in (
            "CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId",
            "SourcePrefixListId", "DestinationPrefixListId",
        ) if key in p
    ]
    low, high = int(p.get("FromPort", 0)), int(p.get("ToPort", 65535))
    return direction, group, str(p["IpProtocol"]), low, high, peers[0] if len(peers) == 1 else peers


def allows(d, direction, groups, port, peers):
    return any(
        r[0] == direction and r[1] in groups and r[2] in ("tcp", "-1") and r[3] <= port <= r[4]
        and (r[5] in peers or r[5] == "0.0.0.0/0")
        for r in rules(d)
    )


@check
def security_groups(d):
    nlb = d.one(ELB + "LoadBalancer")["SecurityGroups"]
    task = d.one("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    cache = d.one("AWS::ElastiCache::ReplicationGroup")
    cache_groups, cache_port = cache["SecurityGroupIds"], cache["Port"]
    known = {f"<{s}:{n}.GroupId>" for s, n, _ in d.each(EC2 + "SecurityGroup")}
    for group in {*nlb, *task, *cache_groups} - known:
        yield f"{group} is no security group"
    ports = set()
    for _, _, p in d.each(ELB + "TargetGroup"):
        ports |= {int(p["Port"]), int(p["HealthCheckPort"])}
    for port in ports:
        if not allows(d, "out", nlb, port, task):
            yield f"the load balancer may not send to tasks' port {port}"
        if not allows(d, "in", task, port, nlb):
            yield f"tasks do not let the load balancer in on port {port}"
    if not allows(d, "out", task, cache_port, cache_groups):
        yield "tasks may not send to Redis"
    if not allows(d, "in", cache_groups, cache_port, task):
        yield "Redis does not let tasks in"
    if not allows(d, "out", task, 443, ["0.0.0.0/0"]):
        yield "tasks may not reach AWS"
    public = {int(p["Port"]) for _, _, p in d.each(ELB + "Listener")}
    for port in public:
        if not any(r[0] == "in" and r[1] in nlb and r[3] == r[4] == port for r in rules(d)):
            yield f"nobody is let in to the listener {port}"
    for direction, group, protocol, low, high, peer in rules(d):
        if isinstance(peer, list):
            yield f"{group}: a rule has {len(peer)} peers"
        elif direction == "in" and not peer.startswith("<") and group not in nlb:
            if peer != d.parameter("network", "VpcCidr"):
                yield f"{group} lets {peer} in"
        elif direction == "in" and group in nlb and not (low == high and low in public):
            yield f"the load balancer lets {peer} in on {low}-{high}"
        elif direction == "out" and protocol == "-1" and d.parameter("edge", "OutboundTraffic") == "least":
            yield f"{group} may send everything"
        elif direction == "in" and peer.startswith("<") and peer not in known:
            yield f"{group} lets {peer} in, which is no security group"


@check
def drain(d):
    """Deregistration, then SIGTERM, then the relay's goodbye, then SIGKILL."""
    for _, name, p in d.each(ELB + "TargetGroup"):
        if int(attribute(p, "deregistration_delay.timeout_seconds") or 300) < 120:
            yield f"{name}: AWS wants 120 s or more before a target is gone"
        for key in (
            "deregistration_delay.connection_termination.enabled",
            "target_health_state.unhealthy.connection_termination.enabled",
        ):
            if attribute(p, key) != "false":
                yield f"{name}: {key} would cut connections"
    container = containers(d)[0]
    stop = container.get("StopTimeout", 30)
    if not number(stop, 2, 120):
        yield f"StopTimeout {stop} is not from 2 to 120"
    standard = tree.OPTIONS["PARLEY_DRAIN_SECONDS"]["standard"]
    drains = int(environment_of(container).get("PARLEY_DRAIN_SECONDS", standard))
    if drains + 20 > stop:
        yield f"{drains} s of goodbyes and 20 s to end do not fit into {stop} s"
    if int(standard) + 20 > stop:
        yield f"the relay's default of {standard} s does not fit into {stop} s"
    if "STOPSIGNAL SIGTERM" not in tree.DOCKERFILE or not re.search(r'^ENTRYPOINT \["', tree.DOCKERFILE, re.M):
        yield "the relay does not get SIGTERM itself"


@check
def readiness(d):
    """A failover of Redis must not make ECS replace every task."""
    default = tree.OPTIONS.get("PARLEY_READY_NEEDS_REDIS", {}).get("standard", "no")
    if environment_of(containers(d)[0]).get("PARLEY_READY_NEEDS_REDIS", default) != "no":
        yield "readiness depends on Redis"


# Actions that know no resources, so that only "*" is possible for them.
NO_RESOURCE = {
    "ec2:DescribeAvailabilityZones", "ecr:GetAuthorizationToken",
    "secretsmanager:GetRandomPassword", "route53:GetChange", "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
}


def policies(d):
    for stack, name, p in d.each("AWS::IAM::Role"):
        for policy in p.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield f"{stack}:{name}", statement
    for stack, name, p in d.each("AWS::IAM::ManagedPolicy"):
        for statement in p["PolicyDocument"]["Statement"]:
            yield f"{stack}:{name}", statement


def listed(value):
    return value if isinstance(value, list) else [value]


@check
def iam(d):
    for where, statement in policies(d):
        if statement["Effect"] != "Allow":
            continue
        actions = listed(statement["Action"])
        for action in actions:
            if "*" in action:
                yield f"{where}: {action}"
        region = statement.get("Condition", {}).get("StringEquals", {}).get("aws:RequestedRegion")
        if "*" in listed(statement["Resource"]) and not region:
            for action in set(actions) - NO_RESOURCE:
                yield f"{where}: {action} on everything"
        for resource in listed(statement["Resource"]):
            if resource != "*" and resource.endswith(":*"):
                yield f"{where}: on {resource}"
        if "NotAction" in statement or "NotResource" in statement:
            yield f"{where}: says what is not meant"
        if "iam:PassRole" in actions and "iam:PassedToService" not in str(statement.get("Condition")):
            yield f"{where}: may pass roles to anything"
        if {"iam:CreateRole", "iam:PutRolePolicy"} & set(actions) and "iam:PermissionsBoundary" not in str(
            statement.get("Condition")
        ):
            yield f"{where}: may make roles without a boundary"
    for stack, name, p in d.each("AWS::IAM::Role"):
        if p.get("ManagedPolicyArns"):
            yield f"{stack}:{name}: policies of others change without us"
        for statement in p["AssumeRolePolicyDocument"]["Statement"]:
            if "*" in str(statement["Principal"]):
                yield f"{stack}:{name}: anybody may assume it"
            if "Federated" in statement["Principal"]:
                condition = statement.get("Condition", {})
                keys = condition.get("StringEquals", {})
                if set(condition) != {"StringEquals"} or len(keys) != 2 or "*" in str(keys):
                    yield f"{stack}:{name}: trusts more than one subject"
                if keys.get("token.actions.githubusercontent.com:sub") != d.parameter("oidc", "GitHubSubject"):
                    yield f"{stack}:{name}: the subject is not the parameter"
            elif statement["Principal"].get("Service") not in (
                "ecs-tasks.amazonaws.com", "vpc-flow-logs.amazonaws.com", "cloudformation.amazonaws.com",
            ):
                yield f"{stack}:{name}: is assumed by {statement['Principal']}"
    if d.resources["service"].get("TaskRole", {}).get("Properties", {}).get("Policies"):
        yield "the relay needs nothing of AWS"


@check
def boundaries(d):
    """With the boundary given, every role has it, and needs no more than it allows."""
    for stack, name, p in d.each("AWS::IAM::Role"):
        if stack == "oidc" or "PermissionsBoundaryArn" not in d.stacks[stack].template["Parameters"]:
            continue
        if p.get("PermissionsBoundary", "") != d.parameter(stack, "PermissionsBoundaryArn"):
            yield f"{stack}:{name}: not within the boundary"
    allowed = {
        a for s in d.resources["oidc"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
        for a in listed(s["Action"])
    }
    for where, statement in policies(d):
        if not where.startswith("oidc:"):
            for action in set(listed(statement["Action"])) - allowed:
                yield f"{where}: {action} is beyond the boundary"


STATEFUL = {
    "AWS::ECR::Repository": {"Retain"},
    "AWS::ElastiCache::ReplicationGroup": {"Snapshot"},
    "AWS::Logs::LogGroup": {"Retain", "Delete"},
    "AWS::SecretsManager::Secret": {"Delete"},
    "AWS::IAM::OIDCProvider": {"Retain"},
}


@check
def deletion_policies(d):
    for stack, resources in d.resources.items():
        for name, resource in resources.items():
            for key in ("DeletionPolicy", "UpdateReplacePolicy"):
                allowed = STATEFUL.get(resource["Type"])
                if allowed and resource.get(key) not in allowed:
                    yield f"{stack}:{name}: {key} {resource.get(key)}"
    group = d.resources["service"].get("LogGroup", {})
    if group.get("DeletionPolicy") != "Retain":
        yield "the relay's log goes with the stack"


# Names that AWS fixes would be in the way of what a deleted stack left.
@check
def names(d):
    for _, name, p in d.each("AWS::Logs::LogGroup"):
        if "LogGroupName" in p:
            yield f"{name}: a fixed name"
    for _, name, p in d.each("AWS::ECR::Repository"):
        if "RepositoryName" in p:
            yield f"{name}: a fixed name"
    for stack, name, p in [*d.each("AWS::IAM::Role"), *d.each(ELB + "LoadBalancer"), *d.each(ELB + "TargetGroup")]:
        if {"RoleName", "Name"} & set(p):
            yield f"{stack}:{name}: a fixed name"
    for _, name, p in d.each("AWS::SecretsManager::Secret"):
        if not p["Name"].startswith(f"/{d.project}/{d.environment}/"[1:]) or not p["Name"].endswith("-0"):
            yield f"{name}: a deleted secret keeps its name for days; it must have the stack's id"


AWS_METRICS = {
    "AWS/NetworkELB": {
        "HealthyHostCount", "UnHealthyHostCount", "PortAllocationErrorCount", "NewFlowCount",
        "ActiveFlowCount", "TCP_Client_Reset_Count", "TCP_Target_Reset_Count", "TCP_ELB_Reset_Count",
    },
    "AWS/ElastiCache": {"EngineCPUUtilization", "DatabaseMemoryUsagePercentage"},
    "AWS/ECS": {"CPUUtilization", "MemoryUtilization"},
}
DIMENSIONS = {
    "AWS/NetworkELB": [{"LoadBalancer"}, {"LoadBalancer", "TargetGroup"}],
    "AWS/ElastiCache": [{"CacheClusterId"}],
    "AWS/ECS": [{"ClusterName", "ServiceName"}],
}


def metrics(d):
    """(where, namespace, name, dimensions) of alarms, scaling and the dashboard."""
    for stack, name, p in d.each("AWS::CloudWatch::Alarm"):
        specs = [p] if "MetricName" in p else [
            m["MetricStat"]["Metric"] for m in p["Metrics"] if "MetricStat" in m
        ]
        for m in specs:
            yield f"{stack}:{name}", m["Namespace"], m["MetricName"], {
                x["Name"]: x["Value"] for x in m["Dimensions"]
            }
    for stack, name, p in d.each("AWS::ApplicationAutoScaling::ScalingPolicy"):
        m = p["TargetTrackingScalingPolicyConfiguration"].get("CustomizedMetricSpecification")
        if m:
            yield f"{stack}:{name}", m["Namespace"], m["MetricName"], {
                x["Name"]: x["Value"] for x in m["Dimensions"]
            }
    for widget in json.loads(d.one("AWS::CloudWatch::Dashboard")["DashboardBody"])["widgets"]:
        for m in widget["properties"].get("metrics", []):
            if isinstance(m[0], str):
                words = [w for w in m if isinstance(w, str)]
                yield f"dashboard, {widget['properties']['title']}", words[0], words[1], dict(
                    zip(words[2::2], words[3::2])
                )
            else:
                for space, name in re.findall(r"\{(AWS/\w+),\w+\} MetricName=\"(\w+)\"", m[0]["expression"]):
                    yield "dashboard", space, name, {"CacheClusterId": ""}


@check
def metric_names(d):
    environment = environment_of(containers(d)[0])
    ours = environment["PARLEY_EMF_NAMESPACE"]
    for where, space, name, dimensions in metrics(d):
        if space == ours:
            if not tree.EMF_SKIP and name not in tree.EMF:
                yield f"{where}: the relay reports no {name} (METRIC_EMF in metrics.def)"
            if dimensions != {"Service": environment["PARLEY_EMF_SERVICE"]}:
                yield f"{where}: the relay reports {name} for another service than {dimensions}"
        elif name not in AWS_METRICS.get(space, ()):
            yield f"{where}: {space} has no metric {name} that is known here"
        elif set(dimensions) not in DIMENSIONS[space]:
            yield f"{where}: {name} is not reported by {set(dimensions)}"


@check
def alarms(d):
    names = {f"<{s}:{n}>": p for s, n, p in d.each("AWS::CloudWatch::Alarm")}
    topic = next(f"<{s}:{n}>" for s, n, _ in d.each("AWS::SNS::Topic"))
    every = int(environment_of(containers(d)[0])["PARLEY_EMF"])
    for name, p in names.items():
        if p.get("TreatMissingData") != "notBreaching":
            yield f"{name}: goes off before there is data"
        if p.get("AlarmActions") != [topic] or not p.get("AlarmDescription"):
            yield f"{name}: tells nobody, or not what to do"
        if "AlarmName" in p:
            yield f"{name}: a fixed name"
        if p.get("Namespace") == "Parley" and p["Period"] < every:
            yield f"{name}: looks more often than the relay reports"
    deployment = d.one("AWS::ECS::Service")["DeploymentConfiguration"]["Alarms"]
    for name in deployment["AlarmNames"]:
        if name not in names or not name.startswith("<service:"):
            yield f"the deployment watches {name}, which is not there yet when it begins"
    nodes = set()
    cache = d.one("AWS::ElastiCache::ReplicationGroup")
    shards = int(cache["NumNodeGroups"]) if cache["ClusterMode"] == "enabled" else 0
    for node in range(1, int(cache["ReplicasPerNodeGroup"]) + 2):
        if shards:
            nodes |= {f"<data:Cache>-{s:04}-{node:03}" for s in range(1, shards + 1)}
        else:
            nodes.add(f"<data:Cache>-{node:03}")
    watched = {
        x["Value"] for p in names.values() for x in p.get("Dimensions", []) if x["Name"] == "CacheClusterId"
    }
    if not watched or watched - nodes:
        yield f"alarms on nodes of Redis that are not there: {watched - nodes or 'none'}"
    if len(watched) < min(2, max(shards, 1)) * min(2, int(cache["ReplicasPerNodeGroup"]) + 1):
        yield "nodes of Redis that no alarm watches"


@check
def environment_names(d):
    for container in containers(d):
        for name, value in environment_of(container).items():
            row = tree.OPTIONS.get(name)
            if row is None:
                yield f"{name}: the relay has no such option"
            elif row["secret"]:
                yield f"{name}: a secret in the open"
            elif row["type"] in ("OPTION_NUMBER", "OPTION_POWER") and not number(value, row["min"], row["max"]):
                yield f"{name} = {value}: the relay takes {row['min']} to {row['max']}"
            elif row["type"] == "OPTION_CHOICE" and value not in row["accepts"].split("|"):
                yield f"{name} = {value}: the relay takes {row['accepts']}"
        for secret in container["Secrets"]:
            if not tree.OPTIONS.get(secret["Name"], {}).get("secret"):
                yield f"{secret['Name']}: no secret option of the relay"
            if secret["ValueFrom"] not in {f"<{s}:{n}>" for s, n, _ in d.each("AWS::SecretsManager::Secret")}:
                yield f"{secret['Name']}: {secret['ValueFrom']} is no secret"
        if {s["Name"] for s in container["Secrets"]} & set(environment_of(container)):
            yield "a variable that is set twice"


@check
def secrets(d):
    """Passwords are generated, and pass only from secret to user and to secret."""
    urls = {f"<{s}:{n}>" for s, n, p in d.each("AWS::SecretsManager::Secret") if "SecretString" in p}
    generated = {f"<{s}:{n}>" for s, n, p in d.each("AWS::SecretsManager::Secret") if "GenerateSecretString" in p}
    for _, name, p in d.each("AWS::SecretsManager::Secret"):
        if "SecretString" in p:
            wanted = r"rediss(?:-cluster)?://([a-z0-9-]+):\{\{resolve:secretsmanager:(<[^>]+>)\}\}@<data:Cache\.\w+\.Address>:<data:Cache\.\w+\.Port>"
            match = re.fullmatch(wanted, p["SecretString"])
            if not match or match.group(2) not in generated:
                yield f"{name}: holds something else than a URL with a generated password"
                continue
            users = {u["UserName"]: u for _, _, u in d.each("AWS::ElastiCache::User")}
            user = users.get(match.group(1), {"AuthenticationMode": {"Passwords": []}})
            if user["AuthenticationMode"]["Passwords"] != [f"{{{{resolve:secretsmanager:{match.group(2)}}}}}"]:
                yield f"{name}: the user {match.group(1)} has another password"
        elif p["GenerateSecretString"].get("PasswordLength", 32) < 32 or not p["GenerateSecretString"].get("ExcludePunctuation"):
            yield f"{name}: a password that is short or breaks a URL"
    reads = [s for w, s in policies(d) if w == "service:ExecutionRole" and "secretsmanager:GetSecretValue" in listed(s["Action"])]
    if [listed(s["Resource"]) for s in reads] != [sorted(urls)]:
        yield "tasks may read something else than their one secret"
    for stack, resources in d.resources.items():
        text = json.dumps(resources)
        if re.search(r'(?i)"[^"]*(password|token|secret)[^"]*": "(?!\{\{resolve|<|arn|/)[A-Za-z0-9+/=]{16,}"', text):
            yield f"{stack}: something like a secret in plain text"


LISTS = {"StringList"}


@check
def wiring(d):
    told = {}
    for stack in ["oidc", *tree.DEPLOY_ORDER]:
        for name, path in d.readers[stack].items():
            kind = d.stacks[stack].template["Parameters"][name]["Type"]
            if path not in told:
                yield f"{stack}.{name}: {path} is told by no stack before it"
            elif ("List<" in kind) != (told[path] == "StringList"):
                yield f"{stack}.{name}: {kind} from a {told[path]}"
        for _, resource in d.resources[stack].items():
            if resource["Type"] == "AWS::SSM::Parameter":
                p = resource["Properties"]
                if not p["Name"].startswith(f"/{d.project}/{d.environment}/{stack}/"):
                    yield f"{stack}: tells under {p['Name']}"
                if p["Name"] in told:
                    yield f"{p['Name']} is told twice"
                if not str(p["Value"]).strip(","):
                    yield f"{p['Name']} is empty, which SSM refuses"
                told[p["Name"]] = p["Type"]
    if list(tree.DEPLOY_ORDER) != [s for s in cfn.STACKS if s != "oidc"]:
        yield "deploy.sh and the numbers of the templates differ in order"
    yield from d.problems


UNTAGGED = {
    "AWS::SSM::Parameter", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::Route", "AWS::EC2::VPCEndpoint",
    "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress",
    ELB + "Listener", "AWS::Route53::RecordSet", "AWS::SNS::Subscription", "AWS::IAM::ManagedPolicy",
    "AWS::ElastiCache::SubnetGroup", "AWS::ElastiCache::ParameterGroup", "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard", "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
}


@check
def tags(d):
    for stack, resources in d.resources.items():
        for name, resource in resources.items():
            if resource["Type"] in UNTAGGED:
                continue
            found = {t["Key"]: t["Value"] for t in resource["Properties"].get("Tags", [])}
            if (found.get("Project"), found.get("Environment")) != (d.project, d.environment):
                yield f"{stack}:{name}: tags {found}"


@check
def templates(d):
    for stack, it in d.stacks.items():
        text, template = d.texts[stack], it.template
        if len(text.encode()) > 51200:
            yield f"{stack}: too large to be sent directly"
        if cfn.has_aliases(text):
            yield f"{stack}: CloudFormation refuses YAML's aliases"
        groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        shown = [p for g in groups for p in g["Parameters"]]
        if sorted(shown) != sorted(template["Parameters"]):
            yield f"{stack}: parameters and their groups: {set(shown) ^ set(template['Parameters'])}"
        for name, p in template["Parameters"].items():
            if not p.get("Description"):
                yield f"{stack}.{name}: no description"
            if "AllowedPattern" in p and "Default" in p and not re.search(p["AllowedPattern"], str(p["Default"])):
                yield f"{stack}.{name}: the default is not allowed"
            value = it.values.get(name)
            if value is not None and "AllowedPattern" in p and not re.search(p["AllowedPattern"], str(value)):
                yield f"{stack}.{name}: {value} is not allowed by its pattern"
            if value is not None and "AllowedValues" in p and str(value) not in map(str, p["AllowedValues"]):
                yield f"{stack}.{name}: {value} is none of {p['AllowedValues']}"
            if value is not None and p["Type"] == "Number" and not (
                float(p.get("MinValue", "-inf")) <= float(value) <= float(p.get("MaxValue", "inf"))
            ):
                yield f"{stack}.{name}: {value} is out of range"


FARGATE = {
    256: (512, 1024, 2048), 512: range(1024, 4097, 1024), 1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
}


@check
def task_definition(d):
    t = d.one("AWS::ECS::TaskDefinition")
    if int(t["Memory"]) not in FARGATE.get(int(t["Cpu"]), ()):
        yield f"Fargate has no task of {t['Cpu']} with {t['Memory']} MiB"
    if t["NetworkMode"] != "awsvpc" or t["RequiresCompatibilities"] != ["FARGATE"]:
        yield "not for Fargate"
    user = re.search(r"^USER (\S+)", tree.DOCKERFILE, re.M).group(1)
    for c in t["ContainerDefinitions"]:
        if c.get("User") != user or user.startswith("0"):
            yield f"runs as {c.get('User')}, the image as {user}"
        if c.get("ReadonlyRootFilesystem") is not True or c["LinuxParameters"]["Capabilities"] != {"Drop": ["ALL"]}:
            yield "more rights than needed"
        files = {u["Name"]: u for u in c.get("Ulimits", [])}.get("nofile", {"SoftLimit": 1024, "HardLimit": 0})
        if files["SoftLimit"] > 65535 or files["SoftLimit"] > files["HardLimit"]:
            yield f"open files: {files}"
        if int(environment_of(c)["PARLEY_MAX_SESSIONS"]) + RESERVED_DESCRIPTORS > files["SoftLimit"]:
            yield f"more clients than open files: {environment_of(c)['PARLEY_MAX_SESSIONS']}"
        if "@sha256:" not in c["Image"]:
            yield "the image is not given by its digest"
        log = c["LogConfiguration"]
        wanted = {"awslogs-group", "awslogs-region", "awslogs-stream-prefix", "mode", "max-buffer-size"}
        if log["LogDriver"] != "awslogs" or set(log["Options"]) != wanted or log["Options"]["mode"] != "non-blocking":
            yield f"log: {log}"
        if log["Options"].get("awslogs-group") not in {f"<{s}:{n}>" for s, n, _ in d.each("AWS::Logs::LogGroup")}:
            yield "logs into nothing"
        if c.get("DockerLabels", {}).get("parley.redis-credential") != d.told[f"/{d.project}/{d.environment}/data/redis-credential"][1]:
            yield "a new password starts no new tasks"


@check
def deployment(d):
    s = d.one("AWS::ECS::Service")
    c = s["DeploymentConfiguration"]
    if c["DeploymentCircuitBreaker"] != {"Enable": True, "Rollback": True} or not (
        c["Alarms"]["Enable"] and c["Alarms"]["Rollback"]
    ):
        yield "a failed deployment is not rolled back"
    if c["MinimumHealthyPercent"] < 100 or not 125 <= c["MaximumPercent"] <= 200:
        yield "fewer tasks than wanted while deploying, or all at once"
    if s.get("AvailabilityZoneRebalancing") != "DISABLED":
        yield "ECS moves tasks for symmetry (the default)"
    if "DesiredCount" in s:
        yield "a deployment undoes the scaling"
    if s.get("EnableExecuteCommand"):
        yield "ECS Exec writes into a root that is read-only"
    if s.get("PropagateTags") != "SERVICE":
        yield "tasks without tags"
    vpc = s["NetworkConfiguration"]["AwsvpcConfiguration"]
    public = d.told[f"/{d.project}/{d.environment}/network/public-subnet-ids"][1].split(",")
    if (vpc["AssignPublicIp"] == "ENABLED") != (vpc["Subnets"] == public):
        yield f"tasks in {vpc['Subnets']} with public addresses {vpc['AssignPublicIp']}"


@check
def scaling(d):
    t = d.one("AWS::ApplicationAutoScaling::ScalableTarget")
    if int(t["MinCapacity"]) > int(t["MaxCapacity"]) or int(t["MinCapacity"]) < 2:
        yield f"from {t['MinCapacity']} to {t['MaxCapacity']} tasks"
    if t["ResourceId"] != "service/<service:Cluster>/<service:Service.Name>":
        yield f"scales {t['ResourceId']}"
    for _, name, p in d.each("AWS::ApplicationAutoScaling::ScalingPolicy"):
        c = p["TargetTrackingScalingPolicyConfiguration"]
        if c["ScaleInCooldown"] < 600:
            yield f"{name}: takes tasks away hastily"
        m = c.get("CustomizedMetricSpecification")
        if m and (m["Statistic"] != "Average" or tree.EMF.get(m["MetricName"], "GAUGE") != "GAUGE"):
            yield f"{name}: target tracking needs an average per task"
    full = int(d.parameter("service", "MaxSessionsPerTask"))
    if int(d.parameter("scaling", "SessionsPerTask")) > 0.8 * full:
        yield "tasks are full before there are more of them"
    if int(d.parameter("observability", "MaxSessionsPerTask")) != full:
        yield "service and observability have different MaxSessionsPerTask"


@check
def redis(d):
    c = d.one("AWS::ElastiCache::ReplicationGroup")
    replicas, shards = int(c["ReplicasPerNodeGroup"]), int(c["NumNodeGroups"])
    clustered = c["ClusterMode"] == "enabled"
    if (clustered or replicas) and c["AutomaticFailoverEnabled"] is not True:
        yield "no failover although there is something to fail over to"
    if c["AutomaticFailoverEnabled"] and not clustered and not replicas:
        yield "failover without replicas"
    if c["MultiAZEnabled"] != bool(replicas):
        yield "several zones need replicas, and replicas need several zones"
    if not clustered and shards != 1:
        yield "shards without cluster mode"
    if c.get("TransitEncryptionEnabled") is not True or c.get("TransitEncryptionMode") != "required":
        yield "no TLS"
    if c.get("AtRestEncryptionEnabled") is not True or not c.get("UserGroupIds") or "AuthToken" in c:
        yield "not encrypted, or without users"
    g = d.one("AWS::ElastiCache::ParameterGroup")
    if g["Properties"]["cluster-enabled"] != ("yes" if clustered else "no"):
        yield "the parameter group is for the other mode"
    if g["Properties"]["maxmemory-policy"] != "noeviction":
        yield "Redis may forget what it likes"
    if int(g["Properties"]["min-replicas-to-write"]) > max(replicas - 1, 0):
        yield "the loss of one replica would stop all writing"
    if not g["CacheParameterGroupFamily"].startswith("valkey" + c["EngineVersion"].split(".")[0]):
        yield f"{g['CacheParameterGroupFamily']} for {c['EngineVersion']}"
    url = next(p["SecretString"] for _, _, p in d.each("AWS::SecretsManager::Secret") if "SecretString" in p)
    if ("ConfigurationEndPoint" in url) != clustered or ("PrimaryEndPoint" in url) == clustered:
        yield "the URL has the endpoint of the other mode"
    if url.partition(":")[0] != ("rediss-cluster" if clustered else "rediss"):
        yield "the URL names the other mode"
    for _, name, u in d.each("AWS::ElastiCache::User"):
        words = u["AccessString"].split()
        if words[:2] != ["on", "resetkeys"] or "-@all" not in words or any(w.startswith("+@") for w in words):
            yield f"{name}: more rights than listed"
        prefix = environment_of(containers(d)[0])["PARLEY_REDIS_PREFIX"]
        if f"~{prefix}:*" not in words or f"&{prefix}:*" not in words or "resetchannels" not in words:
            yield f"{name}: other keys or channels than the relay uses"
        if len(u["UserId"]) > 40:
            yield f"{name}: an id of {len(u['UserId'])}"


@check
def network(d):
    vpcs = list(d.each(EC2 + "VPC"))
    endpoints = [p for _, _, p in d.each(EC2 + "VPCEndpoint")]
    if not vpcs:
        if endpoints or list(d.each(EC2 + "Subnet")):
            yield "makes things in a VPC that is not its own"
        return
    vpc = vpcs[0][2]
    if not (vpc["EnableDnsSupport"] and vpc["EnableDnsHostnames"]):
        yield "no DNS names"
    whole = ipaddress.ip_network(vpc["CidrBlock"])
    subnets = [(n, ipaddress.ip_network(p["CidrBlock"]), p) for _, n, p in d.each(EC2 + "Subnet")]
    zones = int(d.parameter("network", "ZoneCount"))
    for kind in ("Public", "Private"):
        mine = [p["AvailabilityZone"] for n, _, p in subnets if n.startswith(kind)]
        if len(mine) != zones or len(set(mine)) != zones:
            yield f"{kind} subnets in {mine}"
    for i, (name, block, p) in enumerate(subnets):
        if not block.subnet_of(whole):
            yield f"{name}: {block} is outside of {whole}"
        for other, theirs, _ in subnets[:i]:
            if block.overlaps(theirs):
                yield f"{name} and {other} overlap"
        if p["MapPublicIpOnLaunch"]:
            yield f"{name}: public addresses for all"
    mode = d.parameter("network", "EgressMode")
    routes = [p for _, _, p in d.each(EC2 + "Route")]
    private = [r for r in routes if "Private" in r["RouteTableId"]]
    if (len(private) == zones) != (mode == "nat") or any("GatewayId" in r for r in private):
        yield f"{mode}: routes of private subnets {private}"
    gateways = {f"<network:{n}>" for _, n, _ in d.each(EC2 + "NatGateway")}
    if {r["NatGatewayId"] for r in private if "NatGatewayId" in r} != gateways:
        yield "gateways and routes do not meet"
    services = {p["ServiceName"].split(".", 3)[3] for p in endpoints}
    wanted = {"s3"} | ({"ecr.api", "ecr.dkr", "logs", "secretsmanager"} if mode == "endpoints" else set())
    if services != wanted:
        yield f"{mode}: endpoints {services}"
    for p in endpoints:
        if p["VpcEndpointType"] == "Gateway":
            if len(p["RouteTableIds"]) != zones + 1:
                yield "S3 is not reached from everywhere"
        elif not p["PrivateDnsEnabled"] or not p["SecurityGroupIds"] or len(p["SubnetIds"]) != zones:
            yield f"{p['ServiceName']}: not reached from everywhere"
    if mode != "public" and d.told[f"/{d.project}/{d.environment}/network/task-public-ip"][1] != "DISABLED":
        yield "private tasks with public addresses"


@check
def logs(d):
    for stack, name, p in d.each("AWS::Logs::LogGroup"):
        if int(p.get("RetentionInDays", 0)) < 1:
            yield f"{stack}:{name}: kept forever"


@check
def repository(d):
    p = d.one("AWS::ECR::Repository")
    if p["ImageTagMutability"] != "IMMUTABLE" or p["EmptyOnDelete"]:
        yield "images can be changed or lost"
    rules_ = json.loads(p["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    if [r["rulePriority"] for r in rules_] != [1, 2] or not all(r["action"]["type"] == "expire" for r in rules_):
        yield f"images pile up: {rules_}"


def all_problems(d):
    for name, function in CHECKS.items():
        for problem in function(d):
            yield f"{name}: {problem}"
