"""What is said over IRC: who sees it, with which tags; labels; order; a backplane that is away."""

import pytest

from harness import wait_until
from irc_client import commands_of, irc_connect, irc_person, params_of, parse

RICH = "server-time message-tags echo-message labeled-response batch"


@pytest.fixture(params=[1, 2], ids=["one node", "two nodes"])
def nodes(world, request):
    return world.some_nodes(request.param)


@pytest.fixture
def pair(world, nodes):
    """ann and ben in #a; ann has seen ben come."""
    ann = irc_person(world, nodes[0], "ann", rooms="#a")
    ben = irc_person(world, nodes[-1], "ben", rooms="#a")
    ann.wait_for("JOIN", "#a")
    return ann, ben


# ---- who sees what ----


def test_said_in_a_room(pair):
    ann, ben = pair
    assert ann.ask("PRIVMSG #A :hello there", "NOTICE #a :psst") == []
    assert ben.next() == ":ann!~ann@127.0.0.1 PRIVMSG #a :hello there"
    assert ben.next() == ":ann!~ann@127.0.0.1 NOTICE #a :psst"


def test_said_to_one_person(pair):
    ann, ben = pair
    ann.send("PRIVMSG BEN :hello", "NOTICE ben :psst", "PRIVMSG ann :me")
    assert ben.wait_for("PRIVMSG").params == ["ben", "hello"]
    assert ben.wait_for("NOTICE").params == ["ben", "psst"]
    assert ann.wait_for("PRIVMSG").params == ["ann", "me"]
    assert ann.ask() == []


def test_who_is_away_is_told_of(pair):
    ann, ben = pair
    ben.ask("AWAY :lunch")
    away = [":irc.parley 301 ann ben :lunch"]
    assert ann.ask("PRIVMSG BEN :x") == away
    assert ann.ask("PRIVMSG ben :\x01ACTION waves\x01") == away
    assert ann.ask("NOTICE ben :x", "PRIVMSG #a :x") == []
    ann.ask("CAP REQ :message-tags", "JOIN #b")
    assert ann.ask("@+x TAGMSG ben") == []
    assert commands_of(ann.ask("INVITE ben #b")) == ["341", "301"]
    ben.ask("AWAY")
    assert ann.ask("PRIVMSG ben :x") == []


def test_several_targets(world, nodes):
    ann = irc_person(world, nodes[0], "ann", rooms="#a,#b")
    ben = irc_person(world, nodes[-1], "ben", rooms="#a,#b")
    assert ann.wait_for("JOIN", "#b")
    assert ann.ask("PRIVMSG #a,ben,,#b :to all") == []
    heard = [ben.wait_for("PRIVMSG").params for _ in range(3)]
    assert sorted(heard) == [["#a", "to all"], ["#b", "to all"], ["ben", "to all"]]
    lines = ann.ask("PRIVMSG #a,#b,#a,#b,#a :five")
    assert params_of(lines, "407")[0][1] == "#a"


def test_errors_of_messages(pair):
    ann, _ = pair
    for line, expected in [
        ("PRIVMSG", ["411 ann :No recipient given (PRIVMSG)"]),
        ("PRIVMSG , :x", ["411 ann :No recipient given (PRIVMSG)"]),
        ("PRIVMSG #a", ["412 ann :No text to send"]),
        ("PRIVMSG #a :", ["412 ann :No text to send"]),
        ("PRIVMSG nobody :x", ["401 ann nobody :No such nick/channel"]),
        ("PRIVMSG 2fast :x", ["401 ann 2fast :No such nick/channel"]),
        ("PRIVMSG #b :x", ["404 ann #b :Cannot send to channel: you are not in it"]),
        ("PRIVMSG # :x", ["403 ann # :No such channel"]),
        ("TAGMSG", ["411 ann :No recipient given (TAGMSG)"]),
        ("TAGMSG ,", ["411 ann :No recipient given (TAGMSG)"]),
        ("NOTICE", []),
        ("NOTICE #a", []),
        ("NOTICE nobody :x", []),
        ("NOTICE 2fast :x", []),
        ("NOTICE #b :x", []),
        ("NOTICE # :x", []),
    ]:
        assert ann.ask(line) == [f":irc.parley {text}" for text in expected], line


