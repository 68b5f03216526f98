"""Registration, and what makes real clients hang or fail: one test for each.

The servers' behaviours that hang irssi, WeeChat, HexChat, catgirl, ZNC, Limnoria, pydle, POE
and Net::Async are named where a test sees to it that ours is another.
"""

import pytest

from harness import scaled
from irc_client import commands_of, irc_connect, irc_person, params_of, parse

ALL_CAPS = (
    "account-tag away-notify batch cap-notify echo-message extended-join extended-monitor "
    "invite-notify labeled-response message-tags multi-prefix server-time setname "
    "standard-replies userhost-in-names"
)


@pytest.fixture
def node(world):
    return world.node()


def until_greeted(client):
    """All lines up to the end of the message of the day."""
    start = client.cursor
    client.expect_match(r"^:irc\.parley (376|422) ")
    return client.lines[start : client.cursor]


def is_greeting(lines):
    numerics = commands_of(lines)
    return numerics[:4] == ["001", "002", "003", "004"] and numerics[-1] in ("376", "422")


# ---- the order of things ----


@pytest.mark.parametrize(
    "lines",
    [
        ["NICK ann", "USER a 0 * :Ann A"],
        ["USER a 0 * :Ann A", "NICK ann"],
        ["NICK :ann", "USER a 0 * Ann"],
        ["nick ann", "user a 0 * :Ann A"],
        ["PASS secret", "NICK ann", "USER a 0 * :Ann A"],
        ["CAP LS 302", "NICK ann", "USER a 0 * :Ann A", "CAP END"],
        ["CAP LS 302", "CAP END", "NICK ann", "USER a 0 * :Ann A"],
        ["CAP LS :302", "CAP REQ :batch", "NICK ann", "USER a 0 * :Ann A", "CAP END"],
        ["CAP REQ :batch", "CAP REQ :nonsense", "CAP LS", "CAP END", "NICK ann", "USER a 0 * A"],
        ["cap ls", "nick ann", "user a 0 * A", "cap end"],
        ["NICK ben", "NICK ann", "USER a 0 * :Ann A"],
    ],
)
def test_any_order_registers(world, node, lines):
    client = irc_connect(world, node)
    client.send(*lines)
    client.wait_for("001", "ann")
    client.cursor = 0
    greeting = [line for line in until_greeted(client) if " CAP " not in line]
    assert is_greeting(greeting), greeting
    isupport = params_of(greeting, "005")
    assert len(isupport) >= 2 and all(len(params) <= 15 for params in isupport)


def test_nothing_happens_before_negotiation_ends(world, node):
    client = irc_connect(world, node)
    client.send("CAP LS 302", "NICK ann", "USER a 0 * :Ann A")
    assert commands_of(client.ask()) == ["CAP"]
    client.send("CAP END")
    client.wait_for("001", "ann")


def test_the_message_of_the_day(world, tmp_path):
    motd = tmp_path / "motd"
    motd.write_text("Be kind.\nÜber alles reden.\n", encoding="utf-8")
    client = irc_connect(world, world.node(motd_file=motd))
    client.send("NICK ann", "USER a 0 * :Ann A")
    greeting = until_greeted(client)
    assert commands_of(greeting)[-4:] == ["375", "372", "372", "376"]
    assert params_of(greeting, "372")[1] == ["ann", "- Über alles reden."]


def test_who_one_is(world, node):
    client = irc_connect(world, node)
    client.send("NICK ann", "USER we!rd@u$er_name_that_is_long 0 * :Ann A")
    assert client.wait_for("001").params[1].endswith(" ann!~werduer_name_that@127.0.0.1")


# ---- hangs and refusals of the table: server behaviour, who hangs on it ----


def test_join_before_registration_gets_451(world, node):
    """Ignored, or 461 for its empty parameter: irssi hangs."""
    client = irc_connect(world, node)
    client.send("CAP LS 302", "JOIN :")
    assert parse(client.next()).params[:2] == ["*", "LS"]
    assert client.next() == ":irc.parley 451 * :You have not registered"


@pytest.mark.parametrize("line", ["JOIN", "PRIVMSG", "WHO", "MODE", "TOPIC #a", "LIST", "OPER"])
def test_451_comes_before_anything_is_checked(world, node, line):
    client = irc_connect(world, node)
    client.send("NICK ann")
    assert client.ask(line) == [":irc.parley 451 * :You have not registered"]


