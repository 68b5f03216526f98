"""The function library in a real Redis, function by function (src/backplane/parley.lua)."""

import random
from pathlib import Path

import pytest

from harness import Redis, wait_until
from harness.redis import Connection, RedisError

SOURCES = [
    Path(__file__).parents[2] / "src" / "backplane" / f"{name}.lua"
    for name in ("parley", "settle", "lost")
]
TAG = "t:{0.1}:"
W, ROOMS = TAG + "w", TAG + "rooms"
ME, OTHER = "node1", "node2"


def load(redis):
    head = "#!lua name=t1\nlocal lib = 't1'\n"
    text = "".join(source.read_text("utf-8") for source in SOURCES)
    return redis.command("FUNCTION", "LOAD", "REPLACE", head + text)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    redis = Redis(tmp_path_factory.mktemp("functions"))
    assert load(redis) == "t1"
    yield redis
    redis.close()


@pytest.fixture
def redis(server):
    server.flushall()
    server.command("CONFIG", "SET", "maxmemory", "0")
    yield server
    server.command("CONFIG", "SET", "maxmemory", "0")


@pytest.fixture
def listener(server):
    """Hears the frames of channels."""
    connection = Connection(server.port)
    yield connection
    connection.close()


def listen(listener, *logs):
    for log in logs:
        assert listener.command("SSUBSCRIBE", log_key(log))[0] == "ssubscribe"


def frame(listener):
    """(channel, prev, id, entry) of the next frame."""
    kind, channel, payload = listener._reply()
    assert kind == "smessage"
    return (channel, *payload.split(" ", 2))


def call(redis, function, keys, *args):
    return redis.command("FCALL", f"t1_{function}", len(keys), *keys, *args)


def log_key(log):
    return f"{TAG}l:{log}"


def members_key(log):
    return f"{TAG}m:{log}"


def state_key(log):
    return f"{TAG}s:{log}"


def in_key(node):
    return f"{TAG}in:{node}"


class Section:
    """One section of apply: what one node has to say in one partition."""

    def __init__(self, seq, prev=None, entries=(), touched=(), drops=(), era=""):
        self.seq = seq
        self.era = era
        self.prev = seq - 1 if prev is None else prev
        self.entries = list(entries)  # (log, entry)
        self.touched = list(touched)  # (log, [op, ...]), op = (letter, field, value)
        self.drops = list(drops)

    def keys(self, node):
        logs = [log_key(log) for log, _ in self.entries]
        hashes = [key(log) for log, _ in self.touched for key in (members_key, state_key)]
        return [W, ROOMS, in_key(node), *logs, *hashes]

    def args(self):
        logs = [log for log, _ in self.entries]
        words = [self.era, self.prev, self.seq, len(logs), len(self.touched), len(self.drops)]
        words += [entry for _, entry in self.entries]
        for log, ops in self.touched:
            words += [logs.index(log) + 1, log, len(ops)]
            words += [word for op in ops for word in op]
        return words + self.drops


def apply_all(redis, sections, node=ME, epoch="E1", maxlen=1000, ttl=600):
    """[status, text, epoch] for each section."""
    keys = [key for section in sections for key in section.keys(node)]
    args = [word for section in sections for word in section.args()]
    answers = call(redis, "apply", keys, node, epoch, maxlen, ttl, len(sections), *args)
    assert all(answer[3].lstrip("-").isdecimal() for answer in answers)
    return [answer[:3] for answer in answers]


def apply(redis, *args, node=ME, **kwargs):
    """One section, one answer."""
    options = {k: kwargs.pop(k) for k in ("epoch", "maxlen", "ttl") if k in kwargs}
    return apply_all(redis, [Section(*args, **kwargs)], node, **options)[0]


def say(redis, seq, log, text="hello", **options):
    return apply(redis, seq, entries=[(log, text)], **options)


def join(redis, seq, log, *members, node=ME, state=(), **options):
    ops = [("S", member, f"record of {member}") for member in members]
    ops += [("i", "name", log.upper()), *state]
    return apply(redis, seq, entries=[(log, "join")], touched=[(log, ops)], node=node, **options)


def leave(redis, seq, log, *members, drops=(), **options):
    ops = [("D", member, "") for member in members]
    return apply(redis, seq, entries=[(log, "leave")], touched=[(log, ops)], drops=drops, **options)


def stored(redis, log):
    return [(i, fields[1]) for i, fields in redis.command("XRANGE", log_key(log), "-", "+")]


def ttl(redis, key):
    return redis.command("TTL", key)


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


def fence(redis, node):
    """Returns when Redis believes that it was."""
    assert call(redis, "fence", [W], node) == "OK"
    number, zero = redis.hash(W)[f"i{node}"].split("-")
    assert zero == "0"
    return int(number)


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


def reap_step(redis, log, dead, cursor="0", removed=0, count=100, peace=0):
    keys = [W, ROOMS, log_key(log), members_key(log), state_key(log), in_key(dead)]
    words = [dead, f"gone {dead}", 1000, 600, cursor, count, removed, peace]
    return call(redis, "reap", keys, *words)


def reap(redis, log, dead):
    """All steps; returns how many they were and how many members they removed."""
    cursor, removed, steps = reap_step(redis, log, dead) + [1]
    while cursor != "0":
        cursor, removed = reap_step(redis, log, dead, cursor, removed)
        steps += 1
    return steps, removed


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


# ---- claim, release ----

NICK = TAG + "n:bob"


def notes(node):
    return f"{TAG}nk:{node}"


def claim(redis, owner, expected="", record="rec", seconds=600):
    return call(redis, "claim", [NICK, notes(owner.split("/")[0])], "bob", owner, record,
                seconds, expected)


def release(redis, owner):
    return call(redis, "release", [NICK, notes(owner.split("/")[0])], "bob", owner)


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

LEASE, NODES, CFG = TAG + "lease:" + ME, TAG + "nodes", TAG + "cfg"


def beat(redis, register, info="info", ttl_ms=15000):
    return call(redis, "beat", [LEASE, NODES, CFG], ME, ttl_ms, info, register)


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
