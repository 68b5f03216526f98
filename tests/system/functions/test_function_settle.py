"""offer, settle, lost: what a failover forgot comes back, or is told."""

import pytest

from harness import wait_until
from harness.redis import RedisError
from library import (
    ME, OTHER, ROOMS, TAG, W, apply, call, fence, frame, in_key, join, listen, log_key,
    members_key, say, state_key, stored,
)  # fmt: skip


# ---- offer, settle ----

SETTLE, OFFERS = TAG + "settle", TAG + "offers"


def offer(redis, node, upto=None, era=0, base=None, more=False, **rest):
    """A node joins (upto=None), or offers its batches up to a number, behind those that are there."""
    wait, least = rest.get("wait", 60_000), rest.get("least", 0)
    seen, offers = rest.get("seen", ()), rest.get("offers", ())
    if upto is None:
        base, upto, more = "", 0, True
    elif base is None:
        base = redis.command("HGET", SETTLE, f"+{node}") or redis.command("HGET", W, node) or "0"
    args = [node, era, base, wait, least, upto, int(more), len(seen), len(offers)]
    for log, writer, seq, place in seen:  # place: its id
        args += [log, writer, seq, place_of(place)]
    for place, log, seq, entry, *ops in offers:
        args += [place_of(place), log, seq, entry, len(ops)]
        args += [word for op in ops for word in op]
    return call(redis, "offer", [W, SETTLE, OFFERS], *args)


def place_of(number):
    return "x" if number is None else f"{number:032x}"


def settle(redis, era, following=(), node=ME):
    """following: (log, writer, ...), as offer() told them."""
    pairs = list(zip(following[::2], following[1::2]))
    keys = [
        key
        for log, writer in pairs
        for key in (log_key(log), members_key(log), state_key(log), in_key(writer))
    ]
    return call(redis, "settle", [W, SETTLE, OFFERS, ROOMS, *keys], node, era, 1000, 600, "E1")


def settle_all(redis, answer, node=ME):
    while answer[0] == "READY":
        answer = settle(redis, answer[1], answer[3:], node)
    assert answer[0] == "DONE"
    return answer


def texts(redis, log):
    return [entry for _, entry in stored(redis, log)]


def test_offers_are_appended_in_the_order_of_their_old_ids(redis):
    say(redis, 1, "#a", "kept")
    say(redis, 1, "#a", "kept too", node=OTHER)
    seen = [("#a", OTHER, 3, 4), ("#a", ME, 1, 1)]
    mine = [(3, "#a", 2, "third"), (5, "#a", 3, "fifth"), (5, "#b", 3, "elsewhere")]
    assert offer(redis, ME, seen=seen) == ["WAIT", "-1", "1", "1"]
    assert offer(redis, ME, upto=3, offers=mine) == ["WAIT", "-1", "1", "3"]
    assert apply(redis, 2, entries=[("#a", "new")]) == ["ERA", "-1", "E1"]
    theirs = [(2, "#a", 2, "second"), (4, "#a", 3, "fourth")]
    answer = offer(redis, OTHER, upto=3, offers=theirs)
    assert answer[:3] == ["READY", "-1", "1"]
    assert settle_all(redis, answer, OTHER) == ["DONE", "1", "3"]
    assert texts(redis, "#a") == ["kept", "kept too", "second", "third", "fourth", "fifth"]
    assert texts(redis, "#b") == ["elsewhere"]
    assert redis.command("EXISTS", OFFERS) == 0
    assert redis.command("TTL", SETTLE) > 0
    ids = [i for i, text in stored(redis, "#a") if text in ("third", "fifth")]
    fields = [f"={ME} 2 #a", f"={ME} 3 #a", f"={ME} 3 #b"]
    assert redis.command("HMGET", SETTLE, *fields) == [*ids, stored(redis, "#b")[0][0]]
    assert apply(redis, 4, entries=[("#a", "new")], era="0") == ["ERA", "1", "E1"]
    assert apply(redis, 4, entries=[("#a", "new")], era="1")[0] == "OK"
    assert apply(redis, 4, entries=[("#a", "new")], era="1", node=OTHER)[0] == "OK"


