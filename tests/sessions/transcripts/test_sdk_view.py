"""What the SDK tells of a transcript, read from its ends, is what it tells of the whole."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from claude_agent_sdk import get_session_info

from claude_agent_lsp.sessions.transcripts import sdk_view
from claude_agent_lsp.sessions.transcripts.sdk_view import END_BYTES, ends_of, info_of
from tests.sessions.lines import Disk, Talk, result

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_sdk import SDKSessionInfo

LONG = Talk().user([result("c", "é" * 50_000)])
HUGE = Talk().user([result("c", "x" * 2_000_000)])
TITLE = {"type": "custom-title", "customTitle": "Boats"}
TAG = {"type": "tag", "tag": "water"}


def told(info: SDKSessionInfo | None) -> tuple[Any, ...] | None:
    if info is None:
        return None
    return info.custom_title, info.summary, info.first_prompt, info.tag, info.git_branch


@pytest.mark.parametrize(
    "entries",
    [
        [Talk().user("Begin")],
        [Talk().user("Begin"), *[LONG] * 5],
        [Talk().user("Begin"), TITLE, TAG, *[LONG] * 40],
        [Talk().user("Begin"), *[LONG] * 20, TITLE, TAG, *[LONG] * 20],
        [Talk().user("Begin"), *[LONG] * 40, TITLE, TAG, Talk().user("End")],
        [Talk().user("Begin", gitBranch="one"), *[LONG] * 40, Talk().user("End", gitBranch="two")],
        [Talk().user("Begin"), TITLE, HUGE],
        [Talk().user("Begin"), HUGE, TITLE, TAG],
        [HUGE, Talk().user("Begin"), TITLE, HUGE],
        [HUGE, Talk().user("Begin")],
        [TITLE, HUGE],
        [*[LONG] * 40, Talk().user("Begin"), {"type": "summary", "summary": "In short"}],
    ],
)
def test_the_ends_tell_what_the_whole_tells(
    disk: Disk, folder: Path, entries: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = disk.write(folder, *entries)
    path = disk.path(session_id, folder)
    of_the_ends = told(info_of(path))
    assert of_the_ends == told(get_session_info(session_id, str(folder)))
    monkeypatch.setattr(sdk_view, "ends_of", lambda transcript: transcript.read_bytes())
    assert of_the_ends == told(asyncio.run(sdk_view._info_of(path)))


def test_the_ends_are_whole_lines_and_no_more_than_that(disk: Disk, folder: Path) -> None:
    entries = [Talk().user(f"{n} {'x' * 1000}") for n in range(3000)]
    path = disk.path(disk.write(folder, *entries), folder)
    lines = path.read_bytes().splitlines(keepends=True)
    found = ends_of(path).splitlines(keepends=True)
    count = len(found)
    assert 2 * END_BYTES <= len(b"".join(found)) <= 2 * END_BYTES + 2 * len(lines[-1])
    head = next(at for at, line in enumerate(found) if line != lines[at])
    assert found == lines[:head] + lines[head - count :]


@pytest.mark.parametrize("count", [1, 2, 480, 500, 520, 1000])
def test_what_is_short_is_there_as_a_whole(disk: Disk, folder: Path, count: int) -> None:
    entries = [Talk().user(f"{n} {'x' * 800}") for n in range(count)]
    path = disk.path(disk.write(folder, *entries), folder)
    content = path.read_bytes()
    whole = len(content) <= 2 * END_BYTES
    assert (ends_of(path) == content) is whole
    for line in ends_of(path).splitlines():
        assert json.loads(line)["message"]["content"].endswith("x")
