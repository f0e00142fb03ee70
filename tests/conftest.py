"""What holds for the whole suite: no process that a test has started is left at its end."""

from __future__ import annotations

import contextlib
import os
import uuid

import psutil
import pytest

# Inherited by everything that is started below, through every clean environment of the tests.
SUITE = "AGENT_LSP_SUITE"
PATIENCE_SECONDS = 5.0


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this run of the suite starts."""
    if not is_worker(config):
        os.environ[SUITE] = str(uuid.uuid4())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the long tests first, so that no worker is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look for what is left, once all workers are done."""
    if is_worker(session.config):
        return
    _, left = psutil.wait_procs(left_over(), timeout=PATIENCE_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.Error):
            print(f"\nLEFT BEHIND: {process.pid} {' '.join(process.cmdline())[:200]}")  # noqa: T201
            process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def left_over() -> list[psutil.Process]:
    """Live processes of this run that are neither it nor its workers."""
    own = {os.getpid(), *(child.pid for child in psutil.Process().children() if is_of_xdist(child))}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in own and process.environ().get(SUITE) == os.environ[SUITE]:
                found.append(process)
    return found


def is_of_xdist(process: psutil.Process) -> bool:
    """Whether a child is one of the workers, which execnet starts."""
    with contextlib.suppress(psutil.Error):
        return "exec(eval(sys.stdin.readline()))" in " ".join(process.cmdline())
    return False


def is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several processes that share the tests."""
    return hasattr(config, "workerinput")