def test_frames_of_what_is_settled_continue_the_log(redis, listener):
    say(redis, 1, "#a")
    listen(listener, "#a")
    answer = offer(redis, ME, upto=3, offers=[(2, "#a", 2, "two"), (3, "#a", 3, "three")])
    settle_all(redis, answer)
    say(redis, 4, "#a", "four")
    ids = [i for i, _ in stored(redis, "#a")]
    for number, text in enumerate(("two", "three", "four"), 1):
        assert frame(listener)[1:] == (ids[number - 1], ids[number], text)


def test_an_entry_whose_writer_does_not_know_its_place_stands_where_others_saw_it(redis):
    offer(redis, OTHER, seen=[("#a", ME, 2, 5)])
    offer(redis, OTHER, upto=2, offers=[(4, "#a", 1, "four"), (6, "#a", 2, "six")])
    answer = offer(redis, ME, upto=2, offers=[(1, "#a", 1, "one"), (None, "#a", 2, "five")])
    settle_all(redis, answer)
    assert texts(redis, "#a") == ["one", "four", "five", "six"]


def test_what_nobody_saw_stands_behind_what_somebody_saw(redis):
    offer(redis, OTHER, seen=[("#a", ME, 1, 3)])
    offer(redis, OTHER, upto=1, offers=[(4, "#a", 1, "four")])
    answer = offer(redis, ME, upto=2, offers=[(3, "#a", 1, "three"), (None, "#a", 2, "last")])
    settle_all(redis, answer)
    assert texts(redis, "#a") == ["three", "four", "last"]


def test_books_change_with_what_is_settled(redis):
    join(redis, 1, "#a", "n/1")
    ops = [("S", "n/2", "record"), ("D", "n/1", ""), ("s", "topic", "tea")]
    settle_all(redis, offer(redis, ME, upto=2, offers=[(2, "#a", 2, "entry", *ops)]))
    assert redis.hash(members_key("#a")) == {"n/2": "record"}
    assert redis.hash(ROOMS) == {"#a": "1 #A\ntea"}
    assert redis.hash(in_key(ME)) == {"#a": "1"}


def test_a_writer_that_was_seen_is_waited_for_until_the_time_is_up(redis):
    seen = [("#a", OTHER, 1, 1), ("#a", "node3", 1, 2)]
    say(redis, 1, "#a", node=OTHER)
    offer(redis, ME, seen=seen, wait=300)
    assert offer(redis, ME, upto=0)[0] == "WAIT"
    assert offer(redis, OTHER, upto=1)[0] == "WAIT"
    wait_until(lambda: offer(redis, ME, upto=0)[0] == "READY")


def test_nodes_that_nobody_saw_have_a_moment_to_come(redis):
    offer(redis, ME, least=300)
    assert offer(redis, ME, upto=0)[0] == "WAIT"
    wait_until(lambda: offer(redis, ME, upto=0)[0] == "READY")


def test_a_dead_writer_is_not_waited_for(redis):
    say(redis, 1, "#a", node=OTHER)
    call(redis, "fence", [W], OTHER)
    offer(redis, ME, seen=[("#a", OTHER, 1, 1)])
    assert offer(redis, ME, upto=0)[0] == "READY"
    assert offer(redis, OTHER, upto=1) == ["FENCED", "", "X1"]


def test_who_comes_late_is_told_so(redis):
    settle_all(redis, offer(redis, ME, upto=1, offers=[(1, "#a", 1, "one")]))
    assert offer(redis, OTHER, upto=5, offers=[(2, "#a", 5, "x")]) == ["DONE", "1", "0"]
    assert texts(redis, "#a") == ["one"]
    # ... but who knows of that settlement begins another.
    assert offer(redis, OTHER, era=1)[:2] == ["WAIT", "-2"]


