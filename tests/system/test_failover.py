"""Redis fails over to a replica that lagged: what it lacks is published again."""

import pytest

from harness import Load, Oracle, members, scaled, start_afresh, wait_until
from harness.limits import TIMEOUT
from harness.proxy import Proxy
from harness.replicated import Replicated
from irc_client import irc_person

LOST = "3 lines were lost in a failure of the backplane."


@pytest.fixture
def pair(world):
    return Replicated(world)


@pytest.fixture
def people(world, pair):
    nodes = [world.start_node(redis_url=pair.url) for _ in range(3)]
    for node in nodes:
        node.wait_listening()
    them = world.people(nodes, [f"p{n}" for n in range(9)])
    start_afresh(them)
    return them


def stored_tokens(redis, room):
    """The texts of a room's log, in order."""
    keys = [key for key in redis.keys("parley:*:l:*") if key.endswith(f":l:{room}")]
    log = "".join(entry[1][1] for entry in redis.command("XRANGE", keys[0], "-", "+"))
    return log


@pytest.mark.slow(15)
@pytest.mark.parametrize("lag", ["lagging", "in step"])
def test_failover_under_load(world, pair, people, lag):
    oracle = Oracle(senders=people, watchers=people)
    with Load(oracle, lines_per_second=400) as load:
        load.run_until_said(scaled("lines before", 400, short=100))
        wait_until(pair.is_in_step)
        if lag == "lagging":
            pair.replication.stall()
            load.run_until_said(scaled("lines that the replica lacks", 200, short=80))
            echoed = sum(len(watch.update()) for watch in oracle.watches.values())
            behind = pair.lag_bytes()
            print(f"the replica lacks {behind} bytes; {echoed} deliveries were made")
            assert behind > 1000
        pair.fail_over()
        load.run_until_said(scaled("lines after", 400, short=100))
    if lag == "lagging":
        replays = [node.admin.metric("replays_total") for node in world.nodes]
        print(f"batches published again: {replays}")
        assert sum(replays) > 0
    oracle.settle(timeout=60)
    oracle.check()
    for client in people:
        assert not client.ended
        assert client.seen(r"^(\* .* (quit|left|joined|is now)\b|! )") == []
        assert client.seen("lost in a failure") == []
    assert all(node.admin.metric("lost_lines_total") == 0 for node in world.nodes)
    expected = sorted(client.name for client in people)
    for client in people[:3]:
        wait_until(lambda: members(client) == expected)
    # The log holds everything that was echoed, each line once.
    log = stored_tokens(pair, "#lobby")
    for sender in people:
        for number in range(1, oracle.sent[sender.name] + 1):
            token = f"{len(sender.name) + 1 + len(str(number))}:{sender.name}:{number}"
            assert log.count(token) >= 1, f"{token} is not in the log"


@pytest.mark.slow(20)
def test_who_had_not_read_what_was_lost_sees_it_in_the_same_order(world, pair):
    """Three nodes publish and read; the fourth publishes no more and reads nothing when the
    primary dies with what the replica lacks. Then each writer has lines of its own to bring back."""
    own_way = Proxy(pair.name.port)
    nodes = [world.start_node(redis_url=pair.name.url) for _ in range(3)]
    nodes.append(world.start_node(redis_url=own_way.url))
    for node in nodes:
        node.wait_listening()
    them = world.people(nodes, [f"p{n}" for n in range(8)])
    senders = [client for number, client in enumerate(them) if number % 4 < 3]
    deaf = [them[3], them[7]]
    oracle = Oracle(senders=senders, watchers=them)
    oracle.say(them[0])
    oracle.settle()
    wait_until(pair.is_in_step)

    pair.replication.stall()
    own_way.stall()
    rounds = scaled("rounds that the replica lacks", 60, short=20)
    for _ in range(rounds):
        for sender in senders:
            oracle.say(sender)
        readers = [client for client in them if client not in deaf]
        wait_until(lambda: all(
            len(oracle.watches[client].update()) == oracle.total() for client in readers
        ))
    assert all(len(oracle.watches[client].update()) == 1 for client in deaf)
    own_way.cut()
    pair.fail_over()
    for sender in senders:
        oracle.say(sender)  # ... while others may not have begun to bring back theirs
    oracle.settle(timeout=60)
    oracle.check()
    # Also who comes later reads the history in that order.
    log = stored_tokens(pair, "#lobby")
    order = oracle.watches[them[0]].tokens
    places = [log.index(f"{len(token)}:{token}") for token in order]
    assert places == sorted(places)
    own_way.close()


