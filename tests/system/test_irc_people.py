"""People over IRC: who somebody is, on which node ever; nicks, being away; the server."""

import pytest

from irc_client import commands_of, irc_person, nick_of, params_of, parse


@pytest.fixture(params=[1, 2], ids=["one node", "two nodes"])
def nodes(world, request):
    return world.some_nodes(request.param)


@pytest.fixture
def ann(world, nodes):
    return irc_person(world, nodes[0], "ann", rooms="#a")


@pytest.fixture
def ben(world, nodes, ann):
    """In no room with ann."""
    return irc_person(world, nodes[-1], "ben", rooms="#b")


# ---- WHOIS and its kin ----


def test_whois(ann, ben):
    lines = ann.ask("WHOIS BEN")
    assert params_of(lines, "311") == [["ann", "ben", "~ben", "127.0.0.1", "*", "Real ben"]]
    assert commands_of(lines) == ["311", "312", "318"]
    ben.ask("JOIN #a", "AWAY :lunch")
    lines = ann.ask("WHOIS irc.parley ben")
    while commands_of(lines)[0] != "311":
        lines = lines[1:]
    assert commands_of(lines) == ["311", "319", "312", "301", "318"]
    assert params_of(lines, "319") == [["ann", "ben", "#a"]]
    assert params_of(lines, "301") == [["ann", "ben", "lunch"]]


def test_whois_of_the_line_protocol(world, nodes, ann):
    world.person(nodes[-1], "bob")
    lines = ann.ask("WHOIS bob")
    assert params_of(lines, "311") == [["ann", "bob", "bob", "127.0.0.1", "*", "bob"]]


def test_nobody(ann):
    assert commands_of(ann.ask("WHOIS nobody")) == ["401", "318"]
    assert commands_of(ann.ask("WHOIS 2fast")) == ["401", "318"]
    assert commands_of(ann.ask("WHOIS")) == ["431"]
    assert commands_of(ann.ask("WHOWAS nobody")) == ["406", "369"]
    assert commands_of(ann.ask("WHO nobody")) == ["315"]
    assert ann.ask("ISON nobody") == [":irc.parley 303 ann :"]
    assert ann.ask("USERHOST nobody 2fast") == [":irc.parley 302 ann :"]


def test_ison_userhost_userip(ann, ben):
    assert ann.ask("ISON nobody BEN :ann 2fast") == [":irc.parley 303 ann :ben ann"]
    ben.ask("AWAY :x")
    both = "ben=-~ben@127.0.0.1 ann=+~ann@127.0.0.1"
    assert ann.ask("USERHOST ben nobody ann") == [f":irc.parley 302 ann :{both}"]
    assert ann.ask("USERIP ben ann") == [f":irc.parley 340 ann :{both}"]
    lines = ann.ask("USERHOST a b c d e ben")
    assert lines == [":irc.parley 302 ann :"]


def test_whowas(world, nodes, ann, ben):
    cid = irc_person(world, nodes[-1], "cid", rooms="#a")
    ann.wait_for("JOIN", "#a")
    assert commands_of(ann.ask("WHOWAS cid")) == ["406", "369"]
    cid.ask("NICK cyd", "SETNAME :Cyd C")
    cid.send("QUIT")
    ann.wait_for("QUIT")
    lines = ann.ask("WHOWAS CID")
    assert commands_of(lines) == ["314", "312", "369"]
    assert params_of(lines, "314") == [["ann", "cid", "~cid", "127.0.0.1", "*", "Real cid"]]
    assert params_of(lines, "312")[0][:3] == ["ann", "cid", "irc.parley"]
    assert params_of(ann.ask("WHOWAS cyd"), "314")[0][-1] == "Cyd C"
    for number in range(3):
        again = irc_person(world, nodes[0], f"dan{number}")
        again.ask("NICK dan", f"SETNAME :Dan {number}")
        again.ask(f"NICK other{number}")
    names = [params[-1] for params in params_of(ann.ask("WHOWAS dan"), "314")]
    assert names == ["Dan 2", "Dan 1", "Dan 0"]
    assert commands_of(ann.ask("WHOWAS dan 1")) == ["314", "312", "369"]
    for count in ("0", "-1", "x"):
        assert commands_of(ann.ask(f"WHOWAS dan {count}")) == ["314", "312"] * 3 + ["369"]


# ---- WHO ----


def test_who(ann, ben):
    assert params_of(ann.ask("WHO ben"), "352") == [
        ["ann", "*", "~ben", "127.0.0.1", "irc.parley", "ben", "H", "0 Real ben"]
    ]
    ben.ask("JOIN #a", "AWAY :x")
    lines = [line for line in ann.ask("WHO #a") if parse(line).command == "352"]
    assert sorted(parse(line).params[5:7] for line in lines) == [["ann", "H@"], ["ben", "G"]]
    ann.ask("JOIN #b")
    for mask in ("", "0", "*", "*e*", "127.0.*", "Real*"):
        nicks = sorted(p[5] for p in params_of(ann.ask(f"WHO {mask}"), "352"))
        assert nicks == (["ann", "ben"] if mask != "Real ben" else ["ben"]), mask
    assert [p[5] for p in params_of(ann.ask("WHO b?n"), "352")] == ["ben"]
    assert commands_of(ann.ask("WHO #a o")) == ["315"]


def test_whox(ann, ben):
    ben.ask("JOIN #a")
    ann.wait_for("JOIN", "#a")
    lines = ann.ask("WHO ben %tcuhnfdar,743")
    assert lines[0] == ":irc.parley 354 ann 743 #a ~ben 127.0.0.1 ben H 0 0 :Real ben"
    assert commands_of(lines) == ["354", "315"]


