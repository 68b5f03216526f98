"""Which server program the tests start; REDIS_SERVER names another than redis-server.

scripts/redis-servers.sh unpacks others.
"""

import functools
import os
import re
import subprocess


def server_program():
    return os.environ.get("REDIS_SERVER") or "redis-server"


@functools.cache
def server_version():
    """As "Redis 7.0.15" or "Valkey 8.1.1"."""
    said = subprocess.run([server_program(), "--version"], capture_output=True, text=True, check=True)
    name, version = re.match(r"(Redis|Valkey) server v=(\S+)", said.stdout).groups()
    return f"{name} {version}"


def server_kind():
    """As "redis7" or "valkey8"."""
    name, version = server_version().lower().split()
    return f"{name}{version.partition('.')[0]}"
