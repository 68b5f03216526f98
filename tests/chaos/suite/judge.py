"""What a run came to."""

import collections
import dataclasses
import datetime
import itertools
import re

from harness import members, wait_until
from harness.oracle import KINDS, judge_sequence, sender_of
from harness.redis import RedisError

SETTLE_SECONDS = 120  # only ever an upper bound
AWAY = re.compile(r"^(\S+Z) \w+ backplane_away ", re.MULTILINE)
HISTORY = re.compile(r"^\[(#\S+) \S+\] <(\S+)> (\S+:\d+)(?: |$)")
MISSING = re.compile(r"^\* Some lines of (#\S+) are missing here\.$")
TOKEN = re.compile(r"^\S+:\d+$")
LOST = r"^\* (\d+|Some) lines? (was|were) lost in a failure of the backplane\.$"
ABOUT_OTHERS = r"^\* \S+ (quit|left|joined|is now)\b"


@dataclasses.dataclass
class Verdict:
    case: str
    server: str
    lines: int = 0
    clients: int = 0
    live: dict = dataclasses.field(default_factory=dict)  # lost, duplicated, reordered: how many
    history: dict = dataclasses.field(default_factory=dict)
    told: int = 0  # lines that did not come, of which somebody was told
    worst_delay: float = 0.0
    silence: float = 0.0
    noticed: float | None = None
    healed: float | None = None
    disconnected: int = 0
    notes: list = dataclasses.field(default_factory=list)
    wrong: list = dataclasses.field(default_factory=list)


# ---- what Redis keeps ----


def items_of(entry):
    """(type, fields) of an entry of a log (docs/REDIS.md)."""
    _, _, _, count, rest = entry.split(" ", 4)
    for _ in range(int(count)):
        length, _, rest = rest.partition(" ")
        item, rest = rest[: int(length)], rest[int(length) :]
        kind, tail, fields = item[0], item[1:], []
        while tail:
            size, _, tail = tail.partition(":")
            fields.append(tail[: int(size)])
            tail = tail[int(size) :]
        yield kind, fields


def logged_tokens(redis, room):
    """What was said in a room according to its log: once with each batch of a writer as it
    came first, and once with each line as it came last. (What was published again although
    it was there stands there twice; who reads a piece from the end meets the later one.)"""
    keys = [key for key in redis.keys("parley:*:l:*") if key.endswith(f":l:{room}")]
    tokens, latest, applied = [], {}, collections.Counter()
    for _, fields in redis.command("XRANGE", keys[0], "-", "+") if keys else []:
        try:
            _, node, seq, _ = fields[1].split(" ", 3)
            items = list(items_of(fields[1]))
        except (ValueError, IndexError):
            continue  # what a test put there
        said = [f[3].split(" ")[0] for kind, f in items if kind == "M" and len(f) > 3]
        said = [text for text in said if TOKEN.match(text)]
        for token in said:
            latest.pop(token, None)
            latest[token] = True
        if node != "-" and int(seq) <= applied[node]:
            continue
        applied[node] = int(seq)
        tokens += said
    return tokens, list(latest)


def stored_members(redis, room):
    keys = [key for key in redis.keys("parley:*:m:*") if key.endswith(f":m:{room}")]
    return sorted(len(redis.hash(key)) for key in keys)


# ---- judging ----


def _difference(told, expected):
    """Where two lists part."""
    pairs = itertools.zip_longest(told, expected)
    index = next((n for n, (one, other) in enumerate(pairs) if one != other), len(expected))
    return f"from {index} on {told[index : index + 5]}, not {expected[index : index + 5]}"


