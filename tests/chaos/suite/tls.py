"""TLS to Redis: certificates are exchanged, servers restarted, replicas promoted."""

import ssl

from harness import wait_until
from harness.certificates import Authority

from .case import case
from .replicated import fail_over, fall_behind, lost_batches


def use(run, settings):
    """A certificate for all connections that are made from now on; there are no others."""
    names = ("tls-cert-file", "tls-key-file", "tls-ca-cert-file")
    words = [word for name in names for word in (name, settings[name])]
    run.redis.command("CONFIG", "SET", *words)
    with open(settings["tls-cert-file"], encoding="ascii") as file:
        shown = ssl.get_server_certificate(("127.0.0.1", run.redis.primary.peer_port))
        assert shown.split() == file.read().split(), "the server shows it"
    for kind in ("normal", "pubsub"):
        run.redis.client_kill(kind)


@case("23b", "tls", "the server's certificate is exchanged; then for one that nobody trusts, and back", seconds=15)
def certificate_exchanged(run):
    mine = run.redis.authority
    for _ in range(run.times(1, 5)):
        use(run, mine.issue())
        run.say_some(0.5)
    run.broken()
    use(run, Authority(run.world.folder, "stranger").issue())
    run.wait_metric(run.nodes, "redis_available", lambda value: value == 0)
    refused = "the server's TLS certificate is not accepted"
    wait_until(lambda: all(refused in node.log() for node in run.nodes), what="they say why")
    use(run, mine.issue())
    run.mended()


@case(
    "23c",
    "tls",
    "the server dies and comes back empty",
    "nothing lost, doubled or reordered; only history is gone",
    keeps_log=False,
    fast=False,
    seconds=15,
)
def restarted_with_tls(run):
    for _ in range(run.times(2, 6)):
        run.broken()
        run.redis.primary.restart_empty()
        run.mended()
        run.say_some(2)


@case("23d", "tls", "the primary dies with what its replica lacks", fast=False, seconds=15)
def fail_over_with_tls(run):
    fall_behind(run)
    fail_over(run)
    lost_batches(run)
    assert run.total("replays_total") > 0
