"""What operators of a room do over IRC, across nodes: modes, kicks, invitations."""

import re

import pytest

from harness import wait_until
from irc_client import commands_of, irc_person, nick_of, params_of, parse

ALL_MODES = "MODE #a +imntsCk-l+l key 50"


@pytest.fixture
def trio(world):
    """ann, who is the operator of #a, and ben, who is in it; carol is not: three nodes."""
    nodes = world.some_nodes(3)
    ann = irc_person(world, nodes[0], "ann", rooms="#a")
    ben = irc_person(world, nodes[1], "ben", rooms="#a")
    carol = irc_person(world, nodes[2], "carol")
    ann.wait_for("JOIN", "#a")
    return ann, ben, carol


def numerics(lines):
    """[(numeric, its parameters behind the nick)]"""
    return [(m.command, *m.params[1:]) for m in map(parse, lines)]


def names(client, room):
    return sorted(params_of(client.ask(f"NAMES {room}"), "353")[0][3].split())


def refusals(client, *lines):
    return [n for n in numerics(client.ask(*lines)) if re.match("4..$", n[0])]


def changed(client):
    """The next MODE of #a: (who, letters, parameters...)."""
    message = client.wait_for("MODE", "#a")
    return (nick_of(message), *message.params[1:])


def joins(client, line="JOIN #a"):
    """Does the client come in? Else the numeric that it is told."""
    refused = refusals(client, line)
    return refused[0][0] if refused else True


def leaves(client, *others):
    client.ask("PART #a")
    for other in others:
        other.wait_for("PART", "#a")


# ---- who is an operator ----


def test_the_first_one_is_the_operator(world):
    nodes = world.some_nodes(2)
    ann = irc_person(world, nodes[0], "ann")
    lines = ann.ask("JOIN #a", "MODE #a +m")
    assert commands_of(lines) == ["JOIN", "MODE", "353", "366", "MODE"]
    assert lines[1] == ":irc.parley MODE #a +on ann"
    assert lines[2] == ":irc.parley 353 ann = #a :@ann"
    assert lines[4] == ":ann!~ann@127.0.0.1 MODE #a +m"
    ben = irc_person(world, nodes[1], "ben", caps="multi-prefix")
    assert "MODE" not in commands_of(ben.ask("JOIN #a"))
    ann.ask("MODE #a +v ann", "MODE #a +v ben")
    ben.wait_for("MODE", "#a", "+v", "ben")
    assert names(ben, "#a") == ["+ben", "@+ann"]
    assert names(ann, "#a") == ["+ben", "@ann"]
    assert [p[6] for p in params_of(ben.ask("WHO #a"), "352") if p[5] == "ann"] == ["H@+"]
    assert params_of(ann.ask("WHO ben %nf"), "354") == [["ann", "ben", "H+"]]
    assert params_of(ben.ask("WHOIS ann"), "319") == [["ben", "ann", "@+#a"]]
    assert params_of(ann.ask("WHOIS ann"), "319") == [["ann", "ann", "@#a"]]
    ann.ask("PART #a", "JOIN #a")
    wait_until(lambda: names(ben, "#a") == ["+ben", "ann"])


def test_two_founders_at_the_same_instant(world):
    nodes = world.some_nodes(2)
    ann = irc_person(world, nodes[0], "ann")
    ben = irc_person(world, nodes[1], "ben")
    for i in range(20):
        room = f"#r{i}"
        ann.send(f"JOIN {room}")
        ben.send(f"JOIN {room}")
        ann.ask()
        ben.ask()
        wait_until(lambda: names(ann, room) == names(ben, room) and len(names(ann, room)) == 2)
        assert names(ann, room) in (["@ann", "ben"], ["@ben", "ann"])


# ---- MODE ----


def test_modes_are_seen_on_all_nodes(trio):
    ann, ben, carol = trio
    assert params_of(ann.ask(ALL_MODES), "MODE") == [["#a", "+imtsCkl", "key", "50"]]
    assert changed(ben) == ("ann", "+imtsCkl", "key", "50")
    assert numerics(ben.ask("MODE #a"))[0] == ("324", "#a", "+klimnstC", "key", "50")
    assert commands_of(carol.ask("MODE #a")) == ["442"]
    ann.ask("MODE #a -kl wrong")
    assert changed(ben) == ("ann", "-kl", "key")
    assert numerics(ben.ask("MODE #a"))[0] == ("324", "#a", "+imnstC")
    ann.ask("MODE #a -imst+ov-C ben BEN")
    assert changed(ben) == ("ann", "-imst+ov-C", "ben", "ben")
    ben.ask("MODE #a -o ann")
    assert changed(ann) == ("ben", "-o", "ann")
    assert commands_of(ann.ask("MODE #a +m")) == ["482"]


