"""Faults at random, several kinds at once: in the end all nodes and Redis say the same.

The seed is printed; PARLEY_TEST_SEED gives it again. Two nodes are there from the beginning to
the end, so that what they heard can be judged; the others come and go.
"""

import os
import random
import time

import pytest

from harness import Load, Oracle, members, scaled, wait_until

MORTALS = 2


class Chaos:
    """What may go wrong. Each fault returns soon and has mended what would never mend itself."""

    def __init__(self, world, redis, rng):
        self.world = world
        self.redis = redis
        self.rng = rng
        self.mortals = []
        self.count = 0
        for _ in range(MORTALS):
            self.start_mortal()
        self.faults = [
            self.cut_links,
            self.cut_links,
            self.pause_redis,
            self.forget_functions,
            self.flush,
            self.restart_empty,
            self.kill_node,
            self.stop_node,
            self.pause_node,
        ]

    def start_mortal(self):
        node = self.world.node(self.redis)
        people = []
        for _ in range(3):
            self.count += 1
            people.append(self.world.connect(node, f"m{self.count}"))
            people[-1].send(f"m{self.count}", f"/join #r{self.rng.randrange(4)}")
        self.mortals.append((node, people))

    def take_mortal(self):
        node, _ = self.mortals.pop(self.rng.randrange(len(self.mortals)))
        return node

    def cut_links(self):
        self.redis.client_kill(self.rng.choice(["normal", "pubsub"]))

    def pause_redis(self):
        self.redis.pause()
        time.sleep(self.rng.uniform(0.2, 4))
        self.redis.resume()

    def forget_functions(self):
        self.redis.command("FUNCTION", "FLUSH")

    def flush(self):
        self.redis.flushall()

    def restart_empty(self):
        self.redis.restart_empty()

    def kill_node(self):
        self.take_mortal().kill()
        self.start_mortal()

    def stop_node(self):
        self.take_mortal().stop()
        self.start_mortal()

    def pause_node(self):
        node, _ = self.rng.choice(self.mortals)
        node.pause()
        time.sleep(self.rng.choice([0.5, 2, 10]))
        node.resume()

    def choose(self):
        """A fault, and whether Redis forgets everything by it. What a node had not read by then
        is published again by its writers, each in its own order; only that all nodes had read
        everything makes the order of all nodes the same."""
        fault = self.rng.choice(self.faults)
        print(f"{time.monotonic():.1f} {fault.__name__}")
        return fault, fault in (self.flush, self.restart_empty)


def stored_rooms(redis):
    """Room -> number of members, as the books of Redis have it."""
    rooms = {}
    for key in redis.keys("parley:*:m:*"):
        rooms[key.split(":m:", 1)[1]] = len(redis.hash(key))
    return rooms


@pytest.mark.slow(60)
def test_random_faults(world):
    seed = int(os.environ.get("PARLEY_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"PARLEY_TEST_SEED={seed}")
    redis = world.redis()
    nodes = world.some_nodes(2)
    people = world.people(nodes, [f"p{n}" for n in range(6)])
    for number, client in enumerate(people):
        client.ask(f"/join #r{number % 4}", "/room #lobby")
    oracle = Oracle(senders=people, watchers=people)
    chaos = Chaos(world, redis, random.Random(seed))
    memory = [node.rss_mib() for node in nodes]
    end = time.monotonic() + scaled("seconds of faults", 30, short=20, long=600)
    while time.monotonic() < end:
        with Load(oracle, lines_per_second=60):
            forgets = False
            while time.monotonic() < end and not forgets:
                time.sleep(chaos.rng.uniform(0.1, 1.5))
                fault, forgets = chaos.choose()
                if not forgets:
                    fault()
        if forgets:
            oracle.wait_delivered()
            fault()

    oracle.settle(timeout=90)
    oracle.check()
    for client in people:
        assert not client.ended, f"{client!r}"
        assert client.seen(r"^! ") == []
    alive = people + [client for _, them in chaos.mortals for client in them]
    wait_until(lambda: all(client.lines for client in alive), 60)
    everybody = wait_until(lambda: same_lists(people, alive), 60, "all nodes list the same people")
    assert {client.name for client in people} <= set(everybody)
    wait_until(lambda: stored_rooms(redis).get("#lobby") == len(everybody), 60)
    names = {key.split(":n:", 1)[1] for key in redis.keys("parley:*:n:*")}
    wait_until(lambda: names >= set(everybody), 60)
    for node, before in zip(nodes, memory):
        print(f"{node.name}: {before:.0f} MiB, then {node.rss_mib():.0f} MiB")
        assert node.rss_mib() < before + 200


def same_lists(people, alive):
    """Who is in #lobby, if somebody on each node sees the same; otherwise None."""
    lists = [members(client) for client in (people[0], people[1])]
    expected = {client.name for client in alive if not client.ended}
    if lists[0] == lists[1] and len(lists[0]) == len(expected):
        return lists[0]
    return None
