"""A disk without room costs what can't be written there, and never what the user saw.

`make torture` fills each of four disks at each stage; the suite at one, with one server.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, recall, reply, say, tokens
from tests.e2e.runs import allow_tools, begin, data_of
from tests.e2e.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


TORTURE = "TORTURE_DISKS" in os.environ
PLACES = ("state", "conversations", "temporary", "project")
STAGES = ("start", "query", "stream", "end")
"""Before the server's start, before the query, in the middle of its answer, and at its end."""


class Disk:
    """A disk of 16 MiB, mounted where the CLI keeps its conversations, or elsewhere."""

    def __init__(self, place: Path) -> None:
        self._filler = place / "filler"

    def fill(self) -> None:
        """Take all the room that is left."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)

    def clear(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def mounted(place: Path) -> Iterator[Disk]:
    before = {file.name: file.read_bytes() for file in place.iterdir() if file.is_file()}
    with small_disk(place, 16 * 1024):
        for name, content in before.items():
            (place / name).write_bytes(content)
        yield Disk(place)


@pytest.fixture
def disk(environment: dict[str, str]) -> Iterator[Disk]:
    with mounted(Path(environment["CLAUDE_CONFIG_DIR"])) as disk:
        yield disk


@pytest.fixture
def disks(environment: dict[str, str], folder: Path, tmp_path: Path) -> Iterator[dict[str, Disk]]:
    """One for each of the places, which are emptied where there was something."""
    allow_tools(environment)
    environment["TMPDIR"] = str(tmp_path / "temporary")
    places = {
        "state": Path(environment["XDG_STATE_HOME"], "claude-agent-lsp"),
        "conversations": Path(environment["CLAUDE_CONFIG_DIR"]),
        "temporary": tmp_path / "temporary",
        "project": folder,
    }
    with contextlib.ExitStack() as stack:
        for place in places.values():
            place.mkdir(parents=True, exist_ok=True)
        yield {name: stack.enter_context(mounted(place)) for name, place in places.items()}


@pytest.fixture(autouse=True)
def _model(model: Loopback) -> None:
    model.add(
        reply("remember the first", say("I will remember it.")),
        reply("remember the second", say("That, too.")),
        reply("what do you know", say("Both.")),
        reply(
            "work on",
            [tokens(10, pace=0.01), call("Bash", command="echo done >> work")],
            [tokens(10, pace=0.01), say("Ready.")],
        ),
        reply("which one", recall(r"CODE-\w+")),
    )


def notices(editor: Editor, token: str) -> list[str]:
    return [event["text"] for event in editor.events(token, "notice")]


@pytest.mark.parametrize("first_has_room", [False, True])
async def test_conversation_goes_on_once_there_is_room(
    editor_with: Open, disk: Disk, model: Loopback, first_has_room: bool
) -> None:
    if not first_has_room:
        disk.fill()
    editor = await editor_with()
    first = begin(editor, "remember the first: CODE-1")
    session = (await first.asked)["sessionId"]
    if first_has_room:
        disk.fill()
    second = begin(editor, "remember the second: CODE-2", 1, session=session)
    assert (await second.asked)["status"] == "completed"
    assert any("disk" in text and "full" in text for text in notices(editor, second.events))
    await editor.quit()
    disk.clear()
    editor = await editor_with()
    listed = (await editor.command("session.list", {}))["sessions"]
    assert session in [each["sessionId"] for each in listed]
    again = await begin(editor, "what do you know", session=session).asked
    assert again["sessionId"] == session
    assert again["status"] == "completed"
    sent = str(model.requests[-1].body)
    assert "CODE-1" in sent
    assert "CODE-2" in sent
    read = await editor.command("session.read", {"sessionId": session})
    said = str(read["messages"])
    assert "CODE-1" in said
    assert "CODE-2" in said


async def test_a_session_is_whole_after_a_turn_that_the_disk_has_cut_off(
    editor_with: Open, disk: Disk, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    editor = await editor_with(settings={"prewarm": False})
    session = (await begin(editor, "remember the first: CODE-1").asked)["sessionId"]
    query = begin(editor, "work on CODE-2", 1, session=session)
    await editor.event("text", query.events)
    disk.fill()
    assert (await query.asked)["status"] == "completed"
    assert any("disk" in text and "full" in text for text in notices(editor, query.events))
    disk.clear()
    # Of what is said now, the transcript must not say that it follows what it lacks.
    await begin(editor, "remember the second: CODE-3", 2, session=session).asked
    await editor.quit()
    editor = await editor_with(settings={"prewarm": False})
    read = await editor.command("session.read", {"sessionId": session})
    await begin(editor, "what do you know", session=session).asked
    for known in (str(read["messages"]), str(model.requests[-1].body)):
        for said in ("CODE-1", "CODE-2", "Ready.", "CODE-3"):
            assert said in known


async def test_there_is_nothing_to_say_while_there_is_room(editor_with: Open) -> None:
    editor = await editor_with()
    query = begin(editor, "remember the first: CODE-1")
    await query.asked
    assert notices(editor, query.events) == []


async def worked(editor: Editor, disk: Disk, stage: str, number: int, session: str) -> str:
    """Fill a disk at a stage of a query; returns the session, once it knows of it."""
    code = f"CODE-{number}{stage.upper()}"
    if stage == "query":
        disk.fill()
    query = begin(editor, f"work on {code}", number, session=session)
    if stage in ("stream", "end"):
        await editor.event("text" if stage == "stream" else "toolResult", query.events)
        disk.fill()
    await editor.command("status")
    refused = None
    try:
        session = (await query.asked)["sessionId"]
    except JsonRpcException as error:
        refused = f"{error.message} {data_of(error)['hint']}"
        assert "disk" in refused or "No space left" in refused, refused
        assert not editor.events(query.events, "text"), refused
    await editor.command("session.list", {})
    disk.clear()
    if refused is None:
        again = await begin(editor, "which one?", number + 1, session=session).asked
        assert again["text"] == code
    return session


@pytest.mark.skipif(TORTURE, reason="each of them has a server of its own")
async def test_one_server_goes_on_whichever_disk_is_full(
    editor_with: Open, disks: dict[str, Disk]
) -> None:
    editor = await editor_with(settings={"prewarm": False, "appendSystemPrompt": "Be brief."})
    for number, place in enumerate(PLACES):
        await worked(editor, disks[place], "query", 100 * number, "new")
    assert await editor.quit() == 0


@pytest.mark.skipif(not TORTURE, reason="takes minutes: make torture")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("place", PLACES)
async def test_a_disk_that_is_full_at_a_stage(
    editor_with: Open, disks: dict[str, Disk], place: str, stage: str
) -> None:
    if stage == "start":
        disks[place].fill()
    editor = await editor_with(settings={"appendSystemPrompt": "Be brief."})
    session = await worked(editor, disks[place], stage, 0, "new")
    await worked(editor, disks[place], stage, 10, session)
    disks[place].fill()
    assert await editor.quit() == 0
    disks[place].clear()
    editor = await editor_with()
    if session != "new":
        read = await editor.command("session.read", {"sessionId": session})
        assert "CODE-0" in str(read["messages"])
