"""MONITOR: people who come, go and change, on which node ever."""

import pytest

from irc_client import commands_of, irc_person, params_of, parse

WATCHED_MAX = 100
BEN = "ben!~ben@127.0.0.1"


@pytest.fixture(params=[1, 2], ids=["one node", "two nodes"])
def nodes(world, request):
    return world.some_nodes(request.param)


@pytest.fixture
def ann(world, nodes):
    return irc_person(world, nodes[0], "ann", rooms="#a")


def test_who_comes_and_goes(world, nodes, ann):
    assert ann.ask("MONITOR + Ben") == [":irc.parley 731 ann :Ben"]
    ben = irc_person(world, nodes[-1], "ben")
    assert ann.wait_for("730").params == ["ann", BEN]
    ben.send("QUIT :bye")
    assert ann.wait_for("731").params == ["ann", "ben"]
    cid = irc_person(world, nodes[-1], "cid", rooms="#c")
    cid.send("NICK ben")
    assert ann.wait_for("730").params == ["ann", "ben!~cid@127.0.0.1"]
    cid.send("NICK BEN", "NICK dan")
    assert ann.wait_for("731").params[0] == "ann"
    bob = world.person(nodes[-1], "ben")
    assert ann.wait_for("730").params == ["ann", "ben!ben@127.0.0.1"]
    bob.send("/quit")
    assert ann.wait_for("731").params == ["ann", "ben"]


def test_lists(world, nodes, ann):
    irc_person(world, nodes[-1], "ben")
    lines = ann.ask("MONITOR + ben,,nobody,2fast,ANN")
    assert [line.partition(" ann :")[2] for line in lines] == [
        BEN, "nobody", "2fast", "ann!~ann@127.0.0.1",
    ]  # fmt: skip
    assert commands_of(lines) == ["730", "731", "731", "730"]
    assert ann.ask("MONITOR L") == [
        ":irc.parley 732 ann :ben,nobody,ann",
        ":irc.parley 733 ann :End of MONITOR list",
    ]
    status = [f":irc.parley 730 ann :{BEN},ann!~ann@127.0.0.1", ":irc.parley 731 ann :nobody"]
    assert ann.ask("monitor s") == status
    assert ann.ask("MONITOR + BEN") == [f":irc.parley 730 ann :{BEN}"]
    assert ann.ask("MONITOR - ann,NOBODY,2fast,never", "MONITOR S") == [
        f":irc.parley 730 ann :{BEN}"
    ]
    assert ann.ask("MONITOR C", "MONITOR S", "MONITOR L") == [
        ":irc.parley 733 ann :End of MONITOR list"
    ]
    assert commands_of(ann.ask("MONITOR")) == ["461"]
    assert ann.ask("MONITOR X", "MONITOR +", "MONITOR -", "MONITOR + ,") == []


def test_what_is_not_watched_any_more_is_not_told(world, nodes, ann):
    ann.ask("MONITOR + ben,cid,dan", "MONITOR - ben")
    irc_person(world, nodes[-1], "ben")
    irc_person(world, nodes[-1], "cid")
    assert ann.wait_for("730").params == ["ann", "cid!~cid@127.0.0.1"]
    ann.ask("MONITOR C")
    other = irc_person(world, nodes[0], "eve")
    other.ask("MONITOR + dan")
    irc_person(world, nodes[-1], "dan")
    other.wait_for("730")
    assert ann.ask() == []


def test_the_limit(world, nodes, ann):
    names = [f"name-that-is-long-{number}" for number in range(WATCHED_MAX + 2)]
    for start in range(0, WATCHED_MAX, 20):
        lines = ann.ask(f"MONITOR + {','.join(names[start:start + 20])}")
        assert commands_of(lines) == ["731"] * 20
    lines = ann.ask(f"MONITOR + {names[0]},{','.join(names[-2:])}")
    assert lines == [
        f":irc.parley 731 ann :{names[0]}",
        f":irc.parley 734 ann {WATCHED_MAX} {','.join(names[-2:])} :Monitor list is full.",
    ]
    listed = ",".join(params[1] for params in params_of(ann.ask("MONITOR L"), "732"))
    assert listed.split(",") == names[:WATCHED_MAX]
    offline = ",".join(params[1] for params in params_of(ann.ask("MONITOR S"), "731"))
    assert offline.split(",") == names[:WATCHED_MAX]


def test_labels(world, nodes):
    ann = irc_person(world, nodes[0], "ann", caps="labeled-response batch")
    lines = ann.ask("@label=1 MONITOR + ben,cid")
    assert commands_of(lines) == ["BATCH", "731", "731", "BATCH"]
    assert ann.ask("@label=2 MONITOR S") == ["@label=2 :irc.parley 731 ann :ben,cid"]
    assert ann.ask("@label=3 MONITOR C") == ["@label=3 :irc.parley ACK"]


# ---- extended-monitor ----


def test_changes_of_who_shares_no_room(world, nodes):
    caps = "extended-monitor away-notify setname"
    ann = irc_person(world, nodes[0], "ann", caps=caps, rooms="#a")
    cid = irc_person(world, nodes[0], "cid", caps="extended-monitor", rooms="#c")
    dan = irc_person(world, nodes[0], "dan", caps="away-notify setname")
    ben = irc_person(world, nodes[-1], "ben", caps="setname", rooms="#b")
    for client in (ann, cid, dan):
        client.ask("MONITOR + ben")
    ben.ask("AWAY :lunch")
    message = ann.wait_for("AWAY")
    assert (message.source, message.params) == (BEN, ["lunch"])
    ben.ask("AWAY")
    assert ann.wait_for("AWAY").params == []
    ben.ask("SETNAME :Ben B")
    message = ann.wait_for("SETNAME")
    assert (message.source, message.params) == (BEN, ["Ben B"])
    # Who shares a room is told once, by the room.
    ben.ask("JOIN #a", "AWAY :again")
    assert ann.wait_for("AWAY").params == ["again"]
    ben.ask("PART #a", "AWAY :alone")
    assert ann.wait_for("AWAY").params == ["alone"]
    ben.send("QUIT")
    for client in (ann, cid, dan):
        client.wait_for("731")
    assert [m.params for m in map(parse, ann.lines) if m.command == "AWAY"] == [
        ["lunch"], [], ["again"], ["alone"],
    ]  # fmt: skip
    for client in (cid, dan):
        assert not {"AWAY", "SETNAME"} & set(commands_of(client.lines))


# ---- failures ----


def test_people_of_a_node_that_is_killed(world):
    first, second = world.some_nodes(2)
    ann = irc_person(world, first, "ann")
    irc_person(world, second, "ben", rooms="#b")
    assert commands_of(ann.ask("MONITOR + ben")) == ["730"]
    second.kill()
    assert ann.wait_for("731", timeout=60).params == ["ann", "ben"]
    irc_person(world, first, "ben")
    assert ann.wait_for("730").params == ["ann", BEN]


def test_a_backplane_that_is_away_hides_nothing(world):
    redis = world.redis()
    first, second = world.node(redis), world.node(redis)
    ann = irc_person(world, first, "ann")
    ben = irc_person(world, second, "ben")
    assert commands_of(ann.ask("MONITOR + ben,cid")) == ["730", "731"]
    redis.process.pause()
    first.wait_log("backplane_away|unavailable|probe")
    ben.close()
    redis.process.resume()
    assert ann.wait_for("731", timeout=60).params == ["ann", "ben"]
    irc_person(world, second, "cid")
    assert ann.wait_for("730").params == ["ann", "cid!~cid@127.0.0.1"]