# ---- NICK, AWAY ----


def test_nick(ann, ben):
    ben.ask("JOIN #a,#c")
    ann.ask("JOIN #c")
    ben.ask()
    assert params_of(ann.ask("NICK anna"), "NICK") == [["anna"]]
    assert nick_of(ben.wait_for("NICK", "anna")) == "ann"
    assert ben.ask() == []
    assert commands_of(ben.ask("NICK ANNA")) == ["433"]
    assert params_of(ann.ask("NICK Anna"), "NICK") == [["Anna"]]
    assert ben.wait_for("NICK").params == ["Anna"]
    assert commands_of(ben.ask("WHOIS ann")) == ["401", "318"]


def test_away(world, nodes, ann, ben):
    cid = irc_person(world, nodes[-1], "cid", caps="away-notify", rooms="#a")
    ann.wait_for_join_of("cid", "#a")
    assert commands_of(ann.ask("AWAY :lunch")) == ["306"]
    assert (cid.wait_for("AWAY")).params == ["lunch"]
    assert commands_of(ann.ask("AWAY :lunch")) == ["306"]
    assert commands_of(ann.ask("AWAY")) == ["305"]
    assert (cid.wait_for("AWAY")).params == []
    assert commands_of(ann.ask("AWAY :")) == ["305"]
    assert ben.ask() == []


def test_setname(world, nodes, ann, ben):
    cid = irc_person(world, nodes[-1], "cid", caps="setname", rooms="#a")
    dan = irc_person(world, nodes[-1], "dan", rooms="#a")
    bob = world.person(nodes[-1], "bob")
    for nick in ("cid", "dan"):
        ann.wait_for_join_of(nick, "#a")
    assert ann.ask("SETNAME :Ann B") == []
    message = cid.wait_for("SETNAME")
    assert (message.source, message.params) == ("ann!~ann@127.0.0.1", ["Ann B"])
    assert commands_of(cid.ask("SETNAME :Cid C")) == ["SETNAME"]
    assert params_of(ben.ask("WHOIS ann"), "311")[0][-1] == "Ann B"
    assert params_of(ben.ask("WHOIS cid"), "311")[0][-1] == "Cid C"
    assert params_of(dan.ask("WHO ann"), "352")[0][-1] == "0 Ann B"
    assert ben.ask() == [] and dan.ask() == [] and bob.settle() == []
    assert commands_of(ann.ask("SETNAME")) == ["461"]
    for wrong in ("", "x" * 161):
        lines = ann.ask(f"SETNAME :{wrong}")
        assert params_of(lines, "FAIL")[0][:2] == ["SETNAME", "INVALID_REALNAME"]
    assert params_of(ben.ask("WHOIS ann"), "311")[0][-1] == "Ann B"


# ---- the server ----


def test_the_server_tells_of_itself(ann):
    for line, expected in [
        ("LUSERS", ["251", "252", "253", "254", "255"]),
        ("MOTD", ["422"]),
        ("MOTD nosuch.server", ["402"]),
        ("VERSION", ["351", "005", "005", "005"]),
        ("VERSION irc.*", ["351", "005", "005", "005"]),
        ("TIME", ["391"]),
        ("TIME nosuch.server", ["402"]),
        ("INFO", ["371", "371", "371", "374"]),
        ("HELP JOIN", ["704", "705", "706"]),
        ("HELP NOSUCH", ["524"]),
        ("ADMIN", ["423"]),
        ("STATS u", ["242", "219"]),
        ("LINKS", ["364", "365"]),
        ("MAP", ["015", "017"]),
        ("OPER me secret", ["491"]),
        ("KILL ben :x", ["481"]),
        ("WALLOPS :x", ["481"]),
        ("REHASH", ["481"]),
        ("KILL", ["461"]),
    ]:
        assert commands_of(ann.ask(line)) == expected, line
    helped = [params[2].partition(": ") for params in params_of(ann.ask("HELP"), "705")]
    names = {name for name, _, _ in helped}
    assert {"JOIN", "PRIVMSG", "CAP", "MONITOR", "KILL"} <= names
    assert all(text for _, _, text in helped) and len(names) == len(helped)
    for name in names:
        lines = ann.ask(f"HELP {name}")
        assert commands_of(lines) == ["704", "705", "706"], lines
        assert params_of(lines, "704")[0][2].startswith(name)


# ---- nodes that go ----


def test_who_loses_a_node_comes_back_by_another(world):
    first, second = world.some_nodes(2, hold_seconds=5)
    ann = irc_person(world, first, "ann", rooms="#a")
    ben = irc_person(world, second, "ben", rooms="#a")
    ann.wait_for("JOIN", "#a")
    first.kill()
    quit_line = ben.wait_for("QUIT", timeout=60)
    assert nick_of(quit_line) == "ann"
    again = irc_person(world, second, "ann", rooms="#a")
    again.ask("PRIVMSG #a :back")
    assert ben.wait_for("PRIVMSG").params == ["#a", "back"]


def test_a_node_that_stops_says_so(world):
    first, second = world.some_nodes(2)
    ann = irc_person(world, first, "ann", rooms="#a")
    ben = irc_person(world, second, "ben", rooms="#a")
    first.stop()
    ann.expect_end("ERROR :Closing link: This node is being replaced. Connect again.")
    assert ben.wait_for("QUIT").params == ["node is being replaced"]