# ---- tags ----


def test_time_and_id_are_the_same_for_everybody(world, nodes):
    people = [
        irc_person(world, nodes[i % len(nodes)], f"p{i}", caps=RICH, rooms="#a") for i in range(3)
    ]
    for client in people:
        client.ask()
    people[0].send("PRIVMSG #a :one", "PRIVMSG #a :two", "TOPIC #a :three")
    for command in ("PRIVMSG", "PRIVMSG", "TOPIC"):
        tags = [client.wait_for(command).tags for client in people]
        assert tags[0] == tags[1] == tags[2] and sorted(tags[0]) == ["msgid", "time"], tags
    people[1].send("PRIVMSG p2 :direct")
    assert sorted(people[2].wait_for("PRIVMSG").tags) == ["msgid", "time"]


def test_ids_differ(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps=RICH, rooms="#a,#b,#c")
    for number in range(50):
        ann.send(*(f"PRIVMSG {room} :{number}" for room in ("#a", "#b", "#c")))
    ids = [parse(line).tags["msgid"] for line in ann.ask() if "PRIVMSG" in line]
    assert len(ids) == 150 and len(set(ids)) == 150


@pytest.mark.parametrize("caps", ["", "server-time", "message-tags", "batch"])
def test_no_tags_but_those_agreed_on(world, nodes, caps):
    ann = irc_person(world, nodes[0], "ann", caps=caps, rooms="#a")
    irc_person(world, nodes[-1], "ben", rooms="#a").ask("PRIVMSG #a :x")
    expected = {"server-time": ["time"], "message-tags": ["msgid"]}.get(caps, [])
    assert sorted(ann.wait_for("PRIVMSG").tags) == expected


def client_tags(message):
    return {key: value for key, value in message.tags.items() if key.startswith("+")}


def test_tags_of_clients_are_relayed(world, nodes, pair):
    ann, ben = pair
    ann.ask("CAP REQ :message-tags")
    cid = irc_person(world, nodes[-1], "cid", caps="message-tags", rooms="#a")
    ann.wait_for("JOIN", "#a")
    ann.send(
        "@+typing=active TAGMSG #A",
        "@+x=a\\:b;z=1;+draft/reply;+=;+a_b;+x.y/z-1=\u20ac PRIVMSG #a :one",
        "@+x=y NOTICE cid :two",
        "@+x=y TAGMSG cid,ben",
    )
    message = cid.wait_for("TAGMSG")
    assert (message.source, message.params) == ("ann!~ann@127.0.0.1", ["#a"])
    assert client_tags(message) == {"+typing": "active"} and "msgid" in message.tags
    message = cid.wait_for("PRIVMSG", "#a")
    assert client_tags(message) == {"+x": "a\\:b", "+draft/reply": "", "+x.y/z-1": "\u20ac"}
    assert client_tags(cid.wait_for("NOTICE", "cid")) == {"+x": "y"}
    assert client_tags(cid.wait_for("TAGMSG", "cid")) == {"+x": "y"}
    # Who does not know tags sees the texts alone.
    ben.cursor = max(i for i, line in enumerate(ben.lines) if "PONG" in line) + 1
    said = [line for line in ben.ask() if " JOIN " not in line]
    assert said == [":ann!~ann@127.0.0.1 PRIVMSG #a :one"]
    # Nor can such a client send any.
    ben.send("@+x=y TAGMSG #a", "@+x=y PRIVMSG #a :plain")
    assert client_tags(cid.wait_for("PRIVMSG", "#a")) == {}
    assert not [line for line in cid.lines if " TAGMSG " in line and "ben!" in line]


def test_tags_of_the_greatest_length_are_relayed(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps=RICH, rooms="#a")
    ben = irc_person(world, nodes[-1], "ben", caps=RICH, rooms="#a")
    ann.wait_for("JOIN", "#a")
    text = "x" * (510 - len("PRIVMSG #a :"))
    tags = "+a=" + "v" * (4094 - 3)
    ann.send(f"@{tags} PRIVMSG #a :{text}")
    parts = [ben.wait_for("PRIVMSG", "#a"), ben.wait_for("PRIVMSG", "#a")]
    assert parts[0].tags["+a"] == "v" * 4091 and "+a" not in parts[1].tags
    assert "".join(part.params[1] for part in parts) == text
    for _ in parts:
        ann.wait_for("PRIVMSG", "#a")  # the echo, which may come after ben's
    assert commands_of(ann.ask(f"@{tags}v PRIVMSG #a :x")) == ["417"]


