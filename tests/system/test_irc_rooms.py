"""Rooms over IRC, on one node and on two; with people of the line protocol in them."""

import re
import time

import pytest

from harness import members, wait_until
from irc_client import commands_of, irc_connect, irc_person, nick_of, params_of, parse


@pytest.fixture(params=[1, 2], ids=["one node", "two nodes"])
def nodes(world, request):
    return world.some_nodes(request.param)


@pytest.fixture
def pair(world, nodes):
    """ann and ben in #a, on the same node or on two; ann has seen ben come."""
    ann = irc_person(world, nodes[0], "ann", rooms="#a")
    ben = irc_person(world, nodes[-1], "ben", rooms="#a")
    ann.wait_for("JOIN", "#a")
    return ann, ben


# ---- JOIN, PART ----


def test_join_tells_topic_and_names(world, nodes):
    ann = irc_person(world, nodes[0], "ann")
    assert commands_of(ann.ask("JOIN #a")) == ["JOIN", "MODE", "353", "366"]
    ann.ask("TOPIC #a :Tea and nodes")
    ben = irc_person(world, nodes[-1], "ben")
    lines = ben.ask("JOIN #A")
    assert commands_of(lines) == ["JOIN", "332", "333", "353", "366"]
    assert params_of(lines, "332") == [["ben", "#a", "Tea and nodes"]]
    assert params_of(lines, "333")[0][2] == "ann!~ann@127.0.0.1"
    assert abs(int(params_of(lines, "333")[0][3]) - 1.8e9) < 1e9
    names = params_of(lines, "353")[0]
    assert names[:3] == ["ben", "=", "#a"] and sorted(names[3].split()) == ["@ann", "ben"]
    assert nick_of(ann.wait_for("JOIN", "#a")) == "ben"


def test_join_lists_and_zero(world, nodes):
    ann = irc_person(world, nodes[0], "ann")
    lines = ann.ask("JOIN #a,#b,,#c key,other", "JOIN #b")
    assert params_of(lines, "JOIN") == [["#a"], ["#b"], ["#c"]]
    assert params_of(ann.ask("JOIN 0"), "PART") == [["#a"], ["#b"], ["#c"]]
    assert ann.ask("JOIN 0") == []


def test_errors_of_rooms(world, nodes):
    ann = irc_person(world, nodes[0], "ann")
    irc_person(world, nodes[-1], "ben", rooms="#b")
    for lines, expected in [
        ("JOIN", "461 ann JOIN :Not enough parameters"),
        ("JOIN :", "461 ann JOIN :Not enough parameters"),
        ("JOIN a", "403 ann a :No such channel"),
        ("JOIN #", "476 ann # :Bad Channel Mask"),
        ("JOIN &a", "403 ann &a :No such channel"),
        (f"JOIN #{'x' * 64}", f"476 ann #{'x' * 64} :Bad Channel Mask"),
        ("PART", "461 ann PART :Not enough parameters"),
        ("PART a", "403 ann a :No such channel"),
        ("PART #b", "442 ann #b :You're not on that channel"),
        ("TOPIC #b", "442 ann #b :You're not on that channel"),
        ("TOPIC #b :x", "442 ann #b :You're not on that channel"),
        ("TOPIC", "461 ann TOPIC :Not enough parameters"),
        ("MODE #b", "442 ann #b :You're not on that channel"),
        ("KICK #b ben", "442 ann #b :You're not on that channel"),
        ("KICK #b", "461 ann KICK :Not enough parameters"),
        ("INVITE ben #b", "442 ann #b :You're not on that channel"),
        ("INVITE ben", "461 ann INVITE :Not enough parameters"),
        ("INVITE", "337 ann :End of /INVITE list"),
        ("NAMES #b", "366 ann #b :End of /NAMES list"),
        ("NAMES", "366 ann * :End of /NAMES list"),
        ("WHO #b", "315 ann #b :End of /WHO list"),
    ]:
        assert ann.ask(lines) == [f":irc.parley {expected}"], lines


