"""The chaos tests use the harness and the fixtures of the system tests; what their cases came
to is printed at the end as one table, and written to a document if that is asked for."""

import importlib.util
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SYSTEM = HERE.parent / "system"
sys.path[:0] = [str(SYSTEM), str(HERE)]

spec = importlib.util.spec_from_file_location("system_conftest", SYSTEM / "conftest.py")
system = importlib.util.module_from_spec(spec)
spec.loader.exec_module(system)

from harness.servers import server_kind, server_version  # noqa: E402
from suite import cases, table  # noqa: E402
from suite.run import is_everything, size  # noqa: E402

world = system.world
session_cluster = system.session_cluster
cluster = system.cluster
pytest_runtest_makereport = system.pytest_runtest_makereport
pytest_collection_modifyitems = system.pytest_collection_modifyitems
pytest_xdist_make_scheduler = system.pytest_xdist_make_scheduler


def pytest_addoption(parser):
    parser.addoption("--write-docs", metavar="FILE", help="put the table of the cases there")


def pytest_configure(config):
    system.pytest_configure(config)


def pytest_report_header():
    every = cases()
    chosen = every if is_everything() else [case for case in every if case.fast]
    return f"chaos: {len(chosen)} of {len(every)} cases on {server_version()}, {size()}"


def properties(terminalreporter, name):
    """What the tests recorded under that name, on whatever worker."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (value for key, value in report.user_properties if key == name)


def pytest_terminal_summary(terminalreporter, config):
    verdicts = [json.loads(text) for text in properties(terminalreporter, "chaos")]
    random_results = list(properties(terminalreporter, "chaos-random"))
    measured = list(properties(terminalreporter, "chaos-measured"))
    if not verdicts and not random_results and not measured:
        return
    terminalreporter.section(f"chaos on {server_version()}")
    for line in [*table.as_text(verdicts), *random_results, *measured]:
        terminalreporter.write_line(line)
    path = config.getoption("--write-docs")
    if path:
        table.write(path, server_kind(), server_version(), verdicts, random_results)
