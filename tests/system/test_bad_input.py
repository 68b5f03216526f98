"""Whatever a client does, it costs nobody else anything.

While it happens, ann on the same node and ben on another talk in a room of their own; the
oracle sees to it that they lose nothing and wait for nobody.
"""

import random
import socket
import struct
import time

import pytest

from harness import Load, Oracle, is_sanitized, scaled, wait_until

PATIENCE = 5  # seconds that ann and ben may hear nothing, though they talk all the time
MEMORY = 100  # MiB that a node may grow at its peak
LINE_TOO_LONG = "! The line is too long: at most 4096 bytes with its end. It was dropped."
TEXT_TOO_LONG = "! The text is too long: at most 3936 bytes."


class Talk:
    """ann and ben, and the nodes that they are on."""

    def __init__(self, world, nodes):
        self.nodes = nodes
        self.pair = [world.person(node, name) for node, name in zip(nodes, ("ann", "ben"))]
        for client in self.pair:
            client.ask("/join #calm")
        for client in self.pair:
            client.settle()
        self.oracle = Oracle(self.pair, self.pair, "#calm")
        self.load = Load(self.oracle, lines_per_second=40)
        self.begin = None

    def __enter__(self):
        self.peaks = [node.status("VmHWM") for node in self.nodes]
        for client in self.pair:
            client.forget_lines()
        self.load.__enter__()
        return self

    def __exit__(self, kind, *_):
        self.load.__exit__()
        if kind is None:
            self.check()

    def check(self):
        self.oracle.settle()
        self.oracle.check()
        for client in self.pair:
            times = [at for at, _ in client.arrivals]
            silence = max((b - a for a, b in zip(times, times[1:])), default=0)
            print(f"the longest that {client.name} waited for a line: {silence:.2f} s")
            assert silence < PATIENCE
        for node, before in zip(self.nodes, self.peaks):
            grown = (node.status("VmHWM") - before) / 1024
            print(f"{node.name} grew by {grown:.1f} MiB at its peak")
            assert grown < MEMORY or is_sanitized()


@pytest.fixture
def talk(world):
    with Talk(world, world.some_nodes(2)) as it:
        yield it


@pytest.fixture
def node(talk):
    """The node of ann, where the bad client goes."""
    return talk.nodes[0]


@pytest.fixture
def eve(world, node):
    return world.person(node, "eve")


def cleaned(data):
    """What is to be left of bytes that were said."""
    text = data.decode("utf-8", "replace")
    return "".join(
        c for c in text if c == "\t" or not (ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F)
    )


# ---- bytes ----


def test_every_byte(eve):
    values = [value for value in range(256) if value != 10]
    eve.send_bytes(b"".join(b"x%cy\n" % value for value in values))
    for value in values:
        eve.next_are(f"[#lobby] <eve> {cleaned(b'x%cy' % value)}")


def test_all_bytes_in_one_line(eve):
    data = b"x" + bytes(value for value in range(256) if value != 10) + b"y"
    eve.send_bytes(data + b"\n")
    eve.next_are(f"[#lobby] <eve> {cleaned(data)}")


@pytest.mark.parametrize(
    "data",
    [
        b"caf\xe9",
        b"\xc0\xaf",  # overlong
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",  # a surrogate
        b"\xf4\x90\x80\x80",  # past the last character
        b"\xf0\x9f\x98",  # cut
        b"\xe2\x82",
        b"a\xf0\x9f\x98b\xe2\x82c",
        b"\xff\xfb\x01telnet",  # IAC WILL ECHO
        b"\x80\x80\x80",
        b"c1 as UTF-8: \xc2\x85\xc2\x9b31m",
        b"esc \x1b[2J\x07\x08\x7f",
        b"nul \x00 inside",
        "\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH SPACE}\ufeffx".encode(),
        "👩‍👩‍👧‍👦 e\u0301".encode(),
    ],
    ids=repr,
)
def test_what_is_not_clean_text(world, talk, eve, data):
    there = world.person(talk.nodes[1], "there")
    eve.send_bytes(data + b"\n")
    line = f"[#lobby] <eve> {cleaned(data)}"
    eve.expect(line)
    there.expect(line)


def test_ends_of_lines(eve):
    eve.send_bytes(b"a\nb\r\nc\r\r\nd\re\n\r\n\n\nf\n\rg\r\n")
    for text in ("a", "b", "c", "de", "f", "g"):
        eve.next_are(f"[#lobby] <eve> {text}")
    assert eve.settle() == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_line_split_at_every_byte(eve, end):
    data = "/me says ☕".encode() + end
    for cut in range(1, len(data)):
        eve.send_bytes(data[:cut])
        eve.send_bytes(data[cut:])
        eve.next_are("[#lobby] * eve says ☕")
    for byte in data:
        eve.send_bytes(bytes([byte]))
    eve.next_are("[#lobby] * eve says ☕")


