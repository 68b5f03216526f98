"""A process that a test starts and that never outlives it."""

import os
import signal
import subprocess

from .limits import TIMEOUT


class Process:
    """A program with its output in a file. The kernel ends it should the test be killed."""

    def __init__(self, name, command, log, env=None, descriptors=None):
        self.name = name
        self.log_path = log
        self.paused = False
        self.may_exit = False  # the test ended it
        wrapper = ["setpriv", "--pdeathsig", "KILL"]
        if descriptors is not None:
            soft, hard = descriptors
            wrapper = ["prlimit", f"--nofile={soft}:{hard}", *wrapper]
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [*wrapper, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
            )

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def signal(self, number):
        os.kill(self.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        self.signal(signal.SIGCONT)
        self.paused = False

    def kill(self):
        """kill -9."""
        self.may_exit = True
        if self.is_running():
            self.signal(signal.SIGKILL)
        self.process.wait(TIMEOUT)

    def wait(self, timeout=TIMEOUT):
        """Its exit status, once it has ended."""
        self.may_exit = True
        return self.process.wait(timeout)
