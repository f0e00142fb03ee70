"""Sessions that the CLI would delete: told of, and kept."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.runs import eventually
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

DAY = 86_400


def transcripts(environment: dict[str, str], session_id: str) -> list[Path]:
    """The file that the CLI keeps a session in, if it does."""
    return list(Path(environment["CLAUDE_CONFIG_DIR"]).glob(f"projects/*/{session_id}.jsonl"))


def copies(environment: dict[str, str]) -> list[Path]:
    """The copies that this server keeps."""
    directory = Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp"
    return list(directory.glob("kept/*/*.jsonl"))


def content_of(copy: Path) -> bytes:
    return gzip.decompress(copy.read_bytes())


def grow_old(path: Path, days: float) -> None:
    at = time.time() - days * DAY
    os.utime(path, (at, at))


async def retention(editor: Editor) -> Any:
    (folder,) = (await editor.command("status"))["folders"]
    return folder["retention"]


async def test_status_tells_what_is_deleted_next(
    editor: Editor, environment: dict[str, str]
) -> None:
    run = await editor.query("remember the code APPLE-1")
    assert await retention(editor) == {"days": 30, "nextDeletions": []}
    grow_old(transcripts(environment, run["sessionId"])[0], 28)
    told = await retention(editor)
    (deletion,) = told["nextDeletions"]
    assert deletion == {
        "sessionId": run["sessionId"],
        "title": "remember the code APPLE-1",
        "at": deletion["at"],
        "kept": False,
    }
    (Path(environment["CLAUDE_CONFIG_DIR"]) / "settings.json").write_text(
        '{"cleanupPeriodDays": 365}'
    )
    assert await retention(editor) == {"days": 365, "nextDeletions": []}


async def test_kept_session_outlives_the_clis_deletion(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with()
    run = await editor.query("remember the code APPLE-1")
    session = {"sessionId": run["sessionId"]}
    await editor.command("session.tag", {**session, "tag": "keep"})
    await editor.query("hello")
    (path,) = transcripts(environment, run["sessionId"])
    await eventually(lambda: b"hello" in content_of(copies(environment)[0]))
    await editor.quit()
    path.unlink()
    editor = await editor_with(settings={"prewarm": False})
    (listed,) = (await editor.command("session.list"))["sessions"]
    assert (listed["sessionId"], listed["tag"]) == (run["sessionId"], "keep")
    read = await editor.command("session.read", session)
    assert [m["text"] for m in said_in(read["messages"])][:2] == [
        "remember the code APPLE-1",
        "I will remember it.",
    ]
    export = await editor.command("session.export", {**session, "format": "jsonl"})
    assert export["text"].encode() == content_of(copies(environment)[0])
    assert not path.exists()
    asked = await editor.query("which code?")
    assert (asked["text"], asked["sessionId"]) == ("APPLE-1", run["sessionId"])
    assert path.exists()


@pytest.mark.parametrize(
    ("change", "which", "left"),
    [("untagged", "all", 1), ("untagged", "tagged", 0), ("deleted", "all", 0)],
)
async def test_copy_goes_with_its_session_and_with_its_tag_where_that_alone_keeps_it(
    editor_with: Open, environment: dict[str, str], change: str, which: str, left: int
) -> None:
    editor = await editor_with(settings={"keepSessions": which})
    run = await editor.query("hello")
    session = {"sessionId": run["sessionId"]}
    await editor.command("session.tag", {**session, "tag": "keep"})
    assert len(copies(environment)) == 1
    if change == "untagged":
        await editor.command("session.tag", session)
    else:
        await editor.command("session.delete", session)
    assert len(copies(environment)) == left
    listed = (await editor.command("session.list"))["sessions"]
    assert len(listed) == (change == "untagged")


async def test_tag_keeps_nothing_where_nothing_is_to_be_kept(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"keepSessions": "none"})
    run = await editor.query("hello")
    await editor.command("session.tag", {"sessionId": run["sessionId"], "tag": "keep"})
    await editor.command("session.list")
    await editor.query("hello")
    assert copies(environment) == []


async def test_kept_session_that_the_cli_has_deleted_is_changed_like_any_other(
    editor: Editor, environment: dict[str, str]
) -> None:
    run = await editor.query("remember the code APPLE-1")
    session = {"sessionId": run["sessionId"]}
    await editor.command("session.tag", {**session, "tag": "keep"})
    (path,) = transcripts(environment, run["sessionId"])
    path.unlink()
    renamed = await editor.command("session.rename", {**session, "title": "Mine"})
    assert renamed["title"] == "Mine"
    path.unlink()
    copy = await editor.command("session.fork", session)
    assert (await editor.query("which code?", session=copy["sessionId"]))["text"] == "APPLE-1"
    path.unlink()
    assert await editor.command("session.delete", session) == {"deleted": True}
    assert transcripts(environment, run["sessionId"]) == copies(environment) == []


async def test_what_the_cli_may_delete_is_kept_before_the_first_one_starts(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with()
    run = await editor.query("remember the code APPLE-1")
    await editor.query("hello", session="new")
    await editor.quit()
    (path,) = transcripts(environment, run["sessionId"])
    content = path.read_bytes()
    grow_old(path, 40)
    editor = await editor_with()
    await editor.query("hello", session="new")
    # The CLI has deleted it, as it does at its start once a day, or does so later.
    (copy,) = copies(environment)
    assert content_of(copy) == content
    path.unlink(missing_ok=True)
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert read["messages"][0]["text"] == "remember the code APPLE-1"
    asked = await editor.query("which code?", session=run["sessionId"])
    assert (asked["text"], asked["sessionId"]) == ("APPLE-1", run["sessionId"])
    assert path.exists()


async def test_list_and_status_tell_what_goes_within_a_week(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"keepSessions": "tagged"})
    run = await editor.query("remember the code APPLE-1")
    kept = await editor.query("hello", session="new")
    await editor.command("session.tag", {"sessionId": kept["sessionId"], "tag": "keep"})
    for one in (run, kept):
        grow_old(transcripts(environment, one["sessionId"])[0], 28)
    listed = {s["sessionId"]: s for s in (await editor.command("session.list"))["sessions"]}
    (deletion,) = [d for d in (await retention(editor))["nextDeletions"] if not d["kept"]]
    assert deletion["sessionId"] == run["sessionId"]
    assert listed[run["sessionId"]]["goesAt"] == deletion["at"]
    assert "goesAt" not in listed[kept["sessionId"]]
    told = (await editor.command("status"))["kept"]
    assert told == {
        "which": "tagged",
        "sessions": 1,
        "bytes": copies(environment)[0].stat().st_size,
        "maxBytes": 1_000_000_000,
        "leaving": 0,
    }
