"""Every combination of the parameters that templates decide by."""

import itertools

import cfn

VPC = {
    "network.ExistingVpcId": "vpc-0123456789abcdef0",
    "network.ExistingPublicSubnetIds": "subnet-1,subnet-2,subnet-3",
    "network.ExistingPrivateSubnetIds": "subnet-4,subnet-5,subnet-6",
}
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/0-1"
PROVIDER = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"

# Stack -> what varies there: a list of choices, each a list of settings.
AXES = {
    "oidc": [[{}, {"oidc.ExistingOidcProviderArn": PROVIDER}]],
    "network": [
        [{}, VPC],
        [{"network.ZoneCount": "2"}, {"network.ZoneCount": "3"}],
        [{"network.EgressMode": mode} for mode in ("public", "endpoints", "nat")],
        [{"network.NatGateways": "single"}, {"network.NatGateways": "per-zone"}],
        [{"network.FlowLogDays": "0"}, {"network.FlowLogDays": "14"}],
        [{}, {"network.PermissionsBoundaryArn": BOUNDARY}],
    ],
    "notify": [[{}, {"notify.AlarmEmail": "somebody@example.com"}]],
    "data": [
        [{"data.ClusterMode": "disabled"}, {"data.ClusterMode": "enabled"}],
        [{"data.NumNodeGroups": n} for n in ("1", "2", "3")],
        [{"data.ReplicasPerNodeGroup": n} for n in ("0", "1", "2")],
        [{"data.ActiveUser": "A"}, {"data.ActiveUser": "B", "data.UserA": "2", "data.UserB": "7"}],
        [{"data.EngineVersion": v} for v in ("7.2", "8.1")],
    ],
    "edge": [
        [{}, {"edge.CertificateArn": CERTIFICATE}],
        [{"edge.ClientAddress": "preserve"}, {"edge.ClientAddress": "proxy"}],
        [{}, {"edge.AllowedPrefixListId": "pl-0123456789abcdef0"}],
        [{}, {"edge.HostedZoneId": "Z0123456789", "edge.HostName": "chat.example.com"}],
        [{"edge.StaticAddresses": "no"}, {"edge.StaticAddresses": "yes"}],
        [{"edge.Scheme": "internet-facing"}, {"edge.Scheme": "internal"}],
        [{}, {"edge.AccessLogBucket": "some-bucket"}],
        [{"edge.OutboundTraffic": "least"}, {"edge.OutboundTraffic": "all"}],
    ],
    "service": [[{}, {"service.PermissionsBoundaryArn": BOUNDARY}]],
    "scaling": [[{"scaling.ScaleIn": "true"}, {"scaling.ScaleIn": "false"}]],
}


def combinations(stack):
    for choice in itertools.product(*AXES[stack]):
        merged = {}
        for part in choice:
            merged.update(part)
        yield merged


def deployments(environment, stack):
    """All combinations in one stack; what lies before it is resolved once."""
    settings = cfn.settings_of(environment)
    base = cfn.Deployment(settings, environment=environment)
    for extra in combinations(stack):
        yield extra, cfn.Deployment({**settings, **extra}, environment=environment, base=base, start=stack)


def conditions_covered():
    """(stack, condition) -> the values that were met."""
    met = {}
    for stack in AXES:
        for environment in ("dev", "prod"):
            for _, d in deployments(environment, stack):
                for name, it in d.stacks.items():
                    for condition in it.template.get("Conditions", {}):
                        met.setdefault((name, condition), set()).add(it.condition(condition))
    return met
