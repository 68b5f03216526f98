"""What an operator does: options, limits, secrets, stopping; and what a node refuses."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import Load, Oracle, Redis, binary, members, wait_until
from harness.node import environment
from harness.ports import Lease

README = Path(__file__).resolve().parents[2] / "README.md"
STOPPING = "! This node is stopping."
REPLACED = "! This node is being replaced. Connect again."
FULL = "! This node is full. Try again."


def run(*args, env=None):
    return subprocess.run(
        [binary(), *args],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


def refused(done, *words):
    """Exit 2 and one line on standard error that has these words."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.endswith("\n") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def ends_at_start(node):
    """It gives up by itself; returns its log."""
    status = node.wait(timeout=60)
    assert status not in (0, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT), node.log_tail()
    return node.log()


# ---- options ----


@pytest.mark.parametrize(
    "args, words",
    [
        (["--listen", "nonsense"], ["--listen", '"nonsense"', "HOST:PORT"]),
        (["--listen", "127.0.0.1:99999"], ["--listen", '"127.0.0.1:99999"']),
        (["--partitions", "48"], ["--partitions", '"48"', "power of two"]),
        (["--partitions=0"], ["--partitions", '"0"', "1"]),
        (["--history", "many"], ["--history", '"many"', "100000"]),
        (["--history", "-1"], ["--history", '"-1"']),
        (["--log-level", "loud"], ["--log-level", '"loud"', "debug"]),
        (["--log-format", "xml"], ["--log-format", '"xml"', "json"]),
        (["--redis-prefix", "a b"], ["--redis-prefix", '"a b"']),
        (["--redis-url", "http://u:s3cret@x"], ["--redis-url", "redis://"]),
        (["--sendq-bytes", "1"], ["--sendq-bytes", '"1"', "16384"]),
        (["--max-line-bytes", "99999999999999999999"], ["--max-line-bytes", "65536"]),
        (["--colour", "red"], ["--colour", "--help"]),
        (["--listen"], ["--listen", "HOST:PORT"]),
        (["--redis-url-file", "/nowhere/url"], ["--redis-url-file", '"/nowhere/url"']),
        (["s3cret"], ["--help"]),
    ],
    ids=lambda value: " ".join(value)[:30],
)
def test_a_wrong_option_is_refused_in_one_line(args, words):
    done = run(*args)
    refused(done, *words)
    assert "s3cret" not in done.stderr


def test_a_wrong_variable_is_refused_by_its_name():
    refused(run(env={"PARLEY_HISTORY": "many"}), "PARLEY_HISTORY", "--history", '"many"')
    done = run(env={"PARLEY_REDIS_URL": "http://u:s3cret@x"})
    refused(done, "PARLEY_REDIS_URL", "redis://")
    assert "s3cret" not in done.stderr


def test_a_flag_wins_over_its_variable(world):
    world.redis()
    node = world.node(env={"PARLEY_MAX_ROOMS": "1", "PARLEY_NODE_NAME": "x"}, max_rooms=2)
    ann = world.person(node, "ann")
    assert ann.ask("/join #a") == ["* You are in #a, alone."]
    assert ann.ask("/join #b") == ["! You are in too many rooms. Leave one first."]


def test_help_lists_every_option():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    for option in ("--listen", "--redis-url", "--partitions", "--drain-seconds", "--version"):
        assert option in done.stdout


def test_version():
    done = run("--version")
    assert done.returncode == 0 and done.stderr == ""
    assert re.fullmatch(r"parleyd \d+\.\d+\.\d+\S*\n", done.stdout)


def test_the_readme_has_the_table_of_options():
    between = re.search(
        r"<!-- options -->\n(.*?)<!-- /?(?:end of )?options -->",
        README.read_text("utf-8"),
        re.DOTALL,
    )
    assert between, "README.md has no table between its markers"
    assert between.group(1).strip() == run("--print-options-markdown").stdout.strip()


def test_an_address_that_cannot_be_had(world):
    node = world.node()
    taken = f"127.0.0.1:{node.port}"
    assert taken in ends_at_start(world.start_node(listen=taken))


def test_a_message_of_the_day_that_is_not_there(world):
    assert "/nowhere/motd" in ends_at_start(world.start_node(motd_file="/nowhere/motd"))


def test_several_listeners_and_ipv6(world):
    world.redis()
    node = world.node(listen=None, env={"PARLEY_LISTEN": "127.0.0.1:0,[::1]:0"})
    ports = wait_until(lambda: _ports(node, 2))
    for family, host, port in (
        (socket.AF_INET, "127.0.0.1", ports[0]),
        (socket.AF_INET6, "::1", ports[1]),
    ):
        with socket.socket(family) as sock:
            sock.settimeout(30)
            sock.connect((host, port))
            sock.sendall(b"ann\n/who ann\n/quit\n")
            text = sock.makefile("rb").read().decode()
            assert f"* ann is ann@{host}" in text, text


