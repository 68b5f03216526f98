"""A Redis Cluster of real servers, as mortal as the tests want it.

    cluster = world.cluster()                    three primaries, a replica for each
    cluster.primary_of_room("#lobby").kill()     kill -9; a replica takes over by itself
    cluster.fail_over(primary)                   CLUSTER FAILOVER; also FORCE, TAKEOVER
    cluster.add_server(), take_out(server)       one more primary, which has no replica
    cluster.begin_migration(slot, target)        leaves a slot half way ...
    cluster.finish_migration(slot)               ... and ends it
    cluster.heal()                               everybody back, no slot half way

Who is what is asked for each time: after a failover `primaries()` are other servers.
"""

import contextlib
import time

from .certificates import Authority
from .limits import TIMEOUT, wait_until
from .ports import Lease
from .redis import Redis, RedisError, words_of
from .slots import PARTITIONS, SLOTS, partition_of, partition_slot, slot_of

SETTINGS = {
    "cluster-enabled": "yes",
    "cluster-replica-validity-factor": 0,
    "cluster-allow-replica-migration": "no",
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": 0,
    "repl-ping-replica-period": 1,
    "appendonly": "no",
}
MIGRATE_MS = 5000
BATCH = 100  # keys of one MIGRATE


class ClusterServer(Redis):
    """One of the servers. Killed and started again it is empty but knows who it is."""

    def __init__(self, folder, number, settings, tls=None):
        self.bus_lease = Lease()
        self.bus_port = self.bus_lease.port
        bus = {"cluster-port": self.bus_port, "cluster-config-file": f"nodes{number}.conf"}
        super().__init__(folder, number, words_of({**settings, **bus}), tls=tls)
        self.id = self.command("CLUSTER", "MYID")

    def cluster_info(self):
        text = self.command("CLUSTER", "INFO")
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def is_running(self):
        return self.process.is_running() and not self.process.paused

    def close(self):
        super().close()
        self.bus_lease.release()


