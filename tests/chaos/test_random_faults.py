"""Faults at random, several kinds at once: in the end all nodes and Redis say the same.

The seed is printed; PARLEY_TEST_SEED gives it again. Two nodes are there from the beginning to
the end, so that what they heard can be judged; the others come and go.
"""

import os
import random
import time

import pytest

from harness import Load, Oracle, members, scaled, wait_until
from harness.replicated import Replicated
from harness.servers import server_version
from harness.slots import PARTITIONS, partition_slot
from suite.judge import stored_members

IMMORTALS, MORTALS = 2, 2
GROWTH_MIB = 32  # what the ring of a node may come to
AGREE_SECONDS = 180  # a node may have died together with what was known of it: the janitor looks after 60
WARM_SECONDS = 90  # until the ring and what malloc keeps have found their size


class Chaos:
    """What may go wrong. Each fault returns soon and has mended what would never mend itself."""

    # Redis forgets by these. What a node had not read by then is published again by its
    # writers, each in its own order; only that all nodes had read everything makes the order
    # of all nodes the same.
    FORGETTING = ("flush", "restart_empty", "fail_over")

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
            self.evict_books,
            self.run_out_of_memory,
            self.kill_node,
            self.kill_node,
            self.stop_node,
            self.pause_node,
            self.flush,
            *self.more_faults(),
        ]

    def more_faults(self):
        """Those of a server, or a primary with a replica, behind a name."""
        restart = self.restart_empty if self.redis.replica is None else self.fail_over
        return [self.lose_answers, self.black_hole, restart]

    def end(self):
        """Mend what was broken on purpose for longer than a fault."""

    # ---- nodes ----

    def start_mortal(self):
        node = self.world.node(redis_url=self.redis.url)
        people = []
        for _ in range(3):
            self.count += 1
            people.append(self.world.connect(node, f"m{self.count}"))
            people[-1].send(f"m{self.count}", f"/join #r{self.rng.randrange(4)}")
        self.mortals.append((node, people))

    def take_mortal(self):
        node, _ = self.mortals.pop(self.rng.randrange(len(self.mortals)))
        return node

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

    # ---- links ----

    def cut_links(self):
        self.redis.client_kill(self.rng.choice(["normal", "pubsub"]))

    def lose_answers(self):
        self.redis.name.lose_answers(self.rng.randrange(1, 5))

    def black_hole(self):
        self.redis.name.black_hole()

    # ---- Redis ----

    def server(self):
        """One that serves."""
        return self.redis.primary

    def pause_redis(self):
        server = self.server()
        server.pause()
        time.sleep(self.rng.uniform(0.2, 4))
        server.resume()

    def run_out_of_memory(self):
        server = self.server()
        server.command("CONFIG", "SET", "maxmemory", "1")
        time.sleep(self.rng.uniform(0.2, 2))
        server.command("CONFIG", "SET", "maxmemory", "0")

    def forget_functions(self):
        self.server().command("FUNCTION", "FLUSH")

    def evict_books(self):
        for key in self.redis.keys("parley:*:w"):
            self.redis.command("DEL", key)

    def flush(self):
        self.server().flushall()

    def restart_empty(self):
        self.server().restart_empty()

    def fail_over(self):
        """The replica may lack something; the old primary comes back as the new replica."""
        self.redis.fail_over()
        self.redis.replica.start()
        self.redis.demote_old_primary()

    def choose(self):
        """A fault, and whether Redis forgets something by it."""
        fault = self.rng.choice(self.faults)
        print(f"{time.monotonic():.1f} {fault.__name__}")
        return fault, fault.__name__ in self.FORGETTING


class ClusterChaos(Chaos):
    """Its primaries forget what a replica lacked while people talk: so all see all lines, each
    sender's in order, but not in one order."""

    FORGETTING = ()

    def more_faults(self):
        return [self.kill_primary, self.restart_empty, self.fail_over, self.move_slot, self.move_slot]

    def end(self):
        self.redis.heal()

    def server(self):
        return self.rng.choice(self.redis.primaries())

    def pause_redis(self):
        """For so long that its replica may take over."""
        super().pause_redis()
        self.redis.wait_healthy(90)

    def kill_primary(self):
        victim = self.server()
        victim.kill()
        self.redis.wait_agreement(90)
        victim.start()
        self.redis.wait_healthy(90)

    def restart_empty(self):
        """Before its replica takes over."""
        super().restart_empty()
        self.redis.wait_healthy(90)

    def fail_over(self):
        self.redis.fail_over(self.server(), self.rng.choice([None, "FORCE", "TAKEOVER"]))
        self.redis.wait_healthy(90)

    def move_slot(self):
        slot = partition_slot(self.rng.randrange(PARTITIONS))
        source = self.redis.primary_of_slot(slot)
        target = self.rng.choice([p for p in self.redis.primaries() if p is not source])
        self.redis.begin_migration(slot, target, keys=self.rng.randrange(3))
        time.sleep(self.rng.uniform(0, 1.5))
        self.redis.finish_migration(slot)


