"""Which cells run, and the matrix at the end.

`GRID=full` runs every client at every provider in every scenario. Without it, a selection runs in which every two of them meet.
"""

import collections
import os

import clients
import pytest
from cell import UPSTREAMS, Cell, every, selected

outcomes = collections.Counter()


def pytest_generate_tests(metafunc):
    scenario = metafunc.module.__name__.removeprefix("test_")
    cells = (every if os.environ.get("GRID") == "full" else selected)(scenario)
    names = [f"{client.name} > {upstream}" for client, upstream in cells]
    metafunc.parametrize("cell", [(*cell, scenario) for cell in cells], indirect=True, ids=names)


@pytest.fixture
def cell(request, adapters):
    client, upstream, scenario = request.param
    return Cell(adapters[client], upstream, scenario)


@pytest.fixture(scope="session")
def adapters():
    """Each client once, as a program has it."""
    return {client: client() for client in clients.ALL}


def pytest_runtest_logreport(report):
    if report.when == "call" or not report.passed:
        # FILE::TEST[CLIENT > UPSTREAM-what else it is parametrised by]
        client, _, upstream = report.nodeid.partition("[")[2].removesuffix("]").partition(" > ")
        upstream = upstream.partition("-")[0]
        if report.when == "call" or report.failed:
            outcomes[client, upstream, report.outcome] += 1


def pytest_terminal_summary(terminalreporter):
    width = max(len(client.name) for client in clients.ALL)
    terminalreporter.write_line("\npassed/failed".ljust(width + 3) + "  ".join(UPSTREAMS))
    for client in clients.ALL:
        cells = [
            f"{outcomes[client.name, upstream, 'passed']}/{outcomes[client.name, upstream, 'failed']}".rjust(len(upstream))
            for upstream in UPSTREAMS
        ]
        terminalreporter.write_line(client.name.ljust(width + 2) + "  ".join(cells))
