"""What one test starts: Redis, nodes, clients; and what is checked when it ends.

At the end every node that the test did not end itself must still run, and must end well when
it is told to, with its clients still connected: no sanitizer has anything to say, no leak is
there. Every line that any client received must have been one of the protocol.
"""

import re
import signal

from . import limits
from .client import Crowd
from .lossy import LossyRedis
from .node import Node
from .ports import Lease
from .redis import Redis
from .redis_cluster import RedisCluster

STOP_SECONDS = 60


class World:
    def __init__(self, folder):
        self.folder = folder
        self.crowd = Crowd()
        self.redises = []  # single servers and clusters
        self.borrowed = None
        self.nodes = []
        self.last_deeds = []
        limits.watchdogs.append(self.check_running)

    # ---- starting ----

    def redis(self, *options, env=None, tls=None):
        self.redises.append(Redis(self.folder, len(self.redises), options, env=env, tls=tls))
        return self.redises[-1]

    def lossy_redis(self, loss):
        """Behind a line that loses that part of all packets."""
        self.redises.append(LossyRedis(self.folder, len(self.redises), loss, Lease()))
        return self.redises[-1]

    def cluster(self, **options):
        """A cluster of this test alone; `shared_cluster` (conftest.py) starts faster."""
        folder = self.folder / f"cluster{len(self.redises)}"
        self.redises.append(RedisCluster(folder, **options))
        return self.redises[-1]

    def borrow(self, redis):
        """Nodes use this Redis, which goes on living when the test has ended."""
        self.borrowed = redis
        return redis

    def start_node(self, redis=None, env=None, descriptors=None, name=None, **options):
        """A node that may not be listening yet. Options: flood_lines=0 is --flood-lines 0."""
        if redis is None and "redis_url" not in options:
            redis = self.borrowed or (self.redises[0] if self.redises else self.redis())
        name = name or f"n{len(self.nodes) + 1}"
        flags = {key.replace("_", "-"): value for key, value in options.items()}
        url = redis.url if redis else None
        self.nodes.append(Node(self.folder, name, url, flags, env, descriptors))
        return self.nodes[-1]

    def node(self, *args, **kwargs):
        node = self.start_node(*args, **kwargs)
        node.wait_listening()
        return node

    def at_end(self, deed):
        """To be done when the nodes have ended."""
        self.last_deeds.append(deed)

    def some_nodes(self, count, **options):
        nodes = [self.start_node(**options) for _ in range(count)]
        for node in nodes:
            node.wait_listening()
        return nodes

    # ---- people ----

    def connect(self, node, name="somebody", **options):
        return self.crowd.connect(node, name, **options)

    def person(self, node, name, **options):
        """Somebody with a name, in #lobby; has looked at all lines of the arrival."""
        client = self.connect(node, name, **options)
        client.send(name)
        client.expect_match(rf"^\* You are {re.escape(name)} in #lobby")
        client.settle()
        return client

    def people(self, nodes, names):
        """One for each name, on the nodes in turn; all have seen all others come."""
        people = []
        for index, name in enumerate(names):
            people.append(self.connect(nodes[index % len(nodes)], name))
            people[-1].send(name)
        for person in people:
            person.expect_match(r"^\* You are \S+ in #lobby")
        for person in people:
            person.settle()
        return people

    # ---- ending ----

    def check_running(self):
        for node in self.nodes:
            if not node.is_running() and not node.may_exit:
                status = node.process.returncode
                node.may_exit = True
                raise AssertionError(f"{node.name} ended by itself ({status}):\n{node.log_tail()}")

    def close(self):
        """Ends everything; returns what was wrong."""
        limits.watchdogs.remove(self.check_running)
        wrong = []
        try:
            self.check_running()
        except AssertionError as error:
            wrong.append(str(error))
        for process in [*self.nodes, *[p for redis in self.redises for p in redis.processes()]]:
            if process.paused and process.is_running():
                process.resume()
        for node in self.nodes:
            if node.is_running():
                node.signal(signal.SIGTERM)
        for node in self.nodes:
            wrong += self._end_node(node)
        for deed in [*self.last_deeds, *[redis.close for redis in self.redises]]:
            deed()
        wrong += self.crowd.close()
        return wrong

    def _end_node(self, node):
        wrong = []
        if not node.may_exit:
            try:
                status = node.wait(STOP_SECONDS)
                if status != 0:
                    wrong.append(f"{node.name} ended with {status}:\n{node.log_tail()}")
            except Exception:
                wrong.append(f"{node.name} does not end {STOP_SECONDS} s after SIGTERM:\n{node.log_tail()}")
        node.kill()
        report = node.sanitizer_report()
        if report:
            wrong.append(f"{node.name}, sanitizers:\n{report}")
        return wrong

    def logs(self):
        """(title, last lines) for a failed test."""
        return [(f"log of {node.name}", node.log_tail()) for node in self.nodes]