def _ports(node, count):
    found = re.findall(r"\blistening\b.*address=\S*:(\d+)", node.log())
    return [int(port) for port in found] if len(found) >= count else None


def test_relays_with_different_prefixes_do_not_hear_each_other(world):
    world.redis()
    one, two = world.node(redis_prefix="one"), world.node(redis_prefix="two", partitions=8)
    ann, other = world.person(one, "ann"), world.person(two, "ann")
    assert ann.ask("hello", "/topic x") and other.settle() == []
    assert members(other) == ["ann"]
    assert other.ask("/topic") == ["* #lobby has no topic."]
    assert all(key.startswith(("one:", "two:")) for key in world.redises[0].keys("*"))


# ---- logs and secrets ----


def test_json_logs(world):
    node = world.node(log_format="json")
    world.person(node, "ann")
    node.stop()
    for line in node.log().splitlines():
        entry = json.loads(line)
        assert {"time", "level", "event", "node"} <= set(entry), line
        assert entry["node"] == node.name


def test_what_people_say_is_in_no_log(world):
    nodes = world.some_nodes(2, log_level="debug")
    ann, ben = (world.person(node, name) for node, name in zip(nodes, ("ann", "ben")))
    ann.ask("confidential", "/me confidential", "/msg ben confidential", "/topic confidential")
    ann.ask("/away confidential", "/confidential", "confidential" * 500)
    ben.settle()
    assert ben.seen("confidential")
    for node in nodes:
        assert "confidential" not in node.log()


SECRET = "s3cret-word"


@pytest.fixture
def locked_redis(world):
    return world.redis("--requirepass", SECRET)


@pytest.mark.parametrize("how", ["option", "file", "variable"])
def test_the_password_of_redis_is_seen_nowhere(world, tmp_path, locked_redis, how):
    url = f"redis://:{SECRET}@127.0.0.1:{locked_redis.port}"
    if how == "option":
        node = world.node(redis_url=url)
    elif how == "file":
        (tmp_path / "url").write_text(url + "\n", encoding="ascii")
        node = world.node(redis_url=None, redis_url_file=tmp_path / "url")
    else:
        node = world.node(redis_url=None, env={"PARLEY_REDIS_URL": url})
    ann = world.person(node, "ann")
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]
    command = Path(f"/proc/{node.pid}/cmdline").read_bytes()
    assert b"parleyd" in command and SECRET.encode() not in command
    node.stop()
    assert SECRET not in node.log()


def test_a_wrong_password_is_told_without_it(world, locked_redis):
    url = f"redis://:{SECRET}-wrong@127.0.0.1:{locked_redis.port}"
    node = world.start_node(redis_url=url)
    node.wait_log(r"WRONGPASS|(?i:password|auth)")
    assert SECRET not in node.log()
    node.kill()


# ---- Redis at the start ----


def test_a_node_waits_for_its_redis(world):
    lease = Lease()
    node = world.start_node(redis_url=f"redis://127.0.0.1:{lease.port}")
    node.wait_log(r"(?i)redis|connect|refused")
    world.redises.append(Redis(world.folder, lease=lease))
    node.wait_listening()
    ann = world.person(node, "ann")
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]


class OldRedis:
    """Answers like a server of another version, as far as anybody asks before the version."""

    def __init__(self, info):
        self.info = info.encode()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        file = client.makefile("rb")
        with client:
            while True:
                words = []
                try:
                    for _ in range(int(file.readline()[1:] or 0)):
                        words.append(file.read(int(file.readline()[1:]) + 2)[:-2])
                except ConnectionError:
                    return
                if not words:
                    return
                client.sendall(self._answer(words[0].upper()))

    def _answer(self, command):
        if command == b"INFO":
            return b"$%d\r\n%b\r\n" % (len(self.info), self.info)
        if command in (b"AUTH", b"SELECT", b"CLIENT", b"PING"):
            return b"+OK\r\n"
        return b"-ERR unknown command\r\n"

    def close(self):
        self.server.close()


@pytest.mark.parametrize(
    "info, words",
    [
        ("# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n", ["6.2.14", "7.0"]),
        (
            "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:7.0.9\r\n",
            ["7.0.9", "7.2"],
        ),
    ],
    ids=["redis 6.2", "valkey 7.0"],
)
def test_a_redis_that_is_too_old_is_refused(world, info, words):
    old = OldRedis(info)
    log = ends_at_start(world.start_node(redis_url=f"redis://127.0.0.1:{old.port}"))
    old.close()
    assert any(all(word in line for word in words) for line in log.splitlines()), log


def test_another_number_of_partitions_is_refused(world):
    world.redis()
    ann = world.person(world.node(partitions=16), "ann")
    log = ends_at_start(world.start_node(partitions=32))
    assert any(
        "partitions" in line and "16" in line and "32" in line for line in log.splitlines()
    ), log
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]
    world.person(world.node(partitions=16), "ben")


# ---- limits of the system ----