def test_a_mebibyte_of_noise(world, node, eve):
    chance = random.Random(5)
    stranger = world.connect(node, "stranger")
    for client in (stranger, eve):
        for _ in range(scaled("KiB", 1024, short=128)):
            client.send_bytes(chance.randbytes(1024))
        client.send("")
    eve.settle(timeout=60)
    stranger.settle(timeout=60)
    assert not eve.ended and not stranger.ended


def test_a_mebibyte_of_line_ends(eve):
    for end in (b"\n", b"\r", b"\r\n", b" \n", b"\0\n"):
        eve.send_bytes(end * (scaled("KiB", 1024, short=128) * 1024 // len(end)) + b"\n")
    assert [line for line in eve.settle(timeout=60) if line != LINE_TOO_LONG] == []


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\r\n\r\n\r\n\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\n",  # PROXY v2
        b"%s%n%s%n%d\n",
        b"x' OR 1=1 --\n",
    ],
    ids=["http", "tls", "ssh", "redis", "proxy", "format", "sql"],
)
def test_other_protocols(world, node, data):
    client = world.connect(node)
    client.send_bytes(data)
    client.send("")
    client.settle()
    assert not client.ended
    assert world.person(node, "ann-too").settle() == []


# ---- lengths ----


@pytest.mark.parametrize(
    "data, answer",
    [
        (b"x" * 3936 + b"\n", "[#lobby] <eve> " + "x" * 3936),
        (b"x" * 3937 + b"\n", TEXT_TOO_LONG),
        (b"x" * 4095 + b"\n", TEXT_TOO_LONG),
        (b"x" * 4096 + b"\n", LINE_TOO_LONG),
        (b"x" * 4094 + b"\r\n", TEXT_TOO_LONG),
        (b"x" * 4095 + b"\r\n", LINE_TOO_LONG),
        (b"x" * 20_000 + b"\n", LINE_TOO_LONG),
        (b"/me " + b"x" * 20_000 + b"\n", LINE_TOO_LONG),
        (b"\xff" * 1312 + b"\n", "[#lobby] <eve> " + "\ufffd" * 1312),
        (b"\xff" * 1313 + b"\n", TEXT_TOO_LONG),
        (b"\xff" * 2000 + b"\n", LINE_TOO_LONG),
        (b"/" + b"x" * 4000 + b"\n", "! There is no command /" + "x" * 40 + ".... Type /help."),
    ],
    ids=lambda value: f"{value[:4]!r}x{len(value)}" if isinstance(value, bytes) else value[:12],
)
def test_long_lines(eve, data, answer):
    eve.send_bytes(data)
    eve.send("still here")
    eve.next_are(answer, "[#lobby] <eve> still here")


def test_a_mebibyte_without_an_end(world, node, eve):
    strangers = [world.connect(node, f"s{n}") for n in range(20)]
    for client in [eve, *strangers]:
        client.send_bytes(b"x" * (1 << 20))
    wait_until(lambda: all(client.is_sent() for client in [eve, *strangers]))
    for client in [eve, *strangers]:
        client.send("", "/ping")
        client.expect("* pong")
        assert client.seen("too long") == [LINE_TOO_LONG]
    eve.send("still here")
    eve.next_are("[#lobby] <eve> still here")


def test_half_a_line_then_nothing(world, talk, node, eve):
    silent = [world.connect(node, f"s{n}") for n in range(50)]
    for client in silent:
        client.send_bytes(b"half a li")
    eve.send_bytes(b"half a li")
    talk.load.run_until_said(100)
    for client in silent[:25]:
        client.close()
    eve.send_bytes(b"ne\n")
    eve.next_are("[#lobby] <eve> half a line")


def test_what_stands_before_the_end_of_the_connection_without_a_line_end(world, talk, node):
    watcher = world.person(talk.nodes[1], "watcher")
    client = world.connect(node)
    client.send_bytes(b"bob\nwhole\nhalf")
    client.finish_sending()
    watcher.expect("[#lobby] <bob> whole")
    watcher.expect_match(r"^\* bob quit")
    watcher.settle()
    assert len(watcher.seen("<bob>")) in (1, 2)


# ---- quantities ----


