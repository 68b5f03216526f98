"""Reading what the server says of rooms."""

import re


def members(client, room="#lobby"):
    """Who is in the room, as the client's node answers /who: a sorted list; empty for a room
    that the client is not in. Waits while the backplane is away. On a node that slept a name
    may stand there twice for a moment: it was taken over meanwhile."""
    names = []
    start = f"* {room}: "
    count = re.compile(rf"^\* (\d+) (person|people) in {re.escape(room)}\.$")
    client.fresh()
    client.send(f"/who {room}")
    while True:
        line = client.next()
        if line.startswith(start):
            names += [name.split(" ")[0] for name in line[len(start) :].split(", ")]
        elif count.match(line):
            assert int(count.match(line).group(1)) == len(names), f"{line} {names}"
            return sorted(names)
        elif line == f"! You are not in {room}.":
            return []


def room_line(room, nick, text):
    return f"[{room}] <{nick}> {text}"


def start_afresh(people):
    """Forget the lines of everybody's arrival."""
    for client in people:
        client.settle()
    for client in people:
        client.forget_lines()
