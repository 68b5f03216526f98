"""What the stacks give the relay, tried on a real one: rights in Redis, environment, health check."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import cfn
import pytest
import tree

sys.path.insert(0, str(cfn.ROOT / "tests/system"))
from harness import ports  # noqa: E402
from harness.redis_cluster import RedisCluster  # noqa: E402
from harness.slots import partition_of, partition_slot  # noqa: E402

PARLEYD = os.environ.get("PARLEYD", str(cfn.ROOT / "build/parleyd"))
pytestmark = [
    pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed"),
    pytest.mark.skipif(not os.path.exists(PARLEYD), reason="parleyd is not built"),
]
D = cfn.Deployment(cfn.settings_of("dev"))
PROD = cfn.Deployment(cfn.settings_of("prod"), environment="prod")
ACL = next(p["AccessString"] for _, _, p in D.each("AWS::ElastiCache::User"))
SMOKE = cfn.FOLDER / "smoke.py"


LEASES = []


def free_port():
    """Nobody else's until the tests end."""
    LEASES.append(ports.Lease())
    return LEASES[-1].port


def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def wait_for(port, process):
    end = time.monotonic() + 15
    while not answers(port):
        assert process.poll() is None and time.monotonic() < end, f"port {port} does not answer"
        time.sleep(0.02)


class Programs:
    def __init__(self, folder):
        self.folder, self.running, self.logs = folder, [], []

    def start(self, port, *command, ready=True, **extra):
        log = self.folder / f"{len(self.running)}.log"
        self.logs.append(log)
        process = subprocess.Popen(command, stdout=open(log, "wb"), stderr=subprocess.STDOUT, cwd=self.folder, **extra)
        self.running.append(process)
        if ready:
            wait_for(port, process)
        return process

    def redis(self, acl=ACL):
        port = free_port()
        (self.folder / f"{port}.acl").write_text(
            f"user default on >root ~* &* +@all\nuser parley {acl} >secret\n"
        )
        self.start(
            port, "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--aclfile", str(self.folder / f"{port}.acl"),
        )
        return port

    def relay(self, redis, ready=True):
        return self.relay_at(f"redis://parley:secret@127.0.0.1:{redis}", ready)

    def relay_at(self, url, ready=True, **environment):
        port = free_port()
        self.start(
            port, PARLEYD, ready=ready, env={
                "PARLEY_LISTEN": f"127.0.0.1:{port}", "PARLEY_ADMIN": f"127.0.0.1:{free_port()}",
                "PARLEY_REDIS_URL": url, "PARLEY_DRAIN_SECONDS": "0", **environment,
            },
        )
        return port

    def close(self):
        for process in reversed(self.running):
            process.kill()
            process.wait()

    def smoke(self, first, second, seconds):
        return subprocess.run(
            [sys.executable, SMOKE, "127.0.0.1", str(first), "--at", f"127.0.0.1:{second}", "--seconds", str(seconds)],
            text=True, capture_output=True, timeout=60,
        )


@pytest.fixture
def programs(tmp_path):
    it = Programs(tmp_path)
    yield it
    it.close()


def test_the_rights_are_enough(programs):
    redis = programs.redis()
    first, second = programs.relay(redis), programs.relay(redis)
    it = programs.smoke(first, second, 20)
    assert it.returncode == 0, it.stderr + programs.logs[1].read_text()
    assert "16 people on 2 addresses heard 16 lines each, in one order" in it.stdout
    log = subprocess.run(
        ["redis-cli", "-p", str(redis), "--user", "default", "--pass", "root", "--no-auth-warning", "ACL", "LOG"],
        text=True, capture_output=True, check=True,
    )
    assert log.stdout.strip() == "", "Redis refused something"


@pytest.mark.parametrize("right", ["+ssubscribe", "+fcall", "&parley:*", "~parley:*", "+xadd"])
def test_each_right_is_needed(programs, right):
    redis = programs.redis(ACL.replace(f"{right} ", ""))
    first = programs.relay(redis, ready=False)
    assert programs.smoke(first, first, 2).returncode == 1


