"""Checks the checker: a server that loses, doubles, reorders or damages lines on purpose."""

import json
import socket
import subprocess
import threading

from . import servers


def _join(listener, count):
    """Accept and answer `count` people."""
    people = []
    for _ in range(count):
        connection, _ = listener.accept()
        room = connection.recv(1000).split()[1]
        connection.sendall(b"JOINED " + room + b"\r\n")
        people.append(connection)
    return people


def _read_until_silence(connection):
    data = connection.recv(1 << 16)
    connection.settimeout(0.3)
    try:
        while True:
            data += connection.recv(1 << 16)
    except TimeoutError:
        return data.splitlines(keepends=True)


# Each takes all lines of a sender and gives what the listeners get.
LIES = {
    "lost": lambda lines: lines[:3] + lines[4:],
    "duplicated": lambda lines: lines[:4] + lines[3:],
    "reordered": lambda lines: lines[:3] + [lines[4], lines[3]] + lines[5:],
    "damaged": lambda lines: lines[:3] + [lines[3][:-3] + b"\r\n"] + lines[4:],
}


def _serve(listener, lie):
    people = _join(listener, 3)
    told = lie(_read_until_silence(people[0]))
    for connection in people:
        connection.sendall(b"".join(told))
    for connection in people:
        connection.settimeout(20)
        connection.recv(1)  # until the load generator is gone
        connection.close()


def _tell(kind, processors):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, LIES[kind]), daemon=True)
        thread.start()
        command = [servers.PROGRAMS["parley-bench"], "--protocol", "raw"]
        command += ["--node", f"127.0.0.1:{listener.getsockname()[1]}"]
        command += "--members 3 --senders 1 --rate 20 --warm 0.1 --measure 0.5".split()
        command += "--drain 1 --settle 0.1 --limit 10".split()
        if processors.load is not None:
            command += ["--cpu", str(processors.load)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, json.loads(done.stdout)


def complaint(processors):
    """What was not noticed, or None."""
    for kind in LIES:
        status, result = _tell(kind, processors)
        # One line of ten, told to three people. A damaged line is lost as well.
        if result.get("failure") or result[kind] != 3 or status != 1:
            return f"{kind}: {result}"
    return None
