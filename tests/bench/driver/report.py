"""docs/BENCHMARKS.md and its plots, from docs/bench/results.json."""

import json

from . import bars, plot

BUSY = 0.15  # processors

INTRO = """# Benchmarks

Written by `make bench` (see [tests/bench](../tests/bench/README.md)); do not edit, but for
[bench/NOTES.md](bench/NOTES.md), which is included below. Compare numbers of one case only: its servers ran in turn, several times, and what is shown are medians.
*Ceiling* is the simplest server that can be: it passes lines on from shared buffers with one
`writev` for each connection and turn, and does nothing else; no protocol, no Redis. CPU is user
and system time of the server's processes; a delivery is one message read by one member. Relays
keep history and send everything through Redis. In the line protocol senders get their own lines
too; in IRC they do not.
"""

COLUMNS = {
    "default": [
        ("deliveries/s", "rate", "{:,.0f}"),
        ("per CPU-second", "per_cpu_s", "{:,.0f}"),
        ("with Redis", "per_cpu_s_all", "{:,.0f}"),
        ("us each", "us", "{:.2f}"),
        ("of it user", "us_user", "{:.2f}"),
        ("bytes per line", "line_bytes", "{:.0f}"),
        ("lines per read", "lines_per_read", "{:.1f}"),
        ("p50 ms", "p50_ms", "{:.1f}"),
        ("p99 ms", "p99_ms", "{:.1f}"),
    ],
    "idle": [
        ("connections", "connections", "{:,.0f}"),
        ("bytes each", "rss_per_connection", "{:,.0f}"),
        ("just joined", "rss_joined_per_connection", "{:,.0f}"),
        ("core", "core", "{:.3f}"),
        ("all joined after s", "joined_s", "{:.2f}"),
        ("CPU s until then", "connect_cpu_s", "{:.2f}"),
    ],
    "storm": [
        ("joined after s", "joined_s", "{:.2f}"),
        ("quiet after s", "quiet_s", "{:.2f}"),
        ("CPU s", "connect_cpu_s", "{:.2f}"),
        ("peak MB", "peak_mb", "{:.0f}"),
    ],
    "links": [
        ("messages/s", "messages_per_s", "{:,.0f}"),
        ("slowest ms", "max_ms", "{:.0f}"),
        ("more Redis commands", "commands", "{:,.0f}"),
    ],
    "many-rooms": [
        ("messages/s", "messages_per_s", "{:,.0f}"),
        ("Redis us/message", "redis_us_per_message", "{:.1f}"),
        ("relay us/delivery", "us", "{:.2f}"),
        ("p50 ms", "p50_ms", "{:.1f}"),
        ("p99 ms", "p99_ms", "{:.1f}"),
    ],
}

# case -> (figure, unit)
PLOTTED = {
    "fan1k": ("per_cpu_s", "deliveries for each CPU-second of the server (without its Redis)"),
    "fan1k-50k": ("per_cpu_s", "deliveries for each CPU-second of the server"),
    "pairs": ("per_cpu_s", "deliveries for each CPU-second of the server (without its Redis)"),
    "pairs-20k": ("p99_ms", "milliseconds, p99 end to end"),
    "fan10k": ("per_cpu_s", "deliveries for each CPU-second of the server"),
    "idle": ("rss_per_connection", "bytes of resident memory for each idle connection"),
    "storm": ("joined_s", "seconds until all have joined"),
}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def bar_table(cases):
    rows = [(str(number), *row) for number, *row in bars.judged(cases, BUSY)]
    return table(("#", "case", "bar", "measured", ""), rows)


def case_table(name, contenders):
    columns = COLUMNS.get(name, COLUMNS["default"])
    rows = []
    for label, one in contenders.items():
        shown = one["figures"]
        if not shown:
            reason = (one["failures"] or ["not run"])[0]
            rows.append((label, f"failed: {reason}", *[""] * (len(columns) - 1)))
            continue
        cells = [form.format(shown[key]) if key in shown else "" for _, key, form in columns]
        rows.append((label, *cells))
    return table(("", *[title for title, _, _ in columns]), rows)


def remarks(case):
    lines = [f"{case['date']}, commit {case['commit']}, {case['repeats']} repeats."]
    if case["others"] > BUSY:
        lines.append(
            f"**Machine busy**: others took {case['others']:.2f} processors meanwhile; "
            "absolute numbers are too low, ratios are rough."
        )
    for label, one in case["contenders"].items():
        faults = {key: count for key, count in one["faults"].items() if count}
        if faults:
            lines.append(f"**{label}: {faults}**")
        if one["figures"].get("load_cpu", 0) > 0.95 and "rate" not in case["load"]:
            lines.append(f"{label}: the load generator was the limit.")
        if one.get("commands"):
            lines.append(f"{label}, commands: {one['commands']}.")
    return "\n".join(lines) + "\n"


def plot_case(name, case):
    """SVG text, or None."""
    contenders = case["contenders"]
    if name.startswith("growth-"):
        series = {}
        for label, one in contenders.items():
            if "per_cpu_s" in one["figures"]:
                kind = label.split(" at ")[0]
                point = (one["figures"]["connections"], one["figures"]["per_cpu_s"])
                series.setdefault(kind, []).append(point)
        drawable = any(len(points) > 1 for points in series.values())
        x_name, y_name = "connections", "deliveries for each CPU-second"
        return plot.curves(case["title"], x_name, y_name, series) if drawable else None
    if name not in PLOTTED:
        return None
    figure, unit = PLOTTED[name]
    rows = [
        (label, one["figures"][figure])
        for label, one in contenders.items()
        if figure in one["figures"]
    ]
    return plot.bars(case["title"], unit, rows) if rows else None


def machine_lines(results):
    m = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        f"{m['processors']} processors ({m['processor']}), {m['memory_gib']} GiB, {m['system']}; "
        f"{m['descriptors']:,} descriptors for a process. {versions}. Servers run on the first "
        "processors, the load alone on the last one; for the pairs at a steady rate, where latency "
        "counts, all run wherever the kernel puts them.\n"
    )


def notes(folder):
    """What people wrote about the figures: a part of the report that is not made here."""
    try:
        return (folder / "NOTES.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write(docs, results):
    """`docs`: the folder docs."""
    folder = docs / "bench"
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    cases = results["cases"]
    parts = [INTRO, "## Machine\n", machine_lines(results), "## Bars\n", bar_table(cases)]
    parts.append(notes(folder))
    for name, case in cases.items():
        parts += [f"## {case['title']}\n", case_table(name, case["contenders"]), remarks(case)]
        picture = plot_case(name, case)
        if picture:
            (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
            parts.append(f"![{case['title']}](bench/{name}.svg)\n")
    (docs / "BENCHMARKS.md").write_text("\n".join(parts), encoding="utf-8")
