"""Nodes on a Redis Cluster: whatever its servers do, nothing is lost, doubled or reordered.

The rooms are chosen so that each shard has some.
"""

import pytest

from harness import Load, Oracle, members, scaled, start_afresh, wait_until
from harness.rights import refused, set_user
from harness.slots import partition_of, partition_slot, room_key, slot_of

pytestmark = pytest.mark.slow(10)


def room_of(cluster, primary):
    """A room whose log is there."""
    return next(f"#r{n}" for n in range(1000) if cluster.primary_of_room(f"#r{n}") is primary)


def others(cluster, primary):
    return [p for p in cluster.primaries() if p is not primary]


@pytest.fixture
def people(world, cluster):
    """Three on each of three nodes, in #lobby."""
    nodes = world.some_nodes(3)
    them = world.people(nodes, [f"p{n}" for n in range(9)])
    start_afresh(them)
    return them


def join_all(people, room):
    for client in people:
        client.ask(f"/join {room}")
    for client in people:
        wait_until(lambda: members(client, room) == sorted(c.name for c in people))
    start_afresh(people)


def settle_and_check(oracle, people):
    oracle.settle(timeout=60)
    oracle.check()
    for client in people:
        assert not client.ended, f"{client!r}"
        assert client.seen(r"^(\* .* (quit|left|joined|is now)\b|! )") == []


def counted(world, metric):
    return sum(node.admin.metric(metric) for node in world.nodes if node.is_running())


def run_under_load(people, fault):
    """Lines before, during and after fault(); all that was said came to all, once."""
    oracle = Oracle(senders=people, watchers=people)
    with Load(oracle, lines_per_second=300) as load:
        load.run_until_said(scaled("lines before", 200, short=60))
        fault()
        load.run_until_said(scaled("lines after", 300, short=90))
    settle_and_check(oracle, people)
    return oracle


# ---- no fault ----


@pytest.mark.parametrize("url", ["seeds", "detected", "first seeds dead", "of replicas"])
def test_the_ways_to_say_where_the_cluster_is(world, cluster, url):
    """redis:// that leads to any server of a cluster is enough."""
    primary = cluster.primaries()[1]
    replica = cluster.replica_of(primary)
    urls = {
        "seeds": cluster.url,
        "detected": primary.url,
        "first seeds dead": f"redis-cluster://127.0.0.1:1,nowhere.invalid:2,127.0.0.1:{primary.port}",
        "of replicas": replica.url,
    }
    nodes = [world.node(redis_url=urls[url]) for _ in range(2)]
    alice, bob = world.people(nodes, ["alice", "bob"])
    for primary in cluster.primaries():
        room = room_of(cluster, primary)
        alice.ask(f"/join {room}")
        bob.ask(f"/join {room}")
        alice.send("hello")
        bob.expect(f"[{room}] <alice> hello")
        assert primary.command("EXISTS", room_key(room)) == 1
    alice.send("/msg bob psst")
    bob.expect_match("alice -> you. psst")


def test_nodes_have_links_to_each_primary_and_to_no_replica(world, cluster):
    node = world.node()
    world.person(node, "alice")
    wait_until(lambda: node.admin.metric('redis_links_up{link="commands"}') == 3)
    wait_until(lambda: node.admin.metric('redis_links_up{link="subscriptions"}') == 3)

    def clients(server):
        return server.command("CLIENT", "LIST").count("name=parley-")

    wait_until(lambda: all(clients(primary) == 2 for primary in cluster.primaries()))
    replicas = [cluster.replica_of(primary) for primary in cluster.primaries()]
    assert [clients(replica) for replica in replicas] == [0, 0, 0]


