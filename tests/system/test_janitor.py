"""Dead nodes, former nodes and rooms of old: what becomes of what they leave in Redis."""

import pytest

from harness import wait_until

LONG_AGO = "1000-0"  # an id of 1970
PATIENCE = 90  # for slow machines


def books(redis):
    """The key of the writers' books of the only partition, and that key's beginning."""
    [key] = redis.keys("parley:*:w")
    return key, key[: -len("w")]


@pytest.mark.slow(30)
def test_former_nodes_and_old_logs_leave_the_books(world):
    redis = world.redis()
    node, visited = world.some_nodes(2, partitions=1)
    alice, bob = world.person(node, "alice"), world.person(visited, "bob")
    rooms = [f"#r{number}" for number in range(300)]
    for room in rooms:
        bob.send(f"/join {room}", "hello", f"/leave {room}")
    bob.settle()
    w, prefix = books(redis)
    alice.settle()

    # A room is over when its log expires; a day later nobody wants to know its last id.
    logs = [f"{prefix}l:{room}" for room in rooms]
    redis.command("DEL", *logs)
    redis.command("HSET", w, *[word for log in logs for word in (log, LONG_AGO)])
    kept = f"{prefix}l:#lobby"
    redis.command("HSET", w, "longdead", "X7", "ilongdead", LONG_AGO)

    # A node ends in peace, but a fail-over has forgotten that it gave a name back.
    former, me = (redis.hash(f"{prefix}n:{nick}")["o"].split("/")[0] for nick in ("bob", "alice"))
    visited.stop()
    redis.command("HSET", f"{prefix}n:ghost", "o", f"{former}/9")
    redis.command("HSET", f"{prefix}nk:{former}", "ghost", f"{former}/9")

    node.wait_log(f"node_cleared.*{former}", PATIENCE)
    wait_until(lambda: not set(redis.hash(w)) & {*logs, "longdead", "ilongdead"}, PATIENCE)
    assert redis.hash(w)[former].startswith("X")  # should it wake up after all
    assert kept in redis.hash(w)
    assert not redis.keys(f"{prefix}n:ghost") and not redis.keys(f"{prefix}nk:{former}")
    redis.command("HSET", w, f"i{former}", LONG_AGO)
    wait_until(lambda: former not in redis.hash(w), PATIENCE)
    assert f"i{former}" not in redis.hash(w)

    assert set(redis.hash(w)) - {"~"} == {me, f"i{me}", "@", kept}
    assert node.admin.metric("forgotten_total") == len(rooms) + 2
    assert node.admin.metric("nodes_reaped_total") == 0
    assert "node_dead" not in node.log()
    assert alice.ask("still here")[-1] == "[#lobby] <alice> still here"


@pytest.mark.slow(20)
def test_a_dead_node_is_told_of_once_and_its_names_are_free_last(world):
    """Its people cannot be removed for a while: the partition is being settled."""
    redis = world.redis()
    node, dying = world.some_nodes(2, partitions=1)
    alice, _bob = world.person(node, "alice"), world.person(dying, "bob")
    w, prefix = books(redis)
    dying.kill()

    def is_refused_again():
        redis.command("HSET", w, "~", "-1")
        refused = redis.info("errorstats").get("errorstat_TRYAGAIN", "count=0")
        return int(refused.split("=")[1]) >= 3

    wait_until(is_refused_again, PATIENCE, "reaping was tried three times")
    assert redis.keys(f"{prefix}n:bob")
    redis.command("HSET", w, "~", "1")
    node.wait_log("node_reaped", PATIENCE)
    assert not redis.keys(f"{prefix}n:bob")
    alice.expect("* bob quit (its node is gone)")
    assert node.log().count("node_dead") == 1


def who_read(redis, command):
    """The connections that sent it, of those that are in the slow log."""
    return {entry[4] for entry in redis.command("SLOWLOG", "GET", -1) if entry[3][0] == command}


@pytest.mark.slow(40)
@pytest.mark.parametrize("scans", [True, False], ids=["the-scanner", "another"])
def test_a_node_that_dies_together_with_all_that_names_it(world, scans):
    """With registry and books, as when a primary of a cluster forgets, and somebody deletes the rest."""
    redis = world.redis("--slowlog-log-slower-than", "0", "--slowlog-max-len", "100000")
    nodes = world.some_nodes(3, partitions=1)
    people = world.people(nodes, ["ann", "ben", "cid"])
    w, prefix = books(redis)
    ids = [redis.hash(f"{prefix}n:{client.name}")["o"].split("/")[0] for client in people]
    wait_until(lambda: len(who_read(redis, "HKEYS")) == 3, PATIENCE, "all know who is registered")

    scanner = ids.index(wait_until(lambda: redis.command("GET", f"{prefix}scan"), PATIENCE))
    victim = scanner if scans else (scanner + 1) % 3
    nodes[victim].kill()
    lost = [f"{prefix}{name}" for name in ("cfg", "nodes", "scan")]
    redis.command("DEL", w, *lost, *(f"{prefix}lease:{node}" for node in ids))

    survivors = [client for client in people if client is not people[victim]]
    for client in survivors:
        client.expect(f"* {people[victim].name} quit (its node is gone)", PATIENCE)
    wait_until(lambda: not redis.keys(f"{prefix}n:{people[victim].name}"), PATIENCE)
    assert not redis.keys(f"{prefix}in:{ids[victim]}") and not redis.keys(f"{prefix}nk:{ids[victim]}")
    assert all(not field.startswith(ids[victim]) for field in redis.hash(f"{prefix}m:#lobby"))
    logs = "".join(node.log() for node in nodes)
    assert logs.count("node_dead") == 1 and logs.count("declared_dead") == 0


def test_constants_that_somebody_deletes_come_back(world):
    redis = world.redis()
    nodes = world.some_nodes(2, partitions=1)
    ann, ben = world.people(nodes, ["ann", "ben"])
    _, prefix = books(redis)
    before = redis.hash(f"{prefix}cfg")
    redis.command("DEL", f"{prefix}cfg")
    wait_until(lambda: redis.keys(f"{prefix}cfg"), PATIENCE)
    after = redis.hash(f"{prefix}cfg")
    assert after == {**before, "epoch": after["epoch"]} and after["epoch"] != before["epoch"]
    assert ann.ask("still here")[-1] == "[#lobby] <ann> still here"
    ben.expect("[#lobby] <ann> still here")
    assert "declared_dead" not in nodes[0].log() + nodes[1].log()
