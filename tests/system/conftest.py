"""Fixtures of the system tests, and what a failure shows."""

import pytest

from harness import LONG, SHORT, RedisCluster, World


@pytest.fixture
def world(tmp_path):
    it = World(tmp_path)
    yield it
    wrong = it.close()
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.fixture(scope="session")
def session_cluster(tmp_path_factory):
    it = RedisCluster(tmp_path_factory.mktemp("cluster"))
    yield it
    it.close()


@pytest.fixture
def cluster(session_cluster, world):
    """Healthy and empty, shared by the tests of a worker; the nodes of this test use it."""
    session_cluster.heal()
    session_cluster.flushall()
    yield world.borrow(session_cluster)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    it = getattr(item, "funcargs", {}).get("world")
    if report.when == "call" and report.failed and it is not None:
        report.sections += it.logs()


def pytest_configure(config):
    config.addinivalue_line("markers", "slow(seconds): starts early, takes about that long")


def pytest_report_header():
    size = "PARLEY_TEST_SHORT: smaller" if SHORT else "PARLEY_TEST_LONG: larger" if LONG else "full"
    return f"counts of the system tests: {size}"


def pytest_collection_modifyitems(config, items):
    """Spread the slow tests over the workers.

    Each worker is given the tests in pieces, the first one of at least two and of a quarter of
    its share: a slow test stands at the beginning of each piece.
    """

    def seconds(item):
        marker = item.get_closest_marker("slow")
        return marker.args[0] if marker else 0

    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    piece = max(len(items) // (4 * workers), 2)
    slow = sorted((i for i in items if seconds(i)), key=seconds, reverse=True)
    others = [item for item in items if not seconds(item)]
    mixed = []
    for start in slow[: workers]:
        mixed += [start, *others[: piece - 1]]
        del others[: piece - 1]
    items[:] = [*mixed, *slow[workers:], *others]
