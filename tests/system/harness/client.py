"""Clients of the line protocol: any number of them, served by one thread.

A client reads all the time and keeps every line. A cursor separates the lines that the test
has looked at from those that it has not: expect() and its kin move it.
"""

import collections
import re
import selectors
import socket
import threading
import time

from .limits import TIMEOUT, look_after_nodes

READ_BYTES = 1 << 18
LINE_BYTES_MAX = 4096  # of a line from the server, with its end

# What no line from the server may hold.
MALFORMED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)|(?<!\r)\n")
STARTS = ("[", "* ", "! ", "ERROR :")


class Client:
    """Made by Crowd.connect()."""

    def __init__(self, crowd, sock, name, node):
        self.crowd = crowd
        self.socket = sock
        self.name = name
        self.node = node
        self.lines = []
        self.arrivals = []  # (time, how many lines there were then), for each read
        self.cursor = 0
        self.ended = None  # how the server ended the connection: closed, reset
        self.flaw = None  # a line that no server may send
        self._partial = b""
        self._out = bytearray()
        self._events = 0  # what the selector waits for
        self._pings = 0
        self.reading = True

    def __repr__(self):
        shown = self.lines[max(0, self.cursor - 3) : self.cursor + 10]
        text = "\n".join(f"    {line[:200]}" for line in shown)
        return (
            f"{self.name} at {self.node.name if self.node else '?'}"
            f" (looked at {self.cursor} of {len(self.lines)} lines, ended: {self.ended})\n{text}"
        )

    # ---- talking ----

    def send(self, *lines):
        self.send_bytes("".join(f"{line}\n" for line in lines).encode("utf-8"))

    def send_bytes(self, data):
        """Returns at once; what the socket does not take is sent as soon as it does."""
        with self.crowd.news:
            if self.ended:
                return
            if not self._out:
                data = data[self._try_to_send(data) :]
            if data:
                self._out += data
                self.crowd.do(self._watch)

    def _try_to_send(self, data):
        """How much of it is done with. After an error there may still be lines to read."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def is_sent(self):
        return not self._out

    def finish_sending(self):
        """Close the sending half, as `nc -N` does at the end of its input."""
        assert self.is_sent()
        self.socket.shutdown(socket.SHUT_WR)

    def stop_reading(self):
        self.reading = False
        self.crowd.do(self._watch)

    def read_again(self):
        self.reading = True
        self.crowd.do(self._watch)

    def close(self):
        """Go without a word."""
        self.crowd.forget(self)

    # ---- listening ----

    def next(self, timeout=TIMEOUT):
        """The very next line."""
        self.crowd.wait(lambda: self.cursor < len(self.lines) or self.ended, timeout, self)
        assert self.cursor < len(self.lines), f"no line, but the end: {self!r}"
        self.cursor += 1
        return self.lines[self.cursor - 1]

    def next_are(self, *lines):
        for line in lines:
            found = self.next()
            assert found == line, f"expected {line!r}, got {found!r} at {self!r}"

    def expect(self, line, timeout=TIMEOUT):
        """Wait for exactly this line, passing over others."""
        self.expect_match(f"^{re.escape(line)}$", timeout)

    def expect_match(self, regex, timeout=TIMEOUT):
        """Wait for a line in which the expression is found; returns the match."""
        compiled = re.compile(regex)
        found = None

        def scan():
            nonlocal found
            while found is None and self.cursor < len(self.lines):
                found = compiled.search(self.lines[self.cursor])
                self.cursor += 1
            return found or self.ended

        start = self.cursor
        try:
            self.crowd.wait(scan, timeout, self)
            assert found, f"the connection ended: {self!r}"
        except AssertionError as error:
            self.cursor = start
            raise AssertionError(f"{regex!r} did not come. {error}") from None
        return found

    def expect_end(self, *last_lines, timeout=TIMEOUT):
        """The server closes the connection; these are its last words."""
        self.crowd.wait(lambda: self.ended, timeout, self)
        count = len(last_lines)
        assert self.lines[len(self.lines) - count :] == list(last_lines), repr(self)
        self.cursor = len(self.lines)

    def ask(self, *lines, timeout=TIMEOUT):
        """Send lines; returns what comes until all of them have taken effect."""
        self._pings += 1
        token = f"{self.name}.{self._pings}"
        self.send(*lines, f"/ping {token}")
        start = self.cursor
        self.expect(f"* pong {token}", timeout)
        return self.lines[start : self.cursor - 1]

    def settle(self, timeout=TIMEOUT):
        """Everything sent has taken effect; returns what came until then."""
        return self.ask(timeout=timeout)

    def fresh(self):
        """The lines that have come and were not looked at; does not wait."""
        start, self.cursor = self.cursor, len(self.lines)
        return self.lines[start : self.cursor]

    def forget_lines(self):
        with self.crowd.news:
            self.lines.clear()
            self.arrivals.clear()
            self.cursor = 0

    def seen(self, regex):
        compiled = re.compile(regex)
        return [line for line in self.lines if compiled.search(line)]

    # ---- the crowd's thread ----

    def _watch(self):
        """Tell the selector what this client waits for."""
        events = 0
        if not self.ended:
            events |= selectors.EVENT_READ if self.reading else 0
            events |= selectors.EVENT_WRITE if self._out else 0
        selector = self.crowd.selector
        if events != self._events:
            if not self._events:
                selector.register(self.socket, events, self)
            elif not events:
                selector.unregister(self.socket)
            else:
                selector.modify(self.socket, events, self)
            self._events = events
        if self.ended:
            self.socket.close()

    def _ready(self, events):
        with self.crowd.news:
            try:
                if events & selectors.EVENT_WRITE and self._out:
                    del self._out[: self._try_to_send(self._out[:READ_BYTES])]
                if events & selectors.EVENT_READ:
                    self._read()
            except BlockingIOError:
                pass
            except OSError as error:
                self._end(error)
            self._watch()

    def _read(self):
        data = self.socket.recv(READ_BYTES)
        if not data:
            if self._partial:
                self.flaw = self.flaw or f"the connection ended inside a line: {self._partial!r}"
            self._end(None)
            return
        whole, end, self._partial = (self._partial + data).rpartition(b"\r\n")
        if end:
            self._take(whole)
            self.crowd.news.notify_all()

    def _take(self, data):
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            self.flaw = self.flaw or f"not UTF-8: {error}"
            text = data.decode("utf-8", "backslashreplace")
        if MALFORMED.search(text):
            self.flaw = self.flaw or f"control characters: {MALFORMED.search(text)}"
        some = text.split("\r\n")
        for line in some:
            if not line.startswith(STARTS) or len(line) > LINE_BYTES_MAX // 4:
                if not line.startswith(STARTS) or len(line.encode()) + 2 > LINE_BYTES_MAX:
                    self.flaw = self.flaw or f"not a line of the protocol: {line[:300]!r}"
        self.lines += some
        self.arrivals.append((time.monotonic(), len(self.lines)))

    def _end(self, error):
        self.ended = "reset" if error else "closed"
        self._out.clear()
        self.crowd.do(self._watch)
        self.crowd.news.notify_all()


class Crowd:
    """All clients of a test and the thread that reads and writes for them."""

    def __init__(self):
        self.clients = []
        self.flaws = []  # of clients that are gone
        self.selector = selectors.DefaultSelector()
        self.news = threading.Condition(threading.RLock())
        self._todo = collections.deque()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.selector.register(self._wake_in, selectors.EVENT_READ)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
        self._thread.start()

    def connect(self, node, name="somebody", receive_bytes=None, reading=True):
        """A connection on which nothing has been said yet."""
        sock = socket.socket()
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(TIMEOUT)
        sock.connect(("127.0.0.1", node.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        client = Client(self, sock, name, node)
        client.reading = reading
        self.clients.append(client)
        self.do(client._watch)
        return client

    def do(self, what):
        """Have the thread call it."""
        self._todo.append(what)
        try:
            self._wake_out.send(b"x")
        except BlockingIOError:
            pass

    def wait(self, condition, timeout, client):
        deadline = time.monotonic() + timeout
        with self.news:
            while True:
                value = condition()
                if value:
                    return value
                look_after_nodes()
                left = deadline - time.monotonic()
                assert left > 0, f"not within {timeout} s: {client!r}"
                self.news.wait(min(left, 0.5))

    def forget(self, client):
        done = threading.Event()

        def leave():
            client.ended = client.ended or "left"
            client._watch()
            if client.flaw:
                self.flaws.append(f"{client.name}: {client.flaw}")
            if client in self.clients:
                self.clients.remove(client)
            done.set()

        self.do(leave)
        assert done.wait(TIMEOUT)

    def close(self):
        """Returns what was wrong with the lines that came."""
        self._stopping = True
        self.do(lambda: None)
        self._thread.join(TIMEOUT)
        for client in self.clients:
            client.socket.close()
            if client.flaw:
                self.flaws.append(f"{client.name}: {client.flaw}")
        self.selector.close()
        self._wake_in.close()
        self._wake_out.close()
        return self.flaws

    def _run(self):
        while not self._stopping:
            for key, events in self.selector.select():
                if key.data is not None:
                    key.data._ready(events)
                else:
                    self._wake()

    def _wake(self):
        try:
            self._wake_in.recv(65536)
        except BlockingIOError:
            pass
        while self._todo:
            self._todo.popleft()()
