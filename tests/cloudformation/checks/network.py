"""Who reaches whom: subnets, routes, security groups."""

import ipaddress

from checks.base import EC2, ELB, check


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
