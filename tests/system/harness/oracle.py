"""Who said what, who saw what, and whether the two fit.

Senders number what they say ("s3:17"), each in one room; the oracle counts, from the lines of
every watcher:

  lost        a line that a living sender sent, or that anybody saw of a dead one, and that a
              living watcher did not see; not those of which the sender was told that they
              were given up
  duplicated  a line that a watcher saw twice
  reordered   a line that a watcher saw before an earlier one of the same sender, or in another
              order than the other watchers saw the lines of that room
"""

import collections
import re
import threading
import time

from .limits import TIMEOUT, wait_until

SAID = re.compile(r"^\[(#\S+)\] <(\S+)> (\S+:\d+)(?: |$)")
GIVEN_UP = re.compile(r'^! Not sent, the backplane is away: "(\S+:\d+)[ ".]')
KINDS = ("lost", "duplicated", "reordered")


def number_of(token):
    return int(token.rpartition(":")[2])


def sender_of(token):
    return token.rpartition(":")[0]


def judge_sequence(tokens, where, found):
    """One reader's tokens: none twice, each sender's in order."""
    next_of = collections.Counter()
    seen = set()
    for token in tokens:
        name, number = sender_of(token), number_of(token)
        if token in seen:
            found["duplicated"].append(f"{token} {where}")
        elif number < next_of[name]:
            found["reordered"].append(f"{token} {where}")
        seen.add(token)
        next_of[name] = max(next_of[name], number + 1)
    return seen


class Watch:
    """What one client saw, taken from its lines as they come."""

    def __init__(self, client, room_of):
        self.client = client
        self.room_of = room_of  # sender's name -> room
        self.looked_at = 0
        self.reads = 0  # how many of the client's arrivals were looked at
        self.tokens = []  # "sender:number", in the order in which they came
        self.times = []  # when
        self.last = collections.Counter()  # highest number of each sender
        self.given_up = set()  # own tokens

    def update(self):
        arrivals = self.client.arrivals
        for index in range(self.reads, len(arrivals)):
            when, end = arrivals[index]
            for line in self.client.lines[self.looked_at : end]:
                self._take(line, when)
            self.looked_at = end
            self.reads = index + 1
        return self.tokens

    def _take(self, line, when):
        if line[0] == "!" and (told := GIVEN_UP.match(line)):
            self.given_up.add(told.group(1))
        if line[0] == "[" and (said := SAID.match(line)):
            room, nick, token = said.groups()
            if sender_of(token) == nick and self.room_of.get(nick) == room:
                self.tokens.append(token)
                self.times.append(when)
                self.last[nick] = max(self.last[nick], number_of(token))