def test_too_many_rooms(world):
    ann = irc_person(world, world.node(max_rooms=2), "ann", rooms="#a,#b")
    assert ann.ask("JOIN #c") == [":irc.parley 405 ann #c :You have joined too many channels"]
    assert any("CHANLIMIT=#:2" in tokens for tokens in params_of(ann.ask("VERSION"), "005"))


def test_part_is_seen_by_all(pair):
    ann, ben = pair
    assert params_of(ann.ask("PART #a :too hot"), "PART") == [["#a", "too hot"]]
    assert ben.wait_for("PART").params == ["#a", "too hot"]
    assert params_of(ben.ask("PART #A"), "PART") == [["#a"]]


def names_of(lines):
    return sorted(name for params in params_of(lines, "353") for name in params[3].split())


def names_answer(client, room, names):
    """The answer to NAMES, byte for byte: each line takes as many as fit."""
    head = f":irc.parley 353 {client.name} = {room} :"
    lines = []
    for name in names:
        if not lines or len(f"{lines[-1]} {name}\r\n") > 512:
            lines.append(head + name)
        else:
            lines[-1] += f" {name}"
    return [*lines, f":irc.parley 366 {client.name} {room} :End of /NAMES list"]


def test_names_of_many_take_several_lines(world, nodes):
    room = "#" + "r" * 60
    nicks = ["n" * 31 + "0", *[f"n{'x' * (i % 27)}-{i}" for i in range(1, 180)]]
    people = [irc_person(world, nodes[i % len(nodes)], nick) for i, nick in enumerate(nicks)]
    for client in people:
        client.ask(f"JOIN {room}")
    founder = people[0]
    wait_until(lambda: len(founder.seen(" JOIN ")) == len(people))
    people[7].ask("MODE n" + "x" * 7 + "-7 +i")  # hidden from nobody who shares a room
    founder.ask(*[f"MODE {room} +v {nicks[i]}" for i in (0, 1, 5)], f"MODE {room} +o {nicks[5]}")
    for caps in ("", "multi-prefix", "userhost-in-names", "labeled-response batch"):
        founder.ask(*[f"CAP REQ :{cap}" for cap in caps.split()])
        both = "@+" if caps else "@"
        host = "!~{}@127.0.0.1" if caps and caps != "multi-prefix" else ""
        wanted = [nick + host.format(nick[:17]) for nick in nicks]
        wanted[0] = both + wanted[0]
        wanted[5] = both + wanted[5]
        wanted[1] = "+" + wanted[1]
        label = "@label=x " if caps.endswith("batch") else ""
        lines = founder.ask(f"{label}NAMES {room}")
        if label:
            assert lines[0].startswith("@label=x :irc.parley BATCH +r ")
            assert lines[-1] == ":irc.parley BATCH -r"
            lines = [line.removeprefix("@batch=r ") for line in lines[1:-1]]
        names = [name for params in params_of(lines, "353") for name in params[3].split()]
        assert sorted(names) == sorted(wanted)
        assert lines == names_answer(founder, room, names)
        assert not host or len("".join(lines)) > 8192  # more than is sent at once
    last = irc_person(world, nodes[-1], "last")
    lines = last.ask(f"JOIN {room}")
    names = [name for params in params_of(lines, "353") for name in params[3].split()]
    assert len(names) == len(people) + 1
    assert [lines[0].split()[1], *lines[1:]] == ["JOIN", *names_answer(last, room, names)]


def test_names_are_those_of_now(world, nodes):
    ann = irc_person(world, nodes[0], "ann", rooms="#a")
    ben = irc_person(world, nodes[-1], "ben", rooms="#b,#a")
    cid = irc_person(world, nodes[0], "cid", rooms="#a")

    def wait_for_names(names):
        for client in (ann, ben):
            wait_until(lambda c=client: names_of(c.ask("NAMES #a")) == sorted(names.split()))

    wait_for_names("@ann ben cid")
    for client, line, names in [
        (ann, "MODE #a +o cid", "@ann ben @cid"),
        (cid, "MODE #a -o cid", "@ann ben cid"),
        (ben, "NICK bob", "@ann bob cid"),
        (cid, "AWAY :lunch", "@ann bob cid"),
        (cid, "PART #a", "@ann bob"),
        (cid, "JOIN #a", "@ann bob cid"),
        (ann, "KICK #a cid", "@ann bob"),
        (cid, "NICK dan", "@ann bob"),
        (cid, "JOIN #a", "@ann bob dan"),
        (cid, "QUIT", "@ann bob"),
    ]:
        client.send(line)
        wait_for_names(names)
        assert names_of(ben.ask("NAMES #b")) == ["@bob" if "bob" in names else "@ben"]


