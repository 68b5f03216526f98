"""Calls of the functions as the nodes make them (src/backplane/*.lua)."""

from pathlib import Path

SOURCES = [
    Path(__file__).parents[3] / "src" / "backplane" / f"{name}.lua"
    for name in ("parley", "settle", "lost")
]
TAG = "t:{0.1}:"
W, ROOMS = TAG + "w", TAG + "rooms"
ME, OTHER = "node1", "node2"


def load(redis):
    head = "#!lua name=t1\nlocal lib = 't1'\n"
    text = "".join(source.read_text("utf-8") for source in SOURCES)
    return redis.command("FUNCTION", "LOAD", "REPLACE", head + text)


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


def fence(redis, node):
    """Returns when Redis believes that it was."""
    assert call(redis, "fence", [W], node) == "OK"
    number, zero = redis.hash(W)[f"i{node}"].split("-")
    assert zero == "0"
    return int(number)


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


NICK = TAG + "n:bob"


def notes(node):
    return f"{TAG}nk:{node}"


def claim(redis, owner, expected="", record="rec", seconds=600):
    return call(redis, "claim", [NICK, notes(owner.split("/")[0])], "bob", owner, record,
                seconds, expected)


def release(redis, owner):
    return call(redis, "release", [NICK, notes(owner.split("/")[0])], "bob", owner)


LEASE, NODES, CFG = TAG + "lease:" + ME, TAG + "nodes", TAG + "cfg"


def beat(redis, register, info="info", ttl_ms=15000):
    return call(redis, "beat", [LEASE, NODES, CFG], ME, ttl_ms, info, register)