def test_order_on_a_cluster(world, cluster):
    """All see the lines of all in one order, room by room."""
    lines = scaled("lines", 3000, short=600)
    nodes = world.some_nodes(3)
    people = world.people(nodes, [f"p{n}" for n in range(12)])
    rooms = [room_of(cluster, primary) for primary in cluster.primaries()]
    for room in rooms:
        join_all(people, room)
        oracle = Oracle(senders=people[:6], watchers=people, room=room)
        for _ in range(lines // 3 // 60):
            for sender in people[:6]:
                oracle.say(sender, 10)
        oracle.settle(timeout=120)
        oracle.check()


def test_over_tls(world):
    cluster = world.cluster(shards=2, replicas=0, tls=True)
    nodes = world.some_nodes(2, env={"SSL_CERT_FILE": str(cluster.certificate)})
    alice, bob = world.people(nodes, ["alice", "bob"])
    for primary in cluster.primaries():
        room = room_of(cluster, primary)
        alice.ask(f"/join {room}")
        bob.ask(f"/join {room}")
        alice.send("hello")
        bob.expect(f"[{room}] <alice> hello")
        clients = primary.command("CLIENT", "LIST").splitlines()
        assert sum("name=parley-" in line for line in clients) == 4


def test_a_server_without_a_cluster_is_refused(world):
    redis = world.redis()
    node = world.start_node(redis_url=f"redis-cluster://127.0.0.1:{redis.port}")
    assert node.wait() != 0
    assert "is not one of a cluster" in node.log()


def test_the_documented_rights_are_enough(world, cluster):
    """docs/REDIS.md: also for what happens when slots move."""
    for server in cluster.servers:
        set_user(server, "parley", "sesame")
    url = cluster.url_of("parley:sesame@")
    nodes = [world.node(redis_url=url) for _ in range(2)]
    alice, bob = world.people(nodes, ["alice", "bob"])
    slot = partition_slot(partition_of("#lobby"))
    cluster.begin_migration(slot, others(cluster, cluster.primary_of_slot(slot))[0])
    cluster.move_keys(slot)
    alice.send("hello")
    bob.expect("[#lobby] <alice> hello")
    cluster.finish_migration(slot)
    bob.send("hello too")
    alice.expect("[#lobby] <bob> hello too")
    assert "NOPERM" not in "".join(node.log() for node in nodes)
    assert [refused(server) for server in cluster.servers] == [set()] * 6


# ---- failovers ----


def test_kill_of_a_primary(people, cluster):
    victim = cluster.primary_of_room("#lobby")

    def kill():
        victim.kill()
        cluster.wait_agreement()

    run_under_load(people, kill)


def test_kill_of_the_primary_of_the_leases(world, people, cluster):
    """Nobody is taken for dead; the rooms of other primaries go on at once."""
    victim = cluster.primary_of_partition(0)
    room = room_of(cluster, others(cluster, victim)[0])
    join_all(people, room)
    victim.kill()
    oracle = Oracle(senders=people, watchers=people, room=room)
    for sender in people:
        oracle.say(sender, 20)
    oracle.wait_delivered()
    cluster.wait_agreement()
    settle_and_check(oracle, people)
    for node in world.nodes:
        assert node.admin.metric("nodes_reaped_total") == 0
        assert node.admin.metric("fenced_total") == 0


def test_primary_that_hangs(people, cluster):
    """Its replica takes over; what it held goes to the new one, and comes out of it only once
    when it wakes up and carries out what lies in its buffers."""
    victim = cluster.primary_of_room("#lobby")

    def hang():
        victim.pause()
        cluster.wait_agreement()

    oracle = run_under_load(people, hang)
    victim.resume()
    with Load(oracle, lines_per_second=300) as load:
        load.run_until_said(100)
        cluster.wait_healthy()
        load.run_until_said(100)
    settle_and_check(oracle, people)


def test_node_that_dies_leaves_the_rooms_of_all_primaries(world, cluster):
    """Also of the one that is failing over just then."""
    nodes = world.some_nodes(3)
    alice, bob = world.person(nodes[0], "alice"), world.person(nodes[1], "bob")
    zoe = world.person(nodes[2], "zoe")
    rooms = [room_of(cluster, primary) for primary in cluster.primaries()]
    for room in rooms:
        join_all([alice, bob, zoe], room)
    victim = others(cluster, cluster.primary_of_partition(0))[0]
    nodes[2].kill()
    victim.kill()
    for room in rooms:
        wait_until(lambda: members(alice, room) == ["alice", "bob"], timeout=60)
        wait_until(lambda: members(bob, room) == ["alice", "bob"], timeout=60)
    zoe2 = world.connect(nodes[0], "zoe2")
    zoe2.send("zoe")
    zoe2.expect_match(r"^\* You are zoe in #lobby")
    assert counted(world, "fenced_total") == 0


@pytest.mark.parametrize("how", [None, "FORCE", "TAKEOVER"])
def test_failover_by_hand(people, cluster, how):
    primary = cluster.primaries()[[None, "FORCE", "TAKEOVER"].index(how)]
    room = room_of(cluster, primary)
    join_all(people, room)
    oracle = Oracle(senders=people, watchers=people, room=room)
    with Load(oracle, lines_per_second=300) as load:
        load.run_until_said(200)
        cluster.fail_over(primary, how)
        load.run_until_said(300)
    settle_and_check(oracle, people)


# ---- slots that move ----


def test_reshard_under_load(world, people, cluster):
    """The lobby and all others of its shard move to another primary, half of them back again."""
    source = cluster.primary_of_room("#lobby")
    target = others(cluster, source)[0]
    moving = cluster.partitions_of(source)

    def reshard():
        cluster.reshard(moving, target)
        cluster.reshard(moving[::2], source)

    moved = counted(world, "partitions_moved_total")
    run_under_load(people, reshard)
    assert counted(world, "partitions_moved_total") >= moved + 3 * len(moving)


def test_slot_that_moved_unseen(world, cluster):
    """No subscription tells: the first request is sent elsewhere."""
    alice = world.person(world.node(), "alice")
    source, target = cluster.primaries()[:2]
    channels = source.command("PUBSUB", "SHARDCHANNELS")
    used = {slot_of(channel) for channel in channels} | {partition_slot(partition_of("alice"))}
    partition = next(n for n in cluster.partitions_of(source) if partition_slot(n) not in used)
    name = next(f"x{n}" for n in range(10000) if partition_of(f"x{n}") == partition)
    before = counted(world, 'redis_redirects_total{kind="moved"}')
    cluster.reshard([partition], target)
    alice.send(f"/nick {name}")
    alice.expect_match(rf"is now {name}|You are {name}")
    assert counted(world, 'redis_redirects_total{kind="moved"}') > before


def test_slot_left_half_migrated_then_finished(people, cluster):
    """Half of the lobby's keys are elsewhere: its partition waits, all others go on."""
    slot = partition_slot(partition_of("#lobby"))
    source = cluster.primary_of_slot(slot)
    target = others(cluster, source)[0]
    elsewhere = room_of(cluster, target)
    join_all(people, elsewhere)
    for client in people:
        client.ask("/room #lobby")
    lobby = Oracle(senders=people, watchers=people)
    for sender in people:
        lobby.say(sender, 5)
    lobby.wait_delivered()
    cluster.begin_migration(slot, target, keys=2)
    for sender in people:
        lobby.say(sender, 5)
    for client in people:
        client.send(f"/room {elsewhere}")
    other = Oracle(senders=people, watchers=people, room=elsewhere)
    for sender in people:
        other.say(sender, 20)
    other.wait_delivered()
    assert all(watch.last[s.name] < 10 for watch in lobby.watches.values() for s in people)
    cluster.finish_migration(slot)
    lobby.wait_delivered()
    settle_and_check(lobby, people)
    settle_and_check(other, people)


def test_all_keys_moved_but_not_the_slot(world, people, cluster):
    """ASK: calls are carried out at the target, where nobody listens yet; everybody hears."""
    slot = partition_slot(partition_of("#lobby"))
    source = cluster.primary_of_slot(slot)
    target = others(cluster, source)[0]
    cluster.begin_migration(slot, target)
    cluster.move_keys(slot)
    oracle = Oracle(senders=people, watchers=people)
    for sender in people:
        oracle.say(sender, 10)
    oracle.wait_delivered()  # while the slot is still on its way
    with Load(oracle, lines_per_second=200) as load:
        load.run_until_said(200)
        assert counted(world, 'redis_redirects_total{kind="ask"}') > 0
        load.run_until_said(50)
        cluster.finish_migration(slot)
        load.run_until_said(100)
    settle_and_check(oracle, people)


def refusals(server):
    """How often it answered TRYAGAIN."""
    counted = server.info("errorstats").get("errorstat_TRYAGAIN", "count=0")
    return int(counted.removeprefix("count="))


def test_new_room_in_a_slot_on_its_way(world, people, cluster):
    """It cannot be made before the slot has arrived; then it is. Others are made meanwhile."""
    room = next(f"#n{n}" for n in range(1000) if partition_of(f"#n{n}") == partition_of("#lobby"))
    slot = partition_slot(partition_of(room))
    source = cluster.primary_of_slot(slot)
    target = others(cluster, source)[0]
    cluster.begin_migration(slot, target, keys=1)
    before = refusals(source)
    people[0].send(f"/join {room}")
    people[1].send(f"/join {room}")
    wait_until(lambda: refusals(source) > before + 4)
    join_all(people[2:], room_of(cluster, target))
    assert people[0].seen(rf"^\* You are in {room}") == []
    cluster.finish_migration(slot)
    for client in people[:2]:
        client.expect_match(rf"^\* You are in {room}")
    wait_until(lambda: members(people[0], room) == ["p0", "p1"])


def test_slot_of_nobody_is_waited_for(people, cluster):
    """Taken from its primary and given to it again: what was said meanwhile comes then."""
    slot = partition_slot(partition_of("#lobby"))
    source = cluster.primary_of_slot(slot)
    oracle = Oracle(senders=people, watchers=people)
    for server in cluster.servers:
        server.command("CLUSTER", "DELSLOTS", slot)
    for sender in people:
        oracle.say(sender, 5)
    wait_until(lambda: source.cluster_info()["cluster_state"] == "fail")
    source.command("CLUSTER", "ADDSLOTS", slot)
    cluster.wait_agreement()
    settle_and_check(oracle, people)
