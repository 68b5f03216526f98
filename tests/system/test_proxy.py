"""Real addresses of clients behind a load balancer: the PROXY protocol."""

import re
import socket
import struct

import pytest

from harness import wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(host="192.0.2.7", port=40000):
    return f"PROXY TCP4 {host} 10.0.0.1 {port} 5050\r\n".encode()


def v2(host="192.0.2.7", port=40000, tlvs=b"", command=0x21):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = socket.inet_pton(family, host)
    block = address + bytes(len(address)) + struct.pack("!HH", port, 5050) + tlvs
    code = 0x21 if ":" in host else 0x11
    return SIGNATURE + struct.pack("!BBH", command, code, len(block)) + block


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


LOCAL = SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)


@pytest.fixture
def node(world):
    return world.node(listen="127.0.0.1:0,proxy", log_level="info")


def arrive(world, node, header, name):
    client = world.connect(node, name)
    client.send_bytes(header + f"{name}\n".encode())
    client.expect_match(rf"^\* You are {name} in #lobby")
    return client


def host_of(client):
    [line] = [line for line in client.ask(f"/who {client.name}") if "@" in line]
    return re.match(rf"^\* {client.name} is {client.name}@(\S+)$", line).group(1)


@pytest.mark.parametrize(
    "header, host",
    [
        (v1(), "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (v2(), "192.0.2.7"),
        (v2("2001:db8::7"), "2001:db8::7"),
        (v2(tlvs=tlv(0xEE, b"what") + tlv(4, bytes(30))), "192.0.2.7"),
        (LOCAL, "127.0.0.1"),
    ],
    ids=["v1", "v1 ipv6", "v1 unknown", "v2", "v2 ipv6", "v2 extensions", "v2 local"],
)
def test_the_address_is_the_headers(world, node, header, host):
    ann = arrive(world, node, header, "ann")
    assert host_of(ann) == host
    ann.send("/quit")
    ann.expect_end("* Goodbye.")
    node.wait_log(rf"session_close\b.* peer=\[?{re.escape(host)}\]?:\d+ .*reason=quit")


def test_a_header_may_come_in_pieces(world, node):
    ann = world.connect(node, "ann")
    ann.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in v2():
        ann.send_bytes(bytes([byte]))
    assert ann.lines == []
    ann.send("ann")
    ann.expect_match(r"^\* You are ann")
    assert host_of(ann) == "192.0.2.7"


def test_the_endpoint_of_aws_and_tls_are_in_the_log(world, node):
    header = v2(tlvs=tlv(0xEA, b"\x01vpce-08d2bf15fac5001c9") + tlv(0x20, b"\x01\0\0\0\0"))
    ann = arrive(world, node, header, "ann")
    ann.send("/quit")
    ann.expect_end("* Goodbye.")
    node.wait_log(r"session_close\b.* secure=yes endpoint=vpce-08d2bf15fac5001c9$")


def test_a_secure_listener_marks_its_sessions(world):
    node = world.node(listen="127.0.0.1:0,secure")
    ann = world.person(node, "ann")
    ann.send("/quit")
    node.wait_log(r"session_close\b.* secure=yes$")


@pytest.mark.parametrize(
    "data",
    [b"ann\n", b"PROXY TCP4 nonsense\r\n", v1()[:-2] + b"\n", SIGNATURE + b"\x21\x11\0\x01x", b"\r\n"],
    ids=["a name", "v1 nonsense", "v1 bare LF", "v2 too short", "a blank line"],
)
def test_without_its_header_a_connection_is_closed(world, data):
    node = world.node(listen="127.0.0.1:0,proxy", proxy_seconds=1, log_level="info")
    client = world.connect(node)
    client.send_bytes(data)
    client.expect_end()
    assert client.lines == []
    node.admin.wait_metric('closed_total{reason="proxy_header"}', lambda value: value == 1)
    assert "reason=proxy_header" in node.log()


def test_a_header_has_a_deadline(world):
    node = world.node(listen="127.0.0.1:0,proxy", proxy_seconds=1, log_level="info")
    for data in (b"", v1()[:20]):
        client = world.connect(node)
        client.send_bytes(data)
        client.expect_end()
        assert client.lines == []


def test_health_checks_are_silent(world, node):
    before = node.log()
    for data in (b"", LOCAL, v2(command=0x20)):
        with socket.create_connection(("127.0.0.1", node.port)) as sock:
            sock.sendall(data)
    node.admin.wait_metric('closed_total{reason="peer_closed"}', lambda value: value == 3)
    wait_until(lambda: node.admin.metric("sessions") == 0)
    assert node.log() == before


def test_where_no_header_is_expected_it_is_just_a_bad_name(world):
    node = world.node()
    client = world.connect(node)
    client.send_bytes(v1())
    assert client.next().startswith('! The name "PROXY TCP4 192.0.2.7 10.0.0.1')
    client.send("ann")
    client.expect_match(r"^\* You are ann")


def test_the_limit_of_an_address_is_that_of_the_real_one(world):
    node = world.node(listen="127.0.0.1:0,proxy", max_sessions_per_address=1)
    ann = arrive(world, node, v1(), "ann")
    client = world.connect(node)
    client.send_bytes(v1(port=40001))
    client.expect_end("! Too many connections from your address.")
    arrive(world, node, v1("192.0.2.8"), "ben")
    arrive(world, node, v2("2001:db8::1"), "cat")
    same_network = world.connect(node)
    same_network.send_bytes(v2("2001:db8::2"))
    same_network.expect_end("! Too many connections from your address.")
    assert ann.ask("hello") and node.admin.metric("refused_total") == 2
