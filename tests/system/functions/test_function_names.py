"""claim, release, beat, config: names, leases, constants."""

import random

from harness import wait_until
from library import CFG, LEASE, ME, NICK, NODES, beat, call, claim, notes, release, ttl


def test_a_name_goes_to_the_first_who_claims_it(redis):
    assert claim(redis, "a/1") == [1, "a/1"]
    assert claim(redis, "b/1") == [0, "a/1"]
    assert redis.hash(NICK) == {"o": "a/1", "d": "rec"}
    assert redis.hash(notes("a")) == {"bob": "a/1"} and redis.hash(notes("b")) == {}
    assert 590 <= ttl(redis, NICK) <= 600


def test_a_claim_again_renews(redis):
    claim(redis, "a/1", seconds=10)
    assert claim(redis, "a/1", record="new") == [1, "a/1"]
    assert redis.hash(NICK)["d"] == "new"
    assert ttl(redis, NICK) > 500


def test_a_name_is_taken_over_from_the_expected_holder_only(redis):
    claim(redis, "a/1")
    assert claim(redis, "b/1", expected="c/1") == [0, "a/1"]
    assert claim(redis, "b/1", expected="a/1") == [1, "b/1"]
    assert claim(redis, "c/1", expected="a/1") == [0, "b/1"]
    assert redis.hash(NICK)["o"] == "b/1"


def test_a_claim_without_time_to_live_stays(redis):
    assert claim(redis, "a/1", seconds=0) == [1, "a/1"]
    assert ttl(redis, NICK) == -1


def test_only_the_owner_releases(redis):
    claim(redis, "a/1")
    assert release(redis, "b/1") == 0
    assert release(redis, "a/2") == 0
    assert redis.hash(NICK)["o"] == "a/1"
    claim(redis, "a/1")
    assert release(redis, "a/1") == 1
    assert redis.command("EXISTS", NICK, notes("a")) == 0
    assert release(redis, "a/1") == 0
    assert claim(redis, "b/1") == [1, "b/1"]


def test_release_after_a_take_over_clears_the_note_only(redis):
    claim(redis, "a/1")
    claim(redis, "b/1", expected="a/1")
    assert redis.hash(notes("a")) == {"bob": "a/1"}
    assert release(redis, "a/1") == 0
    assert redis.hash(notes("a")) == {} and redis.hash(NICK)["o"] == "b/1"


def test_two_who_claim_and_release_at_random(redis):
    """Whatever the order, the name has the owner that a simple model gives it."""
    chance, owner = random.Random(7), None
    for _ in range(500):
        who = chance.choice(["a/1", "b/1"])
        if chance.random() < 0.6:
            granted = owner in (None, who)
            owner = who if granted else owner
            assert claim(redis, who) == [int(granted), owner]
        else:
            assert release(redis, who) == int(owner == who)
            owner = None if owner == who else owner


# ---- beat, config ----


def test_beat_registers_and_renews(redis):
    assert beat(redis, 1) == ["OK", ""]
    assert redis.hash(NODES) == {ME: "info"}
    assert redis.command("GET", LEASE) == "info"
    assert 10000 < redis.command("PTTL", LEASE) <= 15000
    assert beat(redis, 0, "later", ttl_ms=30000) == ["OK", ""]
    assert redis.command("GET", LEASE) == "later"
    assert redis.command("PTTL", LEASE) > 15000
    assert redis.hash(NODES) == {ME: "info"}


def test_beat_of_a_node_that_is_gone(redis):
    call(redis, "config", [CFG], 64, 1, "C1")
    assert beat(redis, 0) == ["GONE", "C1"]
    assert redis.command("EXISTS", LEASE, NODES) == 0
    assert beat(redis, 1) == ["OK", "C1"]
    redis.command("DEL", LEASE)
    assert beat(redis, 0) == ["OK", "C1"]
    redis.command("HDEL", NODES, ME)
    assert beat(redis, 0) == ["GONE", "C1"]


def test_a_lease_runs_out(redis):
    beat(redis, 1, ttl_ms=30)
    wait_until(lambda: redis.command("GET", LEASE) is None, what="the lease is gone")
    assert redis.hash(NODES) == {ME: "info"}


def test_config_is_made_once(redis):
    assert call(redis, "config", [CFG], 64, 1, "C1") == ["64", "1", "C1"]
    assert call(redis, "config", [CFG], 128, 2, "C2") == ["64", "1", "C1"]
    assert redis.hash(CFG) == {"partitions": "64", "schema": "1", "epoch": "C1"}
