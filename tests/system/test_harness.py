"""The oracle and the clients notice what they are there for."""

import socket
import threading
from types import SimpleNamespace

import pytest

from harness import Crowd, Oracle


class Listener:
    """What the oracle needs of a client."""

    def __init__(self, name, tokens, ended):
        self.name = name
        self.lines = [f"[#lobby] <{token.partition(':')[0]}> {token}" for token in tokens]
        self.arrivals = [(0.0, len(self.lines))]
        self.ended = ended


def watcher(name, *tokens, ended=None):
    return Listener(name, tokens, ended)


def verdict(*watchers, sent):
    senders = [w for w in watchers if w.name in sent]
    oracle = Oracle(senders, watchers)
    oracle.sent = dict(sent)
    return {kind: len(some) for kind, some in oracle.faults().items() if some}


ALL = ("a:1", "b:1", "a:2", "b:2")


def test_all_is_well():
    them = [watcher(name, *ALL) for name in "abc"]
    assert verdict(*them, sent={"a": 2, "b": 2}) == {}


@pytest.mark.parametrize(
    "tokens, fault",
    [
        (("a:1", "b:1", "b:2"), "lost"),
        (("a:1", "b:1", "a:2"), "lost"),
        ((), "lost"),
        (("a:1", "b:1", "a:1", "a:2", "b:2"), "duplicated"),
        (("a:2", "b:1", "a:1", "b:2"), "reordered"),
        (("b:1", "a:1", "a:2", "b:2"), "reordered"),
    ],
)
def test_a_fault_is_seen(tokens, fault):
    them = [watcher("a", *ALL), watcher("b", *ALL), watcher("c", *tokens)]
    assert fault in verdict(*them, sent={"a": 2, "b": 2})


def test_of_a_dead_sender_only_what_was_echoed_must_have_come():
    dead = watcher("b", "a:1", "b:1", ended="reset")
    assert verdict(watcher("a", "a:1", "b:1", "a:2"), dead, sent={"a": 2, "b": 9}) == {}
    found = verdict(watcher("a", "a:1", "a:2"), dead, sent={"a": 2, "b": 9})
    assert "lost" in found


def test_nobody_may_lack_what_others_saw_of_a_dead_sender():
    dead = watcher("b", ended="reset")
    them = [watcher("a", "b:1", "a:1"), watcher("c", "a:1"), dead]
    assert "lost" in verdict(*them, sent={"a": 1, "b": 9})


def test_a_line_that_was_given_up_need_not_come():
    told = watcher("b", "a:1", "b:1", "a:2")
    told.lines.append('! Not sent, the backplane is away: "b:2"')
    told.arrivals = [(0.0, len(told.lines))]
    assert verdict(watcher("a", "a:1", "b:1", "a:2"), told, sent={"a": 2, "b": 2}) == {}
    assert "lost" in verdict(watcher("a", "a:1", "b:1", "a:2"), told, sent={"a": 2, "b": 3})


def test_rooms_are_judged_apart():
    lines = ["[#a] <a> a:1", "[#b] <b> b:1", "[#b] <a> a:1"]
    one, two = watcher("a"), watcher("b")
    one.lines, two.lines = lines, [lines[1], lines[0]]
    one.arrivals, two.arrivals = [(0.0, 3)], [(0.0, 2)]
    oracle = Oracle([one, two], [], rooms={one: "#a", two: "#b"})
    oracle.sent = {"a": 1, "b": 1}
    assert not any(oracle.faults().values())


def test_delays_are_measured():
    one = watcher("a", "a:1", "a:2", "a:3")
    one.arrivals = [(10.0, 1), (14.0, 2), (15.0, 3)]
    oracle = Oracle([one], [])
    oracle.sent, oracle.sent_at = {"a": 3}, {"a": [9.5, 11.0, 14.8]}
    assert not any(oracle.faults().values())
    assert oracle.worst_delay() == 3.0
    assert oracle.longest_silence() == 4.0
    assert oracle.healed_after(13.0) == 2.0


@pytest.mark.parametrize(
    "data, flawed",
    [
        (b"* fine\r\n[#a] <b> c\r\n! no\r\n", False),
        (b"* LF only\n* x\r\n", True),
        (b"* a\x07b\r\n", True),
        (b"* a\xc2\x9bb\r\n", True),
        (b"* a\rb\r\n", True),
        (b"* \xff\r\n", True),
        (b"what is this\r\n", True),
        (b"* " + b"x" * 4093 + b"\r\n", True),
        (b"* " + b"x" * 4092 + b"\r\n", False),
        (b"* cut", True),
    ],
    ids=repr,
)
def test_a_line_that_no_server_may_send_is_seen(data, flawed):
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        client, _ = server.accept()
        with client:
            client.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    crowd = Crowd()
    node = SimpleNamespace(name="fake", port=server.getsockname()[1])
    crowd.connect(node).expect_end()
    thread.join()
    server.close()
    assert bool(crowd.close()) == flawed
