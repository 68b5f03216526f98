"""As many nodes as this machine carries lose Redis at once: what Redis has to do, and for how long.

    PARLEY_TEST_LONG=1 PARLEYD=$PWD/build/parleyd python3 -m pytest tests/chaos/test_many_nodes.py -rP

PARLEY_TEST_NODES=N takes another number of nodes, PARLEY_TEST_SLOWNESS=N makes the server of the last
loss N times slower, so that it has as much to do for its speed as with N times as many nodes.
"""

import datetime
import os
import random
import re
import threading
import time

import pytest

from harness import LONG, Oracle, wait_until
from harness.redis import Connection
from harness.servers import server_version

NODES = int(os.environ.get("PARLEY_TEST_NODES", 200))
SLOWNESS = int(os.environ.get("PARLEY_TEST_SLOWNESS", 5))
# What nodes ask for themselves; all else is done by functions, too, and counted with them.
OUTER = {"fcall", "ssubscribe", "function|list", "function|load", "xrange", "info", "role", "client|setname"}
ROOMS = 60  # of which each person is in four, and in #lobby
AVAILABLE = re.compile(r"^(\S+Z) info backplane_available ", re.MULTILINE)
STATS = re.compile(r"^cmdstat_(\S+?):calls=(\d+),usec=(\d+)", re.MULTILINE)


class Meter(threading.Thread):
    """How many connections Redis has taken, looked at 20 times a second while it is there."""

    def __init__(self, redis):
        super().__init__(name="meter", daemon=True)
        self.redis = redis
        self.ended = threading.Event()
        self.seen = []  # (monotonic time, connections so far)

    def run(self):
        connection = None
        while not self.ended.wait(0.05):
            try:
                connection = connection or Connection(self.redis.port, 5)
                text = connection.command("INFO", "stats")
            except OSError:
                connection = None
                continue
            count = int(re.search(r"total_connections_received:(\d+)", text).group(1))
            if self.seen and count < self.seen[-1][1]:
                self.seen.clear()  # it was started again
            self.seen.append((time.monotonic(), count))

    def most_in_a_second(self):
        best = 0
        for index, (start, first) in enumerate(self.seen):
            last = [count for when, count in self.seen[index:] if when <= start + 1][-1]
            best = max(best, last - first)
        return best


def commands(redis):
    """name -> (calls, microseconds)."""
    text = redis.command("INFO", "commandstats")
    return {name: (int(calls), int(usec)) for name, calls, usec in STATS.findall(text)}


def used(before, after):
    """By the nodes."""
    zero = (0, 0)
    change = {name: tuple(a - b for a, b in zip(after[name], before.get(name, zero))) for name in after}
    return {name: spent for name, spent in change.items() if spent[0] > 0 and name != "info"}


def reconnects(nodes):
    kinds = ("commands", "subscriptions")
    return sum(node.admin.metric(f'redis_reconnects_total{{link="{kind}"}}') for node in nodes for kind in kinds)


def network(redis):
    info = redis.info("stats")
    return [int(info[f"total_net_{way}_bytes"]) for way in ("input", "output")]


def wait_all_available(nodes, since):
    """Seconds until the first, half of them and the last were whole again."""

    def moments():
        times = [[datetime.datetime.fromisoformat(t).timestamp() for t in AVAILABLE.findall(n.log())] for n in nodes]
        last = [max(some) - since for some in times]
        return sorted(last) if min(last) > 0 else None

    found = wait_until(moments, 180, "all nodes are whole")
    return found[0], found[len(found) // 2], found[-1]


def report(title, moments, meter, opened, spent, traffic):
    calls = sum(count for count, _ in spent.values())
    functions, usec = spent["fcall"]
    busy = sum(usec for name, (_, usec) in spent.items() if name in OUTER) / 1e6
    yield "{}: {} nodes whole after {:.1f} s, {:.1f} s, {:.1f} s (first, half, last)".format(title, NODES, *moments)
    yield f"  everybody had heard everybody after {moments[3]:.1f} s"
    yield f"  {opened / NODES:.1f} connections of each node, {meter.most_in_a_second()} in the busiest second"
    yield f"  {calls} commands, {calls / NODES:.0f} for each node, {functions} of them functions ({usec / functions:.0f} us each)"
    if not title.startswith("lose_slow"):  # to which pauses are time, too
        yield f"  {busy:.2f} s of Redis's time"
    yield f"  {traffic[0] / 1e6:.1f} MB to Redis, {traffic[1] / 1e6:.1f} MB from it"


def lose_links(redis):
    """At once, and Redis is there. Returns when it was, and what it had done before."""
    start = time.time(), commands(redis), network(redis), None
    for kind in ("pubsub", "normal"):
        redis.client_kill(kind)
    return start


def lose_server(redis):
    """kill -9; it comes back empty after a while in which all have tried to connect again."""
    redis.kill()
    time.sleep(5)
    redis.start()
    return time.time(), {}, (0, 0), None


class Slow(threading.Thread):
    """Makes a server so many times slower."""

    SLICE = 0.005

    def __init__(self, redis, times):
        super().__init__(name="slow", daemon=True)
        self.redis = redis
        self.times = times
        self.ended = threading.Event()
        self.start()

    def run(self):
        process = self.redis.process
        while not self.ended.wait(self.SLICE) and process.is_running():
            process.pause()
            time.sleep(self.SLICE * (self.times - 1))
            process.resume()


def lose_slow_server(redis):
    """As with as many times more nodes, without them."""
    lose_server(redis)
    return time.time(), {}, (0, 0), Slow(redis, SLOWNESS)


@pytest.mark.slow(200)
@pytest.mark.skipif(not LONG, reason="takes minutes and both processors: make chaos runs it")
def test_many_nodes(world, record_property):
    redis = world.redis()
    nodes = world.some_nodes(NODES, log_level="info")
    people = world.people(nodes, [f"p{n}" for n in range(NODES)])
    rng = random.Random(NODES)
    for person in people:
        rooms = rng.sample(range(ROOMS), 4)
        person.send(*[f"/join #r{room}" for room in rooms], "/room #lobby")
    for person in people:
        person.settle(120)
    oracle = Oracle(senders=people[:10], watchers=people)
    for lose in (lose_links, lose_server, lose_slow_server):
        meter = Meter(redis)
        meter.start()
        opened = reconnects(nodes)
        since, done, traffic, slow = lose(redis)
        for sender in oracle.senders:
            oracle.say(sender)
        moments = wait_all_available(nodes, since)
        oracle.wait_delivered(120)
        heard = time.time() - since
        for thread in (meter, slow) if slow else (meter,):
            thread.ended.set()
            thread.join()
        bytes_moved = [now - then for now, then in zip(network(redis), traffic)]
        opened = reconnects(nodes) - opened
        text = report(lose.__name__, [*moments, heard], meter, opened, used(done, commands(redis)), bytes_moved)
        record_property("chaos-measured", f"{server_version()}, " + "\n".join(text))
    oracle.check(one_order=False)
    assert not any(person.ended for person in people)