# ---- prod: Redis Cluster, with TLS and users ----


class SecureCluster(RedisCluster):
    """As ElastiCache makes it: the servers have names, speak TLS, and know the template's user."""

    def __init__(self, folder):
        rights = next(p["AccessString"] for _, _, p in PROD.each("AWS::ElastiCache::User"))
        users = folder / "users.acl"
        users.write_text(f"user default on nopass ~* &* +@all\nuser parley {rights} >secret\n")
        settings = {
            "cluster-announce-hostname": "localhost", "cluster-preferred-endpoint-type": "hostname", "aclfile": users,
        }
        super().__init__(folder / "cluster", shards=2, settings=settings, tls=True)

    def task_url(self):
        """What tasks are given, with names of this machine in it."""
        text = next(p["SecretString"] for _, _, p in PROD.each("AWS::SecretsManager::Secret") if "SecretString" in p)
        return f"{text.partition(':')[0]}://parley:secret@localhost:{self.servers[0].peer_port}"

    def refusals(self):
        return [entry for server in self.servers for entry in server.command("ACL", "LOG")]


@pytest.fixture(scope="module")
def secure_cluster(tmp_path_factory):
    it = SecureCluster(tmp_path_factory.mktemp("secure"))
    yield it
    it.close()


@pytest.fixture
def relays_of_cluster(programs, secure_cluster):
    trust = {"SSL_CERT_FILE": str(secure_cluster.certificate)}
    return [programs.relay_at(secure_cluster.task_url(), **trust) for _ in range(2)]


def test_prod_is_a_cluster(secure_cluster):
    assert secure_cluster.task_url().startswith("rediss-cluster://")
    assert len(secure_cluster.primaries()) == 2


def test_the_rights_are_enough_for_a_cluster(programs, secure_cluster, relays_of_cluster):
    it = programs.smoke(*relays_of_cluster, 30)
    assert it.returncode == 0, it.stderr + programs.logs[0].read_text()
    assert "16 people on 2 addresses heard 16 lines each, in one order" in it.stdout
    assert secure_cluster.refusals() == [], "Redis refused something"


def test_a_shard_fails_over(programs, secure_cluster, relays_of_cluster):
    before = secure_cluster.primaries()
    secure_cluster.fail_over(before[0])
    assert secure_cluster.primaries() != before
    it = programs.smoke(*relays_of_cluster, 60)
    assert it.returncode == 0, it.stderr + programs.logs[0].read_text()
    assert secure_cluster.refusals() == []


def test_the_slot_of_the_lobby_moves(programs, secure_cluster, relays_of_cluster):
    """As with online resharding: NumNodeGroups may change while the service runs."""
    slot = partition_slot(partition_of("#lobby"))
    source = secure_cluster.primary_of_room("#lobby")
    target = next(primary for primary in secure_cluster.primaries() if primary is not source)
    secure_cluster.begin_migration(slot, target)
    secure_cluster.finish_migration(slot)
    assert secure_cluster.primary_of_room("#lobby") is target
    it = programs.smoke(*relays_of_cluster, 60)
    assert it.returncode == 0, it.stderr + programs.logs[0].read_text()
    assert secure_cluster.refusals() == []


def test_without_the_right_to_ask_for_slots_nothing_goes(programs, secure_cluster):
    for server in secure_cluster.servers:
        server.command("ACL", "SETUSER", "parley", "-cluster|slots")
    try:
        port = programs.relay_at(secure_cluster.task_url(), ready=False, SSL_CERT_FILE=str(secure_cluster.certificate))
        assert programs.smoke(port, port, 2).returncode == 1
    finally:
        for server in secure_cluster.servers:
            server.command("ACL", "SETUSER", "parley", "+cluster|slots")
            server.command("ACL", "LOG", "RESET")


