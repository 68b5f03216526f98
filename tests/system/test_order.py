"""Everybody sees every line once, and all see them in one order."""

import random

import pytest

from harness import Oracle, scaled, wait_until


@pytest.mark.slow(15)
def test_ten_senders_at_once_to_thirty_clients_on_three_nodes(world):
    lines = scaled("lines", 10_000, short=1_000)
    nodes = world.some_nodes(3)
    people = world.people(nodes, [f"p{n}" for n in range(30)])
    oracle = Oracle(senders=people[:10], watchers=people)

    # All at once: nobody waits for anything.
    for _ in range(lines // 100):
        for sender in people[:10]:
            oracle.say(sender, 10)

    oracle.settle(timeout=120)
    oracle.check()
    sequences = [watch.tokens for watch in oracle.watches.values()]
    assert len(sequences) == 30
    assert all(len(sequence) == lines for sequence in sequences)
    assert all(sequence == sequences[0] for sequence in sequences)


@pytest.mark.slow(10)
def test_events_and_messages_stand_in_one_order(world):
    """Joins, leaves, topics, actions and messages, as those see them who are there all the time."""
    rounds = scaled("rounds", 100, short=20)
    nodes = world.some_nodes(3)
    watchers = world.people(nodes, ["w0", "w1", "w2"])
    movers = world.people(nodes, [f"m{n}" for n in range(6)])
    everybody = watchers + movers
    for client in everybody:
        client.ask("/join #busy")
    for watcher in watchers:
        watcher.settle()
        watcher.forget_lines()

    for number in range(rounds):
        for mover in movers:
            mover.send(f"say {number}", f"/me does {number}", f"/topic {mover.name} {number}")
            mover.send("/leave #busy", "/join #busy")
    for mover in movers:
        mover.settle(timeout=120)
    expected = rounds * len(movers) * 5
    told = [
        wait_until(lambda: _about(watcher, "#busy", expected), 60, f"{expected} lines")
        for watcher in watchers
    ]
    assert len(told[0]) == expected
    assert told[0] == told[1] == told[2]


def _about(client, room, count):
    client.settle()
    lines = client.seen(room)
    return lines if len(lines) >= count else None


def test_many_rooms_each_have_their_order(world):
    lines = scaled("lines", 3_000, short=600)
    rooms = [f"#room{n}" for n in range(20)]
    people = world.people(world.some_nodes(2), [f"p{n}" for n in range(4)])
    for client in people:
        client.ask(*[f"/join {room}" for room in rooms])
    oracles = [Oracle(people, people, room) for room in rooms]

    chance = random.Random(7)
    for _ in range(lines // 10):
        oracle, sender = chance.choice(oracles), chance.choice(people)
        sender.send(f"/room {oracle.room}")
        oracle.say(sender, 10)

    for oracle in oracles:
        oracle.settle(timeout=60)
        oracle.check()


def test_who_joins_amid_talk_misses_nothing_and_sees_nothing_twice(world):
    """History and live lines meet without a seam."""
    nodes = world.some_nodes(2)
    speaker = world.person(nodes[0], "speaker")
    said = []

    def say(count):
        texts = [str(len(said) + n) for n in range(count)]
        said.extend(texts)
        speaker.ask(*texts)

    for number in range(scaled("visitors", 30, short=8)):
        visitor = world.connect(nodes[number % 2], f"v{number}")
        visitor.send(visitor.name)
        wait_until(lambda: say(7) or visitor.seen(r"^\[#lobby\] <speaker> "))
        say(7)
        visitor.expect(f"[#lobby] <speaker> {said[-1]}")

        spoken = visitor.seen(" <speaker> ")
        heard = [line.partition("> ")[2] for line in spoken]
        assert heard == said[len(said) - len(heard) :]
        from_history = [line for line in spoken if line.startswith("[#lobby 2")]
        assert spoken[: len(from_history)] == from_history, "history comes first"
        assert len(from_history) == min(20, len(said) - len(spoken) + len(from_history))
        visitor.close()
