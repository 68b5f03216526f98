"""The chaos suite: what may break, what is promised then, and whether it is kept.

    case.py        a row of the table: number, topology, what is broken, what is promised
    links.py, data.py, replicated.py, nodes.py, cluster.py, tls.py    the rows, each with a few lines that break it
    run.py         nodes and people that talk while it breaks
    judge.py       what was lost, doubled, reordered, late: live, in history, in Redis's books
    table.py       the results, as text and in docs/REDIS.md
"""

import importlib

from .case import CASES

FILES = ["links", "data", "replicated", "nodes", "cluster", "tls"]


def cases():
    """All rows, whatever file they stand in."""
    for name in FILES:
        importlib.import_module(f"{__name__}.{name}")
    return CASES