def test_ten_thousand_commands_without_waiting(eve):
    count = scaled("commands", 10_000, short=1_000)
    rounds = count // 10
    commands = ["/join #x", "/who", "/nick eva", "/topic t", "/leave", "/nick eve", "/help"]
    commands += ["/nothing", "hello", "/msg eve psst"]
    eve.send_bytes(("\n".join(commands) + "\n").encode() * rounds)
    eve.settle(timeout=240)
    assert len(eve.seen("no command /nothing")) == rounds
    assert len(eve.seen(r"^\[#lobby\] <eve> hello")) == rounds
    assert len(eve.seen(r"^\[eve -> you\] psst")) == rounds
    assert len(eve.seen(r"^\* You left #x")) == rounds
    assert len(eve.seen(r"is now eva")) == rounds


def test_ten_thousand_pings_without_waiting(eve):
    count = scaled("pings", 10_000, short=1_000)
    eve.send(*[f"/ping {n}" for n in range(count)])
    for n in range(count):
        eve.next_are(f"* pong {n}")


def test_five_hundred_connections_without_a_word(world):
    count = scaled("connections", 500, short=100)
    nodes = world.some_nodes(2, register_seconds=3)
    with Talk(world, nodes):
        silent = [world.connect(nodes[0], f"s{n}") for n in range(count)]
        for client in silent:
            client.expect("* Welcome to Parley. Type your name and press Enter.")
        for client in silent:
            client.expect_end("! You gave no name in time.")


def test_connections_that_come_and_go(world, talk, node):
    """Closed at once, in the middle of the name, and reset."""
    for number in range(scaled("connections", 600, short=60)):
        sock = socket.create_connection(("127.0.0.1", node.port))
        if number % 3:
            sock.send(b"gone%d\n" % number if number % 2 else b"gon")
        if number % 5 == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    last = world.person(node, "last")

    def all_gone():
        return last.ask("/who")[-1] == "* 3 people in #lobby."

    wait_until(all_gone, what="only ann, ben and last are left")
    assert world.person(node, "gone7").lines[0].startswith("* You are gone7 in ")


def test_a_flood_is_slowed_down_and_nothing_of_it_is_lost(world):
    nodes = world.some_nodes(2, flood_lines=200, flood_burst=20)
    with Talk(world, nodes):
        eve = world.person(nodes[0], "eve")
        begin = time.monotonic()
        eve.send(*[f"line {n}" for n in range(300)])
        for n in range(300):
            eve.next_are(f"[#lobby] <eve> line {n}")
        took = time.monotonic() - begin
        print(f"300 lines at 200 a second took {took:.2f} s")
        assert took > 1


def test_a_flood_without_end(world):
    nodes = world.some_nodes(2, flood_lines=50)
    with Talk(world, nodes) as talk:
        eve = world.person(nodes[0], "eve")
        eve.send(*[f"{n} {'x' * 1000}" for n in range(10_000)])
        talk.load.run_until_said(150)
        assert not eve.ended
        heard = eve.seen(r"^\[#lobby\] <eve> ")
        assert 20 < len(heard) < 2000
        for n, line in enumerate(heard):
            assert line.startswith(f"[#lobby] <eve> {n} ")
        eve.close()
        talk.pair[1].expect_match(r"^\* eve quit")


def test_who_never_reads_is_closed_and_nobody_waits(world):
    nodes = world.some_nodes(2, sendq_bytes=65536)
    with Talk(world, nodes) as talk:
        crier = world.person(nodes[1], "crier")
        sloth = world.person(nodes[0], "sloth", receive_bytes=4096)
        sloth.stop_reading()
        said = 0
        while not crier.seen(r"^\* sloth quit"):
            crier.ask(*["x" * 3900] * 20)
            said += 20
            assert said < 20_000, "what waits for sloth has no bound"
        print(f"closed when {said * 3.9 / 1024:.1f} MiB had been said")
        assert len(crier.seen(r"^\* sloth quit \(reads too slowly\)$")) == 1
        sloth.read_again()
        sloth.expect_end("! You read too slowly: your send queue is full.")
        assert not crier.ended
        for client in talk.pair:
            assert not client.ended


def test_many_who_never_read(world):
    nodes = world.some_nodes(2, sendq_bytes=65536)
    count = scaled("sloths", 50, short=10)
    with Talk(world, nodes):
        crier = world.person(nodes[1], "crier")
        sloths = world.people(nodes[:1], [f"sloth{n}" for n in range(count)])
        for sloth in sloths:
            sloth.stop_reading()
        said = 0
        while len(crier.seen(r"^\* sloth\d+ quit \(reads too slowly\)")) < count:
            crier.ask(*["x" * 3900] * 20)
            said += 20
            assert said < 20_000, "what waits for them has no bound"
