"""deploy.sh against an AWS that only pretends (fake_aws.py): order, parameters, failures."""

import json
import os
import re
import subprocess

import cfn
import fake_aws
import pytest
import tree

DEPLOY = cfn.FOLDER / "deploy.sh"
ORDER = tree.DEPLOY_ORDER
COMMIT = "c0ffee" * 6 + "c0ff"


class World:
    def __init__(self, folder):
        self.folder = folder
        tools = folder / "tools"
        tools.mkdir()
        self.server = fake_aws.Server(folder)
        self.server.write_client(tools / "aws")
        # Remembers what was pushed; a build that is to fail does.
        self.script(
            tools / "docker",
            'echo "$*" >>"$FAKE_AWS/docker"; '
            'case $1 in login) cat >/dev/null ;; push) echo "$2" >>"$FAKE_AWS/pushed" ;; '
            'build) ! grep -q "docker build" "$FAKE_AWS/wrong" 2>/dev/null ;; esac',
        )
        # The commit does not depend on what is being worked on here.
        self.script(
            tools / "git",
            f'case "$*" in *rev-parse*) echo {COMMIT} ;; *status*) cat "$FAKE_AWS/dirty" 2>/dev/null || true ;; esac',
        )
        # The smoke test has tests of its own.
        self.script(tools / "python3", '! grep -q "smoke fails" "$FAKE_AWS/wrong" 2>/dev/null')
        self.environment = {
            **os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "FAKE_AWS": str(folder),
            "PARLEY_POLL_SECONDS": "0", "AWS_REGION": cfn.REGION,
        }

    @staticmethod
    def script(path, text):
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def wrong(self, *lines):
        (self.folder / "wrong").write_text("\n".join(lines) + "\n")

    def run(self, *words, code=0, stdin=""):
        (self.folder / "calls").write_text("")
        it = subprocess.run(
            [DEPLOY, *words], env=self.environment, text=True, capture_output=True, timeout=60, input=stdin,
        )
        assert it.returncode == code, it.stdout + it.stderr
        return it.stdout + it.stderr

    def calls(self, operation):
        found = []
        for line in (self.folder / "calls").read_text().splitlines():
            words = json.loads(line)
            if words[1] == operation:
                found.append(words)
        return found

    def stacks_of(self, operation):
        return [self.option(words, "--stack-name").rsplit("-", 1)[1] for words in self.calls(operation)]

    @staticmethod
    def option(words, name):
        return words[words.index(name) + 1]

    @property
    def state(self):
        return json.loads((self.folder / "state.json").read_text())

    def parameters(self, stack):
        return self.state["stacks"][f"parley-dev-{stack}"]["parameters"]


@pytest.fixture
def world(tmp_path):
    it = World(tmp_path)
    yield it
    it.server.shutdown()
    it.server.server_close()


@pytest.fixture(scope="module")
def deployed_state(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("deployed"))
    world.run("dev")
    return world


@pytest.fixture
def deployed(world, deployed_state):
    for name in ("state.json", "pushed"):
        (world.folder / name).write_text((deployed_state.folder / name).read_text())
    return world


def test_inputs_are_those_of_the_templates():
    """stacks.sh reads parameters with awk; this is what YAML says."""
    for stack in cfn.STACKS:
        it = subprocess.run(
            ["bash", "-c", f"here={cfn.FOLDER}; . $here/stacks.sh; inputs {stack}"],
            text=True, capture_output=True, check=True,
        )
        found = dict(line.split(" ", 1) for line in it.stdout.splitlines())
        declared = cfn.parse(cfn.TEXTS[stack])["Parameters"]
        assert list(found) == list(declared)
        for name, value in found.items():
            default = str(declared[name].get("Default", ""))
            assert value == default or (" " in default and not declared[name]["Type"].startswith("AWS::SSM"))


