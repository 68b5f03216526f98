"""The cases of the benchmark: who is loaded how."""

import time

from .runs import Contender
from .servers import Ceiling, InspIRCd, NgIRCd, RedisChat, Relay

TAGS = "message-tags server-time"
# Connections for each source address: the kernel looks for a free port the longer, the
# fewer of an address are left.
SOURCES = 5_000


class Case:
    """`load` goes to every contender; `during(server, run)` acts while the load runs. Where
    latency is what counts nobody is `pinned` to a processor."""

    def __init__(self, name, title, load, contenders, repeats=3, limit=90, during=None, pinned=True):
        self.name = name
        self.title = title
        self.load = load
        self.contenders = contenders
        self.repeats = repeats
        self.limit = limit
        self.during = during
        self.pinned = pinned


def relays(line=None, nodes=1):
    """The relay by each protocol that it may be spoken to with."""
    return [
        Contender("relay", Relay, line, nodes=nodes),
        Contender("relay, IRC", Relay, nodes=nodes, protocol="irc"),
        Contender("relay, IRC with tags", Relay, {"caps": TAGS}, nodes=nodes, protocol="irc"),
    ]


def field(lobby=True, slow_too=True, redis=True):
    """The relay, the ceiling and the peers."""
    line = {"lobby": True} if lobby else {}
    them = [*relays(line), Contender("ceiling", Ceiling, line)]
    # It registers people once a second: many must come at a time.
    them.append(Contender("InspIRCd", InspIRCd, {"at-once": 2_000}))
    if slow_too:
        # Its backlog is 10, and it needs many seconds for a thousand joins.
        them.append(Contender("ngIRCd", NgIRCd, {"at-once": 8}, repeats=1))
    if redis:
        them.append(Contender("Redis (SUBSCRIBE)", RedisChat))
    return them


FAN = {"rooms": 1, "members": 1000, "senders": 10}
PAIRS = {"rooms": 500, "members": 2, "senders": 2}


def fan_cases(size):
    # Joins of so many cost their square: they are to share writes.
    fan10k = {"rooms": 1, "members": min(10_000, size), "senders": 4, "at-once": 1_000}
    fan10k["sources"] = SOURCES
    saturated = [
        Case("fan1k", "One room of 1,000, 10 senders, saturated", FAN, field()),
        Case("pairs", "500 rooms of 2, all speak, saturated", PAIRS, field(lobby=False)),
        Case(
            "fan10k",
            f"One room of {fan10k['members']:,}, 4 senders, saturated",
            {**fan10k, "warm": 1.5},
            field(slow_too=False),
            limit=200,
        ),
    ]
    paced = [
        Case(
            "fan1k-50k",
            "One room of 1,000, 10 senders, steady 50,000 deliveries/s",
            {**FAN, "rate": 50, "spin": True},
            field(),
        ),
        Case(
            "pairs-20k",
            "500 rooms of 2, steady 20,000 messages/s, the relay on two nodes",
            {**PAIRS, "rate": 20_000},
            [
                *relays(nodes=2),
                Contender("relay on one node", Relay),
                *field(lobby=False)[3:],
            ],
            pinned=False,
        ),
    ]
    spread = [
        Case(
            name,
            f"One room of {fan10k['members']:,}, 4 senders, over 1, 2 and 4 nodes, {how}",
            {**fan10k, "lobby": True, **load},
            [Contender(f"{n} node" + "s" * (n > 1), Relay, nodes=n) for n in (1, 2, 4)],
            limit=120,
        )
        for name, how, load in (
            ("spread", "saturated", {"warm": 1.5}),
            ("spread-40k", "steady 40,000 deliveries/s", {"rate": 4, "spin": True}),
        )
    ]
    return [*saturated[:1], paced[0], saturated[1], paced[1], saturated[2], *spread]


