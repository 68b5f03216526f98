"""The cluster of docker-compose.yml: three nodes, a load balancer, one Valkey.

The tests share one cluster and run in order: each finds it as the last one left it.
"""

import subprocess
import time

import pytest

from cluster import Cluster, Person, everybody_hears_everybody, run, talk_until_stopped, told_and_lost_nothing, wait_for

DEAD_NODE_S = 15  # within this, the people of a killed node have left every room


@pytest.fixture(scope="module")
def cluster(request):
    it = Cluster()
    try:
        it.compose("build", timeout=900)
        it.compose("up", "-d", timeout=240)
        # What `up` waited for by itself, before anybody else waits.
        it.health_after_up = {
            service: [it.health(each) for each in it.containers(service)]
            for service in ("valkey", "relay")
        }
        it.wait_healthy("haproxy", 1)
        yield it
        if request.session.testsfailed:
            print(it.compose("logs", "--no-color", "--tail", "60", check=False))
    except (AssertionError, subprocess.TimeoutExpired):
        print(it.compose("logs", "--no-color", "--tail", "60", check=False))
        raise
    finally:
        it.compose("down", "-v", "-t", "2", check=False)


@pytest.fixture
def connect(cluster):
    """Connects people who leave when the test ends."""
    people = []

    def one(name):
        people.append(cluster.connect(name))
        return people[-1]

    yield one
    for person in people:
        person.close()
    wait_for("everybody gone", lambda: not cluster.connections(), 30)


def test_image(cluster):
    config = cluster.inspect(cluster.image)["Config"]
    assert config["User"] == "65532:65532"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["/usr/local/bin/parleyd"], "no shell in between"
    assert "5050/tcp" in config["ExposedPorts"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.title"] == "parley"
    libraries = run(
        "docker", "run", "--rm", "--network", "none", "--entrypoint", "ldd", cluster.image,
        "/usr/local/bin/parleyd",
    )
    assert "not found" not in libraries


def test_up_waits_for_health(cluster):
    assert cluster.health_after_up == {"valkey": ["healthy"], "relay": ["healthy"] * 3}


def test_node_has_no_privileges(cluster):
    node = cluster.nodes()[0]
    status = run("docker", "exec", node, "cat", "/proc/1/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert fields["Name"] == "parleyd"
    assert set(fields["Uid"].split()) == {"65532"}
    assert set(fields["Gid"].split()) == {"65532"}
    assert int(fields["CapEff"], 16) == 0
    assert int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert cluster.inspect(node)["HostConfig"]["ReadonlyRootfs"]


def test_people_on_three_nodes_talk(cluster, connect):
    people = [connect(name) for name in ("ann", "ben", "cat", "dan", "eva", "fay")]
    assert {person.node for person in people} == set(cluster.nodes())
    everybody_hears_everybody(people, "hello")


def test_killed_node(cluster, connect):
    people = [connect(name) for name in ("gil", "hal", "ida", "jon", "kim", "leo")]
    dead = people[0].node
    lost = [person for person in people if person.node == dead]
    left = [person for person in people if person.node != dead]
    assert {person.node for person in left} == set(cluster.nodes()) - {dead}
    everybody_hears_everybody(people, "before")

    run("docker", "kill", dead)
    killed = time.monotonic()
    # At once, on the others and for somebody new.
    everybody_hears_everybody(left, "after")
    newcomer = Person(cluster.address(), "max")
    everybody_hears_everybody([*left, newcomer], "newcomer")

    for person in left:
        for gone in lost:
            until = killed + DEAD_NODE_S - time.monotonic()
            person.wait(rf"^\* {gone.name} (left|quit)\b", max(until, 0))
    everybody_hears_everybody([*left, newcomer], "later")
    for person in left:
        for alive in [*left, newcomer]:
            told = [line for line in person.lines
                    if line.startswith((f"* {alive.name} left", f"* {alive.name} quit"))]
            assert not told, "nobody else left"

    # The names are free again.
    back = connect(lost[0].name)
    everybody_hears_everybody([*left, back], "back")
    newcomer.close()


def test_scale_up(cluster, connect):
    old = set(cluster.nodes())
    assert len(old) == 2
    stayed = connect("mia")
    cluster.compose("up", "-d", "--no-recreate", "--scale", "relay=5")
    cluster.wait_healthy("relay", 5)
    assert old <= set(cluster.nodes()), "the nodes that were there go on"

    people = [stayed]
    for number in range(20):
        if {person.node for person in people} == set(cluster.nodes()):
            break
        people.append(connect(f"new{number}"))
    assert {person.node for person in people} == set(cluster.nodes())
    everybody_hears_everybody(people, "more")


def test_rolling_replacement(cluster, connect):
    """Nodes are replaced one by one while people on all of them talk: whatever anybody saw
    come back, those who stay have seen."""
    for round_number, node in enumerate(cluster.nodes()[:3]):
        word = f"round{round_number}"
        people = [connect(f"{name}{round_number}") for name in ("rob", "sue", "tom", "una", "vic")]
        goners = [person for person in people if person.node == node]
        left = [person for person in people if person.node != node]
        assert goners and left
        talk_until_stopped(node, people, word)
        everybody_hears_everybody(left, f"{word}end")
        told_and_lost_nothing(goners, left, word)
        state = cluster.inspect(node)["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
        for person in people:
            person.close()
        cluster.compose("up", "-d", "--no-recreate", "--scale", "relay=5")
        cluster.wait_healthy("relay", 5)


def test_stop_without_clients(cluster):
    node = cluster.nodes()[-1]
    start = time.monotonic()
    run("docker", "stop", "-t", "60", node)
    assert time.monotonic() - start < 10
    state = cluster.inspect(node)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_nothing_restarted(cluster):
    for service in ("valkey", "relay", "haproxy"):
        for container in cluster.containers(service, everything=True):
            assert cluster.inspect(container)["RestartCount"] == 0