def test_from_nothing_in_order(world):
    said = world.run("dev")
    assert world.stacks_of("execute-change-set") == ORDER
    assert all(s["status"] == "CREATE_COMPLETE" for s in world.state["stacks"].values())
    for words in world.calls("create-change-set"):
        assert world.option(words, "--change-set-type") == "CREATE"
        assert world.option(words, "--capabilities") == "CAPABILITY_IAM"
        assert {"Key=Project,Value=parley", "Key=Environment,Value=dev"} <= set(words)
        assert "--role-arn" not in words
    assert world.parameters("network")["AvailabilityZones"] == ",".join(cfn.ZONES[:2])
    assert "nc <edge:LoadBalancer.DNSName> 5050" in said


def test_the_parameter_file_arrives(world):
    world.run("dev")
    for key, value in cfn.settings_of("dev").items():
        stack, name = key.split(".")
        assert world.parameters(stack)[name] == value


def test_prod_has_its_own_names(world):
    world.run("prod", "--image", cfn.IMAGE)
    assert set(world.state["stacks"]) == {f"parley-prod-{stack}" for stack in ORDER}
    service = world.state["stacks"]["parley-prod-service"]["parameters"]
    assert service["TaskSgId"] == "/parley/prod/edge/task-sg-id"
    assert service["ImageUri"] == cfn.IMAGE
    assert len(world.state["stacks"]["parley-prod-network"]["parameters"]["AvailabilityZones"].split(",")) == 3


def test_again_changes_nothing(deployed):
    said = deployed.run("dev")
    assert said.count("nothing to change") == len(ORDER)
    assert deployed.calls("execute-change-set") == []
    assert not (deployed.folder / "docker").exists(), "the image of this commit was there"


def test_a_change_touches_only_its_stack(deployed):
    deployed.run("dev", "--set", "scaling.MaxTasks=8")
    assert deployed.stacks_of("execute-change-set") == ["scaling"]
    assert deployed.parameters("scaling")["MaxTasks"] == "8"


def test_the_image_is_built_for_its_processor_and_pushed_by_commit(world):
    world.run("dev", "--set", "service.CpuArchitecture=ARM64")
    docker = (world.folder / "docker").read_text()
    assert "--platform linux/arm64" in docker
    assert f":{COMMIT}\n" in (world.folder / "pushed").read_text()
    assert "@sha256:" in world.parameters("service")["ImageUri"]


def test_an_image_of_uncommitted_changes_says_so(world):
    (world.folder / "dirty").write_text(" M src/app.c\n")
    world.run("dev")
    assert f":{COMMIT}-dirty-" in (world.folder / "pushed").read_text()


def test_a_tag_that_was_pushed_before(deployed):
    tag = next(iter(deployed.state["images"]))
    deployed.run("dev", "--tag", tag)
    said = deployed.run("dev", "--tag", "nosuchcommit", code=1)
    assert "no image with the tag nosuchcommit" in said


def test_a_build_that_fails_ends_it(world):
    world.wrong("docker build")
    said = world.run("dev", code=1)
    assert "does not build" in said
    assert world.stacks_of("execute-change-set")[-1] == "edge"


def test_dry_run_changes_nothing(world):
    said = world.run("dev", "--dry-run")
    assert world.calls("execute-change-set") == []
    assert world.state["stacks"] == {}
    assert "Add Vpc (AWS::EC2::VPC)" in said
    assert "what it needs is not there yet" in said
    assert not (world.folder / "docker").exists()


def test_dry_run_of_a_change(deployed):
    before = deployed.state["stacks"]
    said = deployed.run("dev", "--dry-run", "--set", "data.NodeType=cache.t4g.small")
    assert "Modify Cache" in said
    after = deployed.state["stacks"]
    for name in before:
        assert (after[name]["text"], after[name]["parameters"]) == (before[name]["text"], before[name]["parameters"])


def test_a_failure_shows_the_first_reason_and_stops(world):
    world.wrong("data create-fails")
    said = world.run("dev", code=1)
    assert "ClientSg: The zone has no capacity for this" in said
    assert "parley-dev-data ended as ROLLBACK_COMPLETE" in said
    assert world.stacks_of("execute-change-set") == ["network", "notify", "ecr", "data"]


