"""snap, fence, reap: rooms at a glance, and rid of the dead."""

import pytest

from harness.redis import RedisError
from library import (
    ME, OTHER, ROOMS, W, call, frame, in_key, join, leave, listen, log_key, members_key, reap,
    reap_step, say, state_key, stored, ttl,
)  # fmt: skip


# ---- snap ----


def test_snap_of_nothing(redis):
    keys = [W, log_key("#a"), members_key("#a"), state_key("#a")]
    assert call(redis, "snap", keys, 20) == ["", "0-0", [], [], []]


def test_snap_shows_the_room(redis):
    join(redis, 1, "#a", f"{ME}/1", state=[("s", "topic", "tea")])
    ids = [say(redis, seq, "#a", f"text {seq}")[1] for seq in range(2, 12)]
    keys = [W, log_key("#a"), members_key("#a"), state_key("#a")]
    epoch, last, entries, members, state = call(redis, "snap", keys, 3)
    assert (epoch, last) == ("E1", ids[-1])
    assert entries == [[ids[-n], ["d", f"text {12 - n}"]] for n in (1, 2, 3)]
    assert members == [f"{ME}/1", f"record of {ME}/1"]
    assert dict(zip(state[::2], state[1::2])) == {"name": "#A", "topic": "tea"}
    assert call(redis, "snap", keys, 0)[:3] == ["E1", ids[-1], []]


def test_snap_only_reads(redis):
    keys = [W, log_key("#a"), members_key("#a"), state_key("#a")]
    answer = redis.command("FCALL_RO", "t1_snap", 4, *keys, 20)
    assert answer[1] == "0-0"
    with pytest.raises(RedisError, match="write"):
        redis.command("FCALL_RO", "t1_fence", 1, W, ME)


# ---- reap ----


def test_reap_removes_the_dead_nodes_members_only(redis, listener):
    join(redis, 1, "#a", f"{ME}/1", f"{ME}/2", state=[("s", "topic", "tea")])
    join(redis, 1, "#a", f"{OTHER}/1", f"{ME}x/1", node=OTHER)
    listen(listener, "#a")
    last = redis.hash(W)[log_key("#a")]
    assert reap(redis, "#a", ME) == (1, 2)
    assert set(redis.hash(members_key("#a"))) == {f"{OTHER}/1", f"{ME}x/1"}
    assert redis.hash(ROOMS) == {"#a": "2 #A\ntea"}
    assert redis.hash(in_key(ME)) == {} and redis.hash(in_key(OTHER)) == {"#a": "1"}
    channel, prev, number, entry = frame(listener)
    assert (channel, prev, entry) == (log_key("#a"), last, f"gone {ME}")
    assert redis.hash(W)[log_key("#a")] == number == stored(redis, "#a")[-1][0]
    assert ttl(redis, log_key("#a")) == -1
    say(redis, 2, "#a", "still here", node=OTHER)
    assert frame(listener)[1] == number


def test_reap_of_the_last_members_empties_the_room(redis):
    join(redis, 1, "#a", f"{ME}/1")
    assert reap(redis, "#a", ME) == (1, 1)
    assert redis.hash(ROOMS) == redis.hash(members_key("#a")) == {}
    assert 590 <= ttl(redis, log_key("#a")) <= 600
    assert 590 <= ttl(redis, state_key("#a")) <= 600


def test_reap_of_five_thousand_members_in_steps(redis):
    join(redis, 1, "#a", *[f"{ME}/{number}" for number in range(5000)])
    join(redis, 1, "#a", *[f"{OTHER}/{number}" for number in range(50)], node=OTHER)
    steps, removed = reap(redis, "#a", ME)
    assert removed == 5000 and steps > 5
    assert redis.command("HLEN", members_key("#a")) == 50
    assert redis.hash(ROOMS) == {"#a": "50 #A\n"}
    assert [entry for _, entry in stored(redis, "#a")] == ["join", "join", f"gone {ME}"]


def test_a_second_reaper_tells_the_room_what_the_first_did_not(redis):
    """The first one removed everybody and died before the cursor came round."""
    members = [f"{ME}/{number}" for number in range(500)]
    join(redis, 1, "#a", *members)
    redis.command("HDEL", members_key("#a"), *members)
    assert reap(redis, "#a", ME)[1] == 0
    assert stored(redis, "#a")[-1][1] == f"gone {ME}"
    assert redis.hash(ROOMS) == redis.hash(in_key(ME)) == {}


def test_reap_of_a_node_that_ended_in_peace_tells_only_whom_it_concerns(redis):
    join(redis, 1, "#a", f"{ME}/1")
    leave(redis, 2, "#a", f"{ME}/1")
    join(redis, 3, "#b", f"{ME}/1")
    assert set(redis.hash(in_key(ME))) == {"#a", "#b"}
    assert reap_step(redis, "#a", ME, peace=1) == ["0", 0]
    assert [entry for _, entry in stored(redis, "#a")] == ["join", "leave"]
    assert reap_step(redis, "#b", ME, peace=1) == ["0", 1]
    assert [entry for _, entry in stored(redis, "#b")] == ["join", f"gone {ME}"]
    assert redis.hash(in_key(ME)) == {}


def test_reap_again_says_nothing(redis):
    join(redis, 1, "#a", f"{ME}/1")
    reap(redis, "#a", ME)
    assert reap(redis, "#a", ME) == (1, 0)
    assert [entry for _, entry in stored(redis, "#a")] == ["join", f"gone {ME}"]


def test_reap_of_a_log_whose_name_looks_like_a_key(redis):
    log = "#x}:l:\ny"
    join(redis, 1, log, f"{ME}/1")
    assert reap(redis, log, ME) == (1, 1)
    assert redis.hash(ROOMS) == redis.hash(in_key(ME)) == {}
