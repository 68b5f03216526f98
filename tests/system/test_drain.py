"""Nodes that are replaced: what their people are told, and that nothing echoed is lost."""

import collections
import re
import signal
import time

import pytest

from harness import Load, Oracle, members, scaled, wait_until

NOTICE = r"^\* This node is being replaced\. You will be disconnected within (\d+) s: connect again then\.$"
REPLACED = "! This node is being replaced. Connect again."


def test_people_are_told_at_once_and_closed_spread_over_the_time(world):
    node, other = world.some_nodes(2, drain_seconds=2)
    people = world.people([node], [f"p{n}" for n in range(20)])
    stranger = world.connect(node)
    watcher = world.person(other, "watcher")
    ends = {}
    begin = time.monotonic()
    node.signal(signal.SIGTERM)
    for person in people:
        assert person.expect_match(NOTICE).group(1) == "2"

    def all_ended():
        for person in people:
            if person.ended:
                ends.setdefault(person, time.monotonic() - begin)
        return len(ends) == len(people)

    wait_until(all_ended)
    for person in people:
        person.expect_end(REPLACED)
        assert len(person.seen(NOTICE)) == 1
    stranger.expect_end(REPLACED)
    assert not stranger.seen(NOTICE)  # what it speaks was not known
    assert node.wait() == 0
    times = sorted(ends.values())
    print("ended after", ", ".join(f"{each:.2f}" for each in times))
    assert times[len(times) // 2] > 0.3, "half of them at once"
    assert members(watcher) == ["watcher"]
    assert not re.search(r"reaped|declared_dead", other.log())


def test_clients_keep_talking_while_their_node_drains(world):
    node, other = world.node(drain_seconds=600), world.node()
    ann, ben = world.person(node, "ann"), world.person(node, "ben")
    watcher = world.person(other, "watcher")
    node.signal(signal.SIGTERM)
    left = [each for each in (ann, ben) if not each.ended]
    for each in left:
        each.expect_match(NOTICE)
        each.send("still here")
        watcher.expect(f"[#lobby] <{each.name}> still here")
    node.signal(signal.SIGTERM)
    assert node.wait() == 0


def test_lines_that_are_held_are_stored_before_the_node_ends(world):
    redis = world.redis()
    node, other = world.some_nodes(2, drain_seconds=1)
    ann, watcher = world.person(node, "ann"), world.person(other, "watcher")
    redis.pause()
    ann.send(*[f"held {n}" for n in range(10)])
    node.admin.wait_metric("lines_in_total", lambda value: value >= 12)
    node.signal(signal.SIGTERM)
    ann.expect_end(REPLACED)
    assert node.admin.metric('closed_total{reason="drain"}') == 1
    redis.resume()
    for n in range(10):
        watcher.expect(f"[#lobby] <ann> held {n}")
    assert node.wait() == 0


@pytest.mark.slow(25)
def test_a_rolling_replacement_loses_no_echoed_line(world):
    """All of three nodes, one after the other, while people on all of them talk; who is
    disconnected goes to the new node."""
    redis = world.redis()
    nodes = world.some_nodes(3, drain_seconds=2, history=100000)
    names = [f"p{n}" for n in range(scaled("people", 12, 6))]
    people = {person.name: person for person in world.people(nodes, names)}
    echoed = []
    for old in list(nodes):
        everybody = list(people.values())
        oracle = Oracle(everybody, everybody)
        with Load(oracle, lines_per_second=scaled("lines a second", 400, 100)) as load:
            load.run_until_said(100)
            new = world.node(drain_seconds=2, history=100000)
            old.signal(signal.SIGTERM)
            wait_until(lambda: all(each.ended for each in everybody if each.node is old))
            assert old.wait() == 0, old.log_tail()
            load.run_until_said(100)
        oracle.settle()
        oracle.check()
        for person in everybody:
            echoed += person.seen(rf"^\[#lobby\] <{person.name}> ")
            if person.node is old:
                person.expect_end(REPLACED)
                people[person.name] = world.person(new, person.name)
        for person in people.values():
            person.settle()
            person.forget_lines()
    assert sorted(members(people[names[0]])) == sorted(names)
    check_log(redis, echoed)
    for node in world.nodes[3:]:
        assert not re.search(r"reaped|declared_dead|partition_lost", node.log())


def check_log(redis, echoed):
    """Each line that its sender saw come back is in the log."""
    [key] = redis.keys("*:l:#lobby")
    text = "\n".join(entry[1][1] for entry in redis.command("XRANGE", key, "-", "+"))
    assert echoed
    print(f"{len(echoed)} echoed lines were looked for in the log")
    fields = re.findall(r"(\d+):(p\d+:\d+)", text)  # the next length may follow at once
    stored = collections.Counter(field[: int(length)] for length, field in fields)
    said = {line.split("> ", 1)[1] for line in echoed}
    missing = said - set(stored)
    assert not missing, sorted(missing)[:20]
