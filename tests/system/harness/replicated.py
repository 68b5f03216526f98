"""A primary with a replica behind one name, as ElastiCache with cluster mode off has it.

The nodes know the name only; it is a proxy that leads to whichever server is the primary, and
that can be slow, deaf, or gone. Without a replica it is a single server that can be cut off.
"""

from .limits import wait_until
from .proxy import Proxy

IN_STEP_BYTES = 1000


class Replicated:
    """`env` is that of the replica, `server` the primary if it is there already, `delay` the
    seconds that everything takes from the name to it, and back. With an `authority` the nodes
    speak TLS."""

    def __init__(self, world, *options, replica=True, env=None, server=None, delay=0, authority=None):
        at_once = ["--repl-diskless-sync-delay", "0"]
        tls = authority and authority.issue()
        self.authority = authority
        self.certificate = authority and authority.certificate
        self.primary = server or world.redis(*options, *at_once, tls=tls)
        self.name = Proxy(self.primary.peer_port, self.primary.host, delay)
        self.replication = Proxy(self.primary.port)
        self.replica = None
        world.at_end(self.close)
        if replica:
            follow = ["--replicaof", "127.0.0.1", str(self.replication.port)]
            self.replica = world.redis(*options, *at_once, *follow, env=env, tls=tls)
            wait_until(self._is_synchronised, what="the replica follows the primary")

    @property
    def url(self):
        return f"{'rediss' if self.certificate else 'redis'}://127.0.0.1:{self.name.port}"

    def _is_synchronised(self):
        return self.replica.info("replication")["master_link_status"] == "up"

    # ---- what the primary holds ----

    def command(self, *words):
        return self.primary.command(*words)

    def keys(self, pattern):
        return self.primary.keys(pattern)

    def hash(self, key):
        return self.primary.hash(key)

    def client_kill(self, kind):
        return self.primary.client_kill(kind)

    # ---- failing over; `primary` is the other one then ----

    def offsets(self):
        return [
            int(redis.info("replication")["master_repl_offset"])
            for redis in (self.primary, self.replica)
        ]

    def lag_bytes(self):
        first, second = self.offsets()
        return first - second

    def is_in_step(self):
        return self.lag_bytes() < IN_STEP_BYTES

    def fail_over(self):
        """The primary is gone at once, with all that did not reach the replica."""
        self.primary.kill()
        self.replication.cut()
        self.replica.command("REPLICAOF", "NO", "ONE")
        self.name.lead_to(self.replica.peer_port)
        self._swap()

    def promote_replica(self):
        """The name leads to it from now on. The old primary lives, does not know, and keeps the
        connections that it has."""
        self.replication.cut()
        self.replica.command("REPLICAOF", "NO", "ONE")
        self.name.target = self.replica.peer_port
        self._swap()

    def demote_old_primary(self):
        """It follows the new one; what only it knew is gone."""
        self.replica.command("REPLICAOF", "127.0.0.1", str(self.primary.port))

    def hand_over(self):
        """FAILOVER: the primary waits for its replica and changes places with it."""
        self.primary.command("FAILOVER", "TO", "127.0.0.1", str(self.replica.port))
        wait_until(lambda: self.replica.info("replication")["role"] == "master")
        self.name.target = self.replica.peer_port
        self._swap()

    def _swap(self):
        self.primary, self.replica = self.replica, self.primary

    def close(self):
        self.name.close()
        self.replication.close()
