"""The relay's tasks: options, size, health, start and end, scaling."""

import json
import re

import tree
from checks.base import ELB, attribute, check, containers, environment_of, number

# Linux keeps some descriptors busy beside clients: Redis, listeners, the log, the admin port.
RESERVED_DESCRIPTORS = 500


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