def test_lists_are_seen_on_all_nodes(trio):
    ann, ben, _ = trio
    ann.ask("MODE #a +bbe evil *@192.0.2.* good!*@*", "MODE #a +I friend")
    assert changed(ben) == ("ann", "+bbe", "evil!*@*", "*!*@192.0.2.*", "good!*@*")
    assert changed(ben) == ("ann", "+I", "friend!*@*")
    for asked, item, end, masks in [
        ("+b", "367", "368", ["evil!*@*", "*!*@192.0.2.*"]),
        ("e", "348", "349", ["good!*@*"]),
        ("I", "346", "347", ["friend!*@*"]),
    ]:
        lines = numerics(ben.ask(f"MODE #a {asked}"))
        assert [line[0] for line in lines] == [item] * len(masks) + [end]
        assert [line[2] for line in lines[:-1]] == masks
        assert all(line[3] == "ann!~ann@127.0.0.1" and line[4].isdigit() for line in lines[:-1])
    ann.ask("MODE #a -b EVIL!*@*")
    assert changed(ben) == ("ann", "-b", "EVIL!*@*")
    assert len(ben.ask("MODE #a b")) == 2


def test_what_is_wrong_with_a_change(trio):
    ann, ben, _ = trio
    for line, expected in [
        ("MODE #a +Z", [("472", "Z", "is unknown mode char to me")]),
        ("MODE #a +ä", [("472", "?", "is unknown mode char to me")] * 2),
        ("MODE #a +o nobody", [("441", "nobody", "#a", "They aren't on that channel")]),
        ("MODE #a +v carol", [("441", "carol", "#a", "They aren't on that channel")]),
        ("MODE #a +o", [("696", "#a", "o", "*", "A parameter is needed")]),
        ("MODE #a +k", [("696", "#a", "k", "*", "A parameter is needed")]),
        ("MODE #a +k a,b", [("525", "#a", "Key is not well-formed")]),
        (f"MODE #a +k {'k' * 33}", [("525", "#a", "Key is not well-formed")]),
        ("MODE #a +l ten", [("696", "#a", "l", "ten", "The parameter is not valid")]),
        ("MODE #a +l -1", [("696", "#a", "l", "-1", "The parameter is not valid")]),
        ("MODE #a +l", [("696", "#a", "l", "*", "A parameter is needed")]),
        (f"MODE #a +b {'b' * 200}", None),
        ("MODE #a +n-m", []),
        ("MODE", [("461", "MODE", "Not enough parameters")]),
    ]:
        answer = numerics(ann.ask(line))
        if expected is None:
            assert answer[0][:3] == ("696", "#a", "b"), line
        else:
            assert answer == expected, line
    assert ben.ask() == []
    lines = ann.ask("MODE #a +Zmo nobody")
    assert commands_of(lines) == ["472", "441", "MODE"]
    assert changed(ben) == ("ann", "+m")


def test_lists_end_somewhere(trio):
    ann, ben, _ = trio
    told = []
    for start in range(0, 104, 13):
        masks = " ".join(f"m{i}" for i in range(start, start + 13))
        told += ann.ask(f"MODE #a +{'b' * 13} {masks}")
    assert numerics(told).count(("478", "#a", "b", "Channel list is full")) == 4
    wait_until(lambda: len(ben.ask("MODE #a b")) == 101)
    ann.ask("MODE #a -b m0!*@*", "MODE #a +e m0")
    assert commands_of(ann.ask("MODE #a +b other")) == ["MODE"]


def test_long_changes_take_several_lines(trio):
    ann, ben, _ = trio
    masks = [f"{i}{'x' * 30}!*@*" for i in range(13)]
    ann.ask(f"MODE #a +{'b' * 13} {' '.join(masks)}")
    ann.ask(f"MODE #a -{'b' * 13} {' '.join(masks)}")
    for sign in "+-":
        seen = []
        while len(seen) < 13:
            _, letters, *parameters = changed(ben)
            assert letters == sign + "b" * len(parameters)
            seen += parameters
        assert seen == masks


# ---- coming in ----


