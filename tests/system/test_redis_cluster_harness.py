"""The cluster of the tests does what the tests believe that it does."""

import pytest

from harness import wait_until
from harness.redis import RedisError
from harness.slots import partition_slot, partition_tag, room_key, slot_of


def test_slots_of_keys():
    """https://redis.io/docs/latest/commands/cluster-keyslot/ and the cluster's specification."""
    assert slot_of("somekey") == 11058
    assert slot_of("foo{hash_tag}") == slot_of("bar{hash_tag}") == 2515
    assert slot_of("foo{}{bar}") != slot_of("{bar}")


def test_partitions_spread_evenly(cluster):
    assert [len(cluster.partitions_of(primary)) for primary in cluster.primaries()] == [21, 21, 22]
    for partition in (0, 1, 63):
        key = f"{{{partition_tag(partition)}}}"
        assert cluster.primary_of_key(key).command("CLUSTER", "KEYSLOT", key) == partition_slot(partition)


def test_kill_and_heal(cluster):
    key = room_key("#a")
    cluster.command("SET", key, "tea")
    victim = cluster.primary_of_room("#a")
    wait_until(lambda: cluster.replica_of(victim).command("DBSIZE") == 1)
    victim.kill()
    cluster.wait_agreement()
    assert cluster.primary_of_room("#a") is not victim
    assert cluster.command("GET", key) == "tea"
    cluster.heal()
    assert cluster.replica_of(cluster.primary_of_room("#a")) is victim


@pytest.mark.parametrize("shard, how", list(enumerate([None, "FORCE", "TAKEOVER"])))
def test_fail_over(cluster, shard, how):
    """Each shard once: the others vote for a shard's replica only so often."""
    before = cluster.primaries()[shard]
    after = cluster.fail_over(before, how)
    assert cluster.primaries()[shard] is after
    cluster.wait_healthy()
    assert cluster.replica_of(after) is before


def test_migration_half_way_and_back_again(cluster):
    one, two = (room_key(room, partitions=1) for room in ("#a", "#b"))
    slot = slot_of(one)
    source = cluster.primary_of_slot(slot)
    target = next(p for p in cluster.primaries() if p is not source)
    source.command("SET", one, "tea")
    source.command("SET", two, "milk")
    cluster.begin_migration(slot, target, keys=1)
    with pytest.raises(RedisError, match="TRYAGAIN"):
        source.command("MGET", one, two)
    cluster.finish_migration(slot)
    assert target.command("MGET", one, two) == ["tea", "milk"]
    with pytest.raises(RedisError, match="MOVED"):
        source.command("GET", one)
    cluster.begin_migration(slot, source)
    cluster.heal()
    assert cluster.primary_of_slot(slot) is source


def test_a_newcomer_is_taken_out_by_healing(cluster):
    key = room_key("#a")
    before = cluster.primary_of_key(key)
    newcomer = cluster.add_server()
    cluster.migrate(slot_of(key), newcomer)
    cluster.command("SET", key, "tea")
    assert newcomer.command("GET", key) == "tea"
    cluster.heal()
    assert cluster.primary_of_key(key) is before and cluster.command("GET", key) == "tea"
    assert len(cluster.servers) == 6 and not newcomer.process.is_running()