def test_echo_of_tags(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps=RICH, rooms="#a")
    irc_person(world, nodes[-1], "ben", caps=RICH)
    lines = ann.ask("@+x=y TAGMSG #a", "@+x=y TAGMSG ben", "@+x=y PRIVMSG ben :z", "TAGMSG #a")
    assert commands_of(lines) == ["TAGMSG", "TAGMSG", "PRIVMSG"]
    assert all(client_tags(parse(line)) == {"+x": "y"} for line in lines)
    label = "@label=1;+x=y"
    for target in ("#a", "ben"):
        lines = ann.ask(f"{label} TAGMSG {target}")
        assert len(lines) == 1 and parse(lines[0]).tags["label"] == "1", lines
        assert parse(lines[0]).command == "TAGMSG"
    assert commands_of(ann.ask(f"{label} TAGMSG nobody")) == ["401"]
    assert commands_of(ann.ask(f"{label} TAGMSG #b")) == ["404"]
    assert ann.ask("@label=2 TAGMSG #a") == ["@label=2 :irc.parley ACK"]


def test_both_ends_of_a_direct_message_see_one_id(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps=RICH)
    ben = irc_person(world, nodes[-1], "ben", caps=RICH)
    cid = irc_person(world, nodes[-1], "cid", caps=RICH)
    ids = set()
    for number in range(20):
        cid.send(f"PRIVMSG BEN :from cid {number}")
        echo = parse(ann.ask(f"PRIVMSG Ben :{number}", "@+x=1 TAGMSG ben")[0])
        heard = ben.wait_for("PRIVMSG", "ben", str(number))
        assert (echo.tags["msgid"], echo.tags["time"]) == (heard.tags["msgid"], heard.tags["time"])
        ids.add(echo.tags["msgid"])
    assert len(ids) == 20


def test_the_tag_of_bots(world, nodes):
    bot = irc_person(world, nodes[0], "bot", caps=RICH)
    ben = irc_person(world, nodes[-1], "ben", caps="message-tags", rooms="#a")
    cid = irc_person(world, nodes[-1], "cid", caps="message-tags")
    dan = irc_person(world, nodes[-1], "dan", caps="server-time", rooms="#a")
    ben.wait_for("JOIN", "#a")
    bot.ask("MODE bot +B", "JOIN #a")
    assert ben.wait_for("JOIN", "#a").tags["bot"] == ""
    bot.send("PRIVMSG #a :x", "PRIVMSG cid :y", "@+x TAGMSG cid", "TOPIC #a :z", "NICK robot")
    for command in ("PRIVMSG", "TOPIC", "NICK"):
        assert "bot" in ben.wait_for(command).tags, command
    for command in ("PRIVMSG", "TAGMSG"):
        assert "bot" in cid.wait_for(command).tags, command
    assert "bot" not in dan.wait_for("PRIVMSG", "#a").tags
    bot.ask("MODE robot -B", "PRIVMSG #a :again")
    assert "bot" not in ben.wait_for("PRIVMSG", "#a").tags


def test_echo(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="echo-message", rooms="#a")
    irc_person(world, nodes[-1], "ben")
    assert ann.ask("PRIVMSG #a :x", "NOTICE #a :y", "PRIVMSG ben :z") == [
        ":ann!~ann@127.0.0.1 PRIVMSG #a :x",
        ":ann!~ann@127.0.0.1 NOTICE #a :y",
        ":ann!~ann@127.0.0.1 PRIVMSG ben :z",
    ]


# ---- labels ----


def labeled(client, line, label="x"):
    """The answer to a labeled line: [the lines], without what stands around them."""
    lines = client.ask(f"@label={label} {line}")
    first = parse(lines[0])
    assert first.tags.get("label") == label, lines
    if first.command != "BATCH":
        assert len(lines) == 1, lines
        return [] if first.command == "ACK" else lines
    name = first.params[0][1:]
    assert first.params == [f"+{name}", "labeled-response"]
    assert lines[-1] == f":irc.parley BATCH -{name}"
    assert all(parse(line).tags.get("batch") == name for line in lines[1:-1]), lines
    return lines[1:-1]


