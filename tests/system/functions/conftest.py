"""A real Redis with the function library."""

import pytest

from harness import Redis
from harness.redis import Connection
from library import load


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    redis = Redis(tmp_path_factory.mktemp("functions"))
    assert load(redis) == "t1"
    yield redis
    redis.close()


@pytest.fixture
def redis(server):
    server.flushall()
    server.command("CONFIG", "SET", "maxmemory", "0")
    yield server
    server.command("CONFIG", "SET", "maxmemory", "0")


@pytest.fixture
def listener(server):
    """Hears the frames of channels."""
    connection = Connection(server.port)
    yield connection
    connection.close()
