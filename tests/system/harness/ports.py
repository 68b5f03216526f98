"""Ports for servers that must come back on the same one.

A node listens on port 0 and logs what it got. Redis is killed and started again on its port;
such a port is outside of the range from which the kernel takes ports for outgoing
connections, so that nobody else gets it meanwhile, and is leased by a lock on a file.
"""

import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 15000, 32000


class Lease:
    def __init__(self):
        folder = os.path.join(tempfile.gettempdir(), f"parley-ports-{os.getuid()}")
        os.makedirs(folder, exist_ok=True)
        for _ in range(1000):
            self.port = random.randrange(FIRST, LAST)
            self._file = open(os.path.join(folder, str(self.port)), "w", encoding="ascii")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", self.port))
                return
            except OSError:
                self._file.close()
        raise AssertionError("there is no free port")

    def release(self):
        self._file.close()
