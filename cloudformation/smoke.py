#!/usr/bin/env python3
"""Talks to a running Parley as many people at once, across its tasks.

    smoke.py HOST [PORT] [--people 16] [--seconds 60] [--at HOST:PORT ...]

Everybody connects on an own connection, spread over all addresses that HOST has, and enters a
room of their own. Then each one says one line, and everybody must hear every line exactly once
and in one order. A load balancer picks the task of each connection at random, so with 16 people
and two tasks the chance that all of them met on one task is 1 in 32768.

--at names further places to connect to, for a test without a load balancer.
Needs nothing but Python's own library.
"""

import argparse
import os
import selectors
import socket
import sys
import time


class Failure(Exception):
    pass


class Person:
    def __init__(self, name, room, address, selector):
        self.name = name
        self.room = room
        self.address = address
        self.heard = []
        self.joined = False
        self.rest = b""
        self.socket = socket.create_connection(address, 10)
        # Who speaks first is not greeted; the first line is the name.
        self.socket.sendall(f"{name}\r\n/join {room}\r\n".encode())
        self.socket.setblocking(False)
        selector.register(self.socket, selectors.EVENT_READ, self)

    def read(self, mark):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        if not data:
            raise Failure(f"{self.name}: the connection was closed ({self.rest!r})")
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            if text.startswith("! "):
                raise Failure(f"{self.name}: {text}")
            if text.startswith(f"[{self.room}] <") and mark in text:
                self.heard.append(text)
            elif self.room in text:
                self.joined = True

    def say(self, text):
        self.socket.setblocking(True)
        self.socket.sendall(f"{text}\r\n".encode())
        self.socket.setblocking(False)


def wait(selector, mark, is_done, deadline, what):
    while not is_done():
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure(f"not in time: {what()}")
        for key, _ in selector.select(min(left, 1)):
            key.data.read(mark)


def addresses_of(host, port):
    found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    return sorted({entry[4] for entry in found})


def connect(args, deadline):
    """A load balancer that was just made has no name and no task for a while."""
    while True:
        try:
            places = addresses_of(args.host, args.port)
            places += [p for at in args.at for p in addresses_of(*at.rsplit(":", 1))]
            for place in places:
                socket.create_connection(place, 5).close()
            return places
        except OSError as error:
            if time.monotonic() >= deadline:
                raise Failure(f"{args.host}:{args.port}: {error}") from error
            time.sleep(1)


def talk(args):
    deadline = time.monotonic() + args.seconds
    places = connect(args, deadline)
    selector = selectors.DefaultSelector()
    tag = os.urandom(3).hex()
    mark = f"smoke-{tag}"
    room = f"#smoke-{tag}"
    people = [
        Person(f"s{tag}x{i}", room, places[i % len(places)], selector) for i in range(args.people)
    ]
    wait(
        selector, mark, lambda: all(p.joined for p in people), deadline,
        lambda: "in the room were only " + ", ".join(p.name for p in people if p.joined),
    )
    started = time.monotonic()
    for person in people:
        person.say(f"{mark} from {person.name}")
    wait(
        selector, mark, lambda: all(len(p.heard) >= len(people) for p in people), deadline,
        lambda: "lines heard: " + ", ".join(f"{p.name} {len(p.heard)}" for p in people),
    )
    took = time.monotonic() - started
    # Nothing may come twice.
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        for key, _ in selector.select(0.1):
            key.data.read(mark)
    for person in people:
        if len(set(person.heard)) != len(people) or len(person.heard) != len(people):
            raise Failure(f"{person.name} heard {person.heard}")
        if person.heard != people[0].heard:
            raise Failure(f"{person.name} and {people[0].name} heard another order")
    for person in people:
        person.say("/quit")
        person.socket.close()
    print(
        f"smoke: {len(people)} people on {len(places)} addresses heard "
        f"{len(people)} lines each, in one order, within {took:.2f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("host")
    parser.add_argument("port", nargs="?", type=int, default=5050)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--at", action="append", default=[], metavar="HOST:PORT")
    try:
        talk(parser.parse_args())
    except (Failure, OSError) as error:
        print(f"smoke: FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
