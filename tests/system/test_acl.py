"""Redis with users and rights: what docs/REDIS.md lists is enough, and passwords may change."""

import pytest

from harness import Oracle, wait_until
from harness.redis import Connection, RedisError
from harness.rights import refused, set_user

ROTATED = 'redis_reconnects_total{link="commands"}'


def set_password(redis, password):
    set_user(redis, "relay", password)


def url(redis, password):
    return f"redis://relay:{password}@127.0.0.1:{redis.port}"


def forget_a_log_of_old(redis):
    """What a node does when there is one."""
    w, log, members = ("parley:{0}:" + key for key in ("w", "l:#old", "m:#old"))
    redis.command("HSET", w, log, "1-0")
    connection = Connection(redis.port)
    connection.command("AUTH", "relay", "secret")
    assert connection.command("FCALL", "parley1_forget", "3", w, log, members, "1000") == 1
    connection.close()


@pytest.mark.slow(25)
def test_the_documented_rights_are_enough(world):
    redis = world.redis()
    set_password(redis, "secret")
    nodes = world.some_nodes(2, redis_url=url(redis, "secret"))
    people = world.people(nodes, ["ann", "bob"])
    people[0].ask("/topic about tea", "/join #den", "/nick anna", "/away gone", "/me waves")
    people[0].ask("/msg bob hello", "/who bob", "/rooms", "/history", "/leave #den")
    oracle = Oracle(senders=people[1:], watchers=people)
    oracle.say(people[1], 20)
    oracle.settle()
    oracle.check()
    redis.flushall()  # names, members and topics are registered again
    wait_until(lambda: redis.keys("parley:*:n:anna"))
    dead = nodes.pop()
    dead.kill()
    people[0].expect_match(r"^\* bob .*#lobby|^\* bob (left|quit)")
    # A server started anew without its data, then the settlement of what it lacks.
    redis.restart_empty()
    set_password(redis, "secret")
    wait_until(lambda: redis.keys("parley:*:n:anna"))
    people[0].ask("still here")
    forget_a_log_of_old(redis)
    assert refused(redis) == set()


@pytest.mark.parametrize("right", ["+fcall", "+zadd", "+ssubscribe"])
def test_a_right_that_is_missing_is_noticed(world, right):
    """That the log of refusals, which the test above trusts, would tell."""
    redis = world.redis()
    set_password(redis, "secret")
    redis.command("ACL", "SETUSER", "relay", right.replace("+", "-"))
    connection = Connection(redis.port)
    connection.command("AUTH", "relay", "secret")
    words = {"+fcall": ["FCALL", "f", "0"], "+zadd": ["ZADD", "parley:a", "0", "a"]}
    with pytest.raises(RedisError, match="NOPERM"):
        connection.command(*words.get(right, ["SSUBSCRIBE", "parley:a"]))
    connection.close()
    assert refused(redis) == {("command", right[1:])}


@pytest.mark.parametrize("first", ["file", "Redis"])
def test_a_password_is_rotated_without_a_restart(world, tmp_path, first):
    redis = world.redis()
    set_password(redis, "old-secret")
    file = tmp_path / "url"
    file.write_text(url(redis, "old-secret") + "\n", encoding="ascii")
    nodes = [world.node(redis_url=None, redis_url_file=file) for _ in range(2)]
    people = world.people(nodes, ["ann", "bob"])
    oracle = Oracle(senders=people, watchers=people)
    oracle.say(people[0])

    if first == "file":
        file.write_text(url(redis, "new-secret") + "\n", encoding="ascii")
    set_password(redis, "new-secret")
    redis.client_kill("normal")
    redis.client_kill("pubsub")
    if first == "Redis":
        nodes[0].wait_log("WRONGPASS")
        oracle.say(people[0], 5)
        file.write_text(url(redis, "new-secret") + "\n", encoding="ascii")
    for node in nodes:
        node.admin.wait_metric(ROTATED, lambda value: value >= 1)
    oracle.say(people[1], 5)
    oracle.settle()
    oracle.check()
    assert not any(client.ended for client in people)
    assert not any("secret" in node.log() for node in nodes)


def test_a_password_that_is_wrong_at_the_start_ends_the_process(world, tmp_path):
    redis = world.redis()
    set_password(redis, "right-secret")
    file = tmp_path / "url"
    file.write_text(url(redis, "wrong-secret") + "\n", encoding="ascii")
    node = world.start_node(redis_url=None, redis_url_file=file)
    assert node.wait() != 0
    assert "WRONGPASS" in node.log() and "secret" not in node.log()
