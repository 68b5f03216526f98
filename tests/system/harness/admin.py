"""The admin port of a node, as an operator's tools see it."""

import http.client
import json
import re

from .limits import TIMEOUT, wait_until

LISTENING = re.compile(r'\badmin_listening\b.*\baddress(?:=|":")(\S+?):(\d+)')
SAMPLE = re.compile(r'^([a-z_]+(?:\{[^}]*\})?) (\S+)$')


class Admin:
    def __init__(self, node):
        self.node = node
        self._port = None

    @classmethod
    def at(cls, port):
        """Of a node whose log is not in a file."""
        admin = cls(None)
        admin._port = port
        return admin

    @property
    def port(self):
        if self._port is None:
            found = wait_until(
                lambda: LISTENING.search(self.node.log()), what="the admin port is open"
            )
            self._port = int(found.group(2))
        return self._port

    def get(self, path, method="GET"):
        """(status, body, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def status(self):
        return json.loads(self.get("/status")[1])

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def metrics(self):
        """{name with labels, without parley_: value}"""
        found = {}
        for line in self.get("/metrics")[1].splitlines():
            if not line.startswith("#"):
                name, value = SAMPLE.match(line).groups()
                found[name.removeprefix("parley_")] = float(value)
        return found

    def metric(self, name):
        return self.metrics()[name]

    def wait_metric(self, name, condition, timeout=TIMEOUT):
        """The first value for which condition(value) is true."""
        last = None

        def check():
            nonlocal last
            last = self.metric(name)
            return condition(last)

        try:
            wait_until(check, timeout)
        except AssertionError:
            raise AssertionError(f"{name} is still {last}") from None
        return last
