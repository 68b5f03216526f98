"""A Redis Cluster: primaries die, hang, hand over; slots move, or stay half way.

A primary that the others cannot reach but the nodes can is not among them: on one machine its
links to the others come back at once. The replicated case 9 is the same to a node.
"""

import time

from harness import wait_until
from harness.slots import partition_of, partition_slot

from .case import case
from .nodes import told_once, wait_gone

UNLESS_LATE = "nothing lost or doubled; nor reordered, unless a node comes to the new primary 3 s after others"
LEASES = 0  # the partition whose keys tell which nodes live


def busy_primary(run):
    """Of the room in which most is said."""
    return run.redis.primary_of_room(run.rooms[0])


def other_primary(run, primary):
    return next(p for p in run.redis.primaries() if p is not primary)


def busy_slots(run):
    return [partition_slot(partition_of(room)) for room in run.rooms]


def replica_is_in_step(primary):
    info = primary.info("replication")
    return int(info["master_repl_offset"]) - int(info["slave0"].split("offset=")[1].split(",")[0]) < 1000


def wait_taken_over(run, victim):
    run.redis.wait_agreement(90)
    assert victim not in run.redis.primaries()
    run.mended()


@case("1c", "cluster", "subscriptions and command links of all primaries killed every 0.2 s")
def cluster_links_killed(run):
    for number in range(run.times(12, 50)):
        run.redis.client_kill("pubsub" if number % 2 else "normal")
        time.sleep(0.2)


@case("4c", "cluster", "the function library is removed from every primary")
def cluster_functions_removed(run):
    for _ in range(run.times(3, 20)):
        for primary in run.redis.primaries():
            primary.command("FUNCTION", "FLUSH")
        run.say_some(0.3)


@case("5c", "cluster", "a primary dies; its replica takes over", UNLESS_LATE, one_order=False, seconds=25)
def cluster_primary_dies(run):
    victim = busy_primary(run)
    run.broken()
    victim.kill()
    wait_taken_over(run, victim)
    run.say_some(2)


@case("6c", "cluster", "a primary dies with what its replica lacks", UNLESS_LATE, one_order=False, seconds=25)
def cluster_primary_dies_unreplicated(run):
    victim = busy_primary(run)
    replica = run.redis.replica_of(victim)
    wait_until(lambda: replica_is_in_step(victim))
    replica.pause()
    victim.command("CLIENT", "KILL", "TYPE", "replica")
    run.say_some(run.times(0.5, 1))
    run.broken()
    victim.kill()
    replica.resume()
    wait_taken_over(run, victim)
    run.say_some(2)
    run.notes.append(f"{run.total('replays_total'):.0f} batches published again")
    assert run.total("replays_total") > 0


@case("8e", "cluster", "a primary hangs; its replica takes over; it comes back", UNLESS_LATE, one_order=False, seconds=25)
def cluster_primary_hangs(run):
    victim = busy_primary(run)
    run.broken()
    victim.pause()
    wait_taken_over(run, victim)
    run.say_some(1)
    victim.resume()
    run.say_some(2)


@case("10c", "cluster", "manual fail-over (CLUSTER FAILOVER) of every primary, to and fro", seconds=25)
def cluster_manual_failover(run):
    for _ in range(run.times(1, 4)):
        for primary in run.redis.primaries():
            run.broken()
            run.redis.fail_over(primary)
            run.mended()
            run.say_some(0.5)


@case("10d", "cluster", "fail-over that the replica forces (FORCE, TAKEOVER)", UNLESS_LATE, one_order=False, seconds=25)
def cluster_forced_failover(run):
    for how in ("FORCE", "TAKEOVER"):
        run.broken()
        run.redis.fail_over(busy_primary(run), how)
        run.mended()
        run.say_some(1)
        run.redis.wait_healthy()


@case("11a", "cluster", "a busy slot moves, key by key")
def slot_moves(run):
    for _ in range(run.times(1, 5)):
        for slot in busy_slots(run):
            source = run.redis.primary_of_slot(slot)
            run.redis.begin_migration(slot, other_primary(run, source))
            while run.redis.move_keys(slot, 1):
                run.say_some(0.1)
            run.say_some(0.5)
            run.redis.finish_migration(slot)
            run.say_some(0.3)