def test_names_that_the_replica_lacks_are_claimed_again(world, pair, people):
    """Nothing tells that they are gone, and somebody else could take them."""
    names = [f"late{number}" for number in range(len(world.nodes))]

    def stored():
        return [name for name in names if pair.keys(f"parley:*:n:{name}")]

    for client in world.people(world.nodes, names):
        client.close()  # their partitions are known, and lack nothing but the names
    wait_until(lambda: not stored())
    wait_until(pair.is_in_step)
    pair.replication.stall()
    world.people(world.nodes, names)
    pair.fail_over()
    wait_until(lambda: stored() == names)
    assert all(not client.ended for client in people)


@pytest.mark.slow(20)
def test_what_died_with_its_node_and_the_primary_is_told_to_the_room(world, pair):
    """Three lines that bob and irma saw and carl did not: their node and the primary die, and the
    replica does not have them."""
    own_way = Proxy(pair.name.port)
    urls = [pair.name.url, pair.name.url, own_way.url]
    nodes = [world.start_node(redis_url=url) for url in urls]
    for node in nodes:
        node.wait_listening()
    alice, bob, carl = world.people(nodes, ["alice", "bob", "carl"])
    irma = irc_person(world, nodes[1], "irma", caps="server-time message-tags")
    irma.ask("JOIN #lobby")
    for person in (alice, bob):
        person.ask("/join #tea", "nothing is gone here", "/room #lobby")
    alice.send("kept")
    carl.expect("[#lobby] <alice> kept")
    wait_until(pair.is_in_step)

    pair.replication.stall()
    own_way.stall()
    alice.send("/topic soon forgotten")
    bob.expect("* alice changed the topic of #lobby to: soon forgotten")
    for text in ("one", "two", "three"):
        alice.send(text)
        bob.expect(f"[#lobby] <alice> {text}")
    bob.send("mine comes back")
    bob.expect("[#lobby] <bob> mine comes back")
    nodes[0].kill()
    own_way.cut()
    pair.fail_over()

    witnesses = [bob, carl]
    for person in witnesses:
        wait_until(lambda: person.seen("were lost"), 2 * TIMEOUT, "the room is told")
    notice = irma.wait_for("NOTICE", "#lobby")
    assert (notice.source, notice.params[1]) == ("irc.parley", LOST)
    assert {"time", "msgid"} <= set(notice.tags)
    for person in witnesses:
        person.settle()
        assert person.seen("lost in a failure") == [f"* {LOST}"]
        assert person.seen("quit") == ["* alice quit (its node is gone)"]
        history = [line.split("] ", 1)[1] for line in person.ask("/history") if "] " in line]
        assert history == ["<alice> kept", "<bob> mine comes back", f"* {LOST}"]
    assert members(bob) == members(carl) == ["bob", "carl", "irma"]
    assert bob.ask("/topic") == ["* #lobby has no topic."]
    assert [line for line in bob.ask("/room #tea", "/history") if "lost" in line] == []
    newcomer = world.person(nodes[2], "dora")
    assert [line.split("] ", 1)[1] for line in newcomer.seen("lost")] == [f"* {LOST}"]
    assert sum(node.admin.metric("lost_lines_total") for node in nodes[1:]) == 3
    assert sum(node.log().count(" lines_lost ") for node in nodes[1:]) == 1
    own_way.close()


@pytest.mark.slow(20)
def test_a_demoted_primary_is_left(world, pair, people):
    """It lives on as a replica: writes are refused there, and the name leads elsewhere."""
    oracle = Oracle(senders=people, watchers=people)
    with Load(oracle, lines_per_second=200) as load:
        load.run_until_said(100)
        wait_until(pair.is_in_step)
        pair.promote_replica()
        pair.demote_old_primary()
        load.run_until_said(200)
    oracle.settle(timeout=60)
    oracle.check()
    for client in people:
        assert not client.ended
