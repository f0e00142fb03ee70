from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.measures import Extent, in_turn
from benchmarks.peers import CLIENT, HEADLESS, QUERY, SERVER, Session
from benchmarks.peers.worker import options
from benchmarks.processes import calm, cpu_of
from claude_agent_sdk import ClaudeAgentOptions, PermissionResultDeny

from claude_agent_lsp.agent.process.launch import Launch, SessionStart
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

# What only the server needs: to find its processes again.
OWN = {"env", "stderr", "can_use_tool", "hooks"}


async def _refuse(_: str, __: object, ___: object) -> PermissionResultDeny:
    return PermissionResultDeny()


@pytest.mark.parametrize("begun", [False, True])
def test_the_bare_client_has_the_options_that_the_server_sets(tmp_path: Path, begun: bool) -> None:
    session = Session(begun=begun)
    start = SessionStart(session.id, source=session.id if begun else None)
    launch = Launch.build(tmp_path, Settings())
    ours = launch.options(start, mark="", can_use_tool=_refuse, stderr=print)
    bare = options(tmp_path, session, asks=True)
    for field in fields(ClaudeAgentOptions):
        if field.name not in OWN:
            assert getattr(bare, field.name) == getattr(ours, field.name), field.name
    assert bare.env.items() <= ours.env.items()
    assert (bare.can_use_tool is None, bare.stderr is None) == (False, False)


@dataclass
class Idle:
    name: str
    pid: int | None = None


async def turns_of(names: tuple[str, ...], numbers: range, seldom: int) -> list[tuple[int, str]]:
    peers: Any = {name: Idle(name) for name in names}
    return [(number, peer.name) async for number, peer in in_turn(peers, numbers, seldom=seldom)]


async def test_peers_take_their_turns_one_after_the_other_in_every_round() -> None:
    assert await turns_of((SERVER, CLIENT, QUERY), range(2), 1) == [
        (0, SERVER),
        (0, CLIENT),
        (0, QUERY),
        (1, SERVER),
        (1, CLIENT),
        (1, QUERY),
    ]


async def test_who_starts_a_process_for_each_turn_may_take_part_seldom() -> None:
    assert await turns_of((SERVER, QUERY, HEADLESS), range(-1, 4), 3) == [
        (-1, SERVER),
        (0, SERVER),
        (0, QUERY),
        (0, HEADLESS),
        (1, SERVER),
        (2, SERVER),
        (3, SERVER),
        (3, QUERY),
        (3, HEADLESS),
    ]


@pytest.mark.timeout(30)
async def test_a_turn_waits_for_what_the_one_before_has_set_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # By its own clock, however long that takes: a machine that others use gives it a small share.
    monkeypatch.setattr("benchmarks.processes._CALM_SECONDS", 20.0)
    code = "import time\nwhile time.process_time() < 0.5: pass\ninput()"
    busy = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE
    )
    assert busy.stdin is not None
    try:
        await calm([busy.pid])
        assert cpu_of(busy.pid) > 0.4
        spent = cpu_of(busy.pid)
        await calm([busy.pid])
        assert cpu_of(busy.pid) - spent < 0.05
    finally:
        busy.stdin.close()
        await busy.wait()


def test_a_quick_run_has_one_round_of_everything() -> None:
    assert Extent(quick=True).numbers(6) == range(1)


def test_the_rounds_follow_the_extent_and_the_first_only_warms_up() -> None:
    assert Extent(rounds=10).numbers(0.3) == range(-1, 3)
    assert Extent(rounds=1).numbers(0.3, warm_up=False) == range(2)
