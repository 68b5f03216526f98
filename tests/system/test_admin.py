"""The admin port: what it tells, and that nobody who comes to it can do harm."""

import json
import re
import signal
import socket
import time

import pytest

from harness import SHORT, wait_until


def raw(node, data=b"", timeout=30):
    """A connection to the admin port on which these bytes were sent."""
    sock = socket.create_connection(("127.0.0.1", node.admin.port), timeout)
    sock.sendall(data)
    return sock


def read_all(sock):
    with sock, sock.makefile("rb") as file:
        try:
            return file.read()
        except ConnectionResetError:
            return b""


# ---- pages ----


def test_health_and_readiness(world):
    node = world.node()
    status, body, headers = node.admin.get("/healthz")
    assert (status, body) == (200, "ok\n")
    assert headers["Connection"] == "close" and headers["Cache-Control"] == "no-store"
    assert node.admin.get("/readyz")[:2] == (200, "serving\nredis: available\n")
    assert node.admin.get("/healthz?x=1")[0] == 200
    assert node.admin.get("/nothing")[0] == 404
    assert node.admin.get("/healthz", "POST")[0] == 405
    assert node.admin.get("/healthz", "HEAD")[:2] == (200, "")


def test_a_node_without_redis_is_alive_and_not_ready(world):
    node = world.start_node(redis_url="redis://127.0.0.1:1")
    assert node.admin.get("/healthz")[0] == 200
    assert node.admin.get("/readyz")[:2] == (503, "starting\nredis: away\n")
    assert node.admin.status()["state"] == "starting"
    node.kill()


@pytest.mark.parametrize("needs, status", [("no", 200), ("yes", 503)])
def test_readiness_while_redis_is_away(world, needs, status):
    redis = world.redis()
    node = world.node(ready_needs_redis=needs)
    redis.pause()
    wait_until(lambda: node.admin.get("/readyz")[1] == "serving\nredis: away\n")
    assert node.admin.get("/readyz")[0] == status
    assert node.admin.metric("redis_available") == 0
    assert node.admin.metric("ready") == (status == 200)
    redis.resume()
    wait_until(lambda: node.admin.get("/readyz")[:2] == (200, "serving\nredis: available\n"))


def test_a_draining_node_is_not_ready(world):
    node = world.node(drain_seconds=600)
    world.people([node], ["ann", "ben", "cat"])
    node.signal(signal.SIGTERM)
    wait_until(lambda: node.admin.get("/readyz")[:2] == (503, "draining\nredis: available\n"))
    assert node.admin.get("/healthz")[0] == 200
    assert node.admin.metric("draining") == 1 and node.admin.metric("ready") == 0
    node.signal(signal.SIGTERM)
    assert node.wait() == 0


def test_status(world):
    node = world.node()
    world.person(node, "ann").ask("hello")
    told = node.admin.status()
    assert told["node"] == node.name and told["state"] == "serving" and told["ready"] is True
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", told["version"])
    assert re.fullmatch(r"[a-z0-9]{12}", told["id"])
    assert told["uptime_seconds"] < 600
    assert told["clients"]["connections"] == told["clients"]["registered_line"] == 1
    assert told["chat"]["users"] == told["chat"]["members"] == 1
    assert told["redis"]["available"] == 1 and told["redis"]["probe_age_seconds"] < 30
    assert told["process"]["resident_bytes"] > 1 << 20


def test_the_admin_port_can_be_left_out(world):
    node = world.node(admin="none")
    assert "admin_listening" not in node.log()


def test_an_admin_port_that_is_taken(world):
    node = world.node()
    other = world.start_node(admin=f"127.0.0.1:{node.admin.port}")
    assert other.wait(60) == 1
    assert "--admin" in other.log() and "in use" in other.log()


def test_a_default_admin_port_that_is_taken_is_done_without(world):
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", 8080))
            sock.listen()
        except OSError:
            pass  # somebody else has it: as good
        node = world.node(admin=None)
        assert re.search(r"admin_unavailable.*8080", node.log())
        world.person(node, "ann")


# ---- hostile clients ----


def test_malformed_requests_are_refused(world):
    node = world.node()
    for data in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\n\r\n",
        b"GET /healthz  HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 nonsense\r\nGET /healthz HTTP/1.1\r\n\r\n",
    ):
        answer = read_all(raw(node, data))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), (data, answer)
    assert node.admin.get("/healthz")[0] == 200


def test_a_request_may_come_in_pieces(world):
    node = world.node()
    sock = raw(node)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in (b"PROXY TC", b"P4 192.0.2.7 10.0.0.1 1 2\r", b"\nGET /he", b"althz HTTP/1.0\r\n", b"\n"):
        sock.sendall(piece)
    assert read_all(sock).startswith(b"HTTP/1.1 200 ")


V2_LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"


def test_a_load_balancers_header_before_the_request_is_skipped(world):
    node = world.node()
    for header in (V2_LOCAL, b"PROXY UNKNOWN\r\n"):
        answer = read_all(raw(node, header + b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_a_request_that_is_too_big_is_refused(world):
    node = world.node()
    sock = raw(node)
    try:
        for _ in range(1000):
            sock.sendall(b"X: " + b"x" * 1000 + b"\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass
    answer = read_all(sock)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 "), answer
    node.admin.wait_metric("http_refused_total", lambda value: value >= 1)


def test_idle_connections_are_closed_and_make_room(world):
    node = world.node()
    before = node.admin.metric("process_open_fds")
    idle = [raw(node, b"GET /heal") for _ in range(200)]
    assert node.admin.get("/healthz")[0] == 200
    metrics = node.admin.metrics()
    assert metrics["process_open_fds"] <= before + 33
    assert metrics["http_refused_total"] >= 160
    begin = time.monotonic()
    for sock in idle:
        assert read_all(sock) == b""
    assert time.monotonic() - begin < (60 if SHORT else 15)


def test_who_does_not_read_the_answer_does_no_harm(world):
    node = world.node()
    ann = world.person(node, "ann")
    socks = []
    for _ in range(50):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", node.admin.port))
        sock.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 3)
        socks.append(sock)
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]
    assert json.loads(node.admin.get("/status")[1])["ready"]
    for sock in socks:
        sock.close()