# ---- TOPIC ----


def test_topic(pair):
    ann, ben = pair
    assert ann.ask("TOPIC #a") == [":irc.parley 331 ann #a :No topic is set"]
    assert params_of(ann.ask("TOPIC #a :Tea"), "TOPIC") == [["#a", "Tea"]]
    changed = ben.wait_for("TOPIC")
    assert (nick_of(changed), changed.params) == ("ann", ["#a", "Tea"])
    assert commands_of(ben.ask("TOPIC #a")) == ["332", "333"]
    assert params_of(ben.ask("TOPIC #a :"), "TOPIC") == [["#a", ""]]
    assert ann.wait_for("TOPIC").params == ["#a", ""]
    assert commands_of(ann.ask("TOPIC #a")) == ["331"]


def test_a_topic_has_topiclen_bytes(pair):
    ann, ben = pair
    ann.ask(f"TOPIC #a :{'ä' * 169}x" + "y" * 100)
    topic = ben.wait_for("TOPIC").params[1]
    assert topic == "ä" * 169 + "xy" and len(topic.encode()) == 340
    ann.ask(f"TOPIC #a :{'ä' * 200}")
    assert ben.wait_for("TOPIC").params[1] == "ä" * 170


# ---- MODE: changes are in test_irc_modes.py ----


def test_what_clients_ask_after_a_join(pair):
    """MODE, MODE b e I, WHO: answered for everybody, also when empty."""
    ann, ben = pair
    modes, since = ben.ask("MODE #a")
    assert modes == ":irc.parley 324 ben #a +n"
    assert parse(since).command == "329" and abs(int(parse(since).params[2]) - time.time()) < 3600
    assert ann.ask("MODE #a")[1] == since.replace("ben", "ann")
    assert commands_of(ann.ask("MODE #a b")) == ["368"]
    assert commands_of(ann.ask("MODE #a +b")) == ["368"]
    assert commands_of(ann.ask("MODE #a e", "MODE #a I")) == ["349", "347"]
    assert commands_of(ann.ask("MODE :#a")) == ["324", "329"]
    assert commands_of(ann.ask("WHO #a")) == ["352", "352", "315"]


def test_only_operators_moderate(pair):
    _, ben = pair
    refused = ":irc.parley 482 ben #a :You're not a channel operator"
    for change in ("+m", "+b *!*@*", "+o ben", "-t", "+k key", "+tn", "+Z", "-o+v ann ben"):
        assert ben.ask(f"MODE #a {change}") == [refused], change
    assert ben.ask("KICK #a ann,ben :x") == [refused]
    assert ben.ask("KICK #a nobody") == [refused]
    assert ben.ask("MODE #a b", "MODE #a +m-b x") == [
        ":irc.parley 368 ben #a :End of channel ban list", refused
    ]  # fmt: skip


def test_own_modes(pair):
    ann, _ = pair
    assert ann.ask("MODE ann") == [":irc.parley 221 ann +"]
    assert ann.ask("MODE ann +i") == [":ann MODE ann :+i"]
    assert ann.ask("MODE ann +i", "MODE ann") == [":irc.parley 221 ann +i"]
    assert ann.ask("MODE Ann +w-i") == [":ann MODE ann :+w-i"]
    assert commands_of(ann.ask("MODE ann +Z")) == ["501"]
    assert ann.ask("MODE ann +o") == []
    assert commands_of(ann.ask("MODE ben", "MODE ben +i")) == ["502", "502"]


# ---- LIST ----