@case(
    "11b",
    "cluster",
    "a busy slot stays half migrated for a while",
    "what needs keys on both sides waits, and is stored once the slot is whole",
    seconds=15,
)
def slot_half_way(run):
    slot = partition_slot(partition_of(run.rooms[0]))
    source = run.redis.primary_of_slot(slot)
    run.broken()
    run.redis.begin_migration(slot, other_primary(run, source), keys=2)
    run.say_some(run.times(4, 15))
    run.redis.finish_migration(slot)
    run.mended()


@case("11c", "cluster", "a room is made in a slot that moves", people_change=True, seconds=15)
def new_room_in_a_moving_slot(run):
    room = "#newcomers"
    slot = partition_slot(partition_of(room))
    source = run.redis.primary_of_slot(slot)
    run.redis.begin_migration(slot, other_primary(run, source))
    guest = run.world.person(run.nodes[0], "guest")
    guest.send(f"/join {room}", "anybody here?")
    run.say_some(2)
    run.redis.finish_migration(slot)
    guest.expect(f"[{room}] <guest> anybody here?", 60)
    guest.send("/quit")


@case("12a", "cluster", "half of a primary's slots move to another under load", seconds=25)
def reshard(run):
    source = busy_primary(run)
    mine = run.redis.partitions_of(source)
    moving = sorted({partition_of(run.rooms[0]), *mine[: run.times(6, len(mine) // 2)]})
    run.redis.reshard(moving, other_primary(run, source))
    run.say_some(1)


@case("12b", "cluster", "a server is added, and takes slots of each primary under load", fast=False, seconds=20)
def server_added(run):
    take_over(run, run.redis.add_server())
    run.say_some(1)


@case("12c", "cluster", "a server gives its slots to others under load, is forgotten, and ends", seconds=20)
def server_taken_out(run):
    newcomer = run.redis.add_server()
    take_over(run, newcomer)
    run.say_some(1)
    run.redis.take_out(newcomer)
    run.say_some(1)
    assert newcomer not in run.redis.primaries()


def take_over(run, newcomer):
    """That of the rooms in which people talk, and some of each primary."""
    moving = {partition_of(room) for room in run.rooms}
    for primary in run.redis.primaries():
        moving |= set(run.redis.partitions_of(primary)[: run.times(2, 5)])
    run.redis.reshard(sorted(moving), newcomer)
    assert newcomer in run.redis.primaries()


@case("13c", "cluster", "slots have no owner for a while", "lines wait, and are stored when they have one", seconds=20)
def slots_uncovered(run):
    slot = partition_slot(partition_of(run.rooms[0]))
    owner = run.redis.primary_of_slot(slot)
    run.broken()
    for server in run.redis.primaries():
        server.command("CLUSTER", "DELSLOTS", slot)
    run.say_some(run.times(3, 15))
    owner.command("CLUSTER", "ADDSLOTS", slot)
    owner.command("CLUSTER", "BUMPEPOCH")
    run.redis.wait_agreement()
    run.mended()


@case(
    "14f",
    "cluster",
    "one primary forgets everything (FLUSHALL)",
    "nothing lost, doubled or reordered; only its history is gone",
    keeps_log=False,
    one_order=False,
)
def one_primary_flushed(run):
    for _ in range(run.times(2, 10)):
        busy_primary(run).flushall()
        run.say_some(1)


@case(
    "18e",
    "cluster",
    "a node dies, and at once the primary that knows which nodes there are forgets everything",
    "its people leave every room once, within two minutes",
    people_change=True,
    keeps_log=False,
    one_order=False,
    fast=False,
    seconds=120,
)
def node_dies_forgotten(run):
    run.kill_node(run.nodes[-1])
    died = time.monotonic()
    run.redis.primary_of_partition(LEASES).flushall()
    wait_gone(run, run.nodes[-1], 120)
    run.notes.append(f"gone after {time.monotonic() - died:.0f} s")
    told_once(run)


@case("20c", "cluster", "the primary that keeps the leases dies", "nobody is declared dead", one_order=False, seconds=30)
def lease_shard_dies(run):
    victim = run.redis.primary_of_partition(LEASES)
    run.broken()
    victim.kill()
    wait_taken_over(run, victim)
    run.say_some(6)
    assert run.total("nodes_reaped_total") == 0