class RedisCluster:
    """`settings` are of redis.conf, for all servers."""

    def __init__(self, folder, shards=3, replicas=1, node_timeout_ms=2000, settings=None, tls=False):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.settings = {**SETTINGS, "cluster-node-timeout": node_timeout_ms, **(settings or {})}
        self.tls = self.certificate = None
        if tls:
            authority = Authority(folder)
            self.certificate = authority.certificate
            self.tls = {**authority.issue(), "tls-cluster": "yes", "tls-replication": "yes"}
        self.shards = shards
        self.count = 0  # of servers that there ever were
        self.half_way = {}  # slot -> (source, target)
        self.servers = []
        self.newcomers = []  # of the servers those that were added
        try:
            for _ in range(shards * (1 + replicas)):
                self._start_server()
            self._join()
        except BaseException:
            self.close()
            raise

    def _start_server(self):
        self.servers.append(ClusterServer(self.folder, self.count, self.settings, self.tls))
        self.count += 1
        return self.servers[-1]

    def _join(self):
        """The first ones are primaries with equal shares, the others their replicas in turn."""
        shards = self.shards
        for epoch, server in enumerate(self.servers, 1):
            server.command("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for index, primary in enumerate(self.servers[:shards]):
            primary.command("CLUSTER", "ADDSLOTSRANGE", *self._home(index))
        for one in self.servers:
            for other in self.servers:
                if one is not other:
                    one.command("CLUSTER", "MEET", "127.0.0.1", other.peer_port, other.bus_port)
        for index, replica in enumerate(self.servers[shards:]):
            primary = self.servers[index % shards]
            wait_until(lambda: _succeeds(replica, "CLUSTER", "REPLICATE", primary.id))
        self.wait_healthy()

    def _home(self, shard):
        """First and last slot of a shard, at the beginning."""
        return shard * SLOTS // self.shards, (shard + 1) * SLOTS // self.shards - 1

    @property
    def url(self):
        """All servers are seeds."""
        return self.url_of()

    def url_of(self, credentials=""):
        scheme = "rediss" if self.certificate else "redis"
        return f"{scheme}-cluster://{credentials}" + ",".join(f"127.0.0.1:{s.peer_port}" for s in self.servers)

    def processes(self):
        return [server.process for server in self.servers]

    # ---- who is what ----

    def alive(self):
        return [server for server in self.servers if server.is_running()]

    def _by_id(self, identity):
        return next(server for server in self.servers if server.id == identity)

    def owners(self, asked=None):
        """[(first slot, last slot, primary, [replicas])] as one server sees it."""
        asked = asked or self.alive()[0]
        found = []
        for first, last, primary, *replicas in asked.command("CLUSTER", "SLOTS"):
            them = [self._by_id(node[2]) for node in (primary, *replicas)]
            found.append((first, last, them[0], them[1:]))
        return sorted(found, key=lambda row: row[0])

    def primaries(self):
        """That own slots, in the order of their first slots."""
        return list(dict.fromkeys(primary for _, _, primary, _ in self.owners()))

    def primary_of_slot(self, slot):
        return next(p for first, last, p, _ in self.owners() if first <= slot <= last)

    def primary_of_key(self, key):
        return self.primary_of_slot(slot_of(key))

    def primary_of_partition(self, partition, partitions=PARTITIONS):
        return self.primary_of_slot(partition_slot(partition, partitions))

    def primary_of_room(self, room, partitions=PARTITIONS):
        """Also of a nick."""
        return self.primary_of_partition(partition_of(room, partitions), partitions)

    def replica_of(self, primary):
        """One that lives."""
        for _, _, owner, replicas in self.owners():
            living = [replica for replica in replicas if replica.is_running()]
            if owner is primary and living:
                return living[0]
        raise AssertionError(f"{primary.name} has no replica")

    # ---- health ----

    def agree(self):
        """All that live see the same living owners of all slots, and nothing fails."""
        alive = self.alive()
        views = [[(f, l, p.id) for f, l, p, _ in self.owners(server)] for server in alive]
        if any(view != views[0] for view in views):
            return False
        if sum(last - first + 1 for first, last, _ in views[0]) != SLOTS:
            return False
        if not {identity for _, _, identity in views[0]} <= {server.id for server in alive}:
            return False
        return all(server.cluster_info()["cluster_state"] == "ok" for server in alive)

    def is_healthy(self):
        """All of them live, agree, and all replicas follow."""
        if len(self.alive()) < len(self.servers) or not self.agree():
            return False
        roles = [server.info("replication") for server in self.servers]
        if any(info["role"] == "slave" and info["master_link_status"] != "up" for info in roles):
            return False
        following = sum(len(replicas) for replicas in {p: r for _, _, p, r in self.owners()}.values())
        idle = sum(server not in self.primaries() for server in self.newcomers)
        return following == len(self.servers) - idle - len(self.primaries())

    def wait_healthy(self, timeout=TIMEOUT):
        wait_until(lambda: _quietly(self.is_healthy), timeout, "the cluster is healthy")

    def wait_agreement(self, timeout=TIMEOUT):
        """E.g. after a primary was killed: until its slots have a living owner for everybody."""
        wait_until(lambda: _quietly(self.agree), timeout, "the cluster agrees about its slots")

    def heal(self):
        """Whatever was done: everybody lives and follows, each slot is in its first shard."""
        for server in self.servers:
            if server.process.paused:
                server.resume()
            elif not server.process.is_running():
                server.start()
        self.wait_healthy()
        for slot in list(self.half_way):
            self.finish_migration(slot)
        for server in list(self.newcomers):
            self.take_out(server)
        for first, last, primary, _ in self.owners():
            shard = self.servers.index(primary) % self.shards
            home = self._home(shard)
            for slot in range(first, last + 1):
                if not home[0] <= slot <= home[1]:
                    self.migrate(slot, self._primary_of_shard(slot))

    def _primary_of_shard(self, slot):
        """Who owns most of the shard that the slot belonged to."""
        shard = next(n for n in range(self.shards) if self._home(n)[0] <= slot <= self._home(n)[1])
        old = [p for p in self.primaries() if p not in self.newcomers]
        return next(p for p in old if self.servers.index(p) % self.shards == shard)

    # ---- failing over ----

    def fail_over(self, primary, how=None):
        """Its replica takes over: how=None in agreement with it, FORCE without, TAKEOVER also
        without the other primaries. Returns the new primary."""
        replica = self.replica_of(primary)
        words = ["CLUSTER", "FAILOVER", *([how] if how else [])]
        again = [0.0]

        def is_done():
            is_replica = replica.info("replication")["role"] != "master"
            if is_replica and time.monotonic() - again[0] > 6:  # a manual failover gives up after 5 s
                again[0] = time.monotonic()
                replica.command(*words)
            return not is_replica and _quietly(self.agree)

        wait_until(is_done, what=f"{replica.name} takes over from {primary.name}")
        return replica

    # ---- servers come and go ----

    def add_server(self):
        """One more primary, with no slots yet."""
        server = self._start_server()
        self.newcomers.append(server)
        known = self.servers[0]
        server.command("CLUSTER", "MEET", "127.0.0.1", known.peer_port, known.bus_port)
        wait_until(lambda: all(self._knows(other, server) for other in self.alive()), what="all know the new server")
        self.wait_agreement()
        return server

    def take_out(self, server):
        """One that was added: its slots go home, the others forget it."""
        for first, last, owner, _ in self.owners():
            for slot in range(first, last + 1) if owner is server else ():
                self.migrate(slot, self._primary_of_shard(slot))
        for other in self.servers:
            if other is not server:
                other.command("CLUSTER", "FORGET", server.id)
        self.servers.remove(server)
        self.newcomers.remove(server)
        server.command("CLUSTER", "RESET")  # whoever still asks it is told of nobody
        self.wait_agreement()
        server.close()

    @staticmethod
    def _knows(server, other):
        """And is connected with it."""
        lines = server.command("CLUSTER", "NODES").splitlines()
        return any(line.startswith(other.id) and " connected" in line and "handshake" not in line for line in lines)

    # ---- moving slots ----

    def begin_migration(self, slot, target, keys=0):
        """From now on new keys are made at `target`; moves that many of the keys there are."""
        source = self.primary_of_slot(slot)
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        self.half_way[slot] = (source, target)
        self.move_keys(slot, keys)

    def move_keys(self, slot, count=None):
        """Some or all keys of a slot that is half way. Returns how many were moved."""
        source, target = self.half_way[slot]
        moved = 0
        while count is None or moved < count:
            some = BATCH if count is None else min(BATCH, count - moved)
            keys = source.command("CLUSTER", "GETKEYSINSLOT", slot, some)
            if not keys:
                break
            source.command(
                "MIGRATE", "127.0.0.1", target.peer_port, "", 0, MIGRATE_MS, "REPLACE", "KEYS", *keys
            )
            moved += len(keys)
        return moved

    def finish_migration(self, slot):
        """Move what is left; the target owns the slot then."""
        source, target = self.half_way[slot]
        self.move_keys(slot)
        for server in [target, source, *[p for p in self.primaries() if p not in (source, target)]]:
            server.command("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        del self.half_way[slot]
        wait_until(
            lambda: all(self._owner_at(server, slot) is target for server in self.alive()),
            what=f"all know that slot {slot} moved",
        )

    def _owner_at(self, server, slot):
        return next((p for f, l, p, _ in self.owners(server) if f <= slot <= l), None)

    def migrate(self, slot, target):
        if self.primary_of_slot(slot) is not target:
            self.begin_migration(slot, target)
            self.finish_migration(slot)

    def reshard(self, partitions, target, of=PARTITIONS):
        """The slots of these partitions move to `target`, one by one."""
        for partition in partitions:
            self.migrate(partition_slot(partition, of), target)

    def partitions_of(self, primary, of=PARTITIONS):
        rows = [(f, l) for f, l, p, _ in self.owners() if p is primary]
        slots = [partition_slot(partition, of) for partition in range(of)]
        return [n for n, slot in enumerate(slots) if any(f <= slot <= l for f, l in rows)]

    # ---- what it holds; as with a single Redis ----

    def command(self, *words):
        """To the primary of the first key, which is the second word."""
        return self.primary_of_key(words[1]).command(*words)

    def keys(self, pattern):
        return [key for primary in self.primaries() for key in primary.keys(pattern)]

    def hash(self, key):
        return self.primary_of_key(key).hash(key)

    def flushall(self):
        for primary in self.primaries():
            primary.flushall()

    def client_kill(self, kind):
        return sum(server.client_kill(kind) for server in self.alive())

    def close(self):
        for server in self.servers:
            with contextlib.suppress(Exception):
                if server.process.paused:
                    server.resume()
            server.close()


def _quietly(condition):
    """False while servers are on their way up or down."""
    try:
        return condition()
    except (OSError, RedisError, StopIteration):
        return False


def _succeeds(server, *words):
    """Not yet: it has not heard of the other one."""
    try:
        return server.command(*words) == "OK"
    except RedisError:
        return False
