"""What is to be reached, and whether it was.

Each row of BARS: the case, what is measured, the bar in words, and a function of the cases that
gives (what was measured in words, reached) or raises LookupError when they do not tell.
"""


class Cases:
    """Looks numbers up; raises LookupError where there are none."""

    def __init__(self, cases):
        self.cases = cases

    def get(self, case, label, figure):
        return self.cases[case]["contenders"][label]["figures"][figure]

    def labels(self, case, prefix):
        return [one for one in self.cases[case]["contenders"] if one.startswith(prefix)]

    def worst(self, case):
        """The lowest of the relay's protocols, in deliveries per CPU-second of the ceiling."""
        ratios = {}
        for label in ("relay", "relay, IRC", "relay, IRC with tags"):
            try:
                ratios[label] = self.ratio(case, label, "ceiling", "per_cpu_s")
            except LookupError:
                continue
        if not ratios:
            raise LookupError(case)
        words = ", ".join(
            f"{label.removeprefix('relay, ').replace('relay', 'line')} {ratio:.2f}"
            for label, ratio in ratios.items()
        )
        return min(ratios.values()), f"{words} x ceiling"

    def relay(self, case):
        """The relay as it compares with IRC servers: by IRC where it speaks it."""
        here = self.cases[case]["contenders"]
        name = "relay, IRC"
        return name if here.get(name, {}).get("figures") else "relay"

    def ratio(self, case, one, other, figure, other_figure=None):
        return self.get(case, one, figure) / self.get(case, other, other_figure or figure)


def times(value):
    return f"{value:.2f} x"


def by(label):
    return "by IRC" if "IRC" in label else "line protocol"


def saturated_room(c):
    to_ceiling, words = c.worst("fan1k")
    name = c.relay("fan1k")
    to_peer = c.ratio("fan1k", name, "InspIRCd", "per_cpu_s_all", "per_cpu_s")
    words = f"{words}; with Redis {times(to_peer)} InspIRCd ({by(name)})"
    return words, to_ceiling >= 0.75 and to_peer >= 1.4


def steady_room(c):
    value, words = c.worst("fan1k-50k")
    return words, value >= 0.9


def saturated_pairs(c):
    name = c.relay("pairs")
    alone = c.ratio("pairs", name, "InspIRCd", "per_cpu_s")
    both = c.ratio("pairs", name, "InspIRCd", "per_cpu_s_all", "per_cpu_s")
    words = f"{times(alone)} InspIRCd; with Redis {times(both)} ({by(name)})"
    return words, alone >= 1.0 and both >= 0.4


def steady_pairs(c):
    name = c.relay("pairs-20k")
    mine, other = c.get("pairs-20k", name, "p99_ms"), c.get("pairs-20k", "InspIRCd", "p99_ms")
    rate = c.get("pairs-20k", name, "messages_per_s")
    words = f"p99 {mine:.1f} ms at {rate:,.0f}/s ({by(name)}); InspIRCd {other:.1f} ms"
    return words, mine <= 3 * other and rate > 19_000


def large_room(c):
    value, words = c.worst("fan10k")
    return words, value >= 0.75


def spread_room(c):
    two, four = (c.ratio("spread", f"{n} nodes", "1 node", "us") for n in (2, 4))
    steady = (c.ratio("spread-40k", f"{n} nodes", "1 node", "us") for n in (2, 4))
    words = f"{times(two)} on 2 nodes, {times(four)} on 4"
    words += "; at a steady rate {:.2f} and {:.2f} x".format(*steady)
    return words, max(two, four) <= 1.15


def idle(c):
    name = c.relay("idle")
    size, core = c.get("idle", name, "rss_per_connection"), c.get("idle", name, "core")
    count = c.get("idle", name, "connections")
    words = f"{size:,.0f} bytes, {core:.3f} core with {count:,.0f} connections ({by(name)})"
    return words, size <= 1000 and core <= 0.05


def storm(c):
    name = c.relay("storm")
    mine, other = c.get("storm", name, "joined_s"), c.get("storm", "InspIRCd", "joined_s")
    return f"{mine:.2f} s ({by(name)}); InspIRCd {other:.2f} s", mine <= 0.4 * other


def cut_links(c):
    labels = list(c.cases["links"]["contenders"])
    words = [
        f"{label}: {c.get('links', label, 'max_ms') / 1000:.2f} s, "
        f"{c.get('links', label, 'commands'):,.0f} commands"
        for label in labels
    ]
    return "; ".join(words), c.get("links", labels[-1], "max_ms") <= 1000


def many_rooms(c):
    rate = c.get("many-rooms", "relay", "messages_per_s")
    cost = c.get("many-rooms", "relay", "redis_us_per_message")
    return f"{rate:,.0f}/s, {cost:.1f} us of Redis each", rate >= 150_000 and cost <= 5


def flatness(c, case, server):
    values = [c.get(case, one, "per_cpu_s") for one in c.labels(case, server)]
    return min(values) / max(values)


def growth(c):
    words, good = [], True
    for what in ("connections", "rooms"):
        mine, least = (flatness(c, f"growth-{what}", one) for one in ("relay", "ceiling"))
        words.append(f"{what}: lowest {mine:.2f} of highest (ceiling {least:.2f})")
        good = good and mine >= 0.85
    return "; ".join(words), good


BARS = [
    (
        "fan1k",
        "one room x 1,000, saturated",
        ">= 0.75 x ceiling; with Redis >= 1.4 x InspIRCd",
        saturated_room,
    ),
    ("fan1k-50k", "one room x 1,000, steady 50,000/s", ">= 0.9 x ceiling", steady_room),
    ("pairs", "500 pairs, saturated", ">= 1.0 x InspIRCd; with Redis >= 0.4 x", saturated_pairs),
    ("pairs-20k", "500 pairs, steady 20,000/s, two nodes", "p99 <= 3 x InspIRCd's", steady_pairs),
    ("fan10k", "one room x 10,000, saturated", ">= 0.75 x ceiling", large_room),
    (
        "spread",
        "that room over 2 and 4 nodes",
        "CPU per delivery <= 1.15 x one node's",
        spread_room,
    ),
    ("idle", "50,000 idle, a PING each 90 s", "<= 1,000 bytes each, <= 0.05 core", idle),
    ("storm", "5,000 connect and join at once", "<= 0.4 x InspIRCd's time", storm),
    (
        "links",
        "10,000 rooms, links to Redis cut",
        "whole within 1 s; commands by partitions",
        cut_links,
    ),
    (
        "many-rooms",
        "one Redis, two nodes, many rooms",
        ">= 150,000 messages/s, <= 5 us of Redis",
        many_rooms,
    ),
    ("growth-rooms", "growth of connections and rooms", "flat within 15 %", growth),
]


def judged(cases, busy):
    """(number, what, bar, measured, verdict); `busy`: processors that others may use."""
    for number, (case, what, bar, judge) in enumerate(BARS, 1):
        try:
            words, reached = judge(Cases(cases))
        except (LookupError, ZeroDivisionError):
            yield number, what, bar, "not measured", "-"
            continue
        verdict = "reached" if reached else "**not reached**"
        if cases[case]["others"] > busy:
            verdict += ", machine busy"
        yield number, what, bar, words, verdict
