"""A server at the far end of a line that loses packets: in a network namespace of its own.

The line is a pair of virtual interfaces with addresses of 198.18.0.0/15, which are for tests
(RFC 2544); packets are dropped at the far end, both ways, by rules of that namespace.
"""

import subprocess

import pytest

from .ports import FIRST
from .redis import Redis


class LossyRedis(Redis):
    def __init__(self, folder, number, loss, lease):
        network = 4 * (lease.port - FIRST)  # of four addresses
        near, self.host = (f"198.{18 + (network >> 16)}.{network >> 8 & 255}.{network & 255 | n}" for n in (1, 2))
        self.namespace = f"parley{lease.port}"
        self.wrapper = ("ip", "netns", "exec", self.namespace)
        self._lay_line(near, lease.port, loss)
        try:
            super().__init__(folder, number, ["--protected-mode", "no"], lease)
        except BaseException:
            self._take_line_away()
            raise

    def _lay_line(self, near, port, loss):
        here, there, space = f"near{port}", f"far{port}", self.namespace
        chance = f"-p tcp -m statistic --mode random --probability {loss} -j DROP"
        for command in (
            f"ip netns add {space}",
            f"ip link add {here} type veth peer name {there} netns {space}",
            f"ip address add {near}/30 dev {here}",
            f"ip link set {here} up",
            f"ip -n {space} address add {self.host}/30 dev {there}",
            f"ip -n {space} link set {there} up",
            f"ip netns exec {space} iptables -A INPUT {chance}",
            f"ip netns exec {space} iptables -A OUTPUT {chance}",
        ):
            done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
            if done.returncode != 0:
                self._take_line_away()
                pytest.skip(f"a lossy line needs root, ip and iptables: {command}: {done.stderr.strip()}")

    def _take_line_away(self):
        """The interfaces go with it."""
        subprocess.run(["ip", "netns", "delete", self.namespace], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", f"near{self.namespace[6:]}"], capture_output=True, check=False)

    def close(self):
        super().close()
        self._take_line_away()
