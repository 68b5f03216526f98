"""The results: as text, and in docs/REDIS.md between two markers for each server.

docs/REDIS.md has the list of cases once, and a table of results for each server; a run with
`--write-docs` renews the list and the table of its server and leaves the others alone.
"""

import datetime
import platform
import re

from .case import CASES

TOPOLOGIES = {
    "single": "one server",
    "named": "one server behind a name",
    "lossy": "one server far away",
    "replicated": "primary and replica behind a name",
    "tls": "primary and replica behind a name, TLS",
    "cluster": "3 primaries, 3 replicas",
}
COLUMNS = [
    "case", "lines", "to", "lost", "twice", "reordered", "in the log", "told",
    "worst delay", "silence", "noticed", "healed", "cut off", "",
]


def _seconds(value):
    return "" if value is None else f"{value:.1f} s"


def _three(counts):
    return "/".join(str(count) for count in counts.values())


def cells(verdict):
    live = [str(count) for count in verdict["live"].values()] or ["", "", ""]
    if verdict["wrong"] and not verdict["lines"]:
        remark = "FAILED"
    else:
        remark = "; ".join([*(["NOT KEPT"] if verdict["wrong"] else []), *verdict["notes"]])
    return [
        verdict["case"].partition("-")[0],
        str(verdict["lines"]),
        str(verdict["clients"]),
        *live,
        _three(verdict["history"]),
        str(verdict["told"]),
        _seconds(verdict["worst_delay"]),
        _seconds(verdict["silence"]),
        _seconds(verdict["noticed"]),
        _seconds(verdict["healed"]),
        str(verdict["disconnected"]),
        remark,
    ]


def order(name):
    number = re.match(r"(\d+)(.*)", name)
    return int(number.group(1)), number.group(2)


def as_text(verdicts):
    """For a terminal."""
    rows = [["case", *COLUMNS[1:]]]
    for verdict in sorted(verdicts, key=lambda v: order(v["case"])):
        rows.append([verdict["case"], *cells(verdict)[1:]])
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS) - 1)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0])) for row in rows]


def _row(some):
    return f"| {' | '.join(some)} |"


def case_list():
    lines = [_row(["case", "topology", "what is broken", "what is promised"]), "|---|---|---|---|"]
    for case in sorted(CASES, key=lambda c: order(c.number)):
        lines.append(_row([case.number, TOPOLOGIES[case.topology], case.broken, case.promised]))
    return lines


def result_table(server, verdicts):
    today = datetime.date.today().isoformat()
    lines = [
        f"{server}, {today}, Linux {platform.release().split('-')[0]} {platform.machine()}:",
        "",
        _row(COLUMNS),
        "|---" * len(COLUMNS) + "|",
    ]
    for verdict in sorted(verdicts, key=lambda v: order(v["case"])):
        lines.append(_row(cells(verdict)))
    return lines


def replace_between(text, name, lines):
    """What stands between <!-- name --> and <!-- /name -->."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, found, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"there is no {start.strip()} with its end")
    return before + start + "".join(f"{line}\n" for line in lines) + end + after


def random_lines(text, server, results):
    """Those of other servers, and the new ones of this."""
    old = text.partition("<!-- chaos: random -->\n")[2].partition("<!-- /chaos: random -->")[0]
    kept = [line for line in old.splitlines() if not line.startswith(f"- {server}, ")]
    return sorted([*kept, *[f"- {result}" for result in results]])


def write(path, kind, server, verdicts, random_results):
    """`kind` is that of the server: redis7, redis8, valkey8 ..."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = replace_between(text, "chaos: cases", case_list())
    if verdicts:
        text = replace_between(text, f"chaos: {kind}", result_table(server, verdicts))
    if random_results:
        text = replace_between(text, "chaos: random", random_lines(text, server, random_results))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
