"""What the checks share: their register, and what several of them look at."""

import re

ELB = "AWS::ElasticLoadBalancingV2::"
EC2 = "AWS::EC2::"
CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


def number(text, low, high):
    return re.fullmatch(r"\d+", str(text)) and low <= int(text) <= high


def attribute(p, key):
    return {a["Key"]: str(a["Value"]) for a in p["TargetGroupAttributes"]}.get(key)


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