class Oracle:
    """Senders and watchers are clients that were in all rooms before the first line; each
    sender's current room is that of `rooms` (sender -> room), or `room` for all."""

    def __init__(self, senders, watchers, room="#lobby", rooms=None):
        self.sent = {sender.name: 0 for sender in senders}
        self.sent_at = {sender.name: [] for sender in senders}
        self.senders = list(senders)
        self.room = room
        self.room_of = {s.name: rooms[s] if rooms else room for s in senders}
        self.padding = ""  # behind each number
        self._saying = threading.Lock()
        self.watches = {}
        for client in [*watchers, *senders]:
            self.watches.setdefault(client, Watch(client, self.room_of))

    def say(self, sender, count=1):
        end = f" {self.padding}" if self.padding else ""
        with self._saying:  # a Load may say something too
            first = self.sent[sender.name] + 1
            self.sent[sender.name] += count
            self.sent_at[sender.name] += [time.monotonic()] * count
            sender.send(*[f"{sender.name}:{n}{end}" for n in range(first, first + count)])

    def total(self):
        return sum(self.sent.values())

    # ---- waiting ----

    def alive(self):
        return [watch for client, watch in self.watches.items() if not client.ended]

    def given_up(self):
        return set().union(*[watch.given_up for watch in self.watches.values()])

    def _last_due(self, sender):
        """Number of the last line of a sender that was not given up."""
        number, gone = self.sent[sender.name], self.watches[sender].given_up
        while number and f"{sender.name}:{number}" in gone:
            number -= 1
        return number

    def wait_delivered(self, timeout=TIMEOUT):
        """All that living senders sent has come to all living watchers."""

        def has_all():
            for watch in self.watches.values():
                watch.update()
            due = {s.name: self._last_due(s) for s in self.senders if not s.ended}
            return all(w.last[name] >= n for w in self.alive() for name, n in due.items())

        try:
            wait_until(has_all, timeout)
        except AssertionError as error:
            raise AssertionError(f"{self.report()}\n{error}") from None

    def settle(self, timeout=TIMEOUT):
        """Also of dead senders nothing more comes to anybody."""
        self.wait_delivered(timeout)
        for watch in self.alive():
            watch.client.settle(timeout)

    # ---- judging ----

    def faults(self, one_order=True):
        """Lists of what is wrong, by kind. one_order=False: only the order of each sender's
        lines counts, not that all clients see the lines of all in one order."""
        found = collections.defaultdict(list)
        everything = {client: list(watch.update()) for client, watch in self.watches.items()}
        alive = [client for client in everything if not client.ended]
        must = self.must_have()
        for client, tokens in everything.items():
            seen = judge_sequence(tokens, f"at {client.name}", found)
            if client in alive:
                found["lost"] += [f"{token} at {client.name}" for token in must if token not in seen]
        if alive and one_order:
            for room in set(self.room_of.values()):
                self._judge_order(room, everything, everything[alive[0]], found)
        return found

    def must_have(self):
        """The lines that nobody who lives may miss: of a dead sender those that anybody saw,
        the dead too."""
        seen = collections.Counter()
        for watch in self.watches.values():
            seen |= watch.last
        gone = self.given_up()
        due = {s.name: seen[s.name] if s.ended else self.sent[s.name] for s in self.senders}
        every = (f"{name}:{n}" for name, count in due.items() for n in range(1, count + 1))
        return [token for token in every if token not in gone]

    def echoed(self):
        """Every line that anybody saw."""
        return set().union(*[watch.update() for watch in self.watches.values()])

    def _judge_order(self, room, everything, standard, found):
        def of_room(tokens):
            return [token for token in tokens if self.room_of[sender_of(token)] == room]

        standard = of_room(standard)
        place = {token: index for index, token in enumerate(standard)}
        for client, tokens in everything.items():
            places = [place[token] for token in of_room(tokens) if token in place]
            for before, after in zip(places, places[1:]):
                if after < before:
                    found["reordered"].append(
                        f"{standard[after]} after {standard[before]} at {client.name}"
                    )
                    break

    def report(self, one_order=True):
        faults = self.faults(one_order)
        counts = ", ".join(f"{len(faults[kind])} {kind}" for kind in KINDS)
        examples = "".join(f"\n  {kind}: {'; '.join(some[:5])}" for kind, some in faults.items() if some)
        return f"{self.total()} lines to {len(self.watches)} clients: {counts}{examples}"

    def check(self, one_order=True):
        """Fails unless 0 are lost, 0 duplicated, 0 reordered."""
        report = self.report(one_order)
        print(report)
        assert ": 0 lost, 0 duplicated, 0 reordered" in report, report

    # ---- measuring (seconds) ----

    def worst_delay(self):
        """From saying a line to the last watcher's seeing it."""
        worst = 0
        for watch in self.watches.values():
            for token, when in zip(watch.tokens, watch.times):
                said = self.sent_at[sender_of(token)][number_of(token) - 1]
                worst = max(worst, when - said)
        return worst

    def longest_silence(self):
        """During which a living watcher saw nothing in a room, between first and last line."""
        worst = 0
        for watch in self.alive():
            last = {}
            for token, when in zip(watch.tokens, watch.times):
                room = self.room_of[sender_of(token)]
                worst = max(worst, when - last.get(room, when))
                last[room] = when
        return worst

    def healed_after(self, moment):
        """From then until each living watcher had seen a line said since by each living
        sender."""
        worst = 0
        senders = {s.name for s in self.senders if not s.ended}
        for watch in self.alive():
            first = {}
            for token, when in zip(watch.tokens, watch.times):
                name = sender_of(token)
                if self.sent_at[name][number_of(token) - 1] >= moment:
                    first.setdefault(name, when)
            worst = max([worst, *[when - moment for name, when in first.items() if name in senders]])
        return worst


class Load:
    """Lines of all senders at a rate, from a thread, while the test does something else."""

    def __init__(self, oracle, lines_per_second):
        self.oracle = oracle
        self.pause = len(oracle.senders) / lines_per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def _run(self):
        due = time.monotonic()
        while not self._stop.is_set():
            for sender in self.oracle.senders:
                if not sender.ended:
                    self.oracle.say(sender)
            due += self.pause
            self._stop.wait(max(0, due - time.monotonic()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(TIMEOUT)

    def run_until_said(self, count):
        """Wait until so many more lines have been said."""
        goal = self.oracle.total() + count
        wait_until(lambda: self.oracle.total() >= goal, what=f"{count} more lines are said")