class Judge:
    def __init__(self, run, server):
        self.run = run
        self.verdict = Verdict(run.case.name, server, notes=run.notes)
        self.found = collections.defaultdict(list)

    def settle(self):
        """Everything that will come has come, and everybody agrees who is where."""
        run = self.run
        wait_until(
            lambda: all(self._is_calm(node) for node in run.living_nodes()),
            SETTLE_SECONDS,
            "all nodes have heard everything",
        )
        try:
            if not run.case.may_miss:
                run.oracle.wait_delivered(SETTLE_SECONDS)
            for person in run.living():
                person.settle(SETTLE_SECONDS)
        except AssertionError as error:
            self.wrong(f"{error}")

    @staticmethod
    def _is_calm(node):
        metrics = node.admin.metrics()
        return metrics["redis_available"] == 1 and metrics["held_bytes"] == 0

    def wrong(self, text):
        self.verdict.wrong.append(text)

    def judge(self):
        self.settle()
        self.judge_live()
        self.judge_history()
        self.judge_people()
        self.measure()
        return self.verdict

    def judge_live(self):
        oracle, case = self.run.oracle, self.run.case
        faults = oracle.faults()
        if case.may_miss:
            faults["lost"] = [text for text in faults["lost"] if not self._was_told(text)]
        given_up = oracle.given_up()
        if given_up:
            self.verdict.told += len(given_up)
            stored = len(given_up & oracle.echoed())
            self.verdict.notes += [f"{stored} told although they were stored"] if stored else []
            if not case.refuses:
                self.wrong(f"lines were given up: {sorted(given_up)[:5]}")
        self.verdict.live = {kind: len(faults[kind]) for kind in KINDS}
        if not case.one_order:
            faults["reordered"] = oracle.faults(one_order=False)["reordered"]
        for kind in KINDS:
            if faults[kind]:
                self.wrong(f"{len(faults[kind])} {kind}: {'; '.join(faults[kind][:5])}")

    def _was_told(self, text):
        """"p1:17 at p5": p5 knows that something is missing in the room of p1."""
        token, _, name = text.partition(" at ")
        room = self.run.oracle.room_of[sender_of(token)]
        person = next(p for p in self.run.people if p.name == name)
        told = any(m and m.group(1) == room for m in map(MISSING.match, person.lines))
        self.verdict.told += told
        return told

    def judge_history(self):
        run = self.run
        found = collections.defaultdict(list)
        echoed = run.oracle.echoed()
        for room in run.rooms:
            tokens, latest = logged_tokens(run.redis, room)
            stored = judge_sequence(tokens, f"in the log of {room}", found)
            self._tell_apart(stored)
            if run.case.keeps_log:
                mine = {t for t in echoed if run.oracle.room_of[sender_of(t)] == room}
                found["lost"] += [f"{token} in the log" for token in sorted(mine - stored)]
            self._compare_histories(room, tokens, latest)
        self.verdict.history = {kind: len(found[kind]) for kind in KINDS}
        for kind in KINDS:
            if found[kind]:
                self.wrong(f"history: {len(found[kind])} {kind}: {'; '.join(found[kind][:5])}")

    def _tell_apart(self, stored):
        """Of lines that nobody saw: were they stored?"""
        unseen = {t for t in self.run.oracle.must_have() if t not in self.run.oracle.echoed()}
        if unseen & stored:
            self.wrong(f"stored, but seen by nobody: {sorted(unseen & stored)[:5]}")

    def _compare_histories(self, room, expected, latest):
        """What /history says, on all nodes."""
        for person in self.run.one_of_each_node():
            answer = person.ask(f"/room {room}", "/history 100")
            told = [m.group(3) for m in map(HISTORY.match, answer) if m and m.group(1) == room]
            ends = [some[len(some) - len(told) :] for some in (expected, latest)]
            if told not in ends or (expected and not told):
                self.wrong(
                    f"/history of {room} at {person.node.name} differs from the log:"
                    f" {_difference(told, ends[0])}"
                )

    def judge_people(self):
        """Nobody was cut off, nobody heard of it, and all lists are the same."""
        run = self.run
        living = run.living()
        ended = [person.name for person in living if person.ended]
        self.verdict.disconnected = len(ended)
        if ended:
            self.wrong(f"disconnected: {', '.join(ended)}")
        for person in living:
            lines = [] if run.case.people_change else person.seen(ABOUT_OTHERS)
            lines += [line for line in person.seen("^! ") if not run.case.refuses]
            if lines:
                self.wrong(f"{person.name} was told: {'; '.join(lines[:3])}")
            if bool(person.seen(LOST)) != run.case.loses:
                self.wrong(f"{person.name} was told of lost lines: {person.seen(LOST)[:3]}")
        names = sorted(person.name for person in living)
        for room in run.rooms:
            self._judge_members(room, names)

    def _judge_members(self, room, names):
        run = self.run
        for person in run.one_of_each_node():
            try:
                wait_until(lambda: members(person, room) == names, 60)
            except AssertionError:
                self.wrong(f"{room} at {person.node.name}: {members(person, room)}, not {names}")
        try:
            wait_until(lambda: self._quietly(room) == [len(names)], 60)
        except AssertionError:
            self.wrong(f"{room} in Redis: {self._quietly(room)} members, not {len(names)}")

    def _quietly(self, room):
        try:
            return stored_members(self.run.redis, room)
        except (OSError, RedisError):
            return None

    # ---- measuring ----

    def measure(self):
        run, oracle, verdict = self.run, self.run.oracle, self.verdict
        verdict.lines = oracle.total()
        verdict.clients = len(oracle.watches)
        verdict.worst_delay = oracle.worst_delay()
        verdict.silence = oracle.longest_silence()
        if run.mended_at is not None:
            verdict.healed = oracle.healed_after(run.mended_at)
        if run.broken_at is not None:
            verdict.noticed = self._noticed(run.broken_at[1])

    def _noticed(self, broken_at):
        """Until the last of the nodes that noticed had."""
        worst = None
        for node in self.run.living_nodes():
            times = [datetime.datetime.fromisoformat(t).timestamp() for t in AWAY.findall(node.log())]
            later = [t - broken_at for t in times if t >= broken_at]
            if later:
                worst = max(worst or 0, min(later))
        return worst
