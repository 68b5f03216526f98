"""forget, and the library in a Redis that is full or has it already."""

import pytest

from harness import wait_until
from harness.redis import RedisError
from library import (
    ME, OTHER, W, beat, call, claim, fence, frame, join, listen, load, log_key, members_key,
    reap, release, say, state_key,
)  # fmt: skip


# ---- forget ----

HOUR = 3600_000


def forget(redis, logs=(), nodes=(), age_ms=-1000):
    """An age below 0: as if it were later."""
    keys = [key for log in logs for key in (log_key(log), members_key(log))]
    return call(redis, "forget", [W, *keys], age_ms, *nodes)


def test_forget_drops_the_id_of_a_log_that_is_gone(redis, listener):
    say(redis, 1, "#a")
    say(redis, 2, "#b")
    assert forget(redis, ["#a", "#b", "#c"]) == 0
    redis.command("DEL", log_key("#a"))
    assert forget(redis, ["#a", "#b", "#c"]) == 1
    assert forget(redis, ["#a", "#b", "#c"]) == 0
    assert log_key("#a") not in redis.hash(W) and log_key("#b") in redis.hash(W)
    listen(listener, "#a")
    say(redis, 3, "#a")
    assert frame(listener)[1] == "0-0"


def test_forget_keeps_the_id_of_a_log_that_somebody_follows(redis, listener):
    say(redis, 1, "#a")
    last = redis.hash(W)[log_key("#a")]
    listen(listener, "#a")
    redis.command("DEL", log_key("#a"))
    assert forget(redis, ["#a"]) == 0
    say(redis, 2, "#a")
    assert frame(listener)[1] == last  # no hole
    redis.command("DEL", log_key("#a"))
    listener.close()
    wait_until(lambda: forget(redis, ["#a"]) == 1)


def test_forget_keeps_the_id_of_a_log_with_members(redis):
    join(redis, 1, "#a", f"{ME}/1")
    redis.command("DEL", log_key("#a"))  # evicted
    assert forget(redis, ["#a"]) == 0
    redis.command("DEL", members_key("#a"))
    assert forget(redis, ["#a"]) == 1


def test_forget_keeps_the_id_of_an_entry_that_is_not_old(redis):
    say(redis, 1, "#a")
    redis.command("DEL", log_key("#a"))
    assert forget(redis, ["#a"], age_ms=HOUR) == 0
    redis.command("HSET", W, log_key("#a"), f"{int(redis.command('TIME')[0]) * 1000 - HOUR}-7")
    assert forget(redis, ["#a"], age_ms=HOUR) == 1


def test_forget_drops_nodes_that_were_fenced_long_ago(redis):
    say(redis, 1, "#a")
    say(redis, 1, "#a", node=OTHER)
    fence(redis, ME)
    books = redis.hash(W)
    assert forget(redis, nodes=[ME, OTHER], age_ms=HOUR) == 0
    assert redis.hash(W) == books
    assert forget(redis, nodes=[ME, OTHER, "nobody"]) == 1
    del books[ME], books[f"i{ME}"]
    assert redis.hash(W) == books


def test_forget_counts_from_now_when_it_is_not_known_since_when_a_node_is_fenced(redis):
    redis.command("HSET", W, ME, "X7")
    assert forget(redis, nodes=[ME], age_ms=HOUR) == 0
    assert redis.hash(W)[ME] == "X7"
    assert int(redis.hash(W)[f"i{ME}"].split("-")[0]) > HOUR
    assert forget(redis, nodes=[ME]) == 1
    assert redis.command("EXISTS", W) == 0


def test_forget_leaves_epoch_and_era_alone_and_waits_for_a_settlement(redis):
    say(redis, 1, "#a")
    fence(redis, ME)
    redis.command("DEL", log_key("#a"))
    redis.command("HSET", W, "~", "-3")
    assert forget(redis, ["#a"], [ME, "@", "~"]) == 0
    assert set(redis.hash(W)) == {ME, f"i{ME}", "@", "~", log_key("#a")}
    redis.command("HSET", W, "~", "3")
    assert forget(redis, ["#a"], [ME, "@", "~"]) == 2
    assert redis.hash(W) == {"@": "E1", "~": "3"}


def test_forget_many_at_once(redis):
    logs, nodes = [f"#{n}" for n in range(1500)], [f"n{n}" for n in range(1500)]
    fields = [word for log in logs for word in (log_key(log), "1-0")]
    fields += [word for node in nodes for word in (node, "X1", f"i{node}", "1-0")]
    redis.command("HSET", W, "@", "E1", *fields)
    assert forget(redis, logs, nodes) == 3000
    assert redis.hash(W) == {"@": "E1"}


# ---- a full Redis, the library itself ----


def test_what_frees_or_keeps_alive_works_when_memory_is_out(redis):
    join(redis, 1, "#a", f"{ME}/1")
    claim(redis, "a/1")
    beat(redis, 1)
    redis.command("HSET", W, log_key("#old"), "1-0")
    redis.command("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(RedisError, match="OOM"):
        say(redis, 2, "#a")
    with pytest.raises(RedisError, match="OOM"):
        claim(redis, "b/1")
    assert beat(redis, 0)[0] == "OK"
    assert release(redis, "a/1") == 1
    assert call(redis, "fence", [W], ME) == "OK"
    assert reap(redis, "#a", ME) == (1, 1)
    assert forget(redis, ["#old"]) == 1
    keys = [W, log_key("#a"), members_key("#a"), state_key("#a")]
    assert call(redis, "snap", keys, 10)[3] == []


def test_every_function_is_there_under_the_librarys_name(redis):
    library = redis.command("FUNCTION", "LIST", "LIBRARYNAME", "t1")[0]
    functions = dict(zip(library[::2], library[1::2]))["functions"]
    found = {f[f.index("name") + 1]: set(f[f.index("flags") + 1]) for f in functions}
    assert found == {
        "t1_apply": set(), "t1_claim": set(), "t1_config": set(), "t1_snap": {"no-writes"},
        "t1_fence": {"allow-oom"}, "t1_reap": {"allow-oom"}, "t1_release": {"allow-oom"},
        "t1_beat": {"allow-oom"}, "t1_forget": {"allow-oom"}, "t1_offer": set(),
        "t1_settle": set(), "t1_lost": set(),
    }


def test_loading_again_keeps_the_data(redis):
    say(redis, 1, "#a")
    assert load(redis) == "t1"
    assert say(redis, 2, "#a")[0] == "OK"
