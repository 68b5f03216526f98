"""Reading what the server says of rooms."""

import re


def members(client, room="#lobby"):
    """Who is in the room, as the client's node answers /who: a sorted list."""
    names, told = [], None
    start = f"* {room}: "
    count = re.compile(rf"^\* (\d+) (person|people) in {re.escape(room)}\.$")
    for line in client.ask(f"/who {room}"):
        if line.startswith(start):
            names += [name.split(" ")[0] for name in line[len(start) :].split(", ")]
        elif count.match(line):
            told = int(count.match(line).group(1))
    assert told == len(names), f"/who counts {told} and lists {names}"
    assert len(set(names)) == len(names), f"/who lists somebody twice: {names}"
    return sorted(names)


def room_line(room, nick, text):
    return f"[{room}] <{nick}> {text}"
