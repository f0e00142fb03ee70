"""The first messages of a session, found without a look into the rest, are those of the whole."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claude_agent_lsp.sessions.reading import head, outline
from claude_agent_lsp.sessions.reading.head import each_place
from tests.sessions.lines import Disk, Talk, result, text, use

if TYPE_CHECKING:
    from pathlib import Path


KINDS = ("gone", "half", "twice", "follows", "root", "compaction")


def turns(talk: Talk, count: int, name: str = "p") -> list[dict[str, Any]]:
    """So many turns, each with a tool call."""
    lines: list[dict[str, Any]] = []
    for number in range(count):
        call = f"{name}c{number}"
        lines += [
            talk.user(f"{name} {number}"),
            talk.agent(text("I look."), message_id=f"{name}m{number}"),
            talk.agent(use(call, "Bash", command="ls"), message_id=f"{name}m{number}"),
            talk.user([result(call, "notes.txt")]),
            talk.agent(text("Seen."), message_id=f"{name}n{number}"),
        ]
    return lines


def fresh(transcript: Path) -> None:
    """Let nobody know anything of it."""
    outline._kept.clear()
    head._kept.clear()
    assert not outline.is_known(transcript)


def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where the lines begin that were looked into."""
    offsets: list[int] = []
    links_in = outline.links_in

    def counted(line: bytes, offset: int) -> Any:
        offsets.append(offset)
        return links_in(line, offset)

    monkeypatch.setattr(outline, "links_in", counted)
    return offsets


def test_first_page_looks_into_the_first_lines_alone(
    disk: Disk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = disk.write(folder, *turns(Talk(), 1000))
    path = disk.path(session_id, folder)
    fresh(path)
    offsets = looked_into(monkeypatch)
    first = list(islice(each_place(path), 51))
    assert len(offsets) < 300
    assert first == list(outline.places_in(path))[:51]
    fresh(path)
    assert tuple(each_place(path)) == outline.places_in(path)


def test_branch_that_leaves_the_first_lines_later_is_found(disk: Disk, folder: Path) -> None:
    talk = Talk()
    lines = turns(talk, 300)
    # Somebody has gone on from the third turn, at the very end.
    talk._last = lines[12]["uuid"]
    lines += turns(talk, 3, "other")
    path = disk.path(disk.write(folder, *lines), folder)
    fresh(path)
    places = list(each_place(path))
    fresh(path)
    assert places == list(outline.places_in(path))
    assert len(places) < 20


def test_conversation_that_begins_anew_is_found(disk: Disk, folder: Path) -> None:
    lines = [*turns(Talk(), 300), *turns(Talk(), 3, "other")]
    path = disk.path(disk.write(folder, *lines), folder)
    fresh(path)
    places = list(each_place(path))
    fresh(path)
    assert places == list(outline.places_in(path))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_head_of_any_transcript_is_that_of_the_whole(
    disk: Disk, folder: Path, data: st.DataObject
) -> None:
    """Lines that are gone, damaged or copied, and others that follow any of them."""
    talk = Talk()
    lines: list[Any] = turns(talk, 60)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(
            st.sampled_from(["gone", "half", "twice", "follows", "root", "compaction"])
        ):
            case "gone":
                del lines[at]
            case "half":
                lines[at] = json.dumps(lines[at])[: data.draw(st.integers(1, 200))]
            case "twice":
                lines.append(lines[at])
            case "follows" if isinstance(lines[at], dict):
                talk._last = lines[at]["uuid"]
                lines += turns(talk, 2, f"b{len(lines)}")
            case "root" if isinstance(lines[at], dict):
                lines[at] = lines[at] | {"parentUuid": None}
            case "compaction" if isinstance(lines[at], dict):
                before = lines[at]["parentUuid"]
                lines[at] = lines[at] | {
                    "parentUuid": None,
                    "logicalParentUuid": before,
                    "isCompactSummary": True,
                }
            case _:
                pass
    path = disk.path(disk.write(folder, *lines), folder)
    fresh(path)
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(head, "FIRST_LINES", 10)
        places = list(each_place(path))
    fresh(path)
    assert places == list(outline.places_in(path))
