"""A cluster of real containers, and the people who talk on it."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELAY_PORT = 5050


def wait_for(what, condition, timeout, pause=0.2):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(pause)


def run(*command, timeout=60, check=True, env=None):
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}")
    return done.stdout


class Cluster:
    """One project of docker-compose.yml, on a host port of its own; `files` change it."""

    def __init__(self, *files):
        self.files = [word for file in [ROOT / "docker-compose.yml", *files] for word in ("-f", str(file))]
        self.project = os.environ.get("PARLEY_PROJECT", f"parley-test-{os.getpid()}")
        self.env = dict(os.environ, COMPOSE_ANSI="never")
        self.env.setdefault("PARLEY_ADDRESS", "127.0.0.1")
        self.env.setdefault("PARLEY_PORT", "0")
        self.env.setdefault("PARLEY_IMAGE", f"parley-test:{self.project}")
        self.image = self.env["PARLEY_IMAGE"]
        if shutil.which("docker-compose"):
            self.command = ["docker-compose"]
        else:
            self.command = ["docker", "compose"]

    def compose(self, *args, timeout=180, check=True):
        command = [*self.command, *self.files, "-p", self.project, *args]
        return run(*command, timeout=timeout, check=check, env=self.env)

    def containers(self, service, everything=False):
        """The service's containers: the running ones, or also those that have ended."""
        labels = {"project": self.project, "service": service, "oneoff": "False"}
        filters = []
        for key, value in labels.items():
            filters += ["--filter", f"label=com.docker.compose.{key}={value}"]
        which = ["--all"] if everything else []
        return run("docker", "ps", "-q", "--no-trunc", *which, *filters).split()

    def nodes(self):
        return self.containers("relay")

    def inspect(self, container):
        return json.loads(run("docker", "inspect", container))[0]

    def health(self, container):
        return self.inspect(container)["State"]["Health"]["Status"]

    def wait_healthy(self, service, count, timeout=60):
        def healthy():
            found = self.containers(service)
            fit = all(self.health(each) == "healthy" for each in found)
            return len(found) == count and fit

        wait_for(f"{count} of {service} healthy", healthy, timeout)

    def address(self):
        host, port = self.compose("port", "haproxy", str(RELAY_PORT)).strip().rsplit(":", 1)
        return host, int(port)

    def connections(self):
        """{(node, peer)} for every client connection, as the nodes' kernels see them."""
        found = set()
        for node in self.nodes():
            # A node that dies meanwhile has none.
            table = run("docker", "exec", node, "cat", "/proc/net/tcp", check=False)
            for line in table.splitlines():
                field = line.split()
                if len(field) < 4 or field[3] != "01" or field[2].startswith("0100007F:"):
                    continue
                if field[1].endswith(f":{RELAY_PORT:04X}"):
                    found.add((node, field[2]))
        return found

    def connect(self, name):
        """A person in #lobby, and in .node the node that the load balancer chose."""
        before = self.connections()
        person = Person(self.address(), name)
        seen = set()

        def landed():
            # Twice in a row: the load balancer's health checks come and go.
            nonlocal seen
            last, seen = seen, self.connections() - before
            return last & seen

        [(person.node, _)] = wait_for(f"{name} on a node", landed, 10, pause=0.1)
        return person


class Person:
    """One client of the line protocol."""

    def __init__(self, address, name, timeout=15):
        self.name = name
        self.node = None
        self.lines = []
        self.rest = b""
        self.socket = socket.create_connection(address, timeout=timeout)
        self.send(name)
        self.wait(rf"^\* You are {name}\b", timeout)

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def wait(self, pattern, timeout=10):
        """The first line ever received that matches."""
        deadline = time.monotonic() + timeout
        looked_at = 0
        while True:
            for line in self.lines[looked_at:]:
                if re.search(pattern, line):
                    return line
            looked_at = len(self.lines)
            if not self._receive(deadline):
                raise AssertionError(
                    f"{self.name} waits for {pattern} in vain; the last lines:\n"
                    + "\n".join(self.lines[-20:])
                )

    def said(self, pattern):
        """The texts so far of messages in #lobby that match, in order."""
        messages = (re.match(r"\[#lobby\] <\S+> (.*)", line) for line in self.lines)
        return [each[1] for each in messages if each and re.search(pattern, each[1])]

    def close(self):
        self.socket.close()

    def _receive(self, deadline):
        self.socket.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except (socket.timeout, ConnectionError):
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line.decode().rstrip("\r") for line in lines]
        return bool(data)


# ---- what people do ----


def everybody_hears_everybody(people, word):
    for person in people:
        person.send(f"{word} from {person.name}")
    expected = sorted(f"{word} from {person.name}" for person in people)
    for person in people:
        for text in expected:
            person.wait(rf"^\[#lobby\] <\S+> {text}$")
        assert sorted(person.said(rf"^{word} ")) == expected, "each line exactly once"
    orders = {tuple(person.said(rf"^{word} ")) for person in people}
    assert len(orders) == 1, "the same order everywhere"


def talk_until_stopped(node, people, word, seconds=60):
    """Everybody talks while the node is stopped, and killed should it take longer."""
    stop = subprocess.Popen(["docker", "stop", "-t", str(seconds), node], stdout=subprocess.DEVNULL)
    number = 0
    while stop.poll() is None:
        number += 1
        for person in people:
            try:
                person.send(f"{word} {number} from {person.name}")
            except OSError:
                pass  # disconnected
        time.sleep(0.1)
    assert stop.returncode == 0


def told_and_lost_nothing(goners, left, word):
    """Who was disconnected was told so; what they saw come back all others have seen."""
    for goner in goners:
        goner.wait(r"^! This node is being replaced\. Connect again\.$")
        told = [line for line in goner.lines if "You will be disconnected within" in line]
        assert len(told) == 1
        echoed = [text for text in goner.said(f"^{word} ") if text.endswith(goner.name)]
        assert echoed
        for person in left:
            assert not set(echoed) - set(person.said(f"^{word} ")), "an echoed line is lost"
