"""What the system tests share: real nodes, a real Redis, many clients, and an oracle.

    world.redis()                  starts a Redis, world.node() a node on it
    world.cluster()                a Redis Cluster instead (redis_cluster.py)
    world.person(node, "alice")    connects somebody who is in #lobby then
    alice.ask("/topic")            the lines that come until everything before has taken effect
    wait_until(condition)          tests wait for conditions, never for times

Whatever a test starts is ended when it ends; see world.py for what is checked then.
"""

from .client import Client, Crowd
from .limits import LONG, SHORT, scaled, wait_until
from .node import Node, binary, is_sanitized
from .oracle import Load, Oracle
from .redis import Redis
from .redis_cluster import RedisCluster
from .rooms import members, room_line, start_afresh
from .world import World

__all__ = [
    "LONG",
    "SHORT",
    "Client",
    "Crowd",
    "Load",
    "Node",
    "Oracle",
    "Redis",
    "RedisCluster",
    "World",
    "binary",
    "is_sanitized",
    "members",
    "room_line",
    "scaled",
    "start_afresh",
    "wait_until",
]
