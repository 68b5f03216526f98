"""Connections to one server break, hang, are refused; the server is away for a while."""

import time

from harness import wait_until

from .case import case

LONGER_THAN_DEAF = 4  # seconds: silence of 3 s means that a link is dead


def every_200_ms(run, what, count):
    due = time.monotonic()
    for _ in range(count):
        what()
        due += 0.2
        time.sleep(max(0, due - time.monotonic()))


@case("1", "single", "subscriptions killed every 0.2 s")
def subscriptions_killed(run):
    every_200_ms(run, lambda: run.redis.client_kill("pubsub"), run.times(15, 50))


@case("2", "single", "output buffers of subscriptions exceeded")
def output_buffers_exceeded(run):
    """One busy batch is more than Redis may keep for a subscriber."""
    run.redis.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 20000 20000 0")
    closed = "overcoming of output buffer limits"

    def is_closed():
        run.oracle.padding = "x" * 900
        for speaker in run.oracle.senders[:6]:
            run.oracle.say(speaker, 40)
        run.oracle.padding = ""
        run.oracle.wait_delivered(120)
        return run.redis.log().count(closed) >= run.times(3, 10)

    wait_until(is_closed, 120, "Redis closes subscriptions")
    run.notes.append(f"{run.redis.log().count(closed)} closed")


@case("3a", "single", "command links killed every 0.2 s, batches under way")
def commands_killed(run):
    every_200_ms(run, lambda: run.redis.client_kill("normal"), run.times(15, 50))


@case("3b", "named", "answers lost after the call was done")
def answers_lost(run):
    for _ in range(run.times(10, 40)):
        run.redis.name.lose_answers(3)
        run.say_some(0.3)
        wait_until(lambda: run.redis.name.answers_to_lose == 0)
    run.notes.append(f"{run.total('batch_retries_total'):.0f} batches sent again")
    assert run.total("batch_retries_total") > 0


@case("3c", "single", "all links killed at random moments")
def all_links_killed(run):
    for number in range(run.times(10, 60)):
        run.redis.client_kill("normal")
        time.sleep(0.05 * (number % 7))
        run.redis.client_kill("pubsub")
        run.say_some(0.1)


@case("8a", "single", "the server hangs (SIGSTOP)", seconds=15)
def server_hangs(run):
    run.broken()
    run.redis.pause()
    time.sleep(run.times(LONGER_THAN_DEAF + 1, 15))
    run.redis.resume()
    run.mended()


@case("8b", "named", "the network is a black hole, then carries everything", seconds=15)
def network_stalls(run):
    run.broken()
    run.redis.name.stall()
    time.sleep(run.times(LONGER_THAN_DEAF + 1, 15))
    run.redis.name.resume()
    run.mended()


@case("8c", "named", "links that are open are black holes for ever; new ones work", seconds=15)
def open_links_are_black_holes(run):
    run.broken()
    run.redis.name.black_hole()
    run.mended()
    run.say_some(LONGER_THAN_DEAF + 2)


@case(
    "8d",
    "lossy",
    "no fault: the server is 300 ms away, and 5 % of all packets are lost",
    "slow is not dead: links stay, nothing lost, doubled or reordered",
    seconds=20,
)
def far_away(run):
    before = run.total('redis_reconnects_total{link="commands"}')
    run.say_some(run.times(5, 60))
    again = run.total('redis_reconnects_total{link="commands"}') - before
    run.notes.append(f"{again:.0f} reconnects")
    assert again <= 2


@case(
    "13",
    "single",
    "the server is away for longer than lines are held",
    "lines are stored, or their senders are told",
    options={"hold_seconds": 2},
    refuses=True,
    seconds=15,
)
def away_for_longer_than_lines_are_held(run):
    run.broken()
    run.redis.pause()
    wait_until(lambda: all_watches_updated(run) and run.oracle.given_up(), 60, "senders are told")
    run.redis.resume()
    run.mended()


def all_watches_updated(run):
    for watch in run.oracle.watches.values():
        watch.update()
    return True


@case("22", "single", "all nodes connect again at once, with many rooms", nodes=4, people_change=True, seconds=20)
def all_connect_again_at_once(run):
    guests = [run.world.person(node, f"guest{n}") for n, node in enumerate(run.nodes)]
    rooms = [f"#many{n}" for n in range(run.times(40, 90))]
    for guest in guests:
        guest.ask(*[f"/join {room}" for room in rooms], "/leave #lobby", timeout=120)
    before = commands_done(run)
    for _ in range(run.times(3, 10)):
        run.broken()
        for kind in ("pubsub", "normal"):
            run.redis.client_kill(kind)
        run.mended()
        run.say_some(1)
    run.notes.append(f"{commands_done(run) - before} commands in all")
    for guest in guests:
        guest.send("/quit")


def commands_done(run):
    return int(run.redis.info("stats")["total_commands_processed"])


@case("23", "single", "the password changes, and is changed back", seconds=15)
def password_changes(run):
    run.broken()
    run.redis.command("CONFIG", "SET", "requirepass", "other")
    run.redis.command("AUTH", "other")
    for kind in ("normal", "pubsub"):
        run.redis.client_kill(kind)
    run.wait_metric(run.nodes, "redis_available", lambda value: value == 0)
    run.redis.command("CONFIG", "SET", "requirepass", "")
    run.mended()


@case(
    "25",
    "single",
    "a node starts while the server is not there",
    "it begins to listen when the server is back",
    seconds=15,
)
def node_starts_before_the_server(run):
    run.redis.pause()
    node = run.world.start_node(**run.options)
    refused = run.world.start_node(**{**run.options, "redis_url": "redis://127.0.0.1:1"})
    time.sleep(LONGER_THAN_DEAF)
    assert node.is_running() and refused.is_running()
    run.redis.resume()
    run.mended()
    node.wait_listening(60)
    run.nodes.append(node)