def test_a_server_that_nobody_vouches_for_is_not_believed(programs, secure_cluster):
    port = programs.relay_at(secure_cluster.task_url(), ready=False)
    assert programs.smoke(port, port, 2).returncode == 1
    assert "certificate" in programs.logs[0].read_text()


def test_the_rights_are_those_of_the_documentation():
    text = (cfn.ROOT / "docs/REDIS.md").read_text()
    told = re.search(r"^ACL SETUSER parley ((?:.*\\\n)*.*)$", text, re.MULTILINE).group(1)
    told = set(told.replace("\\\n", " ").replace(">PASSWORD ", "").split())
    for deployment in (D, PROD):
        for _, name, user in deployment.each("AWS::ElastiCache::User"):
            given = user["AccessString"].replace(f"{deployment.parameter('data', 'KeyPrefix')}:", "parley:").split()
            assert set(given) == told, name


def test_smoke_notices_two_separate_relays(programs):
    first, second = programs.relay(programs.redis()), programs.relay(programs.redis())
    it = programs.smoke(first, second, 2)
    assert it.returncode == 1
    assert "not in time" in it.stderr


def test_smoke_notices_that_nobody_is_there(programs):
    port = free_port()
    it = programs.smoke(port, port, 1)
    assert it.returncode == 1
    assert "refused" in it.stderr


def test_the_containers_health_check(programs):
    """The very command of the task definition, against the relay's own admin port."""
    container = D.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    command = container["HealthCheck"]["Command"][1:]
    port, admin = free_port(), free_port()
    relay = programs.start(
        admin, PARLEYD,
        env={"PARLEY_LISTEN": f"127.0.0.1:{port}", "PARLEY_ADMIN": f"127.0.0.1:{admin}", "PARLEY_DRAIN_SECONDS": "0",
             "PARLEY_REDIS_URL": f"redis://127.0.0.1:{free_port()}"},
    )
    command = [word.replace("/8080", f"/{admin}") for word in command]
    assert subprocess.run(command, timeout=10).returncode == 0, "alive, also without Redis"
    relay.terminate()
    relay.wait(10)
    assert subprocess.run(command, timeout=10, stderr=subprocess.DEVNULL).returncode != 0


def test_the_relay_starts_with_the_environment_of_the_task(programs):
    container = D.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    environment = {e["Name"]: str(e["Value"]) for e in container["Environment"]}
    mine = {"5050": free_port(), "5051": free_port(), "8080": free_port()}
    for name in ("PARLEY_LISTEN", "PARLEY_ADMIN"):
        for old, new in mine.items():
            environment[name] = environment[name].replace(f":{old}", f":{new}")
    environment["PARLEY_REDIS_URL"] = f"redis://parley:secret@127.0.0.1:{programs.redis()}"
    environment["PARLEY_EMF"] = "1"
    relay = programs.start(mine["5050"], PARLEYD, env=environment)
    assert answers(mine["5051"]) and answers(mine["8080"])
    end = time.monotonic() + 10
    while "_aws" not in programs.logs[1].read_text():
        assert time.monotonic() < end, "no line of metrics"
        time.sleep(0.05)
    relay.terminate()
    assert relay.wait(15) == 0, "nobody is connected: nothing to wait for"
    lines = [json.loads(line) for line in programs.logs[1].read_text().splitlines()]
    found = [line for line in lines if "_aws" in line]
    assert found, lines
    (told,) = found[0]["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == environment["PARLEY_EMF_NAMESPACE"]
    assert told["Dimensions"] == [["Service"]]
    assert found[0]["Service"] == environment["PARLEY_EMF_SERVICE"]
    names = {m["Name"] for line in found for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    # A histogram without an observation is left out.
    assert names <= set(tree.EMF)
    assert {n for n, kind in tree.EMF.items() if kind != "HISTOGRAM"} <= names
