"""Who said what, who saw what, and whether the two fit.

Senders number what they say ("s3:17"); the oracle counts, from the lines of every watcher:

  lost        a line that a living sender sent, or that anybody saw of a dead one, and that a
              living watcher did not see
  duplicated  a line that a watcher saw twice
  reordered   a line that a watcher saw before an earlier one of the same sender, or in another
              order than the other watchers
"""

import collections
import threading
import time

from .limits import TIMEOUT, wait_until


class Watch:
    """What one client saw of one room, taken from its lines as they come."""

    def __init__(self, client, room):
        self.client = client
        self.start = f"[{room}] <"
        self.looked_at = 0
        self.tokens = []  # "sender:number", in the order in which they came
        self.last = collections.Counter()  # highest number of each sender

    def update(self):
        end = len(self.client.lines)
        for line in self.client.lines[self.looked_at : end]:
            if line.startswith(self.start):
                nick, _, token = line[len(self.start) :].partition("> ")
                name, _, number = token.partition(":")
                if name == nick and number.isdecimal():
                    self.tokens.append(token)
                    self.last[name] = max(self.last[name], int(number))
        self.looked_at = end
        return self.tokens


class Oracle:
    """Senders and watchers are clients that were in the room before the first line."""

    def __init__(self, senders, watchers, room="#lobby"):
        self.sent = {sender.name: 0 for sender in senders}
        self.senders = list(senders)
        self.room = room
        self.watches = {client: Watch(client, room) for client in watchers}
        for sender in senders:
            self.watches.setdefault(sender, Watch(sender, room))

    def say(self, sender, count=1):
        first = self.sent[sender.name] + 1
        self.sent[sender.name] += count
        sender.send(*[f"{sender.name}:{n}" for n in range(first, first + count)])

    def total(self):
        return sum(self.sent.values())

    # ---- waiting ----

    def alive(self):
        return [watch for client, watch in self.watches.items() if not client.ended]

    def wait_delivered(self, timeout=TIMEOUT):
        """All that living senders sent has come to all living watchers."""

        def has_all(watch):
            watch.update()
            return all(watch.last[s.name] >= self.sent[s.name] for s in self.senders if not s.ended)

        try:
            wait_until(lambda: all(has_all(watch) for watch in self.alive()), timeout)
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
        everything = {client: watch.update() for client, watch in self.watches.items()}
        alive = [client for client in everything if not client.ended]
        must = self._must_have()
        for client, tokens in everything.items():
            self._judge_one(client, tokens, must if client in alive else {}, found)
        if alive and one_order:
            self._judge_order(everything, everything[alive[0]], found)
        return found

    def _must_have(self):
        """How many lines of each sender (they come as 1, 2, 3...) nobody who lives may miss:
        of a dead one those that anybody saw, the dead too."""
        seen = collections.Counter()
        for watch in self.watches.values():
            seen |= watch.last
        return {s.name: seen[s.name] if s.ended else self.sent[s.name] for s in self.senders}

    def _judge_one(self, client, tokens, must, found):
        next_of = collections.Counter()
        seen = set()
        for token in tokens:
            name, _, number = token.partition(":")
            if token in seen:
                found["duplicated"].append(f"{token} at {client.name}")
            elif int(number) < next_of[name]:
                found["reordered"].append(f"{token} at {client.name}")
            seen.add(token)
            next_of[name] = max(next_of[name], int(number) + 1)
        for name, count in must.items():
            for number in range(1, count + 1):
                if f"{name}:{number}" not in seen:
                    found["lost"].append(f"{name}:{number} at {client.name}")

    def _judge_order(self, everything, standard, found):
        place = {token: index for index, token in enumerate(standard)}
        for client, tokens in everything.items():
            places = [place[token] for token in tokens if token in place]
            for before, after in zip(places, places[1:]):
                if after < before:
                    found["reordered"].append(
                        f"{standard[after]} after {standard[before]} at {client.name}"
                    )
                    break

    def report(self, one_order=True):
        faults = self.faults(one_order)
        counts = ", ".join(f"{len(faults[k])} {k}" for k in ("lost", "duplicated", "reordered"))
        examples = "".join(f"\n  {kind}: {'; '.join(some[:5])}" for kind, some in faults.items() if some)
        return f"{self.total()} lines to {len(self.watches)} clients: {counts}{examples}"

    def check(self, one_order=True):
        """Fails unless 0 are lost, 0 duplicated, 0 reordered."""
        report = self.report(one_order)
        print(report)
        assert ": 0 lost, 0 duplicated, 0 reordered" in report, report


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
