"""What a node writes on standard output, and what it reads again when told."""

import json
import re
import signal
import socket
from pathlib import Path

from harness import wait_until

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) [a-z_]+ node=\S+( [a-z0-9_]+=("[^\n]*"|\S+))*$')


def lines_of(node, event):
    return [line for line in node.log().splitlines() if f" {event} " in line]


def test_each_line_is_an_event_with_fields(world):
    node = world.node(log_level="debug")
    ann = world.person(node, "ann")
    ann.send("\x1b[31mred\r\n/quit \x07bye")
    ann.expect_end("* Goodbye.")
    node.stop()
    for line in node.log().splitlines():
        assert LINE.match(line), line


def test_each_event_is_explained():
    """Those that an operator sees without asking for debug."""
    explained = set(re.findall(r"`([a-z_]+)", (ROOT / "docs" / "OPERATIONS.md").read_text("utf-8")))
    found = set()
    for file in (ROOT / "src").rglob("*.c"):
        text = file.read_text("utf-8")
        found |= set(re.findall(r'\blog_(?:error|warn|info)\(\s*"([a-z_]+)"', text))
    assert len(found) > 15
    assert found <= explained, f"docs/OPERATIONS.md does not explain {sorted(found - explained)}"


def test_a_session_is_one_line_at_info(world):
    node = world.node(log_level="info")
    ann = world.person(node, "ann")
    port = ann.socket.getsockname()[1]
    ann.send("hello", "/quit")
    ann.expect_end("* Goodbye.")
    [line] = wait_until(lambda: lines_of(node, "session_close"))
    assert re.search(
        rf" session=1 peer=127\.0\.0\.1:{port} protocol=line reason=quit seconds=\d+ lines=4$", line
    ), line
    assert "ann" not in line


def test_connections_without_a_byte_are_silent(world):
    node = world.node(log_level="info")
    before = node.log()
    for _ in range(5):
        socket.create_connection(("127.0.0.1", node.port)).close()
    node.admin.wait_metric('closed_total{reason="peer_closed"}', lambda value: value == 5)
    assert node.log() == before


def test_repeated_events_are_limited_and_counted(world):
    node = world.node(log_level="info", log_format="json")
    for _ in range(8):
        for _ in range(25):
            with socket.create_connection(("127.0.0.1", node.port)) as sock:
                sock.sendall(b"/quit\n")
    ended = lambda: node.admin.metric('closed_total{reason="quit"}')
    wait_until(lambda: ended() == 200)

    def accounted():
        world.connect(node).send("/quit")  # a later event tells what an earlier second left out
        entries = [json.loads(line) for line in node.log().splitlines()]
        shown = sum(entry["event"] == "session_close" for entry in entries)
        left_out = sum(
            int(entry["count"])
            for entry in entries
            if entry["event"] == "suppressed" and entry["name"] == "session_close"
        )
        return shown + left_out >= 200

    wait_until(accounted)
    metrics = node.admin.metrics()
    assert metrics["log_suppressed_total"] > 0 and metrics["log_lines_total"] > 0


def test_metrics_for_cloudwatch(world):
    node = world.node(emf=1, log_level="info", emf_namespace="Chat", emf_service="relay-a")
    ann = world.person(node, "ann")
    ann.ask("hello", "hello")
    found = wait_until(lambda: [e for e in emf_of(node) if e["lines_in_total"] > 0])
    entry = found[0]
    node.stop()
    everything = emf_of(node)
    assert sum(e["lines_in_total"] for e in everything) == 5
    assert sum(e["accepted_total"] for e in everything) == 1
    [directive] = entry["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Chat" and directive["Dimensions"] == [["Service"]]
    assert entry["Service"] == "relay-a" and entry["node"] == node.name
    assert 1_600_000_000_000 < entry["_aws"]["Timestamp"] < 10_000_000_000_000
    assert entry["sessions"] == 1 and entry["redis_available"] == 1
    assert 0 < entry["loop_lag_seconds_p50"] <= entry["loop_lag_seconds_p99"]
    for each in everything:
        assert len(each["_aws"]["CloudWatchMetrics"][0]["Metrics"]) < 30
        for metric in each["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            assert isinstance(each[metric["Name"]], (int, float)), metric
            assert metric["Unit"] in ("Count", "Bytes", "Seconds")


def emf_of(node):
    # The last line may be half written.
    lines = node.log().rpartition("\n")[0].splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"_aws"')]


# ---- SIGHUP ----


def test_the_message_of_the_day_is_read_again(world, tmp_path):
    motd = tmp_path / "motd"
    motd.write_text("First.\n", encoding="utf-8")
    node = world.node(motd_file=motd)
    world.connect(node).next_are("* First.", "* Welcome to Parley. Type your name and press Enter.")
    ann = world.person(node, "ann")
    motd.write_text("Second.\n", encoding="utf-8")
    node.signal(signal.SIGHUP)
    node.wait_log(r"\breloaded\b")
    assert world.connect(node).next() == "* Second."
    motd.unlink()
    node.signal(signal.SIGHUP)
    node.wait_log(r"\breload_failed\b.*motd-file")
    assert world.connect(node).next() == "* Second."
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]


def test_a_changed_password_of_redis_is_read_again(world, tmp_path):
    redis = world.redis("--requirepass", "old-secret")
    file = tmp_path / "url"
    file.write_text(f"redis://:old-secret@127.0.0.1:{redis.port}\n", encoding="ascii")
    node = world.node(redis_url=None, redis_url_file=file)
    ann = world.person(node, "ann")
    redis.command("AUTH", "old-secret")
    redis.command("CONFIG", "SET", "requirepass", "new-secret")
    file.write_text(f"redis://:new-secret@127.0.0.1:{redis.port}\n", encoding="ascii")
    node.signal(signal.SIGHUP)
    node.wait_log(r"\breloaded\b")
    redis.client_kill("normal")
    redis.client_kill("pubsub")
    node.admin.wait_metric('redis_reconnects_total{link="commands"}', lambda value: value >= 1)
    ann.send("hello")
    ann.expect("[#lobby] <ann> hello")
    file.write_text("redis://:new-secret@other.example:6379\n", encoding="ascii")
    node.signal(signal.SIGHUP)
    node.wait_log(r"\breload_failed\b.*redis-url-file.*restart")
    file.write_text("nonsense new-secret\n", encoding="ascii")
    node.signal(signal.SIGHUP)
    node.wait_log(r"\breload_failed\b.*redis-url-file.*not right")
    assert "secret" not in node.log()
