"""Clients that speak IRC, beside those of the harness: one crowd, one thread.

    alice = irc_person(world, node, "alice", caps="server-time")
    alice.ask("JOIN #a")    the lines that come until everything before has taken effect

Whatever comes must be a line of IRC: at most 512 bytes without its tags, UTF-8, with a source
unless it is PING or ERROR.
"""

import collections
import re
import socket

from harness import Client
from harness.limits import TIMEOUT

BODY_BYTES_MAX = 512  # with the line's end
SERVER = "irc.parley"
LINE = re.compile(
    r"^(?:@(?P<tags>\S+) )?(?::(?P<source>[^ ]+) )?(?P<command>[A-Z]+|\d{3})(?P<params>(?: .*)?)$"
)

Message = collections.namedtuple("Message", "tags source command params")


def parse(line):
    found = LINE.match(line)
    assert found, f"not a line of IRC: {line!r}"
    tags = dict(tag.partition("=")[::2] for tag in (found["tags"] or "").split(";") if tag)
    middle, colon, trailing = found["params"].partition(" :")
    params = middle.split() + ([trailing] if colon else [])
    return Message(tags, found["source"], found["command"], params)


def nick_of(message):
    return message.source.partition("!")[0]


def params_of(lines, command):
    """The parameters of all lines with this command or numeric."""
    return [m.params for m in map(parse, lines) if m.command == command]


def commands_of(lines):
    return [parse(line).command for line in lines]


class IrcClient(Client):
    def ask(self, *lines, timeout=TIMEOUT):
        """Send lines; returns what comes until all of them have taken effect."""
        self._pings += 1
        token = f"{self.name}.{self._pings}"
        self.send(*lines, f"PING {token}")
        start = self.cursor
        self.expect(f":{SERVER} PONG {SERVER} :{token}", timeout)
        return self.lines[start : self.cursor - 1]

    def wait_for(self, command, *params, timeout=TIMEOUT):
        """Wait for a line with this command and these first parameters; returns the message."""
        start = self.cursor
        found = None

        def scan():
            nonlocal found
            while found is None and self.cursor < len(self.lines):
                message = parse(self.lines[self.cursor])
                self.cursor += 1
                if message.command == command and message.params[: len(params)] == list(params):
                    found = message
            return found or self.ended

        try:
            self.crowd.wait(scan, timeout, self)
            assert found, f"the connection ended: {self!r}"
        except AssertionError as error:
            self.cursor = start
            raise AssertionError(f"{command} {params} did not come. {error}") from None
        return found

    def wait_for_join_of(self, nick, room):
        """Somebody else's: on another node it is seen when it has come there."""
        while nick_of(self.wait_for("JOIN", room)) != nick:
            pass

    def said(self):
        """[(nick, target, text)] of the messages not looked at yet; does not wait."""
        messages = [parse(line) for line in self.fresh()]
        return [
            (nick_of(m), m.params[0], m.params[1])
            for m in messages
            if m.command in ("PRIVMSG", "NOTICE")
        ]

    def _take(self, data):
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            self.flaw = self.flaw or f"not UTF-8: {error}"
            text = data.decode("utf-8", "backslashreplace")
        for line in text.split("\r\n"):
            self.flaw = self.flaw or flaw_of(line)
            self.lines.append(line)
        self.arrivals.append((0, len(self.lines)))


def flaw_of(line):
    if re.search("[\0\r\n]", line) or not LINE.match(line):
        # The greeting comes before the protocol is known.
        return None if line.startswith("* Welcome to Parley") else f"not a line of IRC: {line!r}"
    body = line.partition(" ")[2] if line.startswith("@") else line
    if len(body.encode()) + 2 > BODY_BYTES_MAX:
        return f"longer than 512 bytes: {line!r}"
    if not body.startswith((":", "PING ", "ERROR ")):
        return f"without a source: {line!r}"
    return None


def irc_connect(world, node, name="somebody"):
    """A connection on which nothing has been said yet."""
    sock = socket.create_connection(("127.0.0.1", node.port), TIMEOUT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    client = IrcClient(world.crowd, sock, name, node)
    world.crowd.clients.append(client)
    world.crowd.do(client._watch)
    return client


def irc_person(world, node, name, caps="", rooms=""):
    """Somebody registered, with capabilities, in rooms; has looked at all lines of that."""
    client = irc_connect(world, node, name)
    if caps:
        client.send("CAP LS 302", f"CAP REQ :{caps}", "CAP END")
    client.send(f"NICK {name}", f"USER {name} 0 * :Real {name}")
    client.wait_for("001", name)
    client.expect_match(rf"^:{SERVER} (376|422) ")
    if rooms:
        joined = client.ask(f"JOIN {rooms}")
        assert len(params_of(joined, "366")) == len(rooms.split(",")), joined
    client.ask()
    return client