def test_unknown_commands_get_421(world, node):
    client = irc_connect(world, node)
    client.send("NICK ann")
    assert client.ask("FOO bar") == [":irc.parley 421 * FOO :Unknown command"]
    client.send("USER a 0 * A")
    until_greeted(client)
    assert client.ask("FOO bar") == [":irc.parley 421 ann FOO :Unknown command"]


def test_what_is_offered_is_acknowledged(world, node):
    """Offered, then refused: irssi and catgirl hang."""
    client = irc_connect(world, node)
    client.send("CAP LS 302")
    offered = parse(client.next()).params[2]
    assert offered == ALL_CAPS
    client.send(f"CAP REQ :{offered}")
    assert client.next() == f":irc.parley CAP * ACK :{offered}"
    client.send("CAP LIST")
    assert client.next() == f":irc.parley CAP * LIST :{offered}"


def test_cap_answers_have_a_source(world, node):
    """Without one HexChat hangs."""
    client = irc_connect(world, node)
    lines = client.ask("CAP LS", "CAP REQ batch", "CAP REQ nonsense", "CAP LIST", "CAP FOO")
    assert len(lines) == 5 and all(line.startswith(":irc.parley ") for line in lines), lines


def test_a_plain_ls_has_one_line(world, node):
    """Two lines for a client that did not say 302: Net::Async::IRC hangs."""
    client = irc_connect(world, node)
    lines = client.ask("CAP LS")
    assert len(lines) == 1 and parse(lines[0]).params[1:-1] == ["LS"]


def test_unknown_capabilities_are_refused_as_a_whole(world, node):
    client = irc_connect(world, node)
    assert client.ask("CAP REQ :batch nonsense") == [":irc.parley CAP * NAK :batch nonsense"]
    assert client.ask("CAP LIST") == [":irc.parley CAP * LIST :"]
    assert client.ask("CAP REQ :sasl") == [":irc.parley CAP * NAK :sasl"]


def test_cap_goes_on_after_registration(world, node):
    ann = irc_person(world, node, "ann")
    assert ann.ask("CAP REQ :batch") == [":irc.parley CAP ann ACK :batch"]
    assert ann.ask("CAP REQ :-batch") == [":irc.parley CAP ann ACK :-batch"]
    assert ann.ask("CAP LS 302")[0].startswith(":irc.parley CAP ann LS :")
    assert ann.ask("CAP REQ :-cap-notify") == [":irc.parley CAP ann NAK :-cap-notify"]
    assert ann.ask("CAP END") == []


def test_ping_and_pong_before_registration(world, node):
    client = irc_connect(world, node)
    assert client.ask("CAP LS 302", "PONG x") != []
    assert client.ask("PING :a b :c") == [":irc.parley PONG irc.parley :a b :c"]


@pytest.mark.parametrize("caps", ["", "extended-join"])
def test_join_has_the_form_that_was_agreed_on(world, node, caps):
    """extended-join acknowledged and a plain JOIN sent: Limnoria raises an exception."""
    ann = irc_person(world, node, "ann", caps=caps)
    join = parse(ann.ask("JOIN #a")[0])
    assert join.command == "JOIN"
    assert join.params == (["#a", "*", "Real ann"] if caps else ["#a"])


def test_authenticate_does_not_end_anything(world, node):
    client = irc_connect(world, node)
    client.send("CAP LS 302")
    assert params_of(client.ask("AUTHENTICATE PLAIN"), "421") == [
        ["*", "AUTHENTICATE", "Unknown command"]
    ]
    client.send("CAP END", "NICK ann", "USER a 0 * A")
    client.wait_for("001")


# ---- errors ----


