"""A TCP proxy that can stall, cut, lose what comes back, and lead somewhere else."""

import queue
import socket
import threading
import time


class Proxy:
    """`delay` is the time (in seconds) that everything needs in each direction."""

    def __init__(self, target, host="127.0.0.1", delay=0):
        self.target = target  # a port of `host`
        self.host = host
        self.delay = delay
        self.answers_to_lose = 0
        self._flowing = self._open_gate()
        self._pairs = {}  # (client, server) -> the gate that they pass
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    @staticmethod
    def _open_gate():
        gate = threading.Event()
        gate.set()
        return gate

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self.host, self.target), 1 + 2 * self.delay)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self._lock:
                self._pairs[pair] = gate = self._flowing
            for source, sink in (pair, pair[::-1]):
                threading.Thread(
                    target=self._copy, args=(source, sink, pair, gate), name="proxy", daemon=True
                ).start()

    def _read(self, source):
        """Pieces of what comes, the last one empty; each when its delay is over."""
        if not self.delay:
            yield from iter(lambda: source.recv(65536), b"")
            return
        pieces = queue.Queue()
        threading.Thread(target=self._take, args=(source, pieces), name="proxy", daemon=True).start()
        while True:
            due, data = pieces.get()
            time.sleep(max(0, due - time.monotonic()))
            if not data:
                return
            yield data

    def _take(self, source, pieces):
        data = b"x"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            pieces.put((time.monotonic() + self.delay, data))

    def _copy(self, source, sink, pair, gate):
        try:
            for data in self._read(source):
                gate.wait()
                if source is pair[1] and self._is_to_be_lost():
                    break
                sink.sendall(data)
        except OSError:
            pass
        self._close(pair)

    def _is_to_be_lost(self):
        with self._lock:
            if self.answers_to_lose == 0:
                return False
            self.answers_to_lose -= 1
            return True

    def _close(self, pair):
        with self._lock:
            gate = self._pairs.pop(pair, None)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        return gate

    def stall(self):
        """Let nothing through; what is read is kept until resume() or cut()."""
        self._flowing.clear()

    def resume(self):
        self._flowing.set()

    def black_hole(self):
        """Nothing gets through the connections that there are, ever; new ones work."""
        self._flowing.clear()
        self._flowing = self._open_gate()

    def lose_answers(self, count):
        """The next things that the server says are lost, and each connection with them."""
        with self._lock:
            self.answers_to_lose += count

    def cut(self):
        """Close all connections; what was kept is lost."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            gate = self._close(pair)
            if gate is not None:
                gate.set()
        self._flowing.set()

    def lead_to(self, port):
        self.target = port
        self.cut()

    def close(self):
        self._listener.close()
        self.cut()
