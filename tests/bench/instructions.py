#!/usr/bin/python3
"""Counts the instructions of the hot paths and compares them with a baseline.

instructions.py --programs BUILD            compare with instructions.json
instructions.py --programs BUILD --record   write instructions.json

Under callgrind, so a busy machine changes nothing; another compiler or C library does, so
the comparison is only made with those that the baseline was recorded with.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

BASELINE = pathlib.Path(__file__).resolve().parent / "instructions.json"
LIMIT_SECONDS = 240


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.splitlines()[0]


def code_flags(programs):
    """Those of the build's flags that change the code."""
    words = (programs / "flags").read_text(encoding="utf-8").split()
    return " ".join(sorted({w for w in words if re.match(r"-(O|f|m|D_FORTIFY)", w)}))


def environment(programs):
    """What the counts depend on besides our code."""
    compiler = os.environ.get("CC", "gcc").split()
    return {
        "compiler": first_line([*compiler, "--version"]),
        "libc": " ".join(platform.libc_ver()),
        "libevent": first_line(["pkg-config", "--modversion", "libevent_core"]),
        "machine": platform.machine(),
        "flags": code_flags(programs),
    }


def count(replay, section):
    """(instructions, things done, what they are)."""
    with tempfile.TemporaryDirectory(prefix="parley-bench.") as folder:
        profile = pathlib.Path(folder) / "callgrind.out"
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no"]
        command += ["--toggle-collect=measured", f"--callgrind-out-file={profile}"]
        done = subprocess.run(
            [*command, str(replay), section],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"bench-instructions: {section} failed:\n{done.stderr}")
        total = re.search(r"^(?:totals|summary): (\d+)", profile.read_text(), re.MULTILINE)
    things, what = done.stdout.split()
    return int(total.group(1)), int(things), what


def measure(replay):
    counts = {}
    names = subprocess.run([replay], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        instructions, things, what = count(replay, name)
        counts[name] = {
            "instructions": instructions,
            "count": things,
            "what": what,
        }
        each = instructions / things
        print(f"{name:<16} {each:10.1f} instructions for each of {things:,} {what}")
    return counts


def compare(counts, baseline, tolerance):
    """Lines about what became dearer."""
    worse = []
    for name, now in counts.items():
        before = baseline.get(name)
        if before is None or before["count"] != now["count"]:
            worse.append(f"{name}: the baseline does not have it: --record")
            continue
        ratio = now["instructions"] / before["instructions"]
        if ratio > 1 + tolerance:
            worse.append(f"{name}: {ratio:.3f} x the baseline, at most {1 + tolerance:.2f}")
        elif ratio < 1 - tolerance:
            print(f"{name}: {ratio:.3f} x the baseline; --record keeps the gain")
    return worse


def different(now, then):
    return [
        f"{key} {then.get(key)!r}, here {now[key]!r}" for key in now if now[key] != then.get(key)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default="build", help="where `make` built")
    parser.add_argument("--record", action="store_true", help="write the baseline anew")
    parser.add_argument("--tolerance", type=float, default=0.05, help="0.05: 5 %%")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        print("bench-instructions: valgrind is missing (apt-get install valgrind): not compared")
        return 0
    programs = pathlib.Path(args.programs).resolve()
    here = environment(programs)
    counts = measure(programs / "bench" / "replay")
    if args.record:
        text = json.dumps({"environment": here, "sections": counts}, indent=1) + "\n"
        BASELINE.write_text(text, encoding="utf-8")
        print(f"bench-instructions: recorded {BASELINE.name}")
        return 0
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    differences = different(here, baseline["environment"])
    if differences:
        print("bench-instructions: not compared; recorded with " + "; ".join(differences))
        return 0
    worse = compare(counts, baseline["sections"], args.tolerance)
    print("\n".join(worse) or f"bench-instructions: all within {args.tolerance:.0%}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