def test_what_keeps_people_out(world, trio):
    ann, ben, carol = trio
    witness = irc_person(world, carol.node, "witness", rooms="#a")

    def change(*changes):
        """... and carol's node knows."""
        for letters in changes:
            ann.ask(f"MODE #a {letters}")
            changed(witness)

    for letters, take_back, numeric in [
        ("+b carol", "-b carol", "474"),
        ("+i", "-i", "473"),
        ("+k key", "-k key", "475"),
        ("+l 3", "-l", "471"),
    ]:
        change(letters)
        assert joins(carol) == numeric
        change(take_back)
    assert joins(carol) is True
    leaves(carol, ann, ben)

    change("+be *!*@127.0.0.1 carol")
    assert joins(carol) is True
    leaves(carol, ann)
    change("-be *!*@127.0.0.1 carol", "+iI *!~car*@*")
    assert joins(carol) is True
    leaves(carol, ann)
    change("-iI *!~car*@*", "+k key")
    assert joins(carol, "JOIN #a KEY") == "475"
    assert joins(carol, "JOIN #b,#a x,key") is True


def test_keys_of_a_list(trio):
    ann, _, carol = trio
    ann.ask("MODE #a +k key", "JOIN #b", "MODE #b +k other")
    carol.ask("JOIN #c,#a,#b ,key,other")
    names = [p[2] for p in params_of(carol.ask("NAMES #a", "NAMES #b", "NAMES #c"), "353")]
    assert names == ["#a", "#b", "#c"]


# ---- KICK ----


def test_kick(trio):
    ann, ben, carol = trio
    carol.ask("JOIN #a")
    ann.wait_for("JOIN", "#a")
    lines = ann.ask("KICK #a BEN,nobody,carol :too hot")
    assert params_of(lines, "KICK") == [["#a", "ben", "too hot"], ["#a", "carol", "too hot"]]
    assert numerics(lines)[1] == ("441", "nobody", "#a", "They aren't on that channel")
    assert ben.wait_for("KICK").params == ["#a", "ben", "too hot"]
    assert carol.wait_for("KICK").params == ["#a", "ben", "too hot"]
    assert nick_of(carol.wait_for("KICK", "#a", "carol")) == "ann"
    assert numerics(ben.ask("PRIVMSG #a :hi"))[0][0] == "404"
    assert joins(ben) is True
    ann.wait_for("JOIN", "#a")
    assert params_of(ann.ask("KICK #a ben"), "KICK") == [["#a", "ben", "ann"]]
    assert len(ann.ask(f"KICK #a ann :{'x' * 400}")[0].rpartition(":")[2]) == 300
    assert commands_of(ann.ask("KICK #a ben")) == ["442"]
    lines = refusals(ann, "JOIN #k", "KICK #k a,b,c,d,e,f")
    assert [line[0] for line in lines] == ["441"] * 4 + ["407"]


# ---- INVITE ----


def test_invite(world, trio):
    ann, ben, carol = trio
    ann.ask("MODE #a +i")
    assert changed(ben) == ("ann", "+i")
    assert commands_of(ben.ask("INVITE carol #a")) == ["482"]
    dave = irc_person(world, ben.node, "dave", caps="invite-notify")
    assert numerics(ann.ask("INVITE DAVE #A")) == [("341", "dave", "#a")]
    assert dave.wait_for("INVITE").params == ["dave", "#a"]
    assert joins(dave) is True
    ann.ask("MODE #a +o dave")
    dave.wait_for("MODE", "#a", "+o")
    assert numerics(ann.ask("INVITE carol #a")) == [("341", "carol", "#a")]
    invited = carol.wait_for("INVITE")
    assert (nick_of(invited), invited.params) == ("ann", ["carol", "#a"])
    seen = dave.wait_for("INVITE")
    assert (nick_of(seen), seen.params) == ("ann", ["carol", "#a"])
    assert params_of(ben.ask(), "INVITE") == []
    assert numerics(carol.ask("INVITE")) == [
        ("336", "#a"), ("337", "End of /INVITE list")
    ]  # fmt: skip
    assert joins(carol) is True
    assert numerics(carol.ask("INVITE")) == [("337", "End of /INVITE list")]
    for line, numeric in [
        ("INVITE ben #a", "443"),
        ("INVITE nobody #a", "401"),
        ("INVITE a,b #a", "401"),
        ("INVITE ben #none", "442"),
        ("INVITE ben none", "403"),
    ]:
        assert [n[0] for n in refusals(ann, line)] == [numeric], line


# ---- speaking ----


