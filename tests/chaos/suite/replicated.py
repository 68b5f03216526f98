"""A primary and its replica behind a name: fail-over, forced and in agreement."""

import os
import pathlib
import subprocess
import tempfile
import time

from harness import members, wait_until

from .case import case

KEPT = "nothing lost, doubled or reordered"
BEHIND_SECONDS = 20
KEPT_SECONDS = 60  # nodes keep what Redis acknowledged (PUBLISHER_RING_MS)


def clock_behind():
    """Environment of a server whose clock is behind. (Debian's libfaketime and redis-server do
    not go together: it calls itself from jemalloc's start and gives up.)"""
    source = pathlib.Path(__file__).parent / "clock.c"
    library = pathlib.Path(tempfile.gettempdir()) / f"parley-clock-{os.getuid()}-{os.getpid()}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_OFFSET": f"-{BEHIND_SECONDS}"}


def fall_behind(run):
    """From now on nothing reaches the replica; wait until it lacks some lines."""
    wait_until(run.redis.is_in_step, what="the replica is in step")
    run.redis.replication.stall()
    run.say_some(run.times(1, 3))
    wait_until(lambda: run.redis.lag_bytes() > 1000, what="the replica lacks something")


def fail_over(run):
    run.broken()
    run.redis.fail_over()
    run.mended()


def lost_batches(run):
    run.say_some(2)
    run.notes.append(f"{run.total('replays_total'):.0f} batches published again")


@case("5", "replicated", "the primary dies; its replica has everything")
def primary_dies(run):
    wait_until(run.redis.is_in_step)
    fail_over(run)


@case("6", "replicated", "the primary dies with what its replica lacks")
def primary_dies_unreplicated(run):
    fall_behind(run)
    fail_over(run)
    lost_batches(run)
    assert run.total("replays_total") > 0


@case(
    "6b",
    "replicated",
    "the same, and subscriptions were cut just before",
)
def primary_dies_unheard(run):
    fall_behind(run)
    for _ in range(3):
        run.redis.client_kill("pubsub")
        time.sleep(0.05)
    fail_over(run)
    lost_batches(run)


@case(
    "6d",
    "replicated",
    f"the primary dies with more than nodes keep: the replica has heard nothing for {KEPT_SECONDS + 5} s",
    "nobody who was there misses anything; what nobody keeps is gone from history: rooms are told, it is counted",
    keeps_log=False,
    loses=True,
    fast=False,
    seconds=90,
)
def more_than_is_kept(run):
    fall_behind(run)
    for _ in range(KEPT_SECONDS // 5 + 1):
        run.say_some(5)
    fail_over(run)
    lost_batches(run)
    holes = run.total("history_gaps_total")
    run.notes.append(f"{holes:.0f} holes counted")
    assert holes > 0
    wait_until(lambda: run.total("lost_lines_total") > 0)
    run.notes.append(f"{run.total('lost_lines_total'):.0f} lines told as lost")
    assert all("batches_gone" in node.log() for node in run.nodes)


@case(
    "7",
    "replicated",
    f"the same, and the replica's clock is {BEHIND_SECONDS} s behind",
    replica_env=clock_behind,
)
def primary_dies_clock_behind(run):
    first, second = (redis.command("TIME")[0] for redis in (run.redis.primary, run.redis.replica))
    assert int(first) - int(second) > BEHIND_SECONDS // 2, "the clock is behind"
    fall_behind(run)
    fail_over(run)
    lost_batches(run)


@case(
    "9",
    "replicated",
    "the replica is promoted; the old primary goes on for 2 s, is demoted, forgets them",
)
def two_primaries(run):
    wait_until(run.redis.is_in_step)
    run.broken()
    run.redis.promote_replica()
    run.say_some(2)
    run.redis.demote_old_primary()
    run.mended()
    lost_batches(run)


@case("10", "replicated", "manual fail-over (FAILOVER), to and fro", seconds=15)
def manual_failover(run):
    for _ in range(run.times(2, 8)):
        wait_until(run.redis.is_in_step)
        run.broken()
        run.redis.hand_over()
        run.mended()
        run.say_some(2)


@case(
    "20b",
    "replicated",
    "fail-over to a replica that lacks the leases",
    f"nobody is declared dead; {KEPT}",
    seconds=25,
)
def leases_lost(run):
    wait_until(run.redis.is_in_step)
    run.redis.replication.stall()
    time.sleep(9)  # leases of 8 s expire at the replica as soon as it is promoted
    fail_over(run)
    run.say_some(5)
    assert run.total("nodes_reaped_total") == 0
    assert run.total("fenced_total") == 0


@case(
    "21b",
    "replicated",
    "a name is taken, another given back, and the fail-over forgets that; somebody else takes both",
    f"in the end each has one, and nobody the same; {KEPT}",
    people_change=True,
)
def names_lost(run):
    owner, other = (run.world.person(node, f"guest{n}") for n, node in enumerate(run.nodes[:2]))
    wait_until(run.redis.is_in_step)
    run.redis.replication.stall()
    owner.ask("/nick carol")
    wait_until(lambda: not run.redis.keys("parley:*:n:guest0"), what="its old name is free")
    fail_over(run)
    other.ask("/nick carol")

    def all_agree():
        lists = [members(person) for person in (owner, other)]
        names = set(lists[0])
        return lists[0] == lists[1] and "carol" in names and len(names) == len(run.people) + 2

    try:
        wait_until(all_agree, 60)
    except AssertionError:
        lists = [members(person) for person in (owner, other)]
        raise AssertionError(f"two people have two names: {lists}") from None
    newcomer = run.take_name(run.nodes[2], "guest0")
    for guest in (owner, other, newcomer):
        guest.send("/quit")
