"""The metrics: their format, their documentation, and that each of them moves."""

import re
import signal
import subprocess
import time
from pathlib import Path

from harness import binary, wait_until

METRICS = Path(__file__).resolve().parents[2] / "docs" / "METRICS.md"
ROW = re.compile(r"^\| `(?:parley_)?([a-z_]+)` \| (counter|gauge|histogram) ", re.MULTILINE)


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


# ---- each metric moves ----

# Moved by the tests of the modules that count them; making them move takes a fault that no
# node survives quickly, or a limit that is not reached in seconds.
ELSEWHERE = {
    "accept_paused_total",  # test_operate.py: out of descriptors
    "build_info",
    "given_up_total",  # test_faults.py: lines given up while Redis is away
    "history_gaps_total",  # test_faults.py: a log that was trimmed
    "log_dropped_total",  # test_log.c: a pipe that nobody reads
    "malformed_total",  # test_item.c and others
    "process_max_fds",
    "process_start_time_seconds",
    "replays_total",  # test_faults.py: a failover that lost entries
    "ring_overflows_total",  # bounded by 32 MiB
    "fenced_total",  # test_faults.py: a node that slept
    "nodes_reaped_total",  # test_faults.py: a node that was killed
    "partitions_lost_total",  # test_faults.py: Redis comes back empty
    "batch_retries_total",
    "gaps_total",
    "duplicates_total",
    "probes_missed_total",
}


class Recorder:
    def __init__(self, node):
        self.node = node
        self.first = node.admin.metrics()
        self.moved = set()

    def look(self):
        found = self.node.admin.metrics()
        for name, value in found.items():
            if value != self.first.get(name):
                base = re.sub(r"\{.*", "", name)
                self.moved.add(re.sub(r"_(bucket|sum|count)$", "", base))
        return found

    def wait(self, name, condition, meanwhile=lambda: None):
        def check():
            meanwhile()
            return condition(self.look()[name])

        wait_until(check, timeout=60, what=name)


def test_every_metric_is_moved(world):
    redis = world.redis()
    node = world.node(
        log_level="info", max_sessions_per_address=6, exempt="none", flood_lines=20,
        flood_burst=20, sendq_bytes=1 << 17, drain_seconds=5,
    )
    recorder = Recorder(node)
    world.crowd.connect(node).close()
    ann, ben = world.person(node, "ann"), world.person(node, "ben", receive_bytes=4096)
    ann.ask("hello", "/join #tea", "/room #lobby", "/nonsense")
    ben.stop_reading()
    extra = [world.connect(node) for _ in range(6)]
    recorder.wait("refused_total", lambda value: value >= 1)
    for client in extra:
        client.close()
    ann.send(*["line"] * 60)
    recorder.wait("throttled_sessions", lambda value: value == 1)
    carl = world.person(world.node(), "carl")
    carl.send(*["x" * 3900] * 2000)
    recorder.wait("sendq_bytes", lambda value: value > 0)
    recorder.wait("slow_readers_total", lambda value: value == 1)
    ben.read_again()
    for _ in range(3):
        for _ in range(60):
            world.connect(node, "quitter").send("/quit")
    node.admin.get("/nothing")
    node.admin.get("/healthz", "PUT")
    redis.client_kill("normal")
    redis.client_kill("pubsub")
    recorder.wait('redis_reconnects_total{link="subscriptions"}', lambda value: value >= 1)

    def be_cut_off_while_carl_talks():
        carl.send(*["more"] * 20)
        redis.client_kill("pubsub")

    recorder.wait("resyncs_total", lambda value: value >= 1, be_cut_off_while_carl_talks)
    recorder.wait("redis_available", lambda value: value == 1)
    redis.pause()
    # What is under way to Redis is not held: what comes behind it is.
    recorder.wait("held_bytes", lambda value: value > 0, lambda: ann.send("held"))
    recorder.wait("redis_available", lambda value: value == 0)
    redis.resume()
    recorder.wait("redis_available", lambda value: value == 1)
    node.signal(signal.SIGTERM)
    recorder.wait("draining", lambda value: value == 1)
    names = {name for name, _ in ROW.findall(table())}
    assert len(names) > 50
    still = names - recorder.moved - ELSEWHERE
    assert not still, f"nothing moved {sorted(still)}"
    assert ELSEWHERE <= names, ELSEWHERE - names
    node.stop()


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
