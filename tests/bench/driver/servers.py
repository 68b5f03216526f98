"""The servers that are measured. Each is started for one run and ended after it.

A server has `protocol` (what the load generator speaks to it), `addresses`, and `watched`:
(name, pid) of the processes whose CPU time and memory count.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "system"))
# pylint: disable=wrong-import-position
from harness.limits import wait_until
from harness.ports import Lease
from harness.process import Process
from harness.redis import Redis

PROGRAMS = {}  # name -> path; run.py fills it in

LISTENING = re.compile(r"\blistening\b.*\baddress=\S+:(\d+)")
# A benchmark must not be ended by a limit. Redis listens on 127.0.0.1 only; its protected mode
# would refuse our other loopback addresses.
REDIS_OPTIONS = (
    "--maxclients 200000 --tcp-backlog 4096 --protected-mode no "
    "--client-output-buffer-limit pubsub 0 0 0"
).split()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    protocol = "line"
    program = None
    own = None  # name of its processes; a relay's Redis is not one of them

    def __init__(self, folder):
        self.folder = folder
        self.lease = Lease()
        self.processes = []

    @classmethod
    def is_here(cls):
        return cls.program is None or bool(cls.find_program())

    @classmethod
    def find_program(cls):
        return shutil.which(cls.program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")

    @classmethod
    def version(cls):
        return None

    def run(self, name, command):
        log = self.folder / f"{name}.log"
        process = Process(name, command, log)
        self.processes.append(process)
        return process

    def run_on_lease(self, name, command):
        """A server that listens on the leased port; nothing else may."""
        process = self.run(name, command)

        def is_up():
            assert process.is_running(), f"{name} ended at once:\n{process.log_tail()}"
            return answers(self.lease.port)

        wait_until(is_up, what=f"{name} listens")

    @property
    def addresses(self):
        return [f"127.0.0.1:{self.lease.port}"]

    @property
    def watched(self):
        return [(process.name, process.pid) for process in self.processes]

    def stop(self):
        for process in self.processes:
            process.kill()
        self.lease.release()


class Ceiling(Server):
    protocol = "raw"
    own = "ceiling"

    def __init__(self, folder):
        super().__init__(folder)
        self.run_on_lease("ceiling", [PROGRAMS["ceiling"], str(self.lease.port)])


class RedisChat(Server):
    """People SUBSCRIBE to rooms and PUBLISH in them."""

    protocol = "redis"
    own = "redis"
    program = "redis-server"

    def __init__(self, folder):
        super().__init__(folder)
        self.redis = Redis(folder, 0, REDIS_OPTIONS, self.lease)
        self.processes.append(self.redis.process)
        self.processes[-1].name = "redis"

    @classmethod
    def version(cls):
        return re.search(r"v=(\S+)", subprocess.getoutput("redis-server --version")).group(1)


class Relay(Server):
    """`nodes` relays and a Redis of their own, with history and without flood control."""

    own = "relay"
    OPTIONS = {
        "flood-lines": 0,
        "drain-seconds": 0,
        "log-level": "warn",
        "max-rooms": 1000,
    }
    speaks_irc = False  # run.py finds out

    def __init__(self, folder, nodes=1, protocol="line"):
        super().__init__(folder)
        self.protocol = protocol
        self.redis = Redis(folder, 0, REDIS_OPTIONS, self.lease)
        self.redis.process.name = "redis"
        self.nodes = [self._start_node(index) for index in range(nodes)]
        self.ports = [self._wait_for(node) for node in self.nodes]
        self.processes.append(self.redis.process)

    def _start_node(self, index):
        # "listening" is logged at level info; a quiet log would not tell the port.
        options = dict(self.OPTIONS, **{"log-level": "info", "listen": "127.0.0.1:0"})
        options["redis-url"] = self.redis.url
        words = [f"--{key}={value}" for key, value in options.items()]
        # The log of the first node is node0.log; in the report all are "relay".
        process = self.run(f"node{index}", [PROGRAMS["parleyd"], *words])
        process.name = "relay"
        return process

    def _wait_for(self, node):
        def port():
            assert node.is_running(), f"a node ended at once:\n{node.log_tail()}"
            return LISTENING.search(node.log())

        return int(wait_until(port, what="a node listens").group(1))

    @property
    def addresses(self):
        return [f"127.0.0.1:{port}" for port in self.ports]

    def stop(self):
        for node in self.nodes:
            if node.is_running():
                node.signal(signal.SIGKILL)
        super().stop()


INSPIRCD = """
<server name="bench.local" description="bench" network="bench" id="0BB">
<admin name="b" nick="b" email="b@bench.local">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect allow="*" timeout="120" pingfreq="3600" hardsendq="1000000000"
  softsendq="1000000000" recvq="1000000" threshold="1000000" commandrate="1000000000"
  fakelag="no" localmax="1000000" globalmax="1000000" maxconnwarn="no"
  resolvehostnames="no" useident="no" limit="1000000">
<performance somaxconn="4096" softlimit="1000000" nouserdns="yes" quietbursts="yes">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{folder}/irc.log">
<pid file="{folder}/inspircd.pid">
"""

NGIRCD = """
[Global]
Name = bench.local
Info = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = bench
PidFile =
{identity}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 16
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""


class InspIRCd(Server):
    protocol = "irc"
    program = "inspircd"
    own = "inspircd"

    def __init__(self, folder):
        super().__init__(folder)
        config = folder / "inspircd.conf"
        config.write_text(INSPIRCD.format(port=self.lease.port, folder=folder))
        command = [self.find_program(), "--nofork", f"--config={config}"]
        if os.getuid() == 0:
            command.append("--runasroot")
        self.run_on_lease("inspircd", command)

    @classmethod
    def version(cls):
        text = subprocess.getoutput(f"{cls.find_program()} --version")
        found = re.search(r"InspIRCd-([\d.]+)", text)
        return found.group(1) if found else "?"


class NgIRCd(Server):
    protocol = "irc"
    program = "ngircd"
    own = "ngircd"

    def __init__(self, folder):
        super().__init__(folder)
        config = folder / "ngircd.conf"
        identity = "ServerUID = root\nServerGID = root" if os.getuid() == 0 else ""
        config.write_text(NGIRCD.format(port=self.lease.port, identity=identity))
        self.run_on_lease("ngircd", [self.find_program(), "-n", "-f", str(config)])

    @classmethod
    def version(cls):
        text = subprocess.getoutput(f"{cls.find_program()} --version")
        found = re.search(r"ngIRCd ([\d.]+)", text)
        return found.group(1) if found else "?"


def relay_speaks_irc(folder):
    """Does this build of the relay register an IRC client?"""
    relay = Relay(folder)
    try:
        with socket.create_connection(("127.0.0.1", relay.ports[0]), 5) as client:
            client.sendall(b"NICK probe\r\nUSER probe 0 * :probe\r\n")
            return b" 001 " in client.makefile("rb").readline()
    except OSError:
        return False
    finally:
        relay.stop()