def test_the_limit_of_descriptors_is_raised(world):
    node = world.node(descriptors=(256, 3000))
    limits = Path(f"/proc/{node.pid}/limits").read_text("ascii")
    assert re.search(r"^Max open files +3000 +3000 ", limits, re.MULTILINE), limits


def cpu_seconds(node):
    fields = Path(f"/proc/{node.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_node_out_of_descriptors_goes_on(world):
    node, other = world.node(descriptors=(64, 64)), world.node()
    ann, ben = world.person(node, "ann"), world.person(other, "ben")
    ann.expect("* ben joined #lobby")
    oracle = Oracle([ann, ben], [ann, ben])
    with Load(oracle, lines_per_second=40) as load:
        fillers = [world.connect(node, f"filler{n}") for n in range(100)]
        load.run_until_said(40)
        before, begin = cpu_seconds(node), time.monotonic()
        load.run_until_said(80)
        busy = (cpu_seconds(node) - before) / (time.monotonic() - begin)
        print(f"out of descriptors it uses {busy:.0%} of a processor")
        assert busy < 0.7, "it spins"
        assert any(filler.lines for filler in fillers)
        for filler in fillers:
            filler.close()
        load.run_until_said(20)
    node.admin.wait_metric("accept_paused_total", lambda value: value >= 1)
    oracle.settle()
    oracle.check()
    told = [line for line in node.log().splitlines() if re.search("(?i)descriptor|emfile", line)]
    assert 1 <= len([line for line in told if " debug " not in line]) <= 3, told
    late = world.person(node, "late")
    assert late.ask("hello") == ["[#lobby] <late> hello"]


def test_a_full_node_says_so(world):
    node = world.node(max_sessions=3)
    people = [world.person(node, f"p{n}") for n in range(3)]
    for _ in range(3):
        world.connect(node).expect_end(FULL)
    people[0].send("/quit")
    people[0].expect_end("* Goodbye.")

    def there_is_room():
        client = world.connect(node, "late")
        client.send("late")
        wait_until(lambda: client.lines)
        return client.lines[0].startswith("* You are late")

    wait_until(there_is_room)
    assert people[1].ask("hello") == ["[#lobby] <p1> hello"] or people[1].seen("hello")


# ---- stopping ----


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_stopped_node_tells_its_people_and_ends_well(world, number):
    node, other = world.some_nodes(2, drain_seconds=1)
    people = world.people([node], [f"p{n}" for n in range(5)])
    stranger = world.connect(node)
    watcher = world.person(other, "watcher")
    node.signal(number)
    for client in [*people, stranger]:
        client.expect_end(REPLACED)
    assert node.wait() == 0
    for client in people:
        watcher.expect_match(r"^\* p\d quit \(node is being replaced\)$")
    assert members(watcher) == ["watcher"]
    for client in people:  # names are free at once
        again = world.connect(other, client.name)
        again.send(client.name)
        assert again.next().startswith(f"* You are {client.name} in #lobby")


def test_a_draining_node_takes_nobody_new_and_still_serves(world):
    node = world.node(drain_seconds=600)
    people = world.people([node], [f"p{n}" for n in range(5)])
    node.signal(signal.SIGTERM)

    def is_closed():
        try:
            socket.create_connection(("127.0.0.1", node.port), 5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it was about to be accepted
            pass
        return False

    wait_until(is_closed)
    left = [client for client in people if not client.ended]
    assert len(left) >= 3
    left[-1].send("still here")
    left[-1].expect(f"[#lobby] <{left[-1].name}> still here")

    begin = time.monotonic()
    node.signal(signal.SIGTERM)  # a second one: at once
    node.wait(timeout=20)
    print(f"ended {time.monotonic() - begin:.1f} s after the second signal")
    assert node.process.returncode == 0
    for client in left:
        client.expect_match(rf"^({re.escape(STOPPING)}|{re.escape(REPLACED)})$")


def test_lines_said_before_the_stop_are_stored(world):
    node, other = world.some_nodes(2)
    ann, watcher = world.person(node, "ann"), world.person(other, "watcher")
    ann.send(*[f"line {n}" for n in range(500)])
    ann.expect("[#lobby] <ann> line 100")
    node.stop()
    echoed = ann.seen("^.#lobby. <ann> line")
    watcher.expect_match(r"^\* ann quit")
    assert watcher.seen("^.#lobby. <ann> line")[: len(echoed)] == echoed


def test_a_node_without_its_redis_can_be_stopped(world):
    redis = world.redis()
    node = world.node(drain_seconds=0)
    ann = world.person(node, "ann")
    redis.pause()
    ann.send("never stored")
    begin = time.monotonic()
    node.stop(timeout=30)
    print(f"ended after {time.monotonic() - begin:.1f} s")


def test_clients_that_do_not_read_do_not_keep_a_node(world):
    node = world.node(drain_seconds=1)
    crier = world.person(node, "crier")
    sloth = world.person(node, "sloth", receive_bytes=4096)
    sloth.stop_reading()
    crier.ask(*["x" * 3900] * 200)
    node.stop(timeout=30)
