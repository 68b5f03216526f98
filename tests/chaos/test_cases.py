"""Each row of the table of failures, broken for real; the table is printed at the end."""

import dataclasses
import json

import pytest

from harness.certificates import Authority
from harness.replicated import Replicated
from harness.servers import server_version
from suite import cases
from suite.judge import Judge
from suite.run import Run, is_everything

LOSS, DELAY = 0.05, 0.15  # of a far server; seconds each way

CHOSEN = [case for case in cases() if case.fast or is_everything()]


def parameters():
    for case in CHOSEN:
        yield pytest.param(case, id=case.name, marks=pytest.mark.slow(case.seconds))


@pytest.fixture
def redis(case, world, request):
    """What the case's nodes use."""
    if case.topology == "single":
        yield world.redis(*case.server)
    elif case.topology == "lossy":
        yield Replicated(world, replica=False, server=world.lossy_redis(LOSS), delay=DELAY)
    elif case.topology == "cluster":
        yield request.getfixturevalue("cluster")
    else:
        authority = Authority(world.folder) if case.topology == "tls" else None
        replica = case.topology != "named"
        yield Replicated(world, *case.server, replica=replica, env=case.replica_env(), authority=authority)


@pytest.mark.parametrize("case", parameters())
def test_case(case, redis, world, record_property):
    verdict = None
    try:
        run = Run(world, redis, case)
        judge = Judge(run, server_version())
        verdict = judge.verdict
        with run.load:
            run.say_some()
            case.act(run)
            run.say_some()
        judge.judge()
    except BaseException as error:
        if verdict is not None:
            verdict.wrong.append(str(error))
        raise
    finally:
        if verdict is not None:
            record_property("chaos", json.dumps(dataclasses.asdict(verdict)))
    assert not verdict.wrong, "\n".join(verdict.wrong)