def idle_case(size):
    count = min(50_000, size)
    load = {"rooms": count // 10, "members": 10, "senders": 0, "sources": SOURCES}
    load.update({"measure": 20, "ping": 90, "at-once": 64})
    # What a relay stored is kept for a minute, in case Redis forgets it; then it is idle.
    own = [Contender(one.label, Relay, {"measure": 75}, **one.options) for one in relays()[:2]]
    # Redis's and the ceiling's people have no name and are in a room at once.
    them = [*own, *field(lobby=False)[3:]]
    return Case(
        "idle",
        f"{load['rooms'] * 10:,} idle connections in rooms of 10, a PING each 90 s",
        load,
        [one for one in them if one.label != "ngIRCd"] + small_ngircd(),
        repeats=1,
        limit=180,
    )


def small_ngircd():
    """Each connection costs ngIRCd a look at all others."""
    return [Contender("ngIRCd", NgIRCd, {"rooms": 300, "measure": 5, "at-once": 8})]


def storm_case(size):
    count = min(5_000, size)
    load = {"rooms": 1, "members": count, "senders": 0, "at-once": 0, "measure": 0.2}
    them = field(slow_too=False)
    for one in them:
        one.load.pop("at-once", None)
    return Case(
        "storm",
        f"{count:,} connect, register and join one room at once",
        load,
        them,
        limit=90,
    )


def cut_links(server, run):
    """Cut the links of all nodes to Redis; count what Redis is asked before and after."""

    def calls():
        stats = server.redis.info("commandstats")
        return {
            key.removeprefix("cmdstat_"): int(value.split(",")[0].removeprefix("calls="))
            for key, value in stats.items()
            if key.startswith("cmdstat_")
        }

    run.wait_phase("measure")
    time.sleep(0.5)
    stages = [calls()]
    time.sleep(2)
    stages.append(calls())
    server.redis.client_kill("normal")
    server.redis.client_kill("pubsub")
    time.sleep(2)
    stages.append(calls())
    before, after = (
        {key: b.get(key, 0) - a.get(key, 0) for key in b} for a, b in zip(stages, stages[1:])
    )
    more = {key: after[key] - before.get(key, 0) for key in after}
    return {
        "commands": {
            key: count
            for key, count in more.items()
            if count > 0 and not key.startswith(("info", "client"))
        }
    }


def links_case(size):
    def load(rooms):
        return {"rooms": rooms, "rate": min(4_000, rooms * 2)}

    largest = min(10_000, size // 2)
    sizes = [max(10, largest // 10), largest]
    return Case(
        "links",
        "All links to Redis are cut; two nodes, rooms with a member on each",
        {"members": 2, "senders": 1, "measure": 6, "sources": SOURCES, "spin": True},
        [Contender(f"{n:,} rooms", Relay, load(n), nodes=2) for n in sizes],
        repeats=2,
        limit=120,
        during=cut_links,
    )


def rooms_case(size):
    rooms = min(2_000, size // 2)
    load = {"rooms": rooms, "members": 2, "senders": 2, "window": 32}
    return Case(
        "many-rooms",
        f"One Redis, two nodes, {rooms:,} rooms of 2, all speak, saturated",
        load,
        [Contender("relay", Relay, nodes=2)],
    )


def growth_cases(size):
    def points(counts, server, label, per_room, unit):
        """`counts` of rooms; the label tells how many of the unit they make."""
        usable = [count for count in counts if count * per_room <= size]
        return [
            Contender(f"{label} at {count * unit:,}", server, {"rooms": count})
            for count in usable
        ]

    connections = [10, 100, 1_000, min(5_000, size // 10)]
    rooms = [1, 100, 3_000, min(20_000, size // 2)]
    common = {"senders": 1, "sources": SOURCES, "spin": True, "measure": 3}
    return [
        Case(
            "growth-connections",
            "Cost of a delivery by connections: rooms of 10, steady 10,000 deliveries/s",
            {**common, "members": 10, "rate": 1_000},
            [
                *points(connections, Relay, "relay", 10, 10),
                *points(connections, Ceiling, "ceiling", 10, 10),
            ],
            repeats=2,
        ),
        Case(
            "growth-rooms",
            "Cost of a delivery by rooms: rooms of 2, steady 5,000 messages/s",
            {**common, "members": 2, "rate": 5_000},
            [
                *points(rooms, Relay, "relay", 2, 1),
                *points(rooms, Ceiling, "ceiling", 2, 1),
            ],
            repeats=2,
        ),
    ]


def full(size):
    """All cases with at most `size` connections."""
    return [
        *fan_cases(size),
        idle_case(size),
        storm_case(size),
        links_case(size),
        rooms_case(size),
        *growth_cases(size),
    ]


def quick():
    """Tiny, for CI: everything that can go wrong with a line, nothing about speed."""
    short = {"warm": 0.2, "measure": 0.5}
    return [
        Case(
            "fan",
            "a room of 50",
            {**short, "members": 50, "senders": 5},
            [*relays({"lobby": True}), Contender("ceiling", Ceiling), *field()[4:]],
            1,
            20,
        ),
        Case(
            "fan-paced",
            "a room of 50, paced, two nodes",
            {**short, "members": 50, "senders": 5, "rate": 200},
            relays(nodes=2),
            1,
            20,
        ),
        Case(
            "pairs",
            "50 rooms of 2, two nodes",
            {**short, "rooms": 50, "members": 2, "senders": 2},
            relays(nodes=2),
            1,
            20,
        ),
        Case(
            "storm",
            "200 at once, nobody speaks",
            {"members": 200, "senders": 0, "at-once": 0, "measure": 0.2},
            relays({"lobby": True}),
            1,
            20,
        ),
    ]
