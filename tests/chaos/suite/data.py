"""What Redis keeps is lost, refused, or not what it should be."""

import time

from harness import wait_until

from .case import case


def log_of(run, room):
    (key,) = [key for key in run.redis.keys("parley:*:l:*") if key.endswith(f":l:{room}")]
    return key


def library(run):
    """Name of the nodes' function library."""
    (row,) = run.redis.command("FUNCTION", "LIST")
    return row[row.index("library_name") + 1]


@case("4a", "single", "the function library is removed")
def functions_removed(run):
    for _ in range(run.times(5, 30)):
        run.redis.command("FUNCTION", "FLUSH")
        run.say_some(0.3)


@case("4b", "single", "another library bears its name; older and newer ones stand beside it")
def other_libraries(run):
    name = library(run)
    base = name.rstrip("0123456789")

    def load(library_name):
        code = f"redis.register_function('{library_name}_other', function() return 1 end)"
        run.redis.command("FUNCTION", "LOAD", "REPLACE", f"#!lua name={library_name}\n{code}")

    load(f"{base}0")
    load(f"{base}99")
    for _ in range(run.times(4, 30)):
        load(name)
        run.say_some(0.3)
    libraries = [row[row.index("library_name") + 1] for row in run.redis.command("FUNCTION", "LIST")]
    assert sorted(libraries) == sorted([f"{base}0", name, f"{base}99"])


@case("14a", "single", "the books of the writers are evicted")
def books_evicted(run):
    for _ in range(run.times(5, 40)):
        for key in run.redis.keys("parley:*:w"):
            run.redis.command("DEL", key)
        run.say_some(0.3)


@case(
    "14b",
    "single",
    "FLUSHALL",
    "nothing lost, doubled or reordered; only history is gone",
    keeps_log=False,
    one_order=False,
)
def flushall(run):
    for _ in range(run.times(2, 10)):
        run.redis.flushall()
        run.say_some(2)


@case(
    "14c",
    "single",
    "the server dies and comes back empty",
    "nothing lost, doubled or reordered; only history is gone",
    keeps_log=False,
    seconds=15,
)
def server_comes_back_empty(run):
    for _ in range(run.times(2, 6)):
        run.broken()
        run.redis.restart_empty()
        run.mended()
        run.say_some(2)


@case(
    "14d",
    "single",
    "logs of rooms are evicted",
    "nothing lost, doubled or reordered; only history is gone",
    keeps_log=False,
)
def logs_evicted(run):
    for _ in range(run.times(3, 30)):
        for room in run.rooms:
            run.redis.command("DEL", log_of(run, room))
        run.say_some(0.5)


@case("15", "single", "no memory is left (maxmemory, noeviction)")
def no_memory(run):
    run.broken()
    run.redis.command("CONFIG", "SET", "maxmemory", "1")
    run.say_some(run.times(3, 10))
    run.redis.command("CONFIG", "SET", "maxmemory", "0")
    run.mended()


@case(
    "16",
    "single",
    "a log is trimmed while a node cannot read it",
    "what is missing is told; all else comes once",
    options={"history": 64},
    keeps_log=False,
    may_miss=True,
    seconds=20,
)
def log_trimmed(run):
    sleeper = run.nodes[-1]
    sleeper.pause()
    run.redis.client_kill("pubsub")
    speaker = next(s for s in run.oracle.senders if s.node is not sleeper)
    for _ in range(250):  # more entries than are kept; a trim leaves up to a hundred more
        run.oracle.say(speaker)
        speaker.settle()
    sleeper.resume()
    person = next(p for p in run.people if p.node is sleeper)
    wait_until(lambda: person.seen("are missing here"), 60, "it is told that lines are missing")


@case("17a", "single", "frames come twice, late, foreign, cut, endless", "dropped and counted")
def bad_frames(run):
    for room in run.rooms:
        key = log_of(run, room)
        run.say_some(0.5)
        entries = run.redis.command("XREVRANGE", key, "+", "-", "COUNT", 5)
        last, (_, entry) = entries[0]
        frames = [f"{after[0]} {before[0]} {after[1][1]}" for after, before in zip(entries, entries[1:])]
        frames += [f"{before[0]} {after[0]} {after[1][1]}" for after, before in zip(entries, entries[1:])]
        frames += [f"{last} {last} {entry[: len(entry) // 2]}", "", " ", "0-0", "p", "a b c", "9" * 100000]
        frames += ["99999999999999-0", f"{last} 99999999999999-0 1 n 1 1 5", b"\xff\x00\r\n" * 50]
        frames += [f"{last} 18446744073709551616-0 1 n 1 1 1 M", f"{last} 99999999999999-1 1 n 1 99999999 1 M"]
        for frame in frames:
            run.redis.command("SPUBLISH", key, frame)
            time.sleep(0.02)
    run.notes.append(f"{run.total('malformed_total'):.0f} counted")
    assert run.total("malformed_total") > 0


@case("17b", "single", "entries of logs make no sense", "dropped and counted")
def bad_entries(run):
    endless = "1 n 7 1 " + "9" * 70000
    for entry in ("", "x", "1 - 0 1 0 ", "1 n 1 1 99999999 M", "2 n 1 1 1 M", b"\xff" * 99, endless):
        for room in run.rooms:
            run.redis.command("XADD", log_of(run, room), "*", "d", entry)
            run.redis.command("XADD", log_of(run, room), "*", "other", entry, "d2", "x")
        run.redis.client_kill("pubsub")  # they are found when the log is read again
        run.say_some(0.3)
    run.notes.append(f"{run.total('malformed_total'):.0f} counted")
    assert run.total("malformed_total") > 0