def listed(client, condition=""):
    client.ask()
    lines = client.ask(f"LIST {condition}".strip())
    assert commands_of(lines)[0] == "321" and commands_of(lines)[-1] == "323", lines
    return {name: (int(count), topic) for _, name, count, topic in params_of(lines, "322")}


def test_list(world, nodes):
    ann = irc_person(world, nodes[0], "ann", rooms="#a,#tea")
    ben = irc_person(world, nodes[-1], "ben", rooms="#tea")
    ben.ask("TOPIC #tea :Black or green?")
    ann.wait_for("TOPIC", "#tea")
    tea = (2, "Black or green?")
    assert listed(ann) == {"#a": (1, ""), "#tea": tea}
    assert listed(ann, "#TEA,#none") == {"#tea": tea}
    assert listed(ann, "#t*") == {"#tea": tea}
    assert listed(ann, "!*t*") == {"#a": (1, "")}
    assert listed(ann, ">1") == {"#tea": tea}
    assert listed(ann, "<2") == {"#a": (1, "")}
    assert listed(ann, "*,>1") == {"#tea": tea}
    assert listed(ann, ">5") == {}


# ---- with the line protocol ----


def test_a_room_of_both_protocols(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="extended-join")
    bob = world.person(nodes[-1], "bob")
    assert "@bob" in params_of(ann.ask("JOIN #lobby"), "353")[0][3].split()
    bob.expect("* ann joined #lobby")
    bob.send("hello", "/me waves")
    assert ann.wait_for("PRIVMSG").params == ["#lobby", "hello"]
    assert ann.wait_for("PRIVMSG").params == ["#lobby", "\x01ACTION waves\x01"]
    ann.send("PRIVMSG #lobby :hi \x02bob\x02", "PRIVMSG #lobby :\x01ACTION nods\x01")
    ann.send("NOTICE #lobby :psst", "PRIVMSG bob :hey", "TOPIC #lobby :Both", "AWAY :lunch")
    bob.expect("[#lobby] <ann> hi bob")
    bob.expect("[#lobby] * ann nods")
    bob.expect("[#lobby] -ann- psst")
    bob.expect("[ann -> you] hey")
    bob.expect("* ann changed the topic of #lobby to: Both")
    bob.expect("* ann is away: lunch")
    bob.send("/msg ann yes?", "/nick robert", "/topic -")
    assert ann.wait_for("PRIVMSG").params == ["ann", "yes?"]
    assert ann.wait_for("NICK").params == ["robert"]
    assert ann.wait_for("TOPIC").params == ["#lobby", ""]
    assert members(bob) == ["ann", "robert"]
    ann.send("QUIT :bye")
    bob.expect("* ann quit (bye)")
    carol = irc_person(world, nodes[0], "carol", caps="extended-join", rooms="#lobby")
    dave = world.connect(nodes[-1], "dave")
    dave.send("dave")
    assert carol.wait_for("JOIN").params == ["#lobby", "*", "dave"]
    dave.send("/leave #lobby ciao")
    assert carol.wait_for("PART").params == ["#lobby", "ciao"]


def test_a_line_longer_than_irc_knows(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="message-tags", rooms="#lobby")
    bob = world.person(nodes[-1], "bob")
    text = "ä" * 1968
    bob.send(text, "/me " + text[:1900], "end")
    heard, acted, ids = "", "", []
    while not heard.endswith("end"):
        message = ann.wait_for("PRIVMSG")
        ids.append(message.tags["msgid"])
        action = re.match("\x01ACTION (.*)\x01$", message.params[1])
        acted += action.group(1) if action else ""
        heard += "" if action else message.params[1]
    assert heard == text + "end" and acted == text[:1900]
    assert len(set(ids)) == len(ids) > 10


def test_the_greeting_comes_before_the_protocol_is_known(world, nodes):
    client = irc_connect(world, nodes[0])
    assert client.next().startswith("* Welcome to Parley")
    client.send("NICK ann", "USER a 0 * A")
    client.wait_for("422")
    assert parse(client.ask("JOIN #a")[0]).command == "JOIN"
