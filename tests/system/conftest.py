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


def pytest_collection_modifyitems(items):
    def seconds(item):
        marker = item.get_closest_marker("slow")
        return marker.args[0] if marker else 0

    items.sort(key=seconds, reverse=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each worker the next test when it is done with one, the slow ones first.

    By itself xdist hands out long pieces, and all workers end up waiting for the one that got
    the slow tests. (It has --maxschedchunk for this from 3.2 on, which Debian 12 lacks.)
    """
    from xdist.scheduler import LoadScheduling

    class OneByOne(LoadScheduling):
        def _send_tests(self, node, num):
            super()._send_tests(node, min(num, max(2 - len(self.node2pending[node]), 0)))

    return OneByOne(config, log)
