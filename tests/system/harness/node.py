"""One parleyd."""

import glob
import os
import re
import signal

from .admin import Admin
from .limits import TIMEOUT, wait_until
from .process import Process

LISTENING = re.compile(r'\blistening\b.*\baddress(?:=|":")(\S+):(\d+)')
SANITIZER = re.compile(r"runtime error:|(Address|Leak|Thread|UndefinedBehavior)Sanitizer")

# What tests want unless they say otherwise. Clients of tests type faster than people.
DEFAULTS = {
    "admin": "127.0.0.1:0",
    "flood-lines": 0,
    "drain-seconds": 0,
    "log-level": "debug",
}


def binary():
    path = os.environ.get("PARLEYD")
    assert path and os.access(path, os.X_OK), "PARLEYD must be the path of the program"
    return path


def is_sanitized():
    """A build with AddressSanitizer needs more memory and time."""
    with open(binary(), "rb") as file:
        return b"__asan_init" in file.read()


def environment(extra=None):
    """The test's own, without options of parleyd that may be set in it."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PARLEY_")}
    env.update(extra or {})
    return env


class Node(Process):
    """Listens on a port of its own when the constructor is done.

    Options are given as --name value; None leaves a default of DEFAULTS out.
    """

    def __init__(self, folder, name, redis_url, options, env=None, descriptors=None):
        settings = {"listen": "127.0.0.1:0", "node-name": name, **DEFAULTS}
        if redis_url is not None:
            settings["redis-url"] = redis_url
        settings.update(options)
        command = [binary()]
        for key, value in settings.items():
            if value is not None:
                command += [f"--{key}", str(value)]
        log = folder / f"{name}.log"
        super().__init__(name, command, log, environment(env), descriptors)
        self.port = None
        self.admin = Admin(self)

    def wait_listening(self, timeout=TIMEOUT):
        self.port = int(wait_until(self._address, timeout, f"{self.name} listens").group(2))

    def _address(self):
        assert self.is_running(), f"{self.name} ended at once:\n{self.log_tail()}"
        return LISTENING.search(self.log())

    def stop(self, timeout=TIMEOUT):
        """SIGTERM; it must end well."""
        self.signal(signal.SIGTERM)
        status = self.wait(timeout)
        assert status == 0, f"{self.name} ended with {status}:\n{self.log_tail()}"

    def wait_log(self, regex, timeout=TIMEOUT):
        return wait_until(
            lambda: re.search(regex, self.log(), re.MULTILINE), timeout, f"{regex!r} in a log"
        )

    def status(self, field):
        """A number of /proc/PID/status, e.g. VmRSS in KiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            return int(re.search(rf"^{field}:\s+(\d+)", file.read(), re.MULTILINE).group(1))

    def rss_mib(self):
        return self.status("VmRSS") / 1024

    def sanitizer_report(self):
        """What the sanitizers wrote, to the log or to the file they were told."""
        if SANITIZER.search(self.log()):
            return self.log_tail(80)
        for options in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            path = re.search(r"\blog_path=([^:]+)", os.environ.get(options, ""))
            for report in glob.glob(f"{path.group(1)}.{self.pid}") if path else []:
                with open(report, encoding="utf-8", errors="replace") as file:
                    return file.read(8000)
        return None
