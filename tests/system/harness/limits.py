"""How long to wait, and how much to do.

PARLEY_TEST_SHORT=1 makes counts smaller and waits longer (for slow builds and machines),
PARLEY_TEST_LONG=1 makes some counts larger.
"""

import os
import time

SHORT = os.environ.get("PARLEY_TEST_SHORT") == "1"
LONG = os.environ.get("PARLEY_TEST_LONG") == "1"

TIMEOUT = 90 if SHORT else 30  # seconds; only ever an upper bound
POLL = 0.02

# Called while a test waits: they raise when waiting on makes no sense, e.g. a node has died.
watchdogs = []


def scaled(what, count, short, long=None):
    """How many to do of `what`; says so when it is not `count`."""
    if SHORT:
        print(f"scaled down: {short} {what} instead of {count}")
        return short
    if LONG and long is not None:
        print(f"scaled up: {long} {what} instead of {count}")
        return long
    return count


def look_after_nodes():
    for watchdog in watchdogs:
        watchdog()


def wait_until(condition, timeout=TIMEOUT, what=None):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        look_after_nodes()
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}; it is {value!r}")
        time.sleep(POLL)