class Growth:
    """Memory and descriptors of nodes: what they were when they had warmed up, and are now."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.before = None
        self.due = time.monotonic() + WARM_SECONDS

    @staticmethod
    def now(node):
        return node.rss_mib(), node.admin.metric("process_open_fds")

    def look(self):
        if self.before is None and time.monotonic() > self.due:
            self.before = [self.now(node) for node in self.nodes]

    def check(self, descriptors):
        """Unless that was too short to tell anything about memory."""
        for index, node in enumerate(self.nodes):
            wait_until(lambda: self.now(node)[1] <= descriptors, 60, "descriptors are closed again")
            memory, _ = self.now(node)
            if self.before is None:
                print(f"{node.name}: {memory:.0f} MiB")
                assert memory < 200
            else:
                print(f"{node.name}: {self.before[index][0]:.0f} MiB, then {memory:.0f} MiB")
                assert memory < self.before[index][0] + GROWTH_MIB


def break_things(chaos, oracle, growth, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with Load(oracle, lines_per_second=60):
            forgets = False
            while time.monotonic() < end and not forgets:
                time.sleep(chaos.rng.uniform(0.1, 1.5))
                growth.look()
                fault, forgets = chaos.choose()
                if not forgets:
                    fault()
        if forgets:
            oracle.wait_delivered(120)
            fault()


@pytest.fixture
def redis(world, topology, request):
    if topology == "cluster":
        yield request.getfixturevalue("cluster")
    else:
        yield Replicated(world, replica=topology == "replicated")


@pytest.mark.slow(60)
@pytest.mark.parametrize("topology", ["single", "replicated", "cluster"])
def test_random_faults(world, redis, topology, record_property):
    seed = int(os.environ.get("PARLEY_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"PARLEY_TEST_SEED={seed}")
    nodes = world.some_nodes(IMMORTALS, redis_url=redis.url)
    people = world.people(nodes, [f"p{n}" for n in range(6)])
    for number, client in enumerate(people):
        client.ask(f"/join #r{number % 4}", "/room #lobby")
    descriptors = max(node.admin.metric("process_open_fds") for node in nodes)
    oracle = Oracle(senders=people, watchers=people)
    chaos = (ClusterChaos if topology == "cluster" else Chaos)(world, redis, random.Random(seed))
    growth = Growth(nodes)
    seconds = scaled("seconds of faults", 10, short=10, long=600)
    break_things(chaos, oracle, growth, seconds)
    chaos.end()

    oracle.settle(timeout=120)
    oracle.check(one_order=topology == "single")
    for client in people:
        assert not client.ended, f"{client!r}"
        assert client.seen(r"^! ") == []
    check_all_agree(redis, people, chaos)
    growth.check(descriptors)
    text = f"{server_version()}, {topology}, seed {seed}: {seconds} s of random faults, {oracle.total()} lines"
    record_property("chaos-random", f"{text} to {len(people)} people, {oracle.worst_delay():.1f} s at worst")


def check_all_agree(redis, people, chaos):
    """About rooms, members and names: all nodes, and Redis."""
    alive = people + [client for _, them in chaos.mortals for client in them]
    wait_until(lambda: all(client.lines for client in alive), 60)
    living = one_of_each_node(people, chaos)
    everybody = wait_until(lambda: same_lists(living, alive), AGREE_SECONDS, "all nodes list the same people")
    assert {client.name for client in people} <= set(everybody)
    wait_until(lambda: stored_members(redis, "#lobby") == [len(everybody)], 60)
    rooms = wait_until(lambda: same_rooms(living), 60, "all nodes list the same rooms")
    for room, count in rooms.items():
        wait_until(lambda: stored_members(redis, room) == [count], 60, f"{room} has {count} members")

    def odd_names():
        names = {key.split(":n:", 1)[1] for key in redis.keys("parley:*:n:*")}
        return names ^ set(everybody)

    try:
        wait_until(lambda: not odd_names(), AGREE_SECONDS)
    except AssertionError:
        odd = {name: redis.keys(f"parley:*:n:{name}") for name in odd_names()}
        raise AssertionError(f"names without a person, or the other way round: {odd}") from None


def one_of_each_node(people, chaos):
    return [*people[:IMMORTALS], *[them[0] for _, them in chaos.mortals]]


def same_lists(living, alive):
    """Who is in #lobby, if somebody on each node sees the same; otherwise None."""
    lists = [members(client) for client in living]
    expected = {client.name for client in alive if not client.ended}
    if all(some == lists[0] for some in lists) and len(lists[0]) == len(expected):
        return lists[0]
    return None


def same_rooms(living):
    """Room -> number of members, if all nodes say the same; otherwise None."""
    said = []
    for client in living:
        lines = [line.split() for line in client.ask("/rooms") if line.startswith("* #")]
        said.append({words[1]: int(words[2].strip("():")) for words in lines})
    return said[0] if all(rooms == said[0] for rooms in said) else None
