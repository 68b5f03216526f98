"""What one client, or one address, may have of a node."""

import socket

from harness import wait_until
from irc_client import irc_person, parse

TOO_MANY = "! Too many connections from your address."
SLOW = "! You read too slowly: your send queue is full."


def test_sessions_of_one_address(world):
    node = world.node(max_sessions_per_address=2, exempt="none")
    people = [world.person(node, f"p{n}") for n in range(2)]
    world.connect(node).expect_end(TOO_MANY)
    metrics = node.admin.metrics()
    assert metrics['closed_total{reason="address"}'] == metrics["refused_total"] == 1
    assert "session_refused" in node.log() and "reason=address" in node.log()
    people[0].ask("hello")
    people[1].close()

    def there_is_room():
        client = world.connect(node, "late")
        client.send("late")
        wait_until(lambda: client.lines)
        return client.lines[0].startswith("* You are late")

    wait_until(there_is_room)


def test_exempt_networks_have_no_such_limit(world):
    node = world.node(max_sessions_per_address=1, exempt="192.0.2.0/24,127.0.0.0/8")
    world.people([node], [f"p{n}" for n in range(5)])
    assert node.admin.metric("refused_total") == 0


def test_sessions_in_all(world):
    node = world.node(max_sessions=1)
    world.person(node, "ann")
    world.connect(node).expect_end("! This node is full. Try again.")
    metrics = node.admin.metrics()
    assert metrics['closed_total{reason="full"}'] == metrics["refused_total"] == 1


def test_the_time_to_give_a_name(world):
    node = world.node(register_seconds=1)
    ann = world.person(node, "ann")
    silent, talker = world.connect(node), world.connect(node)
    talker.send("/help")
    for client in (silent, talker):
        client.expect_end("! You gave no name in time.")
    assert node.admin.metric('closed_total{reason="register_timeout"}') == 2
    assert ann.ask("hello") == ["[#lobby] <ann> hello"]


def test_a_slow_reader_may_be_over_the_soft_limit_for_a_while(world):
    node = world.node(sendq_soft_bytes=65536, sendq_soft_seconds=1, sendq_bytes=1 << 28)
    crier = world.person(node, "crier")
    sloth = world.person(node, "sloth", receive_bytes=4096)
    late = world.person(node, "late", receive_bytes=4096)
    sloth.stop_reading()
    while node.admin.metric("sendq_bytes") < 1 << 20:
        crier.ask(*["x" * 3900] * 100)
    node.admin.wait_metric('closed_total{reason="slow_reader"}', lambda value: value == 1)
    assert node.admin.metric("slow_readers_total") == 1
    crier.expect("* sloth quit (reads too slowly)")
    assert not late.ended
    late.settle()


def test_a_flooder_is_throttled_and_counted(world):
    node = world.node(flood_lines=5, flood_burst=10)
    ann = world.person(node, "ann")
    ann.send(*[f"line {n}" for n in range(25)])
    node.admin.wait_metric("throttled_sessions", lambda value: value == 1)
    ann.expect("[#lobby] <ann> line 24")
    assert node.admin.metric("throttled_total") >= 1
    node.admin.wait_metric("throttled_sessions", lambda value: value == 0)


def test_silent_irc_clients_are_asked_and_then_closed(world):
    node = world.node(ping_seconds=1, ping_timeout_seconds=3, log_level="info")
    ann = world.person(node, "ann")
    silent = irc_person(world, node, "silent", rooms="#lobby")
    lively = irc_person(world, node, "lively")
    answered = 0
    while not silent.ended:
        lively.wait_for("PING")
        lively.send("PONG irc.parley")
        answered += 1
    assert answered >= 2
    lively.ask()
    assert [parse(line).command for line in silent.lines[-2:]] == ["PING", "ERROR"]
    assert "You did not answer in time." in silent.lines[-1]
    ann.expect("* silent quit (ping timeout)")
    assert node.admin.metric('closed_total{reason="ping_timeout"}') == 1
    node.wait_log(r"session_close\b.* protocol=irc reason=ping_timeout ")
    assert not ann.ended


def test_silent_people_of_the_line_protocol_are_watched_by_tcp(world):
    """No PING could be answered by nc: the kernel asks, below a load balancer's 350 s."""
    node = world.node(ping_seconds=1, ping_timeout_seconds=1, register_seconds=1)
    ann = world.person(node, "ann")
    silent = world.connect(node)
    silent.expect_end("! You gave no name in time.")  # some seconds went by
    table = open(f"/proc/{node.pid}/net/tcp", encoding="ascii").read().splitlines()
    ends = [f"0100007F:{port:04X}" for port in (node.port, ann.socket.getsockname()[1])]
    timers = [line.split()[5] for line in table if line.split()[1:3] == ends]
    assert [timer[:2] for timer in timers] == ["02"], timers  # the keepalive timer runs
    assert ann.ask("still here") == ["[#lobby] <ann> still here"]
    assert ann.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
