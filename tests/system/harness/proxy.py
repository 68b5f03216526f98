"""A TCP proxy that can stall, cut, and lead somewhere else."""

import socket
import threading


class Proxy:
    def __init__(self, target):
        self.target = target  # a port of 127.0.0.1
        self.flowing = threading.Event()
        self.flowing.set()
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 1)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(
                    target=self._copy, args=(source, sink, pair), name="proxy", daemon=True
                ).start()

    def _copy(self, source, sink, pair):
        try:
            while data := source.recv(65536):
                self.flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._close(pair)

    def _close(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def stall(self):
        """Let nothing through; what is read is kept until resume() or cut()."""
        self.flowing.clear()

    def resume(self):
        self.flowing.set()

    def cut(self):
        """Close all connections; what was kept is lost."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._close(pair)
        self.flowing.set()

    def lead_to(self, port):
        self.target = port
        self.cut()

    def close(self):
        self._listener.close()
        self.cut()
