"""A real redis-server, as mortal as the tests want it."""

import os
import socket

from .limits import TIMEOUT, wait_until
from .ports import Lease
from .process import Process
from .servers import server_program


class RedisError(Exception):
    pass


class Connection:
    """As much of RESP2 as looking into Redis needs."""

    def __init__(self, port, timeout=TIMEOUT, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout)
        self.file = self.socket.makefile("rb")

    def command(self, *words):
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
        self.socket.sendall(b"".join(parts))
        return self._reply()

    def _reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest)
        if kind == b":":
            return int(rest)
        length = int(rest)
        if length < 0:
            return None
        if kind == b"$":
            return self.file.read(length + 2)[:-2].decode("utf-8", "surrogateescape")
        return [self._reply() for _ in range(length)]

    def close(self):
        self.file.close()
        self.socket.close()


def words_of(settings):
    """The command line of settings of redis.conf."""
    return [word for key, value in settings.items() for word in (f"--{key}", str(value))]


class Redis:
    """Without persistence: started again it is empty.

    With `tls`, settings of redis.conf, it is on `peer_port` for nodes and other servers; the tests
    ask it in plain."""

    host = "127.0.0.1"
    wrapper = ()  # what the server's command line begins with
    certificate = None  # that those who trust it need

    def __init__(self, folder, number=0, options=(), lease=None, env=None, tls=None):
        self.name = f"redis{number}"
        self.folder = folder
        self.options = options
        self.env = env and {**os.environ, **env}
        self.lease = lease or Lease()
        self.tls_lease = Lease() if tls else None
        self.port = self.peer_port = self.lease.port
        if tls:
            self.peer_port = self.tls_lease.port
            self.options = [*options, *words_of({"tls-port": self.peer_port, **tls})]
        self.process = None
        self._connection = None
        self.start()

    @property
    def url(self):
        return f"redis://{self.host}:{self.port}"

    def processes(self):
        return [self.process]

    def start(self):
        """With nothing: what a replica keeps of its primary is a file, too."""
        dump = self.folder / f"{self.name}.rdb"
        dump.unlink(missing_ok=True)
        command = [*self.wrapper, server_program(), "--port", str(self.port), "--bind", self.host]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        command += ["--dbfilename", dump.name]
        log = self.folder / f"{self.name}.log"
        self.process = Process(self.name, [*command, *self.options], log, self.env)
        wait_until(self._answers, what=f"{self.name} answers")

    def _answers(self):
        assert self.process.is_running(), self.process.log_tail()
        try:
            info = self.info("server", timeout=1)
        except OSError:
            return False
        except RedisError as error:
            return "NOAUTH" in str(error)
        return info["process_id"] == str(self.process.pid)

    def info(self, section, timeout=TIMEOUT):
        connection = Connection(self.port, timeout, self.host)
        try:
            text = connection.command("INFO", section)
        finally:
            connection.close()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def command(self, *words):
        if self._connection is None:
            self._connection = Connection(self.port, host=self.host)
        return self._connection.command(*words)

    def client_kill(self, kind):
        """Close the connections of a kind (normal, pubsub), this one excepted."""
        return self.command("CLIENT", "KILL", "TYPE", kind)

    def flushall(self):
        self.command("FLUSHALL")

    def keys(self, pattern):
        cursor, found = "0", []
        while True:
            cursor, some = self.command("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            found += some
            if cursor == "0":
                return found

    def hash(self, key):
        flat = self.command("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def kill(self):
        """kill -9: what it held is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.process.kill()

    def log(self):
        return self.process.log()

    def restart_empty(self):
        self.kill()
        self.start()

    def close(self):
        self.kill()
        self.lease.release()
        if self.tls_lease:
            self.tls_lease.release()
