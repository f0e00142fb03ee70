"""What is cleaned away in the state directory, and what never is."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions import cleanup
from claude_agent_lsp.sessions.cleanup import DAY, clean_up
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.sessions.session_files import OURS

from .lines import Talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from .lines import Disk

NOW = 100 * DAY
GONE, HERE = str(uuid.uuid4()), str(uuid.uuid4())


@pytest.fixture
def state(tmp_path: Path, disk: Disk, folder: Path) -> Path:
    """Of a server that ran in a folder with one session that is still there."""
    disk.write(folder, Talk().user("hello"), session_id=HERE)
    return tmp_path / "state"


@pytest.fixture
def put(state: Path) -> Callable[..., Path]:
    """Makes a file that was last changed so many days ago."""

    def write(name: str, days: float, content: str = "{}") -> Path:
        path = state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (NOW - days * DAY, NOW - days * DAY))
        return path

    return write


def cleaned(state: Path, *busy: str) -> int:
    return clean_up(state, lambda session: session in busy, now=NOW)


@pytest.mark.parametrize(
    ("name", "days"),
    [
        *(("transcripts/{}.md", 30), ("transcripts/{}-12345678.md", 30), ("plans/{}.md", 30)),
        ("plans/{}-12345678.md", 30),
        *(("rewinds/{}.json", 30), ("shared/{}.json", 30), ("locks/{}.lock", 1)),
        *(("pinned/{}", 30), ("archived/{}", 30), ("changes/{}", 30), ("dismissed/{}.txt", 365)),
        ("branches/{}.json", 30),
        *(("transcripts/.{}.md.12-34", 1), ("journal/.{}.jsonl.12-34", 1)),
        *(("kept/p/.{}.jsonl.12-34", 1), ("folders/.0123456789abcdef.json.12-34", 1)),
    ],
)
def test_what_is_left_of_a_session_goes_when_it_is_old(
    state: Path, put: Callable[..., Path], name: str, days: int
) -> None:
    path = put(name.format(GONE), days - 0.1)
    assert cleaned(state) == 0
    assert path.exists()
    path = put(name.format(GONE), days + 0.1)
    assert cleaned(state, GONE) == ("{}" not in name)
    path = put(name.format(GONE), days + 0.1)
    assert cleaned(state) == 1
    assert not path.exists()


def test_of_a_session_that_is_there_only_documents_go_and_late(
    state: Path, put: Callable[..., Path]
) -> None:
    kept = [put(f"{name}/{HERE}.json", 400) for name in ("rewinds", "shared")]
    kept += [put(f"{name}/{HERE}.md", 29) for name in ("transcripts", "plans")]
    assert cleaned(state) == 0
    late = [put(f"{name}/{HERE}.md", 31) for name in ("transcripts", "plans")]
    assert cleaned(state) == 2
    assert [path.exists() for path in (*kept[:2], *late)] == [True, True, False, False]


def test_the_only_copy_of_something_stays(state: Path, put: Callable[..., Path]) -> None:
    only = put(f"journal/{GONE}.jsonl", 400)
    rewound = put(f"rewinds/{GONE}.json", 400)
    other = str(uuid.uuid4())
    kept = put(f"kept/project/{other}.jsonl", 400)
    shared = put(f"shared/{uuid.uuid4()}.json", 400, json.dumps({"pending": True}))
    put("spending.json", 400)
    put("folders/0123456789abcdef.json", 400)
    assert cleaned(state) == 0
    assert all(path.exists() for path in (only, rewound, kept, shared))


def test_a_lock_that_somebody_has_stays(state: Path, put: Callable[..., Path]) -> None:
    lock = put(f"locks/{GONE}.lock", 2, "")
    ownership = SessionLocks(lambda: state)
    ownership.claim(GONE, "run")
    os.utime(lock, (0, 0))
    assert cleaned(state) == 0
    assert lock.exists()
    ownership.release(GONE, "run")


def test_one_start_removes_no_more_than_some(
    state: Path, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "MOST_REMOVED", 3)
    for _ in range(5):
        put(f"plans/{uuid.uuid4()}.md", 31)
    assert [cleaned(state), cleaned(state), cleaned(state)] == [3, 2, 0]


def test_what_the_cli_keeps_for_a_while_goes_with_the_newest_of_it(
    state: Path, put: Callable[..., Path]
) -> None:
    def of(session: str, name: str, days: float) -> Path:
        path = put(f"tmp/claude-1000/-project/{session}/{name}", days)
        for directory in path.parents[:3]:
            os.utime(directory, (0, 0))
        return path

    busy = str(uuid.uuid4())
    stays = [of(HERE, "started", 400), of(HERE, "tasks", 9), of(busy, "started", 400)]
    goes = [of(GONE, "started", 11), put("tmp/claude-1000/probe-1/probe", 11)]
    stays.append(put("tmp/claude-1000/probe-2/probe", 9))
    os.utime(goes[1].parent, (0, 0))
    assert cleaned(state, busy) == 2
    assert [path.exists() for path in (*stays, *goes)] == [True] * 4 + [False] * 2
    assert not goes[0].parent.exists()


def test_nothing_is_made_where_nothing_is(tmp_path: Path, disk: Disk) -> None:
    assert not disk.projects.exists()
    assert cleaned(tmp_path / "state") == 0
    assert not (tmp_path / "state").exists()


def test_every_place_of_a_session_is_looked_at() -> None:
    """What a session has and what is cleaned up are the same places."""
    places = {Path(pattern).parent.as_posix() for pattern in OURS}
    assert places == set(cleanup._DIRECTORIES) - {"folders", "dismissed"}