def test_labels(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps=RICH, rooms="#a")
    irc_person(world, nodes[-1], "ben", rooms="#a,#b")
    irc_person(world, nodes[-1], "cid").ask("AWAY :lunch")
    ann.ask()
    for line, expected in [
        ("PING 1", ["PONG"]),
        ("PONG 1", []),
        ("JOIN #b", ["JOIN", "353", "366"]),
        ("JOIN #c,#d", ["JOIN", "MODE", "353", "366"] * 2),
        ("JOIN #a", []),
        ("PART #c,#d", ["PART", "PART"]),
        ("WHOIS ben", ["311", "319", "312", "318"]),
        ("WHOIS nobody", ["401", "318"]),
        ("WHO #a", ["352", "352", "315"]),
        ("LIST", ["321", "322", "322", "323"]),
        ("TOPIC #a :x", ["TOPIC"]),
        ("NAMES #a", ["353", "366"]),
        ("MODE #a", ["324", "329"]),
        ("NICK anna", ["NICK"]),
        ("AWAY :x", ["306"]),
        ("AWAY", ["305"]),
        ("ISON ben nobody", ["303"]),
        ("VERSION", ["351", "005", "005", "005"]),
        ("NOSUCH", ["421"]),
        ("JOIN", ["461"]),
        ("CAP LS", ["CAP"]),
        ("PRIVMSG #a :x", ["PRIVMSG"]),
        ("PRIVMSG ben :x", ["PRIVMSG"]),
        ("PRIVMSG #a,#b :x", ["PRIVMSG", "PRIVMSG"]),
        ("PRIVMSG nobody :x", ["401"]),
        ("NOTICE nobody :x", []),
        ("TAGMSG #a", []),
        ("PRIVMSG cid :x", ["PRIVMSG", "301"]),
        ("SETNAME :x", []),
        ("SETNAME :", ["FAIL"]),
        ("WHOWAS ann", ["314", "312", "369"]),
        ("WHOWAS nobody", ["406", "369"]),
        ("MODE anna", ["221"]),
        ("MODE anna +w", ["MODE"]),
        ("MODE anna +wx", ["501"]),
        ("MODE ben", ["502"]),
        ("OPER root wrong", ["491"]),
        ("KILL ben :x", ["481"]),
        ("WALLOPS :x", ["481"]),
        ("REHASH", ["481"]),
        ("STATS u", ["242", "219"]),
        ("STATS o", ["481", "219"]),
        ("LUSERS", ["251", "252", "253", "254", "255"]),
        ("MONITOR + ben,nobody", ["730", "731"]),
        ("MONITOR L", ["732", "733"]),
        ("MONITOR - ben", []),
    ]:
        assert commands_of(labeled(ann, line)) == expected, line


def test_labels_of_any_length(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps=RICH, rooms="#a")
    for length in (1, 40, 41, 64):
        label = "l" * length
        assert commands_of(labeled(ann, "PRIVMSG #a :x", label)) == ["PRIVMSG"], length
        assert commands_of(labeled(ann, "PING 1", label)) == ["PONG"], length
    assert "label" not in ann.ask(f"@label={'l' * 65} PING 1")[0]
    assert "label" not in ann.ask("@label= PING 1", "@label PING 1")[0]


def test_a_label_without_an_echo_is_acknowledged(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="labeled-response batch", rooms="#a")
    assert labeled(ann, "PRIVMSG #a :x") == []
    assert ann.ask("@label=1 PRIVMSG #a :x", "@label=2 PRIVMSG #a :y") == [
        "@label=1 :irc.parley ACK",
        "@label=2 :irc.parley ACK",
    ]


def test_labels_need_both_capabilities(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="labeled-response")
    assert ann.ask("@label=1 PING x") == [":irc.parley PONG irc.parley :x"]


