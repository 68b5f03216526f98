"""Metrics exist under the names by which alarms and the dashboard ask for them."""

import json
import re

import tree
from checks.base import check, containers, environment_of

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
