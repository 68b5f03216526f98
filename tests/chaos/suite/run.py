"""Nodes on some Redis, and people that talk or only listen, in several rooms."""

import dataclasses
import os
import time

from harness import LONG, SHORT, Load, Oracle, wait_until

ROOMS = ["#lobby", "#tea", "#den", "#attic"]


@dataclasses.dataclass(frozen=True)
class Size:
    speakers: int
    listeners: int
    rooms: int
    rate: int  # lines per second, of all speakers


SMALL = Size(speakers=6, listeners=3, rooms=2, rate=60)
LARGE = Size(speakers=12, listeners=6, rooms=4, rate=200)


def size():
    return LARGE if LONG and not SHORT else SMALL


class Run:
    """`redis` is a single server, a Replicated or a RedisCluster."""

    def __init__(self, world, redis, case):
        self.world = world
        self.redis = redis
        self.case = case
        self.size = size()
        self.rooms = ROOMS[: self.size.rooms]
        options = {"redis_url": redis.url, "history": 100000, **case.options}
        if redis.certificate:
            options["env"] = {"SSL_CERT_FILE": str(redis.certificate)}
        self.nodes = world.some_nodes(case.nodes, **options)
        self.options = options
        self.killed = set()  # nodes
        self.broken_at = None  # monotonic time and time of day
        self.mended_at = None
        self.notes = []  # for the table
        self._connect_people()
        self.load = Load(self.oracle, self.size.rate)

    def _connect_people(self):
        """Speakers of one room are on different nodes."""
        count = self.size.speakers + self.size.listeners
        self.people = self.world.people(self.nodes, [f"p{n}" for n in range(count)])
        speakers = self.people[: self.size.speakers]
        home = {}
        for index, speaker in enumerate(speakers):
            home[speaker] = self.rooms[index // len(self.nodes) % len(self.rooms)]
        for person in self.people:
            person.send(*[f"/join {room}" for room in self.rooms[1:]])
            person.send(f"/room {home.get(person, self.rooms[0])}")
        for _ in range(2):  # all have seen all others' arrival
            for person in self.people:
                person.settle()
        for person in self.people:
            person.forget_lines()
        self.oracle = Oracle(speakers, self.people, rooms=home)

    # ---- who is there ----

    def living(self):
        return [person for person in self.people if person.node not in self.killed]

    def living_nodes(self):
        return [node for node in self.nodes if node not in self.killed]

    def one_of_each_node(self):
        first = {}
        for person in self.living():
            first.setdefault(person.node, person)
        return list(first.values())

    def add_node(self):
        """With nobody on it."""
        node = self.world.node(**self.options)
        self.nodes.append(node)
        return node

    def take_name(self, node, name):
        """Somebody who comes to the node and gets that name as soon as it is free."""
        client = self.world.connect(node, name)

        def is_granted():
            client.send(name)
            answer = client.expect_match(r"^(\* You are|! The name)").group(1)
            return answer == "* You are"

        wait_until(is_granted, 60, f"{name} is free")
        return client

    def kill_node(self, node):
        self.killed.add(node)
        node.kill()

    # ---- what happens ----

    def broken(self):
        self.broken_at = (time.monotonic(), time.time())

    def mended(self):
        """A primary is there, has what it will have, and can be reached."""
        self.mended_at = time.monotonic()

    def say_some(self, seconds=1):
        """Wait until so many more lines have been said as are due in that time."""
        self.load.run_until_said(max(1, int(self.size.rate * seconds)))

    def times(self, short, long):
        return long if self.size is LARGE else short

    def wait_metric(self, nodes, name, condition, timeout=60):
        """Of all these nodes at once."""
        wait_until(
            lambda: all(condition(node.admin.metric(name)) for node in nodes),
            timeout,
            f"{name} of {len(nodes)} nodes",
        )

    def total(self, name):
        """A metric, of all nodes that live."""
        return sum(node.admin.metric(name) for node in self.living_nodes())


def is_everything():
    """All cases, not only the fast ones."""
    return os.environ.get("PARLEY_CHAOS") == "all"
