"""apply: what nodes say is taken once, in order, and the books are kept."""

import pytest

from harness.redis import RedisError
from library import (
    ME, OTHER, ROOMS, Section, TAG, W, apply, apply_all, call, fence, frame, in_key, join,
    leave, listen, log_key, members_key, say, state_key, stored, ttl,
)  # fmt: skip


# ---- apply: the sequence ----


def test_ok_appends_and_keeps_the_books(redis):
    status, ids, epoch = apply(redis, 1, entries=[("#a", "one"), ("#b", "two")])
    assert (status, epoch) == ("OK", "E1")
    first, second = ids.split(" ")
    assert stored(redis, "#a") == [(first, "one")]
    assert stored(redis, "#b") == [(second, "two")]
    assert redis.hash(W) == {
        ME: "1", f"i{ME}": ids, "@": "E1", log_key("#a"): first, log_key("#b"): second,
    }


def test_epoch_of_the_first_writer_stays(redis):
    assert say(redis, 1, "#a", epoch="E1")[2] == "E1"
    assert say(redis, 2, "#a", epoch="E2")[2] == "E1"
    assert say(redis, 1, "#a", node=OTHER, epoch="E3")[2] == "E1"
    assert redis.hash(W)["@"] == "E1"


def test_a_batch_sent_again_is_a_dup(redis):
    _, ids, _ = apply(redis, 1, entries=[("#a", "one"), ("#b", "two")])
    assert apply(redis, 1, entries=[("#a", "one"), ("#b", "two")]) == ["DUP", ids, "E1"]
    assert len(stored(redis, "#a")) == 1
    _, later, _ = say(redis, 2, "#a")
    assert say(redis, 2, "#a") == ["DUP", later, "E1"]
    assert say(redis, 3, "#a")[0] == "OK"


@pytest.mark.parametrize("seq, prev", [(4, 3), (1, 0), (9, None), (3, 0)])
def test_a_hole_in_the_sequence_is_a_gap(redis, seq, prev):
    say(redis, 1, "#a")
    say(redis, 2, "#a")
    assert say(redis, seq, "#a", prev=prev) == ["GAP", "2", "E1"]
    assert len(stored(redis, "#a")) == 2


def test_a_gap_in_an_empty_partition(redis):
    assert say(redis, 8, "#a") == ["GAP", "0", ""]
    assert redis.command("DBSIZE") == 0


def test_numbers_may_be_skipped_on_purpose(redis):
    assert say(redis, 8, "#a", prev=0)[0] == "OK"
    assert say(redis, 20, "#a", prev=8)[0] == "OK"
    assert redis.hash(W)[ME] == "20"


def test_nodes_count_apart(redis):
    assert say(redis, 1, "#a")[0] == "OK"
    assert say(redis, 1, "#a", node=OTHER)[0] == "OK"
    assert say(redis, 2, "#a", node=OTHER)[0] == "OK"
    assert say(redis, 2, "#a")[0] == "OK"


def test_a_section_without_logs_moves_the_sequence(redis):
    assert apply(redis, 1) == ["OK", "", "E1"]
    assert apply(redis, 1) == ["DUP", "", "E1"]
    assert apply(redis, 3) == ["GAP", "1", "E1"]
    assert redis.hash(W) == {ME: "1", f"i{ME}": "", "@": "E1"}


def test_a_node_that_never_wrote_can_be_fenced(redis):
    before = int(redis.command("TIME")[0])
    since = fence(redis, ME)
    assert say(redis, 1, "#a") == ["FENCED", "X0", ""]
    assert redis.hash(W) == {ME: "X0", f"i{ME}": f"{since}-0"}
    assert before <= since / 1000 <= int(redis.command("TIME")[0]) + 1


def test_a_fenced_node_is_refused(redis):
    join(redis, 1, "#a", f"{ME}/1")
    since = fence(redis, ME)
    assert fence(redis, ME) == since
    assert redis.hash(W)[ME] == "X1"
    for seq in (1, 2, 7):
        assert say(redis, seq, "#a") == ["FENCED", "X1", "E1"]
    assert len(stored(redis, "#a")) == 1
    assert say(redis, 1, "#a", node=OTHER)[0] == "OK"


# ---- apply: frames ----


def test_frames_chain_every_entry_to_the_one_before(redis, listener):
    listen(listener, "#a", "#b")
    say(redis, 1, "#a", "one")
    apply(redis, 2, entries=[("#b", "two"), ("#a", "three")])
    say(redis, 1, "#a", "four", node=OTHER)
    frames = [frame(listener) for _ in range(4)]
    assert [(f[0], f[3]) for f in frames] == [
        (log_key("#a"), "one"), (log_key("#b"), "two"), (log_key("#a"), "three"),
        (log_key("#a"), "four"),
    ]
    chain = [(prev, number) for channel, prev, number, _ in frames if channel == log_key("#a")]
    assert chain[0][0] == "0-0"
    assert [prev for prev, _ in chain[1:]] == [number for _, number in chain[:-1]]
    assert [number for _, number in chain] == [number for number, _ in stored(redis, "#a")]
    assert frames[1][1] == "0-0"


