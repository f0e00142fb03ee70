"""Process trees, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from claude_agent_lsp.agent.os_processes.tree import ProcessTree, child_with, kill, started
from claude_agent_lsp.base.system.processes import now

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells and sessions are POSIX's")

# What stands for the CLI: it starts what it is told to in shells, and says when all of them run.
PARENT = """
import subprocess, sys
for own_session, command in zip(sys.argv[1::2], sys.argv[2::2]):
    child = subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, start_new_session=own_session == "own"
    )
    child.stdout.readline()
print("ready", flush=True)
sys.stdin.read()
"""
# A shell says that it is ready once it has started all it will: what starts later is no part of a
# picture that was taken before.
STUBBORN = "trap '' TERM; sleep 1000 & echo; wait"
# The shell's own child is in a session of its own, as a daemon would be.
NESTED = "setsid sh -c 'trap \"\" TERM; sleep 1000 & echo; wait' & wait"
PLAIN = "echo; exec sleep 1000"


@contextmanager
def parent(*commands: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with children: pairs of "own" or "same" session, and a shell command."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, *commands],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    started = [psutil.Process(process.pid)]
    try:
        assert process.stdout.readline() == b"ready\n"
        started += started[0].children(recursive=True)
        yield process
    finally:
        for each in started:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def gone(processes: Iterator[psutil.Process] | list[psutil.Process]) -> bool:
    _, left = psutil.wait_procs(processes, timeout=10)
    return all(each.status() == psutil.STATUS_ZOMBIE for each in left)


def test_a_tree_holds_all_generations() -> None:
    with parent("own", NESTED, "same", PLAIN) as process:
        tree = ProcessTree.scan(process.pid)
        assert tree.root is not None
        assert tree.root.pid == process.pid
        # The shell, the one in its own session and that one's sleep; and the plain sleep.
        assert len(tree.descendants) == 4
        assert tree.processes == (tree.root, *tree.descendants)


def test_a_tree_of_nothing_is_empty() -> None:
    with parent() as process:
        pass
    tree = ProcessTree.scan(process.pid)
    assert tree.processes == ()
    assert tree.tool_shells() == ()
    tree.terminate()
    tree.kill()


def test_tool_shells_are_those_outside_the_group() -> None:
    with parent("own", NESTED, "same", PLAIN) as process:
        tree = ProcessTree.scan(process.pid)
        shells = tree.tool_shells()
        assert len(shells) == 3
        (server,) = set(tree.descendants) - set(shells)
        assert os.getpgid(server.pid) == os.getpgid(process.pid)


def test_there_are_no_tool_shells_below_a_process_that_is_gone() -> None:
    with parent("own", PLAIN) as process:
        tree = ProcessTree.scan(process.pid)
        process.kill()
        process.wait(10)
        assert tree.tool_shells() == ()
        kill(tree.descendants)


def test_terminate_asks_all_of_it() -> None:
    with parent("own", PLAIN, "same", PLAIN) as process:
        tree = ProcessTree.scan(process.pid)
        tree.terminate()
        assert process.wait(10) == -15
        assert gone(list(tree.descendants))


def test_kill_ends_what_ignores_sigterm_even_when_its_parent_is_gone() -> None:
    with parent("own", NESTED, "own", STUBBORN) as process:
        tree = ProcessTree.scan(process.pid)
        process.kill()
        process.wait(10)
        tree.terminate()
        stubborn = [each for each in tree.descendants if each.is_running()]
        assert stubborn
        tree.kill()
        assert gone(list(tree.descendants))


def test_a_stranger_with_a_reused_id_is_left_alone() -> None:
    with parent() as process:
        tree = ProcessTree.scan(process.pid)
        assert tree.root is not None
        # As if this had been the id of a process that was started at another time.
        tree.root._ident = (process.pid, 1.0)  # type: ignore[attr-defined]
        tree.root._create_time = 1.0  # type: ignore[attr-defined]
        tree.kill()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_child_is_found_by_its_environment() -> None:
    with parent(MARK="one"), parent(MARK="two") as second:
        assert child_with("MARK", "two") == second.pid
        assert child_with("MARK", "three") is None
        assert child_with("NO_MARK", "one") is None


def test_a_grandchild_is_not_taken_for_a_child() -> None:
    with parent("same", PLAIN, MARK="inherited") as process:
        assert child_with("MARK", "inherited") == process.pid


def test_a_start_lies_between_the_moments_around_it() -> None:
    for _ in range(20):
        before = now()
        with parent() as process:
            start = started(psutil.Process(process.pid))
            assert start is not None
            assert before <= start <= now()


@pytest.mark.skipif(sys.platform != "linux", reason="psutil remembers what it was told before")
def test_what_is_gone_has_no_start() -> None:
    with parent() as process:
        was = psutil.Process(process.pid)
    assert started(was) is None
