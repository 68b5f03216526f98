"""One run: a fresh server, the load, what it said."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

from . import machine, servers


class Contender:
    """A server under a label, and what the load is told in addition to the case's own."""

    def __init__(self, label, server, load=None, repeats=3, **options):
        self.label = label
        self.server = server
        self.load = load or {}
        self.repeats = repeats  # at most
        self.options = options

    def is_here(self):
        if self.options.get("protocol") == "irc" and not servers.Relay.speaks_irc:
            return False
        return self.server.is_here()


@contextlib.contextmanager
def started(contender, processors):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-bench."))
    server = None
    try:
        server = contender.server(folder, **contender.options)
        processors.pin_servers([pid for _, pid in server.watched])
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def command_line(server, processors, load):
    words = [servers.PROGRAMS["parley-bench"], "--protocol", server.protocol]
    for address in server.addresses:
        words += ["--node", address]
    for name, pid in server.watched:
        words += ["--server", f"{name}:{pid}"]
    if processors.load is not None:
        words += ["--cpu", str(processors.load)]
    for key, value in load.items():
        if value is True:
            words.append(f"--{key}")
        elif value is not None and value is not False:
            words += [f"--{key}", str(value)]
    return words


class Run:
    """The load generator at work; `phase` tells how far it is."""

    def __init__(self, command, limit):
        self.limit = limit
        self.phase = ""
        self.said = []
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.reader = threading.Thread(target=self._listen, daemon=True)
        self.reader.start()

    def _listen(self):
        for line in self.process.stderr:
            self.said.append(line.strip())
            if line.startswith("phase "):
                self.phase = line.split()[1]

    def wait_phase(self, phase):
        while self.phase != phase and self.process.poll() is None:
            time.sleep(0.01)

    def result(self):
        killer = threading.Timer(self.limit, self.process.kill)
        killer.start()
        try:
            output = self.process.stdout.read()
            self.process.wait()
        finally:
            killer.cancel()
        try:
            return json.loads(output)
        except ValueError:
            return {"failure": "; ".join(self.said[-3:]) or "the load generator said nothing"}


def run_once(contender, load, processors, limit, during=None):
    """The result, with `others`: processors that were busy with something else meanwhile."""
    load = {**load, **contender.load, "limit": limit}
    with started(contender, processors) as server:
        busy, since = machine.busy_seconds(), time.monotonic()
        run = Run(command_line(server, processors, load), limit + 20)
        extra = during(server, run) if during else {}
        result = run.result()
        passed = time.monotonic() - since
        busy = machine.busy_seconds() - busy
        ours = sum(cpu_seconds(pid) for _, pid in server.watched)
    ours += result.get("total_cpu_s", 0.0)
    result["others"] = max(0.0, (busy - ours) / passed) if passed > 0.5 else 0.0
    result.update(extra)
    return result


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_clean(result):
    """It ended well, and each line came once, in order, as it was sent."""
    faults = ("lost", "duplicated", "reordered", "damaged", "disconnected")
    return not result.get("failure") and not any(result.get(fault, 1) for fault in faults)
