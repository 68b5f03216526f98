"""Each check is shown to notice what it is for: a table of what could go wrong."""

import cfn
import checks
import pytest
import scenarios

TLS = {"edge.CertificateArn": scenarios.CERTIFICATE}
PROXY = {"edge.ClientAddress": "proxy"}
ENDPOINTS = {"network.EgressMode": "endpoints"}
NAT = {"network.EgressMode": "nat"}
CLUSTER = {"data.ClusterMode": "enabled", "data.NumNodeGroups": "2", "data.ReplicasPerNodeGroup": "1"}

# check, stack, text, what it becomes, settings; as many of each check as come to mind.
MUTATIONS = [
    # What linters miss (the table in the facts on AWS).
    ("drain", "service", "StopTimeout: 120", "StopTimeout: 500", {}),
    ("attributes", "edge", "deregistration_delay.timeout_seconds", "deregistration_delay.timeout", {}),
    ("attributes", "edge", 'tcp.idle_timeout.seconds, Value: "1800"', 'tcp.idle_timeout.seconds, Value: "9000"', {}),
    ("attributes", "edge", "load_balancing.cross_zone.enabled", "idle_timeout.timeout_seconds", {}),
    ("attributes", "edge", "stickiness.enabled", "load_balancing.algorithm.type", {}),
    ("protocols", "edge", "TargetType: ip", "TargetType: instance", {}),
    ("protocols", "edge", "Protocol: TCP\n      Port: 5050\n      ListenerAttributes", "Protocol: HTTP\n      Port: 5050\n      ListenerAttributes", {}),
    ("protocols", "edge", "TargetType: ip\n      Protocol: TCP", "TargetType: ip\n      Protocol: HTTP", {}),
    ("ssl_policy", "edge", "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS14-2030-01", TLS),
    ("ssl_policy", "edge", "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08", TLS),
    ("container_ports", "service", "- ContainerName: relay\n          ContainerPort: 5050", "- ContainerName: chat\n          ContainerPort: 5050", {}),
    ("container_ports", "service", "ContainerPort: 5050\n", "ContainerPort: 5055\n", {}),
    ("security_groups", "edge", "FromPort: 8080\n          ToPort: 8080\n          DestinationSecurityGroupId", "FromPort: 8081\n          ToPort: 8081\n          DestinationSecurityGroupId", {}),
    # Attributes and their ranges.
    ("attributes", "edge", 'deregistration_delay.timeout_seconds, Value: "120"', 'deregistration_delay.timeout_seconds, Value: "4000"', {}),
    ("attributes", "edge", 'stickiness.enabled, Value: "false"', 'preserve_client_ip.enabled, Value: "false"', {}),
    # What cuts connections.
    ("drain", "edge", 'deregistration_delay.connection_termination.enabled, Value: "false"', 'deregistration_delay.connection_termination.enabled, Value: "true"', {}),
    ("drain", "edge", "        - { Key: target_health_state.unhealthy.connection_termination.enabled, Value: \"false\" }\n", "", {}),
    ("drain", "edge", 'timeout_seconds, Value: "120"', 'timeout_seconds, Value: "30"', {}),
    ("drain", "service", 'PARLEY_DRAIN_SECONDS, Value: "90"', 'PARLEY_DRAIN_SECONDS, Value: "119"', {}),
    ("drain", "service", "          StopTimeout: 120\n", "", {}),
    ("readiness", "service", "PARLEY_LOG_FORMAT, Value: json", 'PARLEY_READY_NEEDS_REDIS, Value: "yes"', {}),
    # Load balancer.
    ("protocols", "edge", "Type: network", "Type: application", {}),
    ("protocols", "edge", "SecurityGroups: [!GetAtt LoadBalancerSg.GroupId]", "SecurityGroups: []", {}),
    ("protocols", "edge", "      SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06\n", "", TLS),
    ("protocols", "edge", "TargetGroupArn: !Ref TlsTargets", "TargetGroupArn: !Ref ChatTargets", TLS),
    ("protocols", "edge", "[HasStatic, !Ref AWS::NoValue, !Ref PublicSubnetIds]", "[HasStatic, !Ref PublicSubnetIds, !Ref PublicSubnetIds]", {"edge.StaticAddresses": "yes"}),
    ("health_checks", "edge", "HealthCheckIntervalSeconds: 10", "HealthCheckIntervalSeconds: 3", {}),
    ("health_checks", "edge", "HealthyThresholdCount: 2\n", "HealthyThresholdCount: 1\n", {}),
    ("health_checks", "edge", "HealthCheckTimeoutSeconds: 5", "HealthCheckTimeoutSeconds: 10", {}),
    ("health_checks", "edge", '!If [SpeaksProxy, "5050", "8080"]', '"8081"', {}),
    ("health_checks", "edge", "/readyz", "/", {}),
    ("health_checks", "edge", "!If [SpeaksProxy, TCP, HTTP]", "HTTP", PROXY),
    ("health_checks", "service", "0.0.0.0:8080", "127.0.0.1:8080", {}),
    ("health_checks", "service", "0.0.0.0:8080", "0.0.0.0:9090", {}),
    ("health_checks", "service", "GET /healthz", "GET /", {}),
    ("health_checks", "service", "HealthCheckGracePeriodSeconds: 60", "HealthCheckGracePeriodSeconds: 0", {}),
    # Who talks to whom, how.
    ("container_ports", "service", "0.0.0.0:5050,proxy,0.0.0.0:5051,proxy,secure", "0.0.0.0:5050,0.0.0.0:5051,secure", PROXY),
    ("container_ports", "service", "- 0.0.0.0:5050,0.0.0.0:5051,secure", "- 0.0.0.0:5050,0.0.0.0:5051", TLS),
    ("container_ports", "service", "- 0.0.0.0:5050,0.0.0.0:5051,secure", "- 0.0.0.0:5052", {}),
    ("container_ports", "edge", 'preserve_client_ip.enabled, Value: !If [SpeaksProxy, "false", "true"]', 'preserve_client_ip.enabled, Value: "false"', {}),
    ("container_ports", "edge", 'preserve_client_ip.enabled, Value: !If [SpeaksProxy, "false", "true"]', 'preserve_client_ip.enabled, Value: "true"', PROXY),
    ("container_ports", "service", "- HasTls\n          - ContainerName", "- SpeaksProxy\n          - ContainerName", TLS),
    ("security_groups", "edge", "FromPort: 5051\n            ToPort: 5051", "FromPort: 5050\n            ToPort: 5050", TLS),
    ("security_groups", "edge", "SourceSecurityGroupId: !GetAtt LoadBalancerSg.GroupId\n      Description: Health", "SourceSecurityGroupId: !GetAtt TaskSg.GroupId\n      Description: Health", {}),
    ("security_groups", "edge", "SourceSecurityGroupId: !GetAtt LoadBalancerSg.GroupId\n      Description: Chat\n", "CidrIp: 0.0.0.0/0\n      Description: Chat\n", {}),
    ("security_groups", "edge", "FromPort: !Ref TlsPort", "FromPort: 1", TLS),
    ("security_groups", "edge", "  TlsIngress:\n    Type: AWS::EC2::SecurityGroupIngress\n    Condition: HasTls", "  TlsIngress:\n    Type: AWS::EC2::SecurityGroupIngress\n    Condition: SpeaksProxy", TLS),
    ("security_groups", "edge", "- AllowsAll\n", "- HasTls\n", TLS),
    ("security_groups", "data", "SourceSecurityGroupId: !GetAtt ClientSg.GroupId", "CidrIp: 10.42.0.0/24", {}),
    ("security_groups", "data", "FromPort: 6379\n          ToPort: 6379\n          DestinationSecurityGroupId", "FromPort: 6380\n          ToPort: 6380\n          DestinationSecurityGroupId", {}),
    ("security_groups", "service", "[!Ref TaskSgId, !Ref RedisClientSgId]", "[!Ref TaskSgId]", {}),
    ("security_groups", "edge", "CidrIp: !If [HasPrefixList, !Ref AWS::NoValue, !Ref AllowedCidr]", "CidrIp: !Ref AllowedCidr", {"edge.AllowedPrefixListId": "pl-0123456789abcdef0"}),
    # Rights.
    ("iam", "oidc", "- ecr:PutImage\n", "- ecr:*\n", {}),
    ("iam", "oidc", "Action: [ssm:GetParameter, ssm:GetParameters]\n                Resource: !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${Project}/${Environment}/*", 'Action: [ssm:GetParameter, ssm:GetParameters]\n                Resource: "*"', {}),
    ("iam", "oidc", "StringEquals:\n                token", "StringLike:\n                token", {}),
    ("iam", "oidc", "sub: !Ref GitHubSubject", "sub: repo:example/parley:*", {}),
    ("iam", "oidc", "                token.actions.githubusercontent.com:aud: sts.amazonaws.com\n", "", {}),
    ("iam", "oidc", "iam:PassedToService: cloudformation.amazonaws.com", "aws:PrincipalTag/a: b", {}),
    ("iam", "oidc", "iam:PermissionsBoundary: !Ref Boundary", "aws:PrincipalTag/a: b", {}),
    ("iam", "oidc", "aws:RequestedRegion: !Ref AWS::Region", "aws:PrincipalTag/a: b", {}),
    ("iam", "service", "Action: secretsmanager:GetSecretValue", "Action: secretsmanager:*", {}),
    ("iam", "service", "Principal: { Service: ecs-tasks.amazonaws.com }", 'Principal: { AWS: "*" }', {}),
    ("iam", "service", "      Description: The relay's own; it needs nothing of AWS\n", "      ManagedPolicyArns: [arn:aws:iam::aws:policy/ReadOnlyAccess]\n", {}),
    ("boundaries", "service", "      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n", "", {"service.PermissionsBoundaryArn": scenarios.BOUNDARY}),
    ("boundaries", "oidc", "            Action: secretsmanager:GetSecretValue\n", "            Action: secretsmanager:DescribeSecret\n", {}),
    # What outlives a stack.
    ("deletion_policies", "ecr", "    DeletionPolicy: Retain\n", "", {}),
    ("deletion_policies", "data", "    UpdateReplacePolicy: Snapshot\n", "", {}),
    ("deletion_policies", "service", "    DeletionPolicy: Retain\n", "    DeletionPolicy: Delete\n", {}),
    ("names", "service", "    Properties:\n      RetentionInDays", "    Properties:\n      LogGroupName: relay\n      RetentionInDays", {}),
    ("names", "ecr", "      ImageTagMutability", "      RepositoryName: parley\n      ImageTagMutability", {}),
    ("names", "data", "redis-a${UserA}-${Unique}", "redis-a${UserA}", {}),
    # Metrics and alarms.
    ("metric_names", "scaling", "MetricName: sessions", "MetricName: ConnectionsPerTask", {}),
    ("metric_names", "observability", "MetricName: probe_age_seconds", "MetricName: deaf_seconds", {}),
    ("metric_names", "observability", '"lines_in_total"', '"lines"', {}),
    ("metric_names", "service", 'PARLEY_EMF_SERVICE, Value: !Sub "${Project}-${Environment}"', "PARLEY_EMF_SERVICE, Value: parley", {}),
    ("metric_names", "service", "PARLEY_EMF_NAMESPACE, Value: Parley", "PARLEY_EMF_NAMESPACE, Value: Relay", {}),
    ("metric_names", "observability", "UnHealthyHostCount", "UnhealthyHostCount", {}),
    ("metric_names", "observability", "        - { Name: TargetGroup, Value: !Ref TargetGroupFullName }\n", "        - { Name: Target, Value: x }\n", {}),
    ("alarms", "service", "      TreatMissingData: notBreaching\n", "", {}),
    ("alarms", "observability", "      AlarmActions: [!Ref AlarmTopicArn]\n", "", {}),
    ("alarms", "service", "[!Ref RedisLostAlarm, !Ref NoTaskAlarm]", "[parley-dev-alarm]", {}),
    ("alarms", "service", 'PARLEY_EMF, Value: "60"', 'PARLEY_EMF, Value: "300"', {}),
    ("alarms", "data", "${Cache}-0001-002", "${Cache}-0001-003", CLUSTER),
    ("alarms", "data", '"${Cache}-001"', '"${Cache}-0001-001"', {}),
    # Names that the relay must know.
    ("environment_names", "service", "PARLEY_HISTORY", "PARLEY_HISTORY_LENGTH", {}),
    ("environment_names", "service", "PARLEY_LOG_FORMAT, Value: json", "PARLEY_LOG_FORMAT, Value: xml", {}),
    ("environment_names", "service", 'PARLEY_EMF, Value: "60"', 'PARLEY_EMF, Value: "60s"', {}),
    ("environment_names", "service", "Name: PARLEY_REDIS_URL,", "Name: PARLEY_NODE_NAME,", {}),
    ("environment_names", "service", "{ Name: PARLEY_LOG_FORMAT, Value: json }", "{ Name: PARLEY_REDIS_URL, Value: redis://x }", {}),
    ("environment_names", "service", "ValueFrom: !Ref RedisUrlSecretArn", "ValueFrom: !Ref RedisPrefix", {}),
    ("secrets", "data", "rediss-cluster, rediss]", "rediss-cluster, redis]", {}),
    ("redis", "data", "Scheme: !If [Clustered, rediss-cluster, rediss]", "Scheme: rediss", CLUSTER),
    ("secrets", "data", '{{resolve:secretsmanager:${PasswordB}}}"\n            - !Sub "{{resolve:secretsmanager:${PasswordA}}}', '{{resolve:secretsmanager:${PasswordA}}}"\n            - !Sub "{{resolve:secretsmanager:${PasswordB}}}', {}),
    ("secrets", "data", "Password: !If\n            - UsesB", "Password: !If\n            - HasReplicas", {"data.ActiveUser": "B"}),
    ("secrets", "data", "ExcludePunctuation: true", "ExcludePunctuation: false", {}),
    ("secrets", "data", 'Passwords: [!Sub "{{resolve:secretsmanager:${PasswordA}}}"]', "Passwords: [abcdefghijklmnop1234]", {}),
    ("secrets", "service", "Resource: !Ref RedisUrlSecretArn", "Resource: !Sub arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:parley/x", {}),
    ("task_definition", "service", "          DockerLabels:\n            parley.redis-credential: !Ref RedisCredential\n", "", {}),
    # Wiring.
    ("wiring", "network", "${Environment}/network/vpc-id", "${Environment}/network/vpc", {}),
    ("wiring", "network", "network/task-subnet-ids\n      Type: StringList", "network/task-subnet-ids\n      Type: String", {}),
    ("wiring", "notify", "/${Project}/${Environment}/notify/topic-arn", "/${Project}/${Environment}/alarms/topic-arn", {}),
    ("wiring", "data", "Default: /parley/dev/notify/topic-arn", "Default: /parley/dev/service/log-group", {}),
    ("wiring", "network", "!If [NatInThirdZone, !Ref Nat3, !Ref Nat1]", "!Ref Nat3", {**NAT, "network.ZoneCount": "3"}),
    ("wiring", "edge", "Value: !If [HasTls, !Ref TlsTargets, none]", "Value: !Ref TlsTargets", {}),
    # The rest.
    ("tags", "data", '        - { Key: Name, Value: !Sub "${Project}-${Environment}-redis" }\n        - { Key: Project, Value: !Ref Project }\n', '        - { Key: Name, Value: !Sub "${Project}-${Environment}-redis" }\n', {}),
    ("tags", "ecr", "{ Key: Environment, Value: !Ref Environment }", "{ Key: Env, Value: !Ref Environment }", {}),
    ("templates", "scaling", "    Description: Tasks that always run\n", "", {}),
    ("templates", "scaling", "Parameters: [MinTasks, ", "Parameters: [", {}),
    ("templates", "notify", "      Tags:\n", "      Tags: &tags\n", {}),
    ("templates", "data", "    Default: cache.t4g.micro", "    Default: t4g.micro", {}),
    ("templates", "data", "AllowedValues: [disabled, enabled]", "AllowedValues: [compatible]", {}),
    ("task_definition", "service", "Memory: !Ref Memory", 'Memory: "4096"', {}),
    ("task_definition", "service", 'User: "65532:65532"', 'User: "0:0"', {}),
    ("task_definition", "service", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false", {}),
    ("task_definition", "service", "SoftLimit: 65535", "SoftLimit: 4096", {}),
    ("task_definition", "service", "              mode: non-blocking\n", "", {}),
    ("task_definition", "service", "awslogs-group: !Ref LogGroup", "awslogs-group: relay", {}),
    ("task_definition", "service", "NetworkMode: awsvpc", "NetworkMode: bridge", {}),
    ("deployment", "service", "DeploymentCircuitBreaker: { Enable: true, Rollback: true }", "DeploymentCircuitBreaker: { Enable: true, Rollback: false }", {}),
    ("deployment", "service", "AvailabilityZoneRebalancing: DISABLED", "AvailabilityZoneRebalancing: ENABLED", {}),
    ("deployment", "service", "      HealthCheckGracePeriodSeconds", "      DesiredCount: 2\n      HealthCheckGracePeriodSeconds", {}),
    ("deployment", "service", "MinimumHealthyPercent: 100", "MinimumHealthyPercent: 50", {}),
    ("deployment", "service", "EnableExecuteCommand: false", "EnableExecuteCommand: true", {}),
    ("deployment", "service", "AssignPublicIp: !Ref TaskPublicIp", "AssignPublicIp: DISABLED", {}),
    ("scaling", "scaling", "service/${ClusterName}/${ServiceName}", "service/${ServiceName}", {}),
    ("scaling", "scaling", "Statistic: Average", "Statistic: Sum", {}),
    ("scaling", "scaling", "MetricName: sessions", "MetricName: accepted_total", {}),
    ("scaling", "scaling", "ScaleInCooldown: 900", "ScaleInCooldown: 60", {}),
    ("redis", "data", "AutomaticFailoverEnabled: !If [FailsOver, true, false]", "AutomaticFailoverEnabled: false", CLUSTER),
    ("redis", "data", "MultiAZEnabled: !If [HasReplicas, true, false]", "MultiAZEnabled: true", {}),
    ("redis", "data", "TransitEncryptionMode: required", "TransitEncryptionMode: preferred", {}),
    ("redis", "data", "NumNodeGroups: !If [Clustered, !Ref NumNodeGroups, 1]", "NumNodeGroups: 2", {}),
    ("redis", "data", 'cluster-enabled: !If [Clustered, "yes", "no"]', 'cluster-enabled: "no"', CLUSTER),
    ("redis", "data", "Host: !If [Clustered, !GetAtt Cache.ConfigurationEndPoint.Address, !GetAtt Cache.PrimaryEndPoint.Address]", "Host: !GetAtt Cache.PrimaryEndPoint.Address", CLUSTER),
    ("redis", "data", "maxmemory-policy: noeviction", "maxmemory-policy: allkeys-lru", {}),
    ("redis", "data", "min-replicas-to-write: !Ref MinReplicasToWrite", 'min-replicas-to-write: "1"', CLUSTER),
    ("redis", "data", '"8.1": { Family: valkey8 }', '"8.1": { Family: redis7 }', {}),
    ("redis", "data", "-@all\n", "+@all\n", {}),
    ("redis", "data", "&${KeyPrefix}:*", "&*", {}),
    ("redis", "service", "!Ref RedisPrefix }", "other }", {}),
    ("network", "network", "CidrBlock: !Select [1, !Cidr [!Ref VpcCidr, 4, 12]]", "CidrBlock: !Select [0, !Cidr [!Ref VpcCidr, 4, 12]]", {}),
    ("network", "network", "AvailabilityZone: !Select [1, !Ref AvailabilityZones]", "AvailabilityZone: !Select [0, !Ref AvailabilityZones]", {}),
    ("network", "network", "${AWS::Region}.ecr.dkr", "${AWS::Region}.ecs", ENDPOINTS),
    ("network", "network", "      PrivateDnsEnabled: true\n", "      PrivateDnsEnabled: false\n", ENDPOINTS),
    ("network", "network", "EnableDnsHostnames: true", "EnableDnsHostnames: false", {}),
    ("network", "network", "  PublicSubnet1:\n    Type: AWS::EC2::Subnet\n    Condition: MakesVpc\n    Properties:\n      VpcId: !Ref Vpc", "  PublicSubnet1:\n    Type: AWS::EC2::Subnet\n    Properties:\n      VpcId: !Ref ExistingVpcId", scenarios.VPC),
    ("network", "network", "  S3Endpoint:\n    Type: AWS::EC2::VPCEndpoint\n    Condition: MakesVpc", "  S3Endpoint:\n    Type: AWS::EC2::VPCEndpoint\n    Condition: MakesNat", {}),
    ("logs", "service", "RetentionInDays: !Ref LogDays", "RetentionInDays: 0", {}),
    ("repository", "ecr", "IMMUTABLE", "MUTABLE", {}),
    ("repository", "ecr", '"rulePriority": 2', '"rulePriority": 1', {}),
]


def broken(mutation):
    _, stack, old, new, settings = mutation
    return cfn.Deployment({**cfn.settings_of("dev"), **settings}, texts=cfn.mutated(stack, old, new))


def noticed(name, d):
    # That a template no longer resolves is for "wiring" to notice, and hides what else is wrong.
    assert name == "wiring" or d.problems == []
    return list(checks.CHECKS[name](d))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m[0]}-{m[1]}-{' '.join(m[3].split())[:40]}")
