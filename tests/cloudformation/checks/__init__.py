"""What must hold for every deployment, and what linters do not see.

Each check takes a Deployment and yields what is wrong. tests/cloudformation/test_mutations.py
shows for each one that it notices.
"""

from checks import alarms, data, load_balancer, network, rights, service, stacks  # noqa: F401
from checks.base import CHECKS, EC2, ELB  # noqa: F401


def all_problems(d):
    for name, function in CHECKS.items():
        for problem in function(d):
            yield f"{name}: {problem}"
