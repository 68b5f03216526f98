#!/usr/bin/python3
"""Measures the relay against a ceiling and against other servers; see README.md.

run.py --programs BUILD            all cases; writes docs/BENCHMARKS.md and docs/bench/
run.py --programs BUILD --quick    tiny: is every line delivered once and in order?
"""

import argparse
import datetime
import json
import pathlib
import statistics
import sys
import tempfile
import time

from driver import cases, figures, liar, machine, report, runs, servers

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default="build", help="where `make` built")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, faults only")
    parser.add_argument("--cases", default="", help="only these, e.g. fan1k,pairs")
    parser.add_argument("--without", default="", help="contenders to leave out, e.g. ngIRCd")
    parser.add_argument("--repeats", type=int, help="runs of each contender (3)")
    parser.add_argument("--measure", type=float, default=3, help="seconds of each run")
    parser.add_argument("--minutes", type=float, default=28, help="start no run after that")
    parser.add_argument("--patience", type=float, default=5, help="seconds to wait for quiet")
    parser.add_argument("--commit", help="what was built, if not what git has here")
    parser.add_argument("--list", action="store_true", help="list the cases")
    parser.add_argument("--docs", type=pathlib.Path, default=DOCS, help="where to write")
    parser.add_argument("--render", action="store_true", help="only write the report anew")
    return parser.parse_args()


def find_programs(folder):
    folder = pathlib.Path(folder).resolve()
    for name, path in {
        "parleyd": folder / "parleyd",
        "parley-bench": folder / "bench" / "parley-bench",
        "ceiling": folder / "bench" / "ceiling",
    }.items():
        if not path.exists():
            sys.exit(f"bench: {path} is missing; `make bench` builds it")
        servers.PROGRAMS[name] = str(path)


def say(words):
    print(words, flush=True)


def describe(result):
    if result.get("failure"):
        return f"FAILED: {result['failure']} {result.get('first_error', '')}"
    share = figures.cpu(result)
    return (
        f"{result['deliveries_per_s']:>11,.0f}/s  {share:6.2f} CPU-s  "
        f"p99 {result['latency_us']['p99'] / 1000:8.1f} ms  joined {result['joined_s']:6.2f} s"
        f"  others {result['others']:.2f}" + ("" if runs.is_clean(result) else "  FAULTS")
    )


class Session:
    """Runs cases, contenders in turn; keeps what they said."""

    def __init__(self, args):
        self.args = args
        self.processors = machine.Processors()
        self.deadline = time.monotonic() + args.minutes * 60
        self.clean = True

    def run_case(self, case):
        here = [
            one
            for one in case.contenders
            if one.is_here() and one.label not in self.args.without.split(",")
        ]
        said = {one.label: [] for one in here}
        load = {"measure": self.args.measure, **case.load}
        processors = self.processors if case.pinned else machine.AllProcessors()
        repeats = min(case.repeats, self.args.repeats or case.repeats)
        say(f"{case.name}: {case.title}")
        for repeat in range(repeats):
            for one in here:
                if time.monotonic() > self.deadline:
                    say("  no time is left")
                    break
                failed = said[one.label] and said[one.label][-1].get("failure")
                if failed or repeat >= one.repeats:
                    continue  # it will not do better now, or is too slow for more
                machine.wait_for_quiet(self.args.patience)
                result = runs.run_once(one, load, processors, case.limit, case.during)
                self.clean = self.clean and runs.is_clean(result)
                said[one.label].append(result)
                say(f"  {repeat + 1} {one.label:<22} {describe(result)}")
        return self.outcome(case, load, here, said, repeats)

    def outcome(self, case, load, here, said, repeats):
        """None if there was no time for anybody. Disturbed runs count only if some contender
        has no others."""
        said = {label: results for label, results in said.items() if results}
        if not said:
            return None
        calm = {
            label: [r for r in results if r["others"] <= report.BUSY]
            for label, results in said.items()
        }
        if all(calm.values()):
            said = calm
        others = [r["others"] for results in said.values() for r in results]
        return {
            "title": case.title,
            "date": datetime.date.today().isoformat(),
            "commit": self.args.commit or machine.commit(),
            "load": load,
            "repeats": repeats,
            "others": round(statistics.median(others), 2) if others else 0,
            "contenders": {
                one.label: figures.summary(said[one.label], one.server.own)
                for one in here
                if one.label in said
            },
        }


def versions():
    known = {
        "InspIRCd": servers.InspIRCd,
        "ngIRCd": servers.NgIRCd,
        "Redis": servers.RedisChat,
    }
    return {name: it.version() for name, it in known.items() if it.is_here()}


def old_results(docs):
    try:
        return json.loads((docs / "bench" / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"cases": {}}


def probe_irc():
    with tempfile.TemporaryDirectory(prefix="parley-bench.") as folder:
        servers.Relay.speaks_irc = servers.relay_speaks_irc(pathlib.Path(folder))
    if not servers.Relay.speaks_irc:
        say("the relay does not speak IRC yet: only its line protocol is measured")


def run_quick(session):
    complaint = liar.complaint(session.processors)
    if complaint:
        sys.exit(f"bench: the load generator does not notice faults: {complaint}")
    for case in cases.quick():
        session.run_case(case)
    say("bench-smoke: " + ("every line came once" if session.clean else "FAULTS"))
    return 0 if session.clean else 1


def run_full(args, session, chosen):
    results = old_results(args.docs)
    for case in chosen:
        outcome = session.run_case(case)
        if outcome is None:
            continue
        results["cases"][case.name] = outcome
        order = [one.name for one in cases.full(machine.connections_max())]
        results["cases"] = {
            name: results["cases"][name] for name in order if name in results["cases"]
        }
        results.update(machine=machine.describe(), versions=versions())
        report.write(args.docs, results)
    say(f"bench: see {args.docs / 'BENCHMARKS.md'}")
    return 0 if session.clean else 1


def main():
    args = arguments()
    every = cases.full(machine.connections_max())
    if args.list:
        for case in every:
            say(f"{case.name:<20} {case.title}")
        return 0
    if args.render:
        report.write(args.docs, old_results(args.docs))
        return 0
    wanted = [name for name in args.cases.split(",") if name]
    unknown = set(wanted) - {case.name for case in every}
    if unknown:
        sys.exit(f"bench: no case {', '.join(sorted(unknown))}; --list lists them")
    find_programs(args.programs)
    probe_irc()
    session = Session(args)
    if args.quick:
        args.patience = 0
        return run_quick(session)
    return run_full(args, session, [c for c in every if not wanted or c.name in wanted])


if __name__ == "__main__":
    sys.exit(main())
