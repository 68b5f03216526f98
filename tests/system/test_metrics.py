"""The metrics: their format, their documentation, and that each of them tells the truth."""

import ast
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from harness import binary, wait_until
from harness.admin import Admin
from harness.node import environment
from harness.proxy import Proxy
from irc_client import irc_connect, irc_person

TESTS = Path(__file__).resolve().parent
METRICS = TESTS.parents[1] / "docs" / "METRICS.md"


def table():
    done = subprocess.run([binary(), "--print-metrics-markdown"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


def test_the_documentation_has_the_table_of_metrics():
    between = re.search(
        r"<!-- metrics -->\n(.*?)<!-- /metrics -->", METRICS.read_text("utf-8"), re.DOTALL
    )
    assert between and between.group(1).strip() == table().strip()


def test_the_text_is_what_prometheus_reads(world):
    node = world.node()
    world.person(node, "ann")
    status, text, headers = node.admin.get("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert text.endswith("\n")
    types, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert line.split(" ")[2] not in types, line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, line
            types[name] = kind
            last = name
        else:
            name, value = re.fullmatch(r"([a-z_]+(?:\{[^}]+\})?) ([-0-9.e+]+)", line).groups()
            base = re.sub(r"\{.*", "", name)
            if types[last] == "histogram":
                base = re.sub(r"_(bucket|sum|count)$", "", base)
            assert base == last, line
            assert name not in samples, line
            samples[name] = float(value)
    assert len(samples) > 100
    for name in [name for name, kind in types.items() if kind == "histogram"]:
        buckets = [value for key, value in samples.items() if key.startswith(f"{name}_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == samples[f"{name}_count"]


def test_alarms_are_about_metrics_that_there_are(world):
    rules = re.findall(r"expr: (.*)", (TESTS.parents[1] / "contrib/prometheus-rules.yml").read_text("utf-8"))
    assert len(rules) > 10
    known = {name.partition("{")[0] for name in world.node().admin.metrics()}
    for rule in rules:
        for name in re.findall(r"\bparley_(\w+)", rule):
            assert name in known, rule


# ---- each metric is right somewhere ----

DEFINED = TESTS.parents[1] / "include" / "parley" / "core" / "metrics.def"
NAME = re.compile(r'^METRIC(?:_EMF)?\(\w+, (\w+), "((?:[^"\\]|\\.)+)"', re.MULTILINE)

# What no test can see.
UNSEEN = {
    'connections{protocol="none",state="registered"}': "nobody registers without a word",
    'closed_total{reason="shutdown"}': "happens after the last page was served; it is logged",
}


def words_of_tests():
    """All strings that stand in the functions of the system tests, fixtures of values included."""
    for file in TESTS.glob("test_*.py"):
        for function in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                for node in ast.walk(function):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield node.value


def test_each_metric_is_looked_at_by_a_test():
    rows = [(name.replace('\\"', '"'), kind) for kind, name in NAME.findall(DEFINED.read_text("utf-8"))]
    assert len(rows) > 60
    assert set(UNSEEN) <= {name for name, _ in rows}
    words = set(words_of_tests())
    missed = [
        name
        for name, kind in rows
        if not {name, *([f"{name}_count"] if kind == "HISTOGRAM" else [])} & words
    ]
    assert set(missed) <= set(UNSEEN), f"no test asks for {sorted(set(missed) - set(UNSEEN))}"


def grown(before, after, name):
    return after[name] - before[name]


def test_a_line_is_counted_on_its_way(world):
    node = world.node()
    ann, ben = world.person(node, "ann"), world.person(node, "ben")
    ann.expect("* ben joined #lobby")
    for client in (ann, ben):
        client.settle()
    before = node.admin.metrics()
    ann.send("x" * 100)
    line = f"[#lobby] <ann> {'x' * 100}"
    for client in (ann, ben):
        client.expect(line)
    after = node.admin.metrics()
    assert grown(before, after, "lines_in_total") == 1
    assert grown(before, after, "bytes_in_total") == 101
    assert grown(before, after, "entries_total") == 1
    assert grown(before, after, "deliveries_total") == 2
    assert grown(before, after, "bytes_out_total") == 2 * (len(line) + 2)
    assert grown(before, after, "writes_total") == 2
    assert grown(before, after, "batches_total") >= 1
    assert grown(before, after, "batch_items_total") >= 1
    assert grown(before, after, "redis_call_seconds_count") >= 1
    ann.ask("x" * 5000)
    assert grown(before, node.admin.metrics(), "bad_lines_total") == 1
    assert (after["rooms"], after["members"], after["users"]) == (1, 2, 2)
    ann.ask("/join #tea")
    assert node.admin.metric("rooms") == 2 and node.admin.metric("members") == 3
    assert after["accepted_total"] == after["sessions"] == 2


def test_connections_are_counted_by_protocol_and_state(world):
    node = world.node()
    irc_person(world, node, "ben")
    irc_connect(world, node).send("NICK cat")
    for words in (["ann"], ["/help"], []):
        world.connect(node).send(*words)
    for name in (
        'connections{protocol="line",state="registered"}',
        'connections{protocol="line",state="unregistered"}',
        'connections{protocol="irc",state="registered"}',
        'connections{protocol="irc",state="unregistered"}',
        'connections{protocol="none",state="unregistered"}',
    ):
        node.admin.wait_metric(name, lambda value: value == 1)
    metrics = node.admin.metrics()
    assert sum(metrics[name] for name in metrics if name.startswith("connections{")) == 5


@pytest.mark.parametrize(
    "name, said, limit",
    [
        ('connections{protocol="line",state="closing"}', b"/quit\n", 0),
        ('connections{protocol="irc",state="closing"}', b"NICK ann\nQUIT\n", 0),
        ('connections{protocol="none",state="closing"}', b"", 1),
    ],
    ids=["line", "irc", "none"],
)
def test_connections_that_are_closing_are_counted(world, name, said, limit):
    """They are for a few seconds, for a client that does not close its end."""
    node = world.node(max_sessions_per_address=limit, exempt="none")
    kept = []

    def one_is_closing():
        kept.append(socket.create_connection(("127.0.0.1", node.port)))
        kept[-1].sendall(said)
        return node.admin.metric(name) >= 1

    wait_until(one_is_closing)
    for sock in kept:
        sock.close()
    node.admin.wait_metric(name, lambda value: value == 0)


def test_a_reset_connection_is_counted(world):
    node = world.node()
    ann = world.person(node, "ann")
    with socket.create_connection(("127.0.0.1", node.port)) as sock:
        sock.sendall(b"ben\n")
        ann.expect("* ben joined #lobby")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    node.admin.wait_metric('closed_total{reason="peer_reset"}', lambda value: value == 1)
    ann.expect("* ben quit (connection reset)")


def test_the_process_is_measured(world):
    begin = time.time()
    node = world.node(descriptors=(500, 500))
    metrics = node.admin.metrics()
    assert metrics["process_max_fds"] == 500
    assert begin - 1 <= metrics["process_start_time_seconds"] <= time.time() + 1
    assert abs(metrics["process_resident_memory_bytes"] / 1024 - node.status("VmRSS")) < 16384
    assert metrics["process_open_fds"] > 5
    node.admin.wait_metric("process_cpu_seconds_total", lambda value: value > 0)
    asked = node.admin.metric("http_requests_total")
    assert node.admin.metric("http_requests_total") == asked + 1


# ---- Redis ----


def test_links_to_redis_are_counted(world):
    redis = world.redis()
    node = world.node()
    metrics = node.admin.metrics()
    assert metrics['redis_links_up{link="commands"}'] == 1
    assert metrics['redis_links_up{link="subscriptions"}'] == 1
    assert metrics['redis_reconnects_total{link="subscriptions"}'] == 0
    assert 0 < metrics["probe_rtt_seconds"] < 60
    redis.client_kill("pubsub")
    node.admin.wait_metric('redis_reconnects_total{link="subscriptions"}', lambda value: value == 1)
    redis.kill()
    for name in ('redis_links_up{link="commands"}', 'redis_links_up{link="subscriptions"}'):
        node.admin.wait_metric(name, lambda value: value == 0)


def log_of(redis, room):
    [key] = [key for key in redis.keys("parley:*:l:*") if key.endswith(f":l:{room}")]
    return key


def test_holes_and_repetitions_of_a_log_are_counted(world):
    redis = world.redis()
    node = world.node()
    ann = world.person(node, "ann")
    ann.ask("one", "two")
    log = log_of(redis, "#lobby")
    (last, fields), (before, _) = redis.command("XREVRANGE", log, "+", "-", "COUNT", 2)
    assert node.admin.metric("duplicates_total") == node.admin.metric("gaps_total") == 0
    redis.command("SPUBLISH", log, f"{before} {last} {fields[1]}")  # said before
    node.admin.wait_metric("duplicates_total", lambda value: value == 1)
    after = int(last.partition("-")[0]) + 1
    redis.command("SPUBLISH", log, f"{after}-1 {after}-2 {fields[1]}")  # where is {after}-1?
    node.admin.wait_metric("gaps_total", lambda value: value == 1)
    node.admin.wait_metric("resyncs_total", lambda value: value >= 1)
    redis.command("SPUBLISH", log, "nonsense")
    node.admin.wait_metric("malformed_total", lambda value: value == 1)
    assert ann.ask("three")[-1] == "[#lobby] <ann> three"
    assert len(ann.seen("<ann> two")) == 1


def test_what_waits_for_redis_is_counted(world):
    redis = world.redis()
    proxy = Proxy(redis.port)
    node = world.node(redis_url=proxy.url)
    ann = world.person(node, "ann")
    proxy.stall()
    ann.send("under way")
    # What is under way is not held: what comes behind it is.
    node.admin.wait_metric("lines_in_total", lambda value: value >= 3)
    ann.send(*["behind it"] * 3)
    node.admin.wait_metric("held_bytes", lambda value: value > 0)
    node.admin.wait_metric("redis_available", lambda value: value == 0)
    node.admin.wait_metric("probe_age_seconds", lambda value: value > 2)
    proxy.cut()
    ann.expect("[#lobby] <ann> under way")
    node.admin.wait_metric("redis_available", lambda value: value == 1)
    node.admin.wait_metric("held_bytes", lambda value: value == 0)
    assert node.admin.metric("batch_retries_total") >= 1
    node.stop()
    proxy.close()


def test_a_node_that_is_deaf_is_counted(world):
    """It subscribed where the name led for a moment, and publishes where it led before."""
    redis, other = world.redis(), world.redis()
    proxy = Proxy(redis.port)
    node = world.node(redis_url=proxy.url)
    ann = world.person(node, "ann")
    proxy.target = other.port  # open connections stay
    redis.client_kill("pubsub")
    node.admin.wait_metric("probes_missed_total", lambda value: value >= 1)
    ann.send("hello")
    proxy.target = redis.port
    ann.expect("[#lobby] <ann> hello")
    node.stop()
    proxy.close()


def test_more_said_in_a_minute_than_is_kept_for_a_failover(world):
    """64 MiB are kept for 60 s."""
    node = world.node(sendq_bytes=1 << 28, sendq_soft_bytes=0)
    ann = world.person(node, "ann")
    while node.admin.metric("ring_overflows_total") == 0:
        assert ann.ask(*["x" * 3900] * 1000)
        ann.forget_lines()
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]
    wait_until(lambda: " ring_overflow " in node.log())


# ---- the log ----


def test_a_log_that_nobody_reads_is_counted_and_waits_for_nobody(world):
    redis = world.redis()
    command = [binary(), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-level", "debug"]
    with subprocess.Popen(
        [*command, "--redis-url", redis.url], stdout=subprocess.PIPE, env=environment()
    ) as process:
        port = admin = None
        while not (port and admin):
            line = process.stdout.readline().decode()
            found = re.search(r" (admin_)?listening .*address=127\.0\.0\.1:(\d+)", line)
            if found and found.group(1):
                admin = Admin.at(int(found.group(2)))
            elif found:
                port = int(found.group(2))

        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # so that it is full soon

        def is_full():
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(b"/quit\n")
                assert sock.makefile("rb").read() == b"* Goodbye.\r\n"
            return admin.metric("log_dropped_total") > 0

        wait_until(is_full)
        os.read(process.stdout.fileno(), 1 << 16)  # there is room again
        is_full()
        process.send_signal(signal.SIGTERM)
        assert re.search(rb" log_dropped .*count=\d", process.stdout.read())
        assert process.wait(30) == 0


def test_a_delivery_is_timed(world):
    node, other = world.some_nodes(2)
    ann, ben = world.person(node, "ann"), world.person(other, "ben")
    before = other.admin.metric("delivery_seconds_count")
    ann.ask(*[f"line {n}" for n in range(50)])
    ben.expect("[#lobby] <ann> line 49")
    metrics = other.admin.metrics()
    assert metrics["delivery_seconds_count"] > before
    assert metrics['delivery_seconds_bucket{le="30"}'] == metrics["delivery_seconds_count"]


def test_a_stalled_loop_shows(world):
    node = world.node()
    slow = 'loop_lag_seconds_bucket{le="0.5"}'
    wait_until(lambda: node.admin.metric("loop_lag_seconds_count") > 2)
    node.pause()
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin >= 1)  # how long it stalls is the fault
    node.resume()
    wait_until(
        lambda: (m := node.admin.metrics()) and m["loop_lag_seconds_count"] > m[slow]
    )
