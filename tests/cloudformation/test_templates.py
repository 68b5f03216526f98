"""The resolved templates, for every combination of what they decide by."""

import cfn
import checks
import pytest
import scenarios
import tree


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("name", checks.CHECKS)
def test_parameter_file(environment, name):
    d = cfn.Deployment(cfn.settings_of(environment), environment=environment)
    assert list(checks.CHECKS[name](d)) == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("stack", scenarios.AXES)
def test_every_combination(environment, stack):
    for extra, d in scenarios.deployments(environment, stack):
        assert list(checks.all_problems(d)) == [], extra


def test_combinations_meet_each_condition_both_ways():
    met = scenarios.conditions_covered()
    assert {key for key, values in met.items() if values != {True, False}} == set()


def test_parameter_files_name_only_parameters():
    for environment in ("dev", "prod"):
        for key in cfn.settings_of(environment):
            stack, name = key.split(".")
            assert name in cfn.parse(cfn.TEXTS[stack])["Parameters"], f"{environment}: {key}"


def test_prod_is_fit_for_production():
    d = cfn.Deployment(cfn.settings_of("prod"), environment="prod")
    balancer = d.one(checks.ELB + "LoadBalancer")["LoadBalancerAttributes"]
    assert {"Key": "deletion_protection.enabled", "Value": "true"} in balancer
    assert int(d.one("AWS::ElastiCache::ReplicationGroup")["ReplicasPerNodeGroup"]) >= 1
    assert d.parameter("network", "ZoneCount") == "3"


def test_dev_is_cheap():
    d = cfn.Deployment(cfn.settings_of("dev"))
    assert not list(d.each("AWS::EC2::NatGateway"))
    assert [p["VpcEndpointType"] for _, _, p in d.each("AWS::EC2::VPCEndpoint")] == ["Gateway"]
    assert d.one("AWS::ElastiCache::ReplicationGroup")["CacheNodeType"] == "cache.t4g.micro"
    assert str(d.one("AWS::ApplicationAutoScaling::ScalableTarget")["MinCapacity"]) == "2"


def test_a_new_generation_is_another_user_and_another_secret():
    settings = cfn.settings_of("dev")
    before = cfn.Deployment(settings)
    after = cfn.Deployment({**settings, "data.UserB": "2", "data.ActiveUser": "B"})
    for kind, key in (("AWS::ElastiCache::User", "UserId"), ("AWS::SecretsManager::Secret", "Name")):
        old = {name: p[key] for _, name, p in before.each(kind)}
        new = {name: p[key] for _, name, p in after.each(kind)}
        assert {name for name in old if old[name] != new[name]} <= {"RedisUserB", "PasswordB"}
        assert old != new
    path = "/parley/dev/data/redis-credential"
    assert before.told[path] != after.told[path]


def test_relay_metrics_are_compared():
    if tree.EMF_SKIP:
        pytest.skip(f"names of metrics are not compared: {tree.EMF_SKIP}")
    assert "sessions" in tree.EMF
