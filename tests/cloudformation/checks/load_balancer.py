"""The load balancer, its target groups, and the ports of the relay behind them."""

import tree
from checks.base import ELB, attribute, check, containers, environment_of, listeners, number

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