def test_what_a_failed_creation_left_is_deleted_first(world):
    world.wrong("data create-fails")
    world.run("dev", code=1)
    world.wrong()
    said = world.run("dev")
    assert "left of a failed creation" in said
    assert world.stacks_of("delete-stack") == ["data"]
    assert all(s["status"] == "CREATE_COMPLETE" for s in world.state["stacks"].values())


def test_a_service_that_fails_shows_what_ecs_says(deployed):
    deployed.wrong("service update-fails")
    said = deployed.run("dev", "--set", "service.LogLevel=debug", code=1)
    assert "is unable to pull the image" in said
    assert "UPDATE_ROLLBACK_COMPLETE" in said


def test_a_stuck_stack_says_what_to_type(deployed):
    state = deployed.state
    state["stacks"]["parley-dev-edge"]["status"] = "UPDATE_ROLLBACK_FAILED"
    (deployed.folder / "state.json").write_text(json.dumps(state))
    assert "continue-update-rollback --stack-name parley-dev-edge" in deployed.run("dev", code=1)


def test_a_busy_stack_is_waited_for(deployed):
    state = deployed.state
    state["stacks"]["parley-dev-edge"].update(status="UPDATE_IN_PROGRESS", next=["UPDATE_COMPLETE"])
    (deployed.folder / "state.json").write_text(json.dumps(state))
    assert "is busy (UPDATE_IN_PROGRESS): waiting" in deployed.run("dev")


def test_a_change_set_that_fails(deployed):
    deployed.wrong("edge change-set-fails")
    said = deployed.run("dev", "--set", "edge.CrossZone=false", code=1)
    assert "parley-dev-edge: Transform failed" in said


def test_a_value_that_aws_refuses(deployed):
    said = deployed.run("dev", "--set", "edge.AllowedCidr=everybody", code=1)
    assert "Parameter AllowedCidr failed to satisfy constraint" in said
    assert deployed.calls("execute-change-set") == []


def test_replacing_redis_must_be_meant(deployed):
    deployed.wrong("data replaces")
    said = deployed.run("dev", "--set", "data.ReplicasPerNodeGroup=1", code=1)
    assert "! Modify Cache (AWS::ElastiCache::ReplicationGroup)" in said
    assert deployed.calls("execute-change-set") == []
    deployed.run("dev", "--set", "data.ReplicasPerNodeGroup=1", "--allow-replacement")
    assert deployed.stacks_of("execute-change-set")[0] == "data"


def test_smoke_fails_back_to_the_image_before(deployed):
    before = deployed.parameters("service")["ImageUri"]
    deployed.wrong("smoke fails")
    said = deployed.run("dev", "--image", cfn.IMAGE, code=1)
    assert f"Back to the image before, {before}" in said
    assert deployed.stacks_of("execute-change-set") == ["service", "service"]
    assert deployed.parameters("service")["ImageUri"] == before


def test_smoke_fails_at_first(world):
    world.wrong("smoke fails")
    said = world.run("dev", code=1)
    assert "does not do what it should" in said
    assert world.stacks_of("execute-change-set").count("service") == 1


def test_only_some_stacks(deployed):
    deployed.run("dev", "--only", "edge,scaling")
    assert deployed.stacks_of("create-change-set") == ["edge", "scaling"]


def test_only_a_stack_whose_inputs_are_missing(world):
    said = world.run("dev", "--only", "edge", code=1)
    assert "/parley/dev/network/vpc-id" in said


def test_rotation_moves_tasks_then_revokes(deployed):
    image = deployed.parameters("service")["ImageUri"]
    deployed.run("rotate", "dev")
    assert deployed.stacks_of("execute-change-set") == ["data", "service"]
    data = deployed.parameters("data")
    assert (data["ActiveUser"], data["UserA"], data["UserB"]) == ("B", "1", "2")
    assert deployed.parameters("service")["ImageUri"] == image
    deployed.run("rotate", "dev", "--revoke")
    assert deployed.stacks_of("execute-change-set") == ["data"]
    data = deployed.parameters("data")
    assert (data["ActiveUser"], data["UserA"], data["UserB"]) == ("B", "2", "2")
    deployed.run("dev")
    assert deployed.calls("execute-change-set") == [], "a deployment leaves the users as they are"


