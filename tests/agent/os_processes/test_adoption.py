"""Whose it is what has lost its parents and its mark: with real processes, children of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from claude_agent_lsp.agent.os_processes.adoption import OWN, Adoption, adopted
from claude_agent_lsp.agent.os_processes.marked import Marked, marks
from claude_agent_lsp.base.system.processes import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Orphan = Callable[..., subprocess.Popen[bytes]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows of subreapers")


@pytest.fixture
def orphan(monkeypatch: pytest.MonkeyPatch) -> Iterator[Orphan]:
    """Starts what looks as if the server had adopted it."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-I", "-S", "-c", "import time; print(flush=True); time.sleep(99)"]
        process = subprocess.Popen(
            words, env=environment or {}, start_new_session=True, stdout=subprocess.PIPE
        )
        processes.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    monkeypatch.setattr(Adoption, "begun", now())
    monkeypatch.setattr(Marked, "_rested", {})
    monkeypatch.setattr(Marked, "_last_gone", 0)
    yield start
    for process in processes:
        process.kill()
        process.communicate()


async def swept(cli: Marked, since: int) -> None:
    cli.sweep((), os.getpid(), since)
    await cli.swept()


def after_this() -> int:
    """Return a time that is later than all that has happened."""
    before = now()
    while now() == before:
        pass
    return now()


async def test_what_started_in_a_run_ends_with_it_and_nothing_else(orphan: Orphan) -> None:
    cli = Marked(str(uuid4()))
    cli.works()
    earlier, since = orphan(), after_this()
    own, others, later = orphan({OWN: "1"}), orphan(marks(str(uuid4()))), orphan()
    await swept(cli, since)
    assert later.poll() is not None
    assert [each.poll() for each in (earlier, own, others)] == [None, None, None]
    assert [each.pid for each in adopted()] == [earlier.pid]


async def test_nothing_is_taken_for_a_run_s_that_another_may_have_started(orphan: Orphan) -> None:
    cli, other = Marked(str(uuid4())), Marked(str(uuid4()))
    for each in (other, cli):
        each.works()
    since = after_this()
    process = orphan()
    await swept(cli, since)
    # It has ended since, but was at work when the run began; and so if it is gone by then.
    other.rests()
    await swept(cli, since)
    other.has_told(None)
    await swept(cli, since)
    assert process.poll() is None
    since = after_this()
    process = orphan()
    await swept(cli, since)
    assert process.poll() is not None


def test_without_a_subreaper_nothing_is_adopted(
    orphan: Orphan, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = orphan()
    assert [each.pid for each in adopted()] == [process.pid]
    monkeypatch.setattr(Adoption, "begun", None)
    assert adopted() == []
