"""The chaos tests use the harness and the fixtures of the system tests."""

import importlib.util
import pathlib
import sys

SYSTEM = pathlib.Path(__file__).resolve().parents[1] / "system"
sys.path.insert(0, str(SYSTEM))

spec = importlib.util.spec_from_file_location("system_conftest", SYSTEM / "conftest.py")
system = importlib.util.module_from_spec(spec)
spec.loader.exec_module(system)

world = system.world
session_cluster = system.session_cluster
cluster = system.cluster
pytest_configure = system.pytest_configure
pytest_report_header = system.pytest_report_header
pytest_runtest_makereport = system.pytest_runtest_makereport