def test_with_the_oidc_stack_its_roles_are_used(world):
    said = world.run("oidc", "dev", code=1)
    assert "oidc needs --set oidc.GitHubSubject" in said
    said = world.run("oidc", "dev", "--set", "oidc.GitHubSubject=repo:a/b:environment:dev")
    assert "AWS_ROLE_ARN of the GitHub environment dev: <oidc:DeployRole.Arn>" in said
    world.run("dev")
    for words in world.calls("create-change-set"):
        assert world.option(words, "--role-arn") == "<oidc:ExecutionRole.Arn>"
    assert world.parameters("service")["PermissionsBoundaryArn"] == "<oidc:Boundary>"
    assert world.parameters("network")["PermissionsBoundaryArn"] == "<oidc:Boundary>"


def test_destroy_in_reverse_and_what_it_leaves(deployed):
    said = deployed.run("destroy", "dev", stdin="dev\n")
    assert deployed.stacks_of("delete-stack") == ORDER[::-1]
    assert deployed.state["stacks"] == {}
    assert "left: the repository <ecr:Repository>" in said
    assert "left: the log group <service:LogGroup>" in said
    assert "left: the snapshot snapshot-1" in said
    assert deployed.calls("delete-repository") == []


def test_destroy_asks(deployed):
    said = deployed.run("destroy", "dev", stdin="yes\n", code=1)
    assert "nothing was deleted" in said
    assert deployed.calls("delete-stack") == []


def test_destroy_dry_run_and_purge(deployed):
    assert "would be deleted" in deployed.run("destroy", "dev", "--dry-run")
    assert deployed.calls("delete-stack") == []
    deployed.run("destroy", "dev", "--yes", "--purge")
    for operation in ("delete-repository", "delete-log-group", "delete-snapshot"):
        assert len(deployed.calls(operation)) == 1
    deployed.run("destroy", "dev", "--yes")


def test_destroy_that_fails_says_why(deployed):
    deployed.wrong("edge delete-fails")
    said = deployed.run("destroy", "dev", "--yes", code=1)
    assert "LoadBalancer: deletion protection is enabled" in said
    assert deployed.stacks_of("delete-stack") == ["observability", "scaling", "service", "edge"]


def test_scan(deployed):
    assert "critical 0, high 3" in deployed.run("scan", "dev")
    deployed.wrong("ecr scanned", "ecr critical")
    assert "known critical holes" in deployed.run("scan", "dev", code=1)


def test_status(deployed):
    said = deployed.run("status", "dev")
    assert re.search(r"parley-dev-service +CREATE_COMPLETE", said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "deploy.sh [COMMAND] ENVIRONMENT"),
        (("staging",), "parameters/staging.ini"),
        (("Dev",), "no good name for an environment"),
        (("dev", "--set", "edge.Nonsense=1"), "the stack edge has no parameter Nonsense"),
        (("dev", "--set", "nonsense"), "--set wants STACK.KEY=VALUE"),
        (("dev", "--frob"), "there is no option --frob"),
        (("dev", "--image"), "--image needs a value"),
        (("dev", "--set", "network.ExistingVpcId=vpc-0123456789abcdef0"), "ExistingVpcId needs"),
    ],
)
def test_wrong_use(world, words, said):
    code = 2 if not words else 1
    assert said in world.run(*words, code=code)
    assert world.calls("create-change-set") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [("[nonsense]", "there is no stack nonsense"), ("[edge]\nFoo = 1", "no parameter Foo"), ("x = 1", "neither")],
)
def test_wrong_parameter_file(world, line, said):
    path = world.folder / "wrong.ini"
    path.write_text(line + "\n")
    assert said in world.run("dev", "--parameters", str(path), code=1)


def test_without_credentials(world):
    world.wrong("sts nobody")
    assert "AWS does not know you" in world.run("dev", code=1)


def test_account_ids_are_not_shown(world):
    said = world.run("dev", "--dry-run")
    assert "arn:aws:iam::...:user/somebody" in said
    assert "111122223333" not in said
