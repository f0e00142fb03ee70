"""A shared session that is deleted goes from the store that it was sent to, or stays."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import Loopback, reply, say
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.transcripts.repository import project_key
from tests.e2e.editor import EXECUTABLE

from .machines import SECONDS, Machine, git

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.e2e.editor import Editor

    from .servers import Postgres, RedisServer


@pytest.fixture
def model() -> Iterator[Loopback]:
    with Loopback(reply("remember", say("I will remember it."))) as running:
        yield running


@pytest_asyncio.fixture
async def machine(
    tmp_path: Path, model: Loopback, server: Postgres | RedisServer
) -> AsyncIterator[Machine]:
    """One with a clone, and a worktree of that beside it; the remote is this test's own."""
    origin = tmp_path / "origin.git"
    await git("init", "-q", "--bare", str(origin))
    anna = Machine(tmp_path, "anna", model, server.url)
    await anna.clone(origin)
    here = str(anna.folder)
    await git("-C", here, "commit", "-q", "--allow-empty", "-m", "Begin")
    await git("-C", here, "worktree", "add", "-q", str(worktree_of(anna)), "-b", "other")
    yield anna
    await anna.leave()


def worktree_of(machine: Machine) -> Path:
    return machine.folder.with_name("worktree")


async def sent(machine: Machine, server: Postgres | RedisServer, folder: Path) -> str:
    """A session of a folder that the store has, whose server is gone; returns its id."""
    editor = await machine.open(folder=folder)
    run = await editor.query("remember the code")
    assert await editor.quit() == 0  # what was to be sent is sent
    session = str(run["sessionId"])
    assert await lines_in(server, machine, session) > 0
    return session


async def lines_in(server: Postgres | RedisServer, machine: Machine, session_id: str) -> int:
    store = open_store(server.url)
    try:
        key: Any = {"project_key": project_key(machine.folder), "session_id": session_id}
        return len(await store.load(key) or [])
    finally:
        await store.close()


async def sessions(editor: Editor) -> list[str]:
    return [one["sessionId"] for one in (await editor.command("session.list"))["sessions"]]


@pytest.mark.parametrize("worktree", ["there", "removed"])
async def test_session_of_a_folder_that_is_not_open_goes_from_the_store_too(
    machine: Machine, server: Postgres | RedisServer, worktree: str
) -> None:
    session = await sent(machine, server, worktree_of(machine))
    if worktree == "removed":
        shutil.rmtree(worktree_of(machine))
    editor = await machine.open()
    if worktree == "there":
        assert await sessions(editor) == [session]
    assert await editor.command("session.delete", {"sessionId": session}) == {"deleted": True}
    assert await lines_in(server, machine, session) == 0
    assert await sessions(editor) == []


async def test_session_of_a_folder_that_is_not_trusted_any_more_goes_from_the_store_too(
    machine: Machine, server: Postgres | RedisServer
) -> None:
    session = await sent(machine, server, machine.folder)
    (machine.home / ".claude" / ".claude.json").unlink()
    editor = await machine.open()
    assert (await editor.command("status"))["folders"][0]["trusted"] is False
    assert await editor.command("session.delete", {"sessionId": session}) == {"deleted": True}
    assert await lines_in(server, machine, session) == 0
    assert await sessions(editor) == []


async def test_session_whose_store_is_set_nowhere_is_not_deleted(
    machine: Machine, server: Postgres | RedisServer
) -> None:
    session = await sent(machine, server, machine.folder)
    editor = await machine.open(sessionStore=None)
    with pytest.raises(JsonRpcException) as refused:
        await editor.command("session.delete", {"sessionId": session})
    data: Any = refused.value.data
    assert data["reason"] == "storeUnavailable"
    assert "also in a shared store" in refused.value.message
    assert machine.transcript(session).exists()
    assert await lines_in(server, machine, session) > 0


async def test_terminal_deletes_no_session_that_is_also_in_a_store(
    machine: Machine, server: Postgres | RedisServer
) -> None:
    session = await sent(machine, server, machine.folder)
    status, told = await in_terminal(machine, "sessions", "delete", "--yes", session)
    assert status == 1
    assert "is also in a shared store that is not set here" in told
    assert machine.transcript(session).exists()
    editor = await machine.open()
    await editor.command("session.delete", {"sessionId": session})
    assert await lines_in(server, machine, session) == 0


async def in_terminal(machine: Machine, *arguments: str) -> tuple[int, str]:
    """Run the executable; returns its status and what it has told on stderr."""
    process = await asyncio.create_subprocess_exec(
        str(EXECUTABLE),
        *arguments,
        env=machine.environment,
        cwd=machine.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            _, told = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return process.returncode or 0, told.decode()
