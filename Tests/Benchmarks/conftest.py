"""The bench that the budgets share, and the table of figures at the end of the output."""

import resource

import pytest
from bench import Bench

FIGURES = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--pushd-options", default="", help="additional options for every measured pushd")


def pytest_configure(config):
    config.stash[FIGURES] = []


@pytest.fixture(scope="session")
def bench(tmp_path_factory, pytestconfig):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return Bench(tmp_path_factory.mktemp("bench"), pytestconfig.getoption("--pushd-options").split())


@pytest.fixture
def report(pytestconfig):
    """Adds a line to the end of the output."""
    return pytestconfig.stash[FIGURES].append


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[FIGURES]:
        terminalreporter.section("budgets")
    for line in config.stash[FIGURES]:
        terminalreporter.write_line(f"budget: {line}")
