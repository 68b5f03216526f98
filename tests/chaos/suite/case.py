"""The rows of the table of failures."""

import dataclasses
from typing import Callable

CASES = []


@dataclasses.dataclass(frozen=True)
class Case:
    number: str  # of the failure in docs/REDIS.md, with a letter where there are several
    topology: str  # single, named (a name leads to it), lossy, replicated, tls (the same), cluster
    broken: str
    promised: str
    act: Callable  # breaks it, given a Run; people talk meanwhile
    fast: bool = True  # also part of `make test`
    seconds: int = 10  # about; so that slow ones start early
    nodes: int = 3
    options: dict = dataclasses.field(default_factory=dict)  # of the nodes
    server: tuple = ()  # options of Redis
    replica_env: Callable = lambda: None  # makes the environment of the replica
    one_order: bool = True  # all see the lines of a room in one order
    keeps_log: bool = True  # Redis still has all that was echoed
    refuses: bool = False  # senders may be told that lines were given up
    loses: bool = False  # rooms are told that lines are lost
    may_miss: bool = False  # people may be told that lines are missing
    people_change: bool = False  # people come and go by it

    @property
    def name(self):
        return f"{self.number}-{self.act.__name__}"


def case(number, topology, broken, promised="nothing lost, doubled or reordered", **traits):
    """Makes a row of the function below it."""

    def add(act):
        CASES.append(Case(number, topology, broken, promised, act, **traits))
        return act

    return add