def test_one_node_appends_and_another_follows_when_it_does_not(redis):
    offer(redis, OTHER, seen=[("#a", ME, 1, 1)])
    offer(redis, OTHER, upto=0)
    answer = offer(redis, ME, upto=1, offers=[(1, "#a", 1, "one")])
    assert answer[0] == "READY"
    assert offer(redis, OTHER, upto=0)[0] == "WAIT"
    answer = wait_until(lambda: (a := offer(redis, OTHER, upto=0))[0] == "READY" and a)
    # Both at it at once: only the keys of the first entries are taken.
    assert settle(redis, "-1", ["#b", ME])[:2] == ["READY", "-1"]
    assert settle_all(redis, answer, OTHER) == ["DONE", "1", "0"]
    assert settle(redis, "-1", ["#a", ME]) == ["DONE", "1", "1"]
    assert texts(redis, "#a") == ["one"]


def test_many_offers_are_appended_step_by_step(redis):
    offers = [(number, f"#r{number % 7}", 1 + number // 200, str(number)) for number in range(1000)]
    answer = ["WAIT"]
    for upto in range(1, 6):
        part = offers[200 * (upto - 1) : 200 * upto]
        answer = offer(redis, ME, upto=upto, more=upto < 5, offers=part)
    assert settle_all(redis, answer) == ["DONE", "1", "5"]
    for room in range(7):
        assert texts(redis, f"#r{room}") == [str(n) for n in range(1000) if n % 7 == room]


def test_who_offered_in_a_settlement_that_is_gone_begins_anew(redis):
    offer(redis, ME)
    offer(redis, ME, upto=1, more=True, offers=[(1, "#a", 1, "one")])
    redis.command("DEL", W)
    # Were this taken, the books would say that "one" is stored.
    assert offer(redis, ME, base=1, upto=2) == ["ANEW", "-1", "0"]
    assert offer(redis, ME) == ["WAIT", "-1", "0", "0"]
    settle_all(redis, offer(redis, ME, upto=1, offers=[(1, "#a", 1, "one")]))
    assert texts(redis, "#a") == ["one"]


def test_who_begins_anew_is_told_what_it_offered_before(redis):
    offer(redis, OTHER, seen=[("#a", ME, 2, 7)])
    offer(redis, ME, upto=1, more=True, offers=[(1, "#a", 1, "one")])
    assert offer(redis, ME) == ["WAIT", "-1", "0", "1"]
    assert offer(redis, ME, base=0, upto=2) == ["ANEW", "-1", "0"]
    offer(redis, ME, upto=2, offers=[(None, "#a", 2, "two")])
    settle_all(redis, offer(redis, OTHER, upto=0), OTHER)
    assert texts(redis, "#a") == ["one", "two"]
    assert redis.command("HGET", W, ME) == "2"


def test_of_a_node_that_does_not_come_to_the_end_is_stored_what_it_offered(redis):
    offer(redis, ME, upto=1, more=True, offers=[(1, "#a", 1, "one")])
    offer(redis, OTHER, upto=0, wait=0)
    redis.command("HSET", SETTLE, "until", "0")
    settle_all(redis, offer(redis, OTHER, upto=0), OTHER)
    assert offer(redis, ME, base=1, upto=2, offers=[(2, "#a", 2, "two")]) == ["DONE", "1", "1"]
    assert apply(redis, 2, entries=[("#a", "two")], era="1")[0] == "OK"
    assert texts(redis, "#a") == ["one", "two"]


def test_old_ids_do_not_contradict_the_order_in_which_a_node_wrote(redis):
    offer(redis, ME)
    offer(redis, OTHER, upto=1, offers=[(4, "#a", 1, "other")])
    offer(redis, ME, upto=1, more=True, offers=[(5, "#a", 1, "one")])
    offer(redis, ME, upto=2, more=True, offers=[(3, "#a", 2, "two"), (1, "#b", 2, "b two")])
    rest = [(None, "#a", 3, "three"), (6, "#a", 4, "four")]
    settle_all(redis, offer(redis, ME, upto=4, offers=rest))
    assert texts(redis, "#a") == ["other", "one", "two", "three", "four"]
    assert texts(redis, "#b") == ["b two"]


def test_what_stands_in_front_of_what_somebody_saw_is_placed_there_too(redis):
    offer(redis, OTHER, seen=[("#a", ME, 2, 3)])
    offer(redis, OTHER, upto=1, offers=[(4, "#a", 1, "four")])
    unknown = [(None, "#a", seq, f"mine {seq}") for seq in (1, 2, 3)]
    settle_all(redis, offer(redis, ME, upto=3, offers=unknown))
    assert texts(redis, "#a") == ["mine 1", "mine 2", "four", "mine 3"]


def test_nobody_is_reaped_while_a_partition_is_settled(redis):
    offer(redis, ME)
    keys = [W, ROOMS, log_key("#a"), members_key("#a"), state_key("#a"), in_key(OTHER)]
    with pytest.raises(RedisError, match="TRYAGAIN"):
        call(redis, "reap", keys, OTHER, "x", 1000, 600, 0, 100, 0)


# ---- lost ----

LOST = TAG + "lost"


def lost(redis, log, seq, lines, node=OTHER, wait=0):
    return call(redis, "lost", [W, log_key(log), LOST], node, seq, lines, 1000, wait)


def told(redis, log):
    return [text.split(" ", 4)[4] for text in texts(redis, log) if text.startswith("1 - 0 1 ")]


def test_what_a_dead_node_does_not_bring_back_is_told_once(redis, listener):
    say(redis, 1, "#a", node=OTHER)
    fence(redis, OTHER)
    listen(listener, "#a")
    assert lost(redis, "#a", 3, 12) == ["TOLD", "12"]
    assert told(redis, "#a") == ["5 F2:12"]
    first, second = stored(redis, "#a")
    assert frame(listener) == (log_key("#a"), first[0], *second)
    assert redis.command("HGET", W, log_key("#a")) == second[0]
    assert 0 < redis.command("TTL", LOST) <= 600
    for lines in (12, 15):
        assert lost(redis, "#a", 4, lines) == ["NONE", "0"]
    assert lost(redis, "#b", 3, 1) == ["NONE", "0"], "that log is gone"
    assert told(redis, "#a") == ["5 F2:12"]


def test_nothing_is_lost_while_its_writer_may_come(redis):
    say(redis, 1, "#a", node=OTHER)
    assert lost(redis, "#a", 3, 1) == ["WAIT", "0"]
    offer(redis, ME)
    fence(redis, OTHER)
    assert lost(redis, "#a", 3, 1) == ["WAIT", "0"], "it is being settled"
    settle_all(redis, offer(redis, ME, upto=0, step=1))
    assert lost(redis, "#a", 1, 1) == ["NONE", "0"], "it is there"
    assert lost(redis, "#a", 3, 1) == ["TOLD", "1"]


@pytest.mark.parametrize("reports, said", [
    ([(5, 3), (4, 2)], 3),
    ([(4, 2), (5, 3)], 3),
    ([(5, 0), (5, 3)], 3),
    ([(5, 3), (5, 0)], 3),
    ([(5, 3), (6, 0)], 0),
])
def test_who_saw_most_is_believed(redis, reports, said):
    say(redis, 1, "#a", node=OTHER)
    fence(redis, OTHER)
    for seq, lines in reports:
        assert lost(redis, "#a", seq, lines, wait=60_000) == ["WAIT", "0"]
    assert told(redis, "#a") == []
    assert lost(redis, "#a", 2, 1) == ["TOLD", str(said)]
    assert told(redis, "#a") == [f"4 F1:{said}"]