def test_what_may_not_be_said(trio):
    ann, ben, carol = trio
    for mode, take_back, text in [
        ("+m", "-m", "hello"),
        ("+b ben", "-b ben!*@*", "hello"),
        ("+C", "-C", "\x01VERSION\x01"),
    ]:
        ann.ask(f"MODE #a {mode}")
        changed(ben)
        answer = numerics(ben.ask(f"PRIVMSG #a :{text}"))
        assert [n[:2] for n in answer] == [("404", "#a")] and mode[:2] in answer[0][2]
        assert ben.ask(f"NOTICE #a :{text}") == []
        ann.ask(f"MODE #a {take_back}")
        changed(ben)
    assert numerics(carol.ask("PRIVMSG #a :hi"))[0][:2] == ("404", "#a")
    ann.ask("MODE #a +mC", "MODE #a +v ben")
    ben.wait_for("MODE", "#a", "+v")
    assert ben.ask("PRIVMSG #a :\x01ACTION waves\x01", "PRIVMSG #a :bye") == []
    assert ann.wait_for("PRIVMSG").params == ["#a", "\x01ACTION waves\x01"]
    assert ann.wait_for("PRIVMSG").params == ["#a", "bye"]
    assert commands_of(ben.ask("TOPIC #a :Tea")) == ["TOPIC"]
    ann.ask("MODE #a +t")
    ben.wait_for("MODE", "#a", "+t")
    assert commands_of(ben.ask("TOPIC #a :No")) == ["482"]
    assert commands_of(ann.ask("TOPIC #a :Coffee")) == ["TOPIC"]


def test_some_of_the_room_are_told(world, trio):
    ann, ben, carol = trio
    echo = "echo-message batch labeled-response message-tags"
    dave = irc_person(world, carol.node, "dave", caps=echo, rooms="#a")
    carol.ask("JOIN #a")
    ann.ask("MODE #a +v ben")
    ben.wait_for("MODE", "#a", "+v")
    for client in (ann, ben, carol, dave):
        client.ask()
    echoed = dave.ask("PRIVMSG @#a :for operators", "@label=7 NOTICE +#A :for voices")
    assert [parse(line).params for line in echoed] == [
        ["@#a", "for operators"], ["+#a", "for voices"]
    ]  # fmt: skip
    assert parse(echoed[1]).tags["label"] == "7"
    dave.ask("PRIVMSG #a :for all")
    expected = [("@#a", "for operators"), ("+#a", "for voices"), ("#a", "for all")]
    for client, skipped in ((ann, 0), (ben, 1), (carol, 2)):
        client.wait_for("PRIVMSG", "#a")
        heard = [
            tuple(m.params) for m in map(parse, client.lines) if m.command in ("PRIVMSG", "NOTICE")
        ]
        assert heard == expected[skipped:], client.name
    outsider = irc_person(world, ann.node, "eve")
    assert numerics(outsider.ask("PRIVMSG @#a :x"))[0][:2] == ("404", "#a")
    assert [n[0] for n in numerics(outsider.ask("PRIVMSG @eve :x", "PRIVMSG @ :x"))] == ["401"] * 2


# ---- secret rooms ----


def test_secret_rooms_are_not_listed(trio):
    ann, ben, carol = trio
    ann.ask("MODE #a +s")
    assert changed(ben) == ("ann", "+s")
    assert params_of(carol.ask("LIST"), "322") == []
    assert [p[1] for p in params_of(ben.ask("LIST"), "322")] == ["#a"]
    assert params_of(ben.ask("NAMES #a"), "353")[0][1] == "@"
    assert params_of(carol.ask("WHOIS ann"), "319") == []
    ann.ask("MODE #a -s")
    wait_until(lambda: params_of(carol.ask("LIST"), "322") != [])
    assert params_of(ann.ask("NAMES #a"), "353")[0][1] == "="


# ---- with the line protocol ----


def test_people_of_the_line_protocol_are_moderated(world):
    nodes = world.some_nodes(2)
    ann = irc_person(world, nodes[0], "ann", rooms="#lobby,#den")
    bob = world.person(nodes[1], "bob")
    ann.wait_for("JOIN", "#lobby")
    ann.ask("MODE #lobby +m")
    wait_until(lambda: bob.ask("hello") == ["! You may not speak in #lobby."])
    ann.ask("MODE #lobby +o-m bob", "MODE #den +i")
    bob.expect("* ann made bob an operator of #lobby")
    bob.send("/join #den")
    bob.expect("! You may not come into #den: you are not invited.")
    ann.ask("INVITE bob #den")
    bob.expect("* ann invites you to #den")
    bob.send("/join #den")
    bob.expect_match(r"\* You are in #den with ann.*")
    ann.ask("PRIVMSG @#lobby :psst", "KICK #den bob :too hot", "KICK #lobby bob")
    bob.expect("[@#lobby] <ann> psst")
    bob.expect("* You were kicked from #den by ann (too hot). You are in #lobby.")
    bob.expect("* You were kicked from #lobby by ann. You are in no room: /join one.")
    bob.ask("/join #new")
    ann.ask("JOIN #new")
    assert names(ann, "#new") == ["@bob", "ann"]
