"""The order of a conversation is the SDK's, although it is given no contents."""

from __future__ import annotations

import contextlib
import random
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from claude_agent_sdk import get_session_messages

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.reading import outline
from claude_agent_lsp.sessions.reading.reading import line_of, read_messages
from claude_agent_lsp.sessions.transcripts.sdk_view import conversation_in
from tests.sessions.lines import Disk, Talk, result, text, use

if TYPE_CHECKING:
    from pathlib import Path


def tangled(seed: int) -> list[dict[str, Any]]:
    """Lines with branches, tools side by side, subagents and notes between them."""
    chance = random.Random(seed)
    lines: list[dict[str, Any]] = []
    for n in range(40):
        talk = Talk()
        call = f"c{chance.randrange(n + 1)}"
        line = chance.choice(
            [
                talk.user("x" * 300),
                talk.user([result(call, "y" * 300), *([text("z")] * chance.randrange(2))]),
                talk.agent(text("w" * 300), message_id=f"m{n // 3}"),
                talk.agent(use(f"c{n}", "Bash", command="v" * 300), message_id=f"m{n // 3}"),
            ]
        )
        line["parentUuid"] = chance.choice(lines[-4:])["uuid"] if lines else None
        line["uuid"] = str(uuid.UUID(int=chance.getrandbits(128)))
        if chance.random() < 0.1:
            line[chance.choice(["isMeta", "isSidechain"])] = True
        if chance.random() < 0.1:
            line |= {"type": "system"}
        if chance.random() < 0.1 and lines:
            line["sourceToolAssistantUUID"] = chance.choice(lines)["uuid"]
        lines.append(line)
    return lines


@pytest.mark.parametrize("seed", range(25))
def test_lines_without_contents_are_in_the_same_order(disk: Disk, folder: Path, seed: int) -> None:
    session_id = disk.write(folder, *tangled(seed))
    links = list(outline._links(disk.path(session_id, folder)))
    told = [line.uuid for line, _ in conversation_in(session_id, links)]
    assert told == [line.uuid for line in get_session_messages(session_id)]
    assert told
    assert read_messages(session_id)


def by_the_sdk(session_id: str, message_id: str) -> str | None:
    """The last line of a message, looked for in all that the SDK reads."""
    for line in reversed(get_session_messages(session_id)):
        message = line.message if isinstance(line.message, dict) else {}
        if message_id in (line.uuid, message.get("id") or line.uuid):
            return line.uuid
    return None


@pytest.mark.parametrize("seed", range(25))
def test_last_line_of_a_message_is_the_one_of_the_sdk(
    disk: Disk, folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = tangled(seed)
    session_id = disk.write(folder, *lines)
    shown = {message.message_id for message in read_messages(session_id)}
    wanted = (
        shown | {line["uuid"] for line in lines} | {line["message"].get("id") for line in lines}
    )
    found: dict[str, str | None] = {}
    for message_id in filter(None, wanted):
        with monkeypatch.context() as patch:
            if message_id in shown:
                patch.delattr(outline, "_links")  # the file is not read again
            found[message_id] = None
            with contextlib.suppress(InvalidArgument):
                found[message_id] = line_of(session_id, message_id)
    assert found == {message_id: by_the_sdk(session_id, message_id) for message_id in found}
    assert None in found.values()


def test_what_is_kept_has_a_bound(
    disk: Disk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outline, "MOST_PLACES", 5)
    for _ in range(9):
        outline.places_in(disk.path(disk.write(folder, Talk().user("Hi")), folder))
    assert len(outline._kept) <= 5


@pytest.mark.parametrize("told", ["9" * 400, "", "a\0", "\ud800", 5, None, [], {}])
def test_an_id_that_is_none_costs_what_stood_in_its_line(
    disk: Disk, folder: Path, told: object
) -> None:
    talk = Talk()
    before, line = talk.user("hello"), talk.agent(text("Hm."), message_id="m1")
    after = talk.user("more")
    session_id = disk.write(folder, before, {**line, "uuid": told}, after)
    texts = [message.text for message in read_messages(session_id)]
    assert (texts[0], texts[-1]) == ("hello", "more")