def test_refused_batches_publish_nothing(redis, listener):
    listen(listener, "#a")
    say(redis, 1, "#a", "one")
    say(redis, 1, "#a", "again")
    say(redis, 5, "#a", "too early")
    call(redis, "fence", [W], OTHER)
    say(redis, 1, "#a", "fenced", node=OTHER)
    say(redis, 2, "#a", "two")
    assert [frame(listener)[3] for _ in range(2)] == ["one", "two"]


def test_any_bytes_travel_unchanged(redis, listener):
    every = bytes(range(256)) * 3
    log, member = b"#\xff \n'".decode("latin-1"), ME + "/1"
    listen(listener, log)
    value = every.decode("utf-8", "surrogateescape")
    ops = [("S", member, every), ("s", "topic", every), ("s", "name", every)]
    apply(redis, 1, entries=[(log, every)], touched=[(log, ops)])
    assert frame(listener)[3] == value
    assert stored(redis, log)[0][1] == value
    assert redis.hash(members_key(log)) == {member: value}
    assert redis.hash(state_key(log)) == {"topic": value, "name": value}
    assert redis.hash(ROOMS) == {log: f"1 {value}\n{value}"}


# ---- apply: history ----


@pytest.mark.parametrize("maxlen, atleast", [(0, 64), (10, 64), (1000, 1000)])
def test_history_is_bounded_but_never_too_short(redis, maxlen, atleast):
    seq = 0
    for _ in range(30):
        sections = []
        for _ in range(50):
            seq += 1
            sections.append(Section(seq, entries=[("#a", "x" * 50)]))
        apply_all(redis, sections, maxlen=maxlen)
    # "MAXLEN ~" lets go of whole nodes of 100 entries.
    assert atleast <= redis.command("XLEN", log_key("#a")) <= atleast + 110


# ---- apply: rooms ----


def test_a_join_fills_the_books(redis):
    assert join(redis, 1, "#a", f"{ME}/1")[0] == "OK"
    assert redis.hash(members_key("#a")) == {f"{ME}/1": f"record of {ME}/1"}
    assert redis.hash(state_key("#a")) == {"name": "#A"}
    assert redis.hash(ROOMS) == {"#a": "1 #A\n"}
    assert redis.hash(in_key(ME)) == {"#a": "1"}
    assert ttl(redis, log_key("#a")) == ttl(redis, state_key("#a")) == -1


def test_init_does_not_overwrite(redis):
    join(redis, 1, "#a", f"{ME}/1")
    ops = [("i", "name", "#other"), ("i", "mode", "nt"), ("i", "mode", "no")]
    apply(redis, 2, entries=[("#a", "x")], touched=[("#a", ops)])
    assert redis.hash(state_key("#a")) == {"name": "#A", "mode": "nt"}


@pytest.mark.parametrize("ops, left", [
    ([("s", "f", "1"), ("s", "f", "2")], {"f": "2"}),
    ([("s", "f", "1"), ("d", "f", "")], {}),
    ([("d", "f", ""), ("s", "f", "1")], {"f": "1"}),
    ([("d", "f", ""), ("i", "f", "1")], {"f": "1"}),
    ([("i", "f", "1"), ("s", "f", "2")], {"f": "2"}),
    ([("s", "f", "2"), ("i", "f", "1")], {"f": "2"}),
    ([("i", "f", "1"), ("d", "f", "")], {}),
    ([("i", "f", "1")], {"f": "old"}),
    ([], {"f": "old"}),
])
def test_the_last_op_on_a_field_of_the_state_counts(redis, ops, left):
    apply(redis, 1, entries=[("#a", "x")], touched=[("#a", [("s", "f", "old")])])
    apply(redis, 2, entries=[("#a", "x")], touched=[("#a", ops)])
    assert redis.hash(state_key("#a")) == left


@pytest.mark.parametrize("ops, left", [
    ([("S", "n/2", "a"), ("D", "n/2", "")], 1),
    ([("D", "n/1", ""), ("S", "n/1", "b")], 1),
    ([("D", "n/1", ""), ("D", "n/1", "")], 0),
    ([("D", "n/7", "")], 1),
    ([("S", "n/1", "c"), ("S", "n/2", "d")], 2),
])
def test_the_last_op_on_a_member_counts(redis, ops, left):
    join(redis, 1, "#a", "n/1")
    apply(redis, 2, entries=[("#a", "x")], touched=[("#a", ops)])
    assert redis.command("HLEN", members_key("#a")) == left
    assert redis.hash(ROOMS) == ({"#a": f"{left} #A\n"} if left else {})


def test_the_index_shows_name_and_topic(redis):
    join(redis, 1, "#a", f"{ME}/1", f"{ME}/2", state=[("s", "topic", "tea\nand cake")])
    assert redis.hash(ROOMS) == {"#a": "2 #A\ntea\nand cake"}
    apply(redis, 2, entries=[("#a", "x")], touched=[("#a", [("d", "topic", "")])])
    assert redis.hash(ROOMS) == {"#a": "2 #A\n"}
    apply(redis, 3, entries=[("#a", "x")], touched=[("#a", [("d", "name", "")])])
    assert redis.hash(ROOMS) == {"#a": "2 #a\n"}


