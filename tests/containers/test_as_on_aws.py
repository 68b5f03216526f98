"""The cluster as the stacks make it: the environment of the task definition, HAProxy with the
target group's health check and with or without PROXY headers, tasks that are replaced.

PARLEY_TEST_LONG=1 drains for as long as the template says; otherwise for 5 s.
"""

import json
import os
import sys
import time

import pytest

from cluster import ROOT, Cluster, everybody_hears_everybody, run, talk_until_stopped, told_and_lost_nothing, wait_for

sys.path.insert(0, str(ROOT / "tests/cloudformation"))
import cfn  # noqa: E402

DRAIN_SECONDS = None if os.environ.get("PARLEY_TEST_LONG") == "1" else "5"
NAMES = ("ann", "ben", "cat", "dan", "eva", "fay")


class Task:
    """What one of the stacks' tasks is given."""

    def __init__(self, client_address):
        settings = {**cfn.settings_of("prod"), "edge.ClientAddress": client_address}
        deployment = cfn.Deployment(settings, environment="prod")
        container = deployment.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
        self.environment = {e["Name"]: str(e["Value"]) for e in container["Environment"]}
        self.stop_seconds = int(container["StopTimeout"])
        [self.target] = [
            p for _, name, p in deployment.each("AWS::ElasticLoadBalancingV2::TargetGroup") if name == "ChatTargets"
        ]
        attributes = {a["Key"]: a["Value"] for a in self.target["TargetGroupAttributes"]}
        self.has_header = attributes["proxy_protocol_v2.enabled"] == "true"
        if DRAIN_SECONDS:
            self.stop_seconds -= int(self.environment["PARLEY_DRAIN_SECONDS"]) - int(DRAIN_SECONDS)
            self.environment["PARLEY_DRAIN_SECONDS"] = DRAIN_SECONDS

    def haproxy(self):
        """HAProxy's configuration with the target group's health check, ten times as often."""
        text = (ROOT / "docker/haproxy.cfg").read_text("utf-8")
        start, end = text.index("    option httpchk"), text.index("    server-template")
        check = ["option tcp-check"]
        if self.target["HealthCheckProtocol"] == "HTTP":
            check = [f"option httpchk GET {self.target['HealthCheckPath']}", "http-check expect status 200"]
        server = [f"default-server check port {self.target['HealthCheckPort']} inter 1s"]
        server += [f"fall {self.target.get('UnhealthyThresholdCount', 2)} rise {self.target['HealthyThresholdCount']}"]
        if self.has_header:
            server += ["send-proxy-v2 check-send-proxy"]
        return text[:start] + "".join(f"    {line}\n" for line in [*check, " ".join(server)]) + text[end:]

    def write(self, folder):
        """The file that makes docker-compose.yml's cluster this one."""
        (folder / "haproxy.cfg").write_text(self.haproxy(), "utf-8")
        (folder / "haproxy.cfg").chmod(0o644)
        relay = {"environment": self.environment, "stop_grace_period": f"{self.stop_seconds}s"}
        haproxy = {"volumes": [f"{folder}/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]}
        file = folder / "as-on-aws.json"
        file.write_text(json.dumps({"services": {"relay": relay, "haproxy": haproxy}}), "utf-8")
        return file


@pytest.fixture(params=["preserve", "proxy"])
def task(request):
    return Task(request.param)


@pytest.fixture
def cluster(request, task, tmp_path):
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)  # the container's user is another one
    it = Cluster(task.write(tmp_path))
    it.project += "-aws"
    try:
        it.compose("build", timeout=900)
        it.compose("up", "-d", timeout=240)
        it.wait_healthy("haproxy", 1)
        yield it
        if request.session.testsfailed:
            print(it.compose("logs", "--no-color", "--tail", "60", check=False))
    finally:
        it.compose("down", "-v", "-t", "2", check=False)


def logged(node):
    return [json.loads(line) for line in run("docker", "logs", node).splitlines()]


def network_address(cluster, container):
    [network] = cluster.inspect(container)["NetworkSettings"]["Networks"].values()
    return network["IPAddress"], network["Gateway"]


def test_tasks_of_the_stacks(task, cluster):
    people = [cluster.connect(name) for name in NAMES]
    assert {person.node for person in people} == set(cluster.nodes())
    everybody_hears_everybody(people, "hello")

    # Who is who: the client itself, or (no NLB is here to keep the address) the load balancer.
    [haproxy] = cluster.containers("haproxy")
    address, gateway = network_address(cluster, haproxy)
    people[0].send("/who ann")
    people[0].wait(rf"^\* ann is ann@{gateway if task.has_header else address}$")

    # A cache that fails over takes no task out of the rotation.
    [valkey] = cluster.containers("valkey")
    run("docker", "pause", valkey)
    people[1].send("while Redis is away")
    time.sleep(5)  # longer than the health checks need to see something
    assert run("docker", "exec", haproxy, "bash", "-c",
               "exec 3<>/dev/tcp/127.0.0.1/8404 && printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3 && cat <&3").count(" 200 ")
    run("docker", "unpause", valkey)
    for person in people:
        person.wait(r"^\[#lobby\] <ben> while Redis is away$", 30)

    # One task is replaced: it is told to end, and is killed after StopTimeout.
    node = people[0].node
    goners = [person for person in people if person.node == node]
    left = [person for person in people if person.node != node]
    begin = time.monotonic()
    talk_until_stopped(node, people, "drain", task.stop_seconds)
    print(f"a drain of {task.environment['PARLEY_DRAIN_SECONDS']} s ended after {time.monotonic() - begin:.1f} s"
          f" of {task.stop_seconds} s")
    everybody_hears_everybody(left, "end")
    told_and_lost_nothing(goners, left, "drain")
    assert cluster.inspect(node)["State"]["ExitCode"] == 0, "it was killed"
    for person in people:
        person.close()

    # Health checks are no events; people are.
    entries = logged(node)
    closed = [entry for entry in entries if entry.get("event") == "session_close"]
    assert len(closed) == len(goners) and all(entry["reason"] == "drain" for entry in closed), closed
    wait_for("the cluster is whole again", lambda: len(cluster.nodes()) >= 2, 30)
