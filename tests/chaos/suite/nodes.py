"""Nodes die, sleep and come back; people want the same name."""

import time

from harness import members, wait_until

from .case import case

MARGIN = 20  # for slow machines


def wait_gone(run, node, seconds=15):
    """Every node that lives has removed the people of a dead one."""
    gone = {p.name for p in run.people if p.node is node}
    for person in run.one_of_each_node():
        for room in run.rooms:
            wait_until(lambda: not gone & set(members(person, room)), seconds + MARGIN, "they left")


def told_once(run):
    """Nobody was told twice in a room that somebody is gone."""
    dead = [p.name for p in run.people if p.node in run.killed]
    for person in run.living():
        for name in dead:
            told = person.seen(rf"^\* {name} (quit|left)\b")
            if not 1 <= len(told) <= len(run.rooms) or len(set(told)) != len(told):
                run.notes.append(f"{person.name} was told of {name}: {told}")
                raise AssertionError(run.notes[-1])


@case(
    "18a",
    "single",
    "a node dies",
    "its people leave every room once, within 15 s; what anybody saw of them all see",
    people_change=True,
    seconds=20,
)
def node_dies(run):
    run.kill_node(run.nodes[-1])
    died = time.monotonic()
    wait_gone(run, run.nodes[-1])
    run.notes.append(f"gone after {time.monotonic() - died:.1f} s")
    told_once(run)


@case(
    "18b",
    "single",
    "two nodes die, and who reaps one of them dies in the middle",
    "their people leave every room once",
    people_change=True,
    fast=False,
    nodes=4,
    seconds=60,
)
def reaper_dies(run):
    run.kill_node(run.nodes[-1])

    def reaper():
        return next((n for n in run.living_nodes() if "node_dead" in n.log()), None)

    second = wait_until(reaper, 60, "somebody reaps")
    run.kill_node(second)
    for node in list(run.killed):
        wait_gone(run, node)
    told_once(run)


@case(
    "18c",
    "single",
    "a node dies, and all others believe that reaping is theirs",
    "its people leave every room once",
    people_change=True,
    seconds=25,
)
def many_reapers(run):
    run.kill_node(run.nodes[-1])
    gone = {p.name for p in run.people if p.node is run.nodes[-1]}
    watcher = run.one_of_each_node()[0]

    def is_gone():
        for key in [*run.redis.keys("parley:*:scan"), *run.redis.keys("parley:*:reap:*")]:
            run.redis.command("DEL", key)
        return not gone & set(members(watcher))

    wait_until(is_gone, 15 + MARGIN, "they left")
    wait_gone(run, run.nodes[-1])
    told_once(run)


@case(
    "18d",
    "single",
    "a node is killed every 2 s, and another started",
    "the same; nothing lost to those who stay",
    people_change=True,
    fast=False,
    seconds=60,
)
def a_node_killed_every_2_s(run):
    for _ in range(run.times(5, 20)):
        node = run.world.node(**run.options)
        visitor = run.world.connect(node, "visitor")
        visitor.send(f"v{run.oracle.total()}", "hello", f"/join {run.rooms[-1]}", "hello")
        time.sleep(2)
        node.kill()


@case(
    "19",
    "single",
    "a node sleeps for longer than its lease; somebody takes a name of its people",
    "it is fenced and registers again; its people stay and lose nothing, but for that name",
    people_change=True,
    seconds=30,
)
def node_sleeps(run):
    sleeper = run.nodes[-1]
    people = {p.name for p in run.people if p.node is sleeper}
    carol = run.world.person(sleeper, "carol")
    sleeper.pause()
    watcher = run.people[0]
    wait_until(lambda: not people & set(members(watcher)), 15 + MARGIN, "its people have left")
    other_carol = run.take_name(run.nodes[0], "carol")
    [books] = run.redis.keys("parley:*:m:#lobby")
    sleeper.resume()
    run.mended()

    def are_back():
        holders = [who for who in run.redis.hash(books).items() if " p5:carol" in who[1]]
        assert len(holders) == 1, holders
        names = members(watcher)
        assert names.count("carol") == 1, names
        return people <= set(names) and any(name.startswith("guest-") for name in names)

    wait_until(are_back, 60, "they are back")
    assert all(node.admin.metric("fenced_total") == (node is sleeper) for node in run.nodes)
    carol.expect_match(r"^\* carol is now guest-\w+$")
    for guest in (carol, other_carol):
        guest.send("/quit")


@case(
    "20a",
    "single",
    "the server hangs for longer than leases live",
    "nobody is declared dead",
    seconds=25,
)
def leases_expire(run):
    run.broken()
    run.redis.pause()
    time.sleep(10)
    run.redis.resume()
    run.mended()
    run.say_some(6)
    assert run.total("nodes_reaped_total") == 0


@case("21a", "single", "people on all nodes want one name at once", "one of them gets it", people_change=True)
def one_name(run):
    for number in range(run.times(5, 30)):
        guests = [run.world.connect(node, f"g{number}") for node in run.nodes for _ in range(2)]
        for guest in guests:
            guest.send(f"carol{number}")
        answers = [guest.expect_match(r"^(\* You are|! The name)").group(1) for guest in guests]
        assert sorted(answers) == ["! The name"] * (len(guests) - 1) + ["* You are"], answers
        for guest in guests:
            guest.close()
