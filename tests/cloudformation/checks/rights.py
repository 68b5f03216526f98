"""Who may do what, and who knows which secret."""

import json
import re

from checks.base import check, listed, policies

# Actions that know no resources, so that only "*" is possible for them.
NO_RESOURCE = {
    "ec2:DescribeAvailabilityZones", "ecr:GetAuthorizationToken",
    "secretsmanager:GetRandomPassword", "route53:GetChange", "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
}


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
