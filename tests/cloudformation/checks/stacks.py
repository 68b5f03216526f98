"""The stacks themselves: names, tags, parameters, what one tells the next."""

import re

import cfn
import tree
from checks.base import ELB, check

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
