"""What one folder does slowly holds up no other one, no cancel, no status and no shutdown."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.e2e.editor import SECONDS
from tests.e2e.hanging import HangingDisk
from tests.e2e.runs import CANCELLED, begin, data_of, refusal, run_of
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A folder that is slow."""
    folder = tmp_path / "slow"
    folder.mkdir()
    return folder


class Settings:
    """The editor's answer to the question for settings, which it withholds for one folder."""

    def __init__(self, editor: Editor, folder: Path) -> None:
        self._editor = editor
        self._folder = folder
        self.asked = asyncio.Event()
        self.told = asyncio.Event()
        editor.protocol.fm.features[types.WORKSPACE_CONFIGURATION] = self._answer

    async def _answer(self, params: types.ConfigurationParams) -> list[Any]:
        if params.items[0].scope_uri == self._folder.as_uri():
            self.asked.set()
            await self.told.wait()
        return [self._editor.get_configuration(section=item.section) for item in params.items]


async def test_a_folder_whose_settings_are_slow_holds_up_no_other(
    editor_with: Open, slow: Path, folder: Path
) -> None:
    editor = await editor_with(slow, folder)
    await begin(editor, "which code?", 9, workspace=folder.as_uri()).asked  # all is loaded
    settings = Settings(editor, slow)
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
    waits = begin(editor, "count slowly", 0, workspace=slow.as_uri())
    await settings.asked.wait()
    quick = begin(editor, "count slowly", 1, workspace=folder.as_uri())
    run = await run_of(editor, quick)
    assert editor.events(waits.events) == []
    status = await editor.command("status")
    assert {told["name"]: "problem" in told for told in status["folders"]} == {
        "slow": True,
        "project": False,
    }
    stopped = await editor.command("cancel", {"runId": run["runId"]})
    assert stopped == {"cancelled": [run["runId"]]}
    assert (await refusal(quick)).code == CANCELLED
    settings.told.set()
    await run_of(editor, waits)
    editor.cancel(waits.asked)
    assert (await refusal(waits)).code == CANCELLED


async def test_a_session_is_read_whatever_other_folders_do(
    editor_with: Open, slow: Path, folder: Path
) -> None:
    editor = await editor_with(slow, folder)
    answer = await begin(editor, "which code?", 9, workspace=folder.as_uri()).asked
    settings = Settings(editor, slow)
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
    read = await editor.command("session.read", {"sessionId": answer["sessionId"]})
    assert [message["text"] for message in said_in(read["messages"])] == [
        "which code?",
        answer["text"],
    ]
    assert not settings.asked.is_set()


@pytest_asyncio.fixture
async def silent_store() -> AsyncIterator[str]:
    """A store that takes connections and says nothing."""
    gone = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"redis://127.0.0.1:{port}/0"
    gone.set()
    server.close()


async def test_a_folder_whose_store_is_silent_holds_up_no_other(
    editor_with: Open, slow: Path, folder: Path, silent_store: str
) -> None:
    editor = await editor_with(slow, folder)
    await begin(editor, "which code?", 9, workspace=folder.as_uri()).asked  # all is loaded
    editor.set_configuration(
        {"claudeAgent": {"sessionStore": silent_store}}, scope_uri=slow.as_uri()
    )
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
    waits = editor.command(
        "session.select", {"workspace": slow.as_uri(), "sessionId": str(uuid.uuid4())}
    )
    quick = begin(editor, "count slowly", 1, workspace=folder.as_uri())
    await run_of(editor, quick)
    assert not waits.done
    editor.cancel(quick.asked)
    assert (await refusal(quick)).code == CANCELLED
    with pytest.raises(JsonRpcException) as refused:
        await waits
    assert data_of(refused.value)["reason"] == "sessionNotFound"


@pytest.fixture
def hung(slow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever reads the slow folder's rules waits for ever, as on a network disk that is gone."""
    (slow / ".claude").mkdir()
    disk = HangingDisk(slow / ".claude", tmp_path, monkeypatch)
    disk.hang()
    yield
    disk.answer()


@pytest.mark.usefixtures("hung")
async def test_a_folder_whose_disk_hangs_holds_up_nothing_but_itself(
    editor_with: Open, slow: Path, folder: Path
) -> None:
    editor = await editor_with(slow, folder, settings={"prewarm": False})
    looking_at = {"textDocument": {"uri": (slow / "a.py").as_uri()}}
    waiting = [
        begin(editor, "do it", number, workspace=slow.as_uri(), context=looking_at, session="new")
        for number in range(20)
    ]
    answer = await begin(editor, "which code?", 100, workspace=folder.as_uri()).asked
    assert answer["text"] == "I don't know."
    page = await editor.command("session.list", {"workspace": folder.as_uri()})
    assert [session["sessionId"] for session in page["sessions"]] == [answer["sessionId"]]
    status = await editor.command("status")
    assert [told["name"] for told in status["folders"] if "problem" in told] == ["slow"]
    editor.cancel(waiting[0].asked)
    assert (await refusal(waiting[0])).code == CANCELLED
    assert await editor.command("cancel", {}) == {"cancelled": []}
    for query in waiting[1:]:
        assert (await refusal(query)).code == CANCELLED
    # By itself, and not by the force that comes after 9 seconds.
    assert await asyncio.wait_for(editor.quit(), SECONDS) == 0