def test_noticed(mutation):
    name, _, _, _, settings = mutation
    whole = cfn.Deployment({**cfn.settings_of("dev"), **settings})
    assert list(checks.CHECKS[name](whole)) == [], "the check fails before anything is broken"
    assert noticed(name, broken(mutation)) != []


def test_every_check_has_a_mutation():
    assert set(checks.CHECKS) == {m[0] for m in MUTATIONS}


# Wrong numbers in a parameter file.
SETTINGS = [
    ("scaling", {"scaling.MinTasks": "9", "scaling.MaxTasks": "3"}),
    ("scaling", {"scaling.MinTasks": "1"}),
    ("scaling", {"scaling.SessionsPerTask": "4900"}),
    ("scaling", {"observability.MaxSessionsPerTask": "7000"}),
    ("task_definition", {"service.Cpu": "1024", "service.Memory": "512"}),
    ("redis", {"data.MinReplicasToWrite": "1", "data.ReplicasPerNodeGroup": "1"}),
    ("templates", {"data.LogDays": "2"}),
    ("templates", {"edge.AllowedCidr": "everybody"}),
    ("templates", {"service.MaxSessionsPerTask": "60000"}),
    ("templates", {"oidc.GitHubSubject": "repo:example/*"}),
    ("templates", {"service.ImageUri": cfn.IMAGE.split("@")[0] + ":latest"}),
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=lambda v: v if isinstance(v, str) else " ".join(v))
def test_wrong_setting_is_noticed(name, settings):
    assert noticed(name, cfn.Deployment({**cfn.settings_of("dev"), **settings})) != []
