"""Groups, signals and starts of processes, as each system has them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.system import processes, timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.base.system.conftest import Load


def test_windows_has_no_groups_and_no_numbers_of_users(windows: Load) -> None:
    there = windows("processes")
    assert there.group_of(os.getpid()) is None
    assert there.session_of(7) == 7
    assert there.user_id() is None
    assert there.TICKS_PER_SECOND == 100
    there.reap(os.getpid())


def test_what_is_gone_has_no_group() -> None:
    assert processes.group_of(os.getpid()) == os.getpgrp()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert processes.group_of(gone.pid) is None
    assert processes.session_of(gone.pid) == gone.pid


@pytest.mark.parametrize("name", ["win32", "darwin"])
def test_linux_alone_adopts_and_counts_from_its_start(
    name: str, on: Callable[[str], Load], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = on(name)("processes")
    assert not there.become_subreaper()
    assert not there.any_child_ended()
    monkeypatch.setattr(there.time, "time_ns", lambda: 1_700_000_000 * 10**9)
    assert there.now() == 1_700_000_000 * there.TICKS_PER_SECOND


def test_windows_starts_a_program_with_what_it_needs_and_no_secret(
    windows: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEMROOT", r"C:\Windows")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    there = windows("processes")
    assert there.bare_environment(OWN="1") == {"SYSTEMROOT": r"C:\Windows", "OWN": "1"}
    assert processes.bare_environment(OWN="1") == {"OWN": "1"}


def test_windows_puts_what_must_outlive_a_terminal_into_a_group(
    windows: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x8000000, raising=False)
    assert windows("processes").apart() == {"creationflags": 0x8000200}
    assert processes.apart() == {"start_new_session": True}


@pytest.mark.parametrize("version", [(3, 11, 9), (3, 12, 0)])
def test_a_pipe_of_windows_waits_before_3_12(
    version: tuple[int, ...], windows: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = windows("processes")
    monkeypatch.setattr(there.sys, "version_info", version)
    read, write = os.pipe()
    there.stop_waiting(write)
    assert os.get_blocking(write) == (version < (3, 12))
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("name", ["linux", "win32"])
async def test_a_signal_comes_on_the_loop(name: str, on: Callable[[str], Load]) -> None:
    there = on(name)("processes")
    came = asyncio.Event()
    before = signal.getsignal(signal.SIGUSR2)
    loop = asyncio.get_running_loop()
    try:
        assert there.on_signal(loop, "SIGUSR2", came.set)
        os.kill(os.getpid(), signal.SIGUSR2)
        async with asyncio.timeout(5):
            await came.wait()
    finally:
        loop.remove_signal_handler(signal.SIGUSR2)
        signal.signal(signal.SIGUSR2, before)


async def test_a_signal_that_a_system_does_not_have_is_none() -> None:
    assert not processes.on_signal(asyncio.get_running_loop(), "SIGBREAK", lambda: None)


def test_windows_has_no_alarm(windows: Load) -> None:
    there = windows("timer")
    assert not there.HAS_TIMER
    there.on_alarm(lambda *_: pytest.fail("it came"))
    there.set_alarm(0.001)
    assert timer.HAS_TIMER