def test_errors_of_registration(world, node):
    ann = irc_person(world, node, "ann")
    assert ann.ask("USER a 0 * A") == [":irc.parley 462 ann :You may not reregister"]
    assert ann.ask("PASS x") == [":irc.parley 462 ann :You may not reregister"]
    assert ann.ask("NICK") == [":irc.parley 431 ann :No nickname given"]
    assert ann.ask("NICK 2fast") == [":irc.parley 432 ann 2fast :Erroneous nickname"]
    assert ann.ask("NICK ann") == []
    assert ann.ask("PING") == [":irc.parley 461 ann PING :Not enough parameters"]
    assert ann.ask("PING :") == [":irc.parley 409 ann :No origin specified"]
    ben = irc_connect(world, node)
    assert ben.ask("USER a 0 *") == [":irc.parley 461 * USER :Not enough parameters"]
    assert ben.ask("NICK aNN", "USER b 0 * B") == [
        ":irc.parley 433 * aNN :Nickname is already in use"
    ]
    ben.send("NICK ben")
    ben.wait_for("001", "ben")


def test_lines_that_are_too_long(world, node):
    ann = irc_person(world, node, "ann", rooms="#a")
    too_long = ":irc.parley 417 ann :Input line was too long"
    text = "x" * (510 - len("PRIVMSG #a :"))
    assert ann.ask(f"PRIVMSG #a :{text}") == []
    assert ann.ask(f"PRIVMSG #a :{text}x") == [too_long]
    assert ann.ask(f"@{'t' * 4094} PRIVMSG #a :{text}") == []
    assert ann.ask(f"@{'t' * 4094} PRIVMSG #a :{text}x") == [too_long]
    assert ann.ask(f"@{'t' * 4095} PING x") == [too_long]
    assert ann.ask(f"PRIVMSG #a :{'x' * 10000}") == [too_long]


def test_what_is_not_utf8_is_refused(world, node):
    ann = irc_person(world, node, "ann", caps="echo-message", rooms="#a")
    ann.send_bytes(b"PRIVMSG #a :caf\xe9\r\n")
    refused = parse(ann.next())
    assert refused.command == "FAIL" and refused.params[:2] == ["*", "INVALID_UTF8"]
    assert ann.ask() == []


def test_stray_carriage_returns_and_zeros_are_blanks(world, node):
    ann = irc_person(world, node, "ann", caps="echo-message", rooms="#a")
    ann.send_bytes(b"PRIVMSG #a :a\rQUIT\0b\r\n")
    assert ann.wait_for("PRIVMSG").params == ["#a", "a QUIT b"]


def test_quit(world, node):
    ann, ben = (irc_person(world, node, name, rooms="#a") for name in ("ann", "ben"))
    ann.send("QUIT :good night")
    ann.expect_end("ERROR :Closing link: Quit: good night")
    assert ben.wait_for("QUIT").params == ["good night"]
    ben.send("QUIT")
    ben.expect_end("ERROR :Closing link: Quit: ")


def test_who_does_not_register_is_told(world):
    node = world.node(register_seconds=1)
    client = irc_connect(world, node)
    client.send("CAP LS 302")
    client.expect_end("ERROR :Closing link: You gave no name in time.")


# ---- two nodes at once ----


@pytest.mark.slow(10)
def test_of_two_that_want_one_nick_one_gets_it(world):
    nodes = world.some_nodes(2)
    rounds = scaled("rounds", 200, short=40, long=1000)
    wins = [0, 0]
    for number in range(rounds):
        pair = [irc_connect(world, node, f"{number}.{i}") for i, node in enumerate(nodes)]
        for client in pair:
            client.send("USER a 0 * A")
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            pair[which].send(f"NICK {'Name' if which else 'nAME'}{number}")
        answers = [parse(client.next()).command for client in pair]
        assert sorted(answers) == ["001", "433"], f"round {number}: {answers}"
        wins[answers.index("001")] += 1
        for client in pair:
            client.close()
    print(f"{rounds} rounds: won {wins[0]} by the first node, {wins[1]} by the second")


def test_of_two_that_change_to_one_nick_one_gets_it(world):
    nodes = world.some_nodes(2)
    pair = [irc_person(world, node, name) for node, name in zip(nodes, ("ann", "ben"))]
    for number in range(scaled("rounds", 100, short=20)):
        for client in pair:
            client.send(f"NICK same{number}")
        answers = [commands_of(client.ask()) for client in pair]
        assert sorted(answers) == [["433"], ["NICK"]], f"round {number}: {answers}"
        pair[answers.index(["NICK"])].ask(f"NICK other{number}")
