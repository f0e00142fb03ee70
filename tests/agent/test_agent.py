"""What the agent does to sessions that are kept, and in which order."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.agent.agent import Agent
from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.sessions import edit_session
from claude_agent_lsp.sessions.catalogue import kept_copies
from claude_agent_lsp.sessions.catalogue.index import Index
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.workspace.state import State

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 10.0  # only catches hangs


@pytest.fixture
async def agent(home: Path) -> Agent:
    return Agent(State(home / "state"), show=cast("Any", None), own_runs=cast("Any", None))


@pytest.fixture
def transcript(home: Path) -> Path:
    """Of a session that is tagged."""
    path = home / ".claude" / "projects" / "-project" / f"{uuid.uuid4()}.jsonl"
    path.parent.mkdir(parents=True)
    prompt = {"type": "user", "uuid": str(uuid.uuid4()), "cwd": str(home), "message": {}}
    tag = {"type": "tag", "tag": "keep"}
    path.write_text(
        "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in (prompt, tag))
    )
    return path


class _SlowCopy:
    """The writing of a copy, or of what is put back from one, which waits to be let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self._write = replace_file
        monkeypatch.setattr(kept_copies, "replace_file", self._wait)

    def _wait(self, path: Path, content: bytes) -> None:
        self.reached.set()
        assert self.go_on.wait(SECONDS)
        self._write(path, content)


async def _deleted_meanwhile(agent: Agent, session_id: str, copying: _SlowCopy) -> None:
    """Delete a session in the middle of the copying."""
    assert await asyncio.to_thread(copying.reached.wait, SECONDS)
    index = Index(agent.state.directory)
    deleting = agent.lanes.session(session_id).put(
        edit_session.delete, session_id, agent.state, index
    )
    done, _ = await asyncio.wait({deleting}, timeout=0.1)
    copying.go_on.set()
    await deleting
    assert not done, "it was deleted while it was copied"


@pytest.mark.parametrize("way", ["listed", "at the start"])
async def test_no_copy_is_written_back_behind_a_deletion(
    agent: Agent, transcript: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    session_id, kept = transcript.stem, KeptCopies(agent.state.directory)
    if way == "at the start":
        kept.keep(transcript)
        with transcript.open("a") as file:
            file.write('{"type":"summary"}\n')
    copying = _SlowCopy(monkeypatch)
    if way == "listed":
        agent.kept.keep_tagged([session_id])
        (work,) = agent._tasks
    else:
        work = asyncio.ensure_future(agent.kept.update())
    await _deleted_meanwhile(agent, session_id, copying)
    await work
    assert kept.find(session_id) is None
    assert not transcript.exists()


async def test_no_session_is_put_back_behind_its_deletion(
    agent: Agent, transcript: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, kept = transcript.stem, KeptCopies(agent.state.directory)
    kept.keep(transcript)
    transcript.unlink()
    await agent.select(home, session_id)
    copying = _SlowCopy(monkeypatch)
    coming = asyncio.ensure_future(agent.idle_processes.next_session(home))
    await _deleted_meanwhile(agent, session_id, copying)
    assert (await coming).session_id == session_id
    assert kept.find(session_id) is None
    assert not transcript.exists()
