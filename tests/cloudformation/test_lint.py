"""The tools: cfn-lint on every template and parameter file, shellcheck on deploy.sh."""

import json
import subprocess

import cfn
import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.runner import Runner



TOLD = {
    "List<AWS::EC2::Subnet": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
    "VPC::Id": "vpc-0123456789abcdef0",
    "SecurityGroup::Id": "sg-0123456789abcdef0",
    "SecretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-b",
    "TopicArn": "arn:aws:sns:eu-central-1:111122223333:a",
    "TlsTargetGroupArn": "none",
    "TargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/a/0123456789abcdef",
    "LogGroup": "a",
}


def lint(*words):
    """What cfn-lint says, one line each. In this process: its rules take long to load."""
    words = ["--regions", cfn.REGION, *map(str, words)]
    return [f"{m.filename}:{m.linenumber}: {m.rule.id} {m.message}" for m in Runner(ConfigMixIn(words)).run()]


@pytest.mark.parametrize("path", cfn.FILES, ids=lambda path: path.stem)
def test_template(path):
    # Informational rules are there for advice only, but none of them is ignored either.
    assert lint("--include-checks", "I", "--template", path) == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("stack", cfn.STACKS)
def test_parameter_file(environment, stack, tmp_path):
    given = {}
    it = cfn.Deployment(cfn.settings_of(environment), environment=environment).stacks[stack]
    for name, p in it.template["Parameters"].items():
        value = it.parameter(name)
        if p["Type"].startswith("AWS::SSM"):
            # cfn-lint wants to see what the path leads to.
            value = next((v for word, v in TOLD.items() if word in f"{p['Type']} {name}"), value)
        given[name] = value
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps([{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()]))
    assert lint("--parameter-files", path, "--", cfn.FILES[cfn.STACKS.index(stack)]) == []


def test_cfn_lint_is_awake(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(cfn.TEXTS["service"].replace("NetworkMode: awsvpc", "NetworkMod: awsvpc"))
    assert "E3002" in str(lint("--template", path))


def test_cfn_lint_reads_parameter_files(tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps([{"ParameterKey": "LogDays", "ParameterValue": "2"}]))
    assert "E2900" in str(lint("--parameter-files", path, "--", cfn.FOLDER / "30-data.yaml"))


def test_nothing_is_ignored():
    for path in [*cfn.FILES, *cfn.ROOT.glob(".cfnlintrc*")]:
        assert path.name[0] != "." and "cfn-lint" not in path.read_text(), path


def test_shell():
    scripts = [cfn.FOLDER / "deploy.sh", cfn.ROOT / "scripts/test-cloudformation.sh"]
    it = subprocess.run(
        ["shellcheck", "--external-sources", "--exclude=SC2317,SC2329", *scripts],
        cwd=cfn.ROOT, text=True, capture_output=True,
    )
    assert it.stdout + it.stderr == ""


def test_without_pypi_the_tests_fail_and_say_why(tmp_path):
    it = subprocess.run(
        [cfn.ROOT / "scripts/test-cloudformation.sh", tmp_path / "venv"], text=True, capture_output=True,
        env={"PATH": "/usr/bin:/bin", "PYTHON": "/bin/false"},
    )
    assert it.returncode == 1
    assert "FAILED: cfn-lint could not be installed from PyPI" in it.stderr