def test_news_stand_outside_of_batches(world, nodes):
    """What others say meanwhile is no part of an answer."""
    ann = irc_person(world, nodes[0], "ann", caps=RICH, rooms="#a")
    ben = irc_person(world, nodes[-1], "ben", rooms="#a")
    for number in range(30):
        ben.send(f"PRIVMSG #a :{number}")
        ann.send("@label=x WHOIS ben")
    ben.ask()
    lines = ann.ask()
    wait_until(lambda: len(ann.seen(" PRIVMSG #a ")) == 30)
    for message in map(parse, lines):
        in_batch = message.command in ("311", "319", "312", "318")
        assert ("batch" in message.tags) == in_batch, message


# ---- order ----


def test_pong_follows_the_effects(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="echo-message")
    irc_person(world, nodes[-1], "ben")
    lines = ann.ask(
        "JOIN #a", "PRIVMSG #a :1", "PRIVMSG #a :2", "PRIVMSG ben :3", "TOPIC #a :4",
        "NICK anna", "PRIVMSG #a :5", "PART #a",
    )  # fmt: skip
    assert [c for c in commands_of(lines) if not c.isdigit()] == [
        "JOIN", "MODE", "PRIVMSG", "PRIVMSG", "PRIVMSG", "TOPIC", "NICK", "PRIVMSG", "PART",
    ]  # fmt: skip


def test_many_lines_keep_their_order(pair):
    ann, ben = pair
    ann.ask("CAP REQ :echo-message")
    ann.send(*(f"PRIVMSG #a :{number}" for number in range(500)))
    wanted = [["#a", str(number)] for number in range(500)]
    assert params_of(ann.ask(), "PRIVMSG") == wanted
    assert [ben.wait_for("PRIVMSG").params for _ in range(500)] == wanted


def test_a_burst_is_seen_in_each_readers_own_form(world, nodes):
    """What one entry brings is told in one piece: each form of it has all lines, in order."""
    forms = {
        "plain": "",
        "timed": "server-time",
        "tagged": "message-tags server-time account-tag",
        "joins": "extended-join",
    }
    readers = {
        name: irc_person(world, nodes[-1], name, caps=caps, rooms="#a")
        for name, caps in forms.items()
    }
    talker = world.crowd.connect(nodes[0], "talker")
    talker.ask("talker", "/join #a")
    for reader in readers.values():
        reader.wait_for_join_of("talker", "#a")
    talker.send(*(f"/me {i}" if i % 3 == 0 else f"line {i}" for i in range(100)))
    texts = [f"\x01ACTION {i}\x01" if i % 3 == 0 else f"line {i}" for i in range(100)]
    heard = {
        name: [reader.wait_for("PRIVMSG") for _ in texts] for name, reader in readers.items()
    }
    for name, messages in heard.items():
        assert [m.params for m in messages] == [["#a", text] for text in texts], name
    assert not any(m.tags for m in heard["plain"] + heard["joins"])
    assert all(set(m.tags) == {"time"} for m in heard["timed"])
    assert all(set(m.tags) == {"time", "msgid"} for m in heard["tagged"])
    assert len({m.tags["msgid"] for m in heard["tagged"]}) == len(texts)
    assert [m.tags["time"] for m in heard["timed"]] == [m.tags["time"] for m in heard["tagged"]]


# ---- a backplane that is away ----


def test_pong_is_immediate_while_the_backplane_is_away(world):
    redis = world.redis()
    node = world.node(redis)
    ann = irc_person(world, node, "ann", caps="echo-message", rooms="#a")
    redis.process.pause()
    node.wait_log("backplane_away|unavailable|probe")
    ann.send("PRIVMSG #a :held", "JOIN #b", "PRIVMSG #a :held too", "PING early")
    ann.expect(":irc.parley PONG irc.parley :early", timeout=60)
    assert not ann.seen("held")
    redis.process.resume()
    assert [ann.wait_for("PRIVMSG").params[1] for _ in range(2)] == ["held", "held too"]
    assert params_of(ann.ask(), "JOIN") == [["#b"]] or ann.seen("JOIN #b")


def test_registration_while_the_backplane_is_away(world):
    redis = world.redis()
    node = world.node(redis)
    irc_person(world, node, "ann")
    redis.process.pause()
    node.wait_log("backplane_away|unavailable|probe")
    ben = irc_connect(world, node, "ben")
    ben.send("NICK ben", "USER b 0 * B", "PING 1")
    ben.expect_match("backplane is away", timeout=60)
    redis.process.resume()
    ben.wait_for("001", "ben")
