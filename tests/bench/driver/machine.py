"""The machine: its processors, who else uses them, its versions."""

import os
import platform
import re
import resource
import subprocess
import time


class Processors:
    """Who runs where: the load alone on the last one, servers on the others in turn."""

    def __init__(self):
        self.all = sorted(os.sched_getaffinity(0))
        self.load = self.all[-1] if len(self.all) > 1 else None
        self.servers = self.all[:-1] if len(self.all) > 1 else self.all

    def pin_servers(self, pids):
        for index, pid in enumerate(pids):
            where = {self.servers[index % len(self.servers)]}
            for task in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(task), where)


class AllProcessors:
    """Everybody runs wherever the kernel puts them, as they do for people."""

    load = None

    def pin_servers(self, pids):
        pass


def descriptors():
    """As many as one process may have; ours and our children's limit is raised to that."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections_max():
    """Of one load generator to one server on this machine: descriptors and memory."""
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(descriptors() - 200, pages // 60_000)


def busy_seconds():
    """Of all processors since the start."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(word) for word in file.readline().split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(patience):
    """Until at most a tenth of a processor is busy, or `patience` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        before = busy_seconds()
        time.sleep(0.4)
        if busy_seconds() - before <= 0.04:
            return


def processor_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else None


def commit():
    """Short name of what was measured."""
    here = os.path.dirname(os.path.abspath(__file__))
    return first_line(["git", "-C", here, "rev-parse", "--short", "HEAD"]) or "unknown"


def system_name():
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{release}, Linux {platform.release()}"


def describe():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "processor": processor_name(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "system": system_name(),
        "descriptors": descriptors(),
    }
