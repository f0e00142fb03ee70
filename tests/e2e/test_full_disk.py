"""A disk without room costs what the CLI can't write, and never what the user saw."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import reply, say

from .runs import begin
from .small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open
    from .editor import Editor


class Disk:
    """A disk of 16 MiB, mounted where the CLI keeps its conversations."""

    def __init__(self, place: Path) -> None:
        self._filler = place / "filler"

    def fill(self) -> None:
        """Take all the room that is left."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)

    def clear(self) -> None:
        """Give it back."""
        self._filler.unlink()


@pytest.fixture
def disk(environment: dict[str, str]) -> Iterator[Disk]:
    place = Path(environment["CLAUDE_CONFIG_DIR"])
    before = {file.name: file.read_bytes() for file in place.iterdir() if file.is_file()}
    with small_disk(place, 16 * 1024):
        for name, content in before.items():
            (place / name).write_bytes(content)
        yield Disk(place)


@pytest.fixture(autouse=True)
def _model(model: Loopback) -> None:
    model.add(
        reply("remember the first", say("I will remember it.")),
        reply("remember the second", say("That, too.")),
        reply("what do you know", say("Both.")),
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


async def test_there_is_nothing_to_say_while_there_is_room(editor_with: Open) -> None:
    editor = await editor_with()
    query = begin(editor, "remember the first: CODE-1")
    await query.asked
    assert notices(editor, query.events) == []
