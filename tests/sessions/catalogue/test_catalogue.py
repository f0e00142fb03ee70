"""Which sessions a folder has, page by page."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.errors import InvalidArgument, SessionNotFound
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue, Page
from claude_agent_lsp.sessions.catalogue.wanted import Wanted
from tests.sessions.lines import Disk, Talk, text

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index

UNKNOWN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def catalogue(index: Index) -> Catalogue:
    """Of a server that runs nothing and in which no session is current."""
    return Catalogue(index)


def ids(page: Page) -> list[str]:
    return [session.session_id for session in page.sessions]


def talks(disk: Disk, folder: Path, count: int) -> list[str]:
    """So many sessions, the newest first."""
    times = range(count, 0, -1)
    return [disk.write(folder, Talk().user(f"Prompt {at}"), at=at) for at in times]


def test_sessions_are_listed_newest_first(
    disk: Disk, folder: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    (tmp_path / "other").mkdir()
    talks(disk, tmp_path / "other", 2)
    expected = talks(disk, folder, 3)
    assert ids(catalogue.page(folder)) == expected
    assert catalogue.page(folder).next_cursor is None


def test_folder_without_sessions_has_an_empty_page(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    assert catalogue.page(folder) == Page((), None)


def test_session_tells_what_it_is(disk: Disk, folder: Path, index: Index) -> None:
    talk = Talk()
    session_id = disk.write(
        folder,
        talk.user("First words", gitBranch="main"),
        talk.agent(text("OK."), message_id="m1", gitBranch="topic"),
        {"type": "custom-title", "customTitle": "A title"},
        {"type": "tag", "tag": "important"},
        at=86_400,
    )
    running, current = {session_id}, {folder: session_id}
    catalogue = Catalogue(index, running.__contains__, current.get)
    (session,) = catalogue.page(folder).sessions
    assert catalogue.session(session_id) == replace(session, goes_at=None)
    assert (session.title, session.first_prompt) == ("A title", "First words")
    assert (session.tag, session.git_branch) == ("important", "topic")
    assert session.workspace == folder
    assert session.created_at is not None
    assert session.created_at.isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert session.last_modified.isoformat() == "1970-01-02T00:00:00+00:00"
    assert (session.running, session.current, session.interrupted) == (True, True, False)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 50])
def test_pages_hold_all_sessions_once(
    disk: Disk, folder: Path, catalogue: Catalogue, limit: int
) -> None:
    expected = talks(disk, folder, 5)
    # Of the same second, too.
    expected += sorted(disk.write(folder, Talk().user("Twin"), at=0) for _ in range(3))
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = catalogue.page(folder, Wanted(limit=limit, cursor=cursor))
        assert len(page.sessions) <= limit
        found += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == expected


def test_cursor_stays_right_while_sessions_come_and_go(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    expected = talks(disk, folder, 6)
    first = catalogue.page(folder, Wanted(limit=2))
    assert ids(first) == expected[:2]
    disk.write(folder, Talk().user("New"), at=100)
    disk.path(expected[1], folder).unlink()  # the one that the cursor was made of
    disk.path(expected[3], folder).unlink()
    disk.touch(expected[0], folder, 200)
    second = catalogue.page(folder, Wanted(limit=2, cursor=first.next_cursor))
    assert ids(second) == [expected[2], expected[4]]
    third = catalogue.page(folder, Wanted(limit=2, cursor=second.next_cursor))
    assert ids(third) == [expected[5]]
    assert third.next_cursor is None


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ä",
        *(
            base64.urlsafe_b64encode(text).decode()
            for text in (
                b"",
                b"7",
                b"[1]",
                b'{"a":1,"b":2}',
                b'["a","b"]',
                b"[1e999,1]",
                b"[" * 9999,
            )
        ),
    ],
)
def test_cursor_of_something_else_is_refused(
    disk: Disk, folder: Path, catalogue: Catalogue, cursor: str
) -> None:
    with pytest.raises(InvalidArgument, match=r"^cursor: expected `nextCursor`"):
        catalogue.page(folder, Wanted(cursor=cursor))


def test_search_looks_for_all_words_in_title_and_first_prompt(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    talk = Talk()
    titled = disk.write(
        folder, talk.user("Fix the parser"), {"type": "custom-title", "customTitle": "GRÜN"}, at=2
    )
    other = disk.write(folder, Talk().user("Paint the parser green"), at=1)
    for search, found in (
        ("parser", [titled, other]),
        ("grün PARSER", [titled]),
        ("green", [other]),
        ("green grün", []),
        ("  ", [titled, other]),
        ("", [titled, other]),
    ):
        assert ids(catalogue.page(folder, Wanted(search=search))) == found, search


def test_only_sessions_with_the_tag_are_listed(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    tagged = disk.write(folder, Talk().user("a"), {"type": "tag", "tag": "important"})
    disk.write(folder, Talk().user("b"), {"type": "tag", "tag": "unimportant"})
    disk.write(folder, Talk().user("c"))
    assert ids(catalogue.page(folder, Wanted(tag="important"))) == [tagged]
    assert ids(catalogue.page(folder, Wanted(tag="import"))) == []


@pytest.mark.parametrize(
    ("entrypoint", "origin"),
    [
        ("cli", "terminal"),
        ("sdk-cli", "terminal"),
        ("sdk-py", "editor"),
        ("claude-vscode", "editor"),
    ],
)
def test_origin_is_where_it_was_begun(
    disk: Disk, folder: Path, catalogue: Catalogue, entrypoint: str, origin: str
) -> None:
    disk.write(
        folder,
        {"type": "mode"},
        Talk(entrypoint).user("A long prompt " * 10_000 + '"entrypoint":"cli"'),
        Talk("cli").user("Later, in a terminal"),
        Talk("sdk-py").user("Later, in an editor"),
        {"type": "last-prompt", "lastPrompt": "Later, in an editor"},
    )
    (session,) = catalogue.page(folder).sessions
    assert session.origin == origin


@pytest.mark.parametrize(
    ("after", "interrupted"),
    [
        ([], True),
        ([{"type": "mode"}], True),
        (["filler"], True),
        (["prompt"], False),
        (["filler", "prompt"], False),
    ],
)
def test_interrupted_is_what_nobody_went_on_with(
    disk: Disk,
    folder: Path,
    catalogue: Catalogue,
    after: list[dict[str, str] | str],
    interrupted: bool,
) -> None:
    talk = Talk()
    lines = [talk.user("Hi"), talk.user([text("[Request interrupted by user]")])]
    for one in after:
        if one == "filler":
            synthetic = {"model": "<synthetic>"}
            lines.append(talk.agent(text("No response."), message_id="f", message=synthetic))
        else:
            lines.append(talk.user("More") if isinstance(one, str) else one)
    disk.write(folder, *lines)
    (session,) = catalogue.page(folder).sessions
    assert session.interrupted is interrupted


def test_file_that_holds_no_prompt_is_no_session(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    disk.write(folder, {"type": "mode"})
    disk.write(folder, "{")
    disk.write(folder, "")
    (disk.projects / "x").mkdir()
    assert catalogue.page(folder) == Page((), None)


def test_unknown_session_is_not_found(disk: Disk, folder: Path, catalogue: Catalogue) -> None:
    with pytest.raises(SessionNotFound, match=f"^There is no session {UNKNOWN}\\.$"):
        catalogue.session(UNKNOWN)
    assert not catalogue.belongs(UNKNOWN, folder)


def test_session_belongs_to_the_folder_that_it_was_begun_in(
    disk: Disk, folder: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    session_id = disk.write(folder, Talk().user("Hi"))
    (tmp_path / "link").symlink_to(folder)
    assert catalogue.belongs(session_id, folder)
    assert catalogue.belongs(session_id, tmp_path / "link")
    with pytest.raises(SessionNotFound, match=f"belongs to {folder}, not to") as refusal:
        catalogue.belongs(session_id, tmp_path)
    assert refusal.value.hint == "Open that folder, or pass it as `workspace`."


def test_folder_is_told_as_the_editor_spells_it(
    disk: Disk, folder: Path, tmp_path: Path, index: Index
) -> None:
    session_id = disk.write(folder, Talk().user("Hi"))
    link = tmp_path / "link"
    link.symlink_to(folder)
    catalogue = Catalogue(index, open_folders=[link])
    (session,) = catalogue.page(link).sessions
    assert session.workspace == link
    assert catalogue.session(session_id) == replace(session, goes_at=None)


def test_other_worktrees_of_the_repository_are_listed_with_their_own_folder(
    disk: Disk, folder: Path, tmp_path: Path, index: Index
) -> None:
    tree = tmp_path / "tree"
    user = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (
        ["init", "--quiet"],
        [*user, "commit", "--quiet", "--allow-empty", "--message=x"],
        ["worktree", "add", "--quiet", str(tree)],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    here = disk.write(folder, Talk().user("Here"), at=1)
    there = disk.write(tree, Talk().user("There"), at=2)
    catalogue = Catalogue(index, current={tree: there, folder: here}.get)
    page = catalogue.page(folder)
    assert [(one.session_id, one.workspace, one.current) for one in page.sessions] == [
        (there, tree, True),
        (here, folder, True),
    ]