def test_the_last_leave_lets_the_room_expire_and_a_join_keeps_it(redis):
    join(redis, 1, "#a", f"{ME}/1")
    leave(redis, 2, "#a", f"{ME}/1", drops=["#a"])
    assert redis.hash(ROOMS) == redis.hash(in_key(ME)) == redis.hash(members_key("#a")) == {}
    assert 590 <= ttl(redis, log_key("#a")) <= 600
    assert 590 <= ttl(redis, state_key("#a")) <= 600
    join(redis, 3, "#a", f"{ME}/1", f"{ME}/2")  # two at once are a first join, too
    assert ttl(redis, log_key("#a")) == ttl(redis, state_key("#a")) == -1
    leave(redis, 4, "#a", f"{ME}/2")
    assert ttl(redis, log_key("#a")) == -1
    assert redis.hash(in_key(ME)) == {"#a": "1"}


def test_a_touch_without_ops_lets_a_log_without_members_expire(redis):
    apply(redis, 1, entries=[("inbox", "x")], touched=[("inbox", [])], ttl=60)
    assert 50 <= ttl(redis, log_key("inbox")) <= 60


def test_a_time_to_live_of_nothing_deletes_the_room(redis):
    join(redis, 1, "#a", f"{ME}/1")
    leave(redis, 2, "#a", f"{ME}/1", drops=["#a"], ttl=0)
    assert redis.command("EXISTS", log_key("#a"), state_key("#a")) == 0


def test_ops_belong_to_the_log_that_they_name(redis):
    entries = [("#a", "1"), ("#b", "2"), ("#c", "3")]
    touched = [("#c", [("S", "n/3", "")]), ("#a", [("S", "n/1", "")])]
    apply(redis, 1, entries=entries, touched=touched)
    assert set(redis.hash(ROOMS)) == set(redis.hash(in_key(ME))) == {"#a", "#c"}
    assert list(redis.hash(members_key("#c"))) == ["n/3"]
    leave(redis, 2, "#c", "n/3", drops=["#c"])
    assert ttl(redis, log_key("#c")) > 0 and ttl(redis, log_key("#a")) == -1


def test_many_ops_in_one_call(redis):
    members = [f"{ME}/{number}" for number in range(5000)]
    join(redis, 1, "#a", *members)
    assert redis.command("HLEN", members_key("#a")) == 5000
    leave(redis, 2, "#a", *members[1:])
    assert redis.hash(ROOMS) == {"#a": "1 #A\n"}


def test_as_many_logs_as_a_section_may_have(redis):
    entries = [(f"#{number}", f"entry {number}") for number in range(128)]
    touched = [(log, [("S", "n/1", ""), ("i", "name", log)]) for log, _ in entries]
    status, ids, _ = apply(redis, 1, entries=entries, touched=touched)
    assert status == "OK" and len(ids.split(" ")) == 128
    assert len(redis.hash(ROOMS)) == len(redis.hash(in_key(ME))) == 128
    with pytest.raises(RedisError, match="too many logs"):
        apply(redis, 2, entries=[*entries, ("#x", "x")])
    assert redis.hash(W)[ME] == "1"


def test_several_sections_in_one_call(redis):
    """On one server a call carries many partitions; here the other ones are made up."""
    tags = ["t:{5.3}:", "t:{9.9}:", TAG]
    keys, args = [], []
    for number, tag in enumerate(tags):
        section = Section(1, entries=[("#a", f"entry {number}")],
                          touched=[("#a", [("S", "n/1", tag)])], drops=["#z"])
        keys += [key.replace(TAG, tag) for key in section.keys(ME)]
        args += section.args()
    redis.command("HSET", "t:{9.9}:w", ME, "1", f"i{ME}", "7-7", "@", "old")
    answers = call(redis, "apply", keys, ME, "E1", 1000, 600, 3, *args)
    assert [answer[0] for answer in answers] == ["OK", "DUP", "OK"]
    assert answers[1][1:3] == ["7-7", "old"]
    assert [answer[2] for answer in answers] == ["E1", "old", "E1"]
    assert redis.hash("t:{5.3}:m:#a") == {"n/1": "t:{5.3}:"}
    assert redis.hash("t:{9.9}:m:#a") == {}
    assert stored(redis, "#a")[0][1] == "entry 2"


@pytest.mark.parametrize("break_it", [
    lambda keys, args: (keys[:-1], args),
    lambda keys, args: (keys + ["extra"], args),
    lambda keys, args: (keys, args + ["extra"]),
    lambda keys, args: (keys, args[:-1]),
    lambda keys, args: (keys, args[:4] + ["x"] + args[5:]),
])
def test_a_malformed_call_changes_nothing(redis, break_it):
    section = Section(1, entries=[("#a", "x")], touched=[("#a", [("S", "n/1", "")])], drops=["#a"])
    args = [ME, "E1", 1000, 600, 1, *section.args()]
    keys, args = break_it(section.keys(ME), args)
    with pytest.raises(RedisError):
        call(redis, "apply", keys, *args)
    assert redis.command("DBSIZE") == 0
