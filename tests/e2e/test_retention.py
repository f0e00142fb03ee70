"""Sessions that the CLI would delete: told of, and kept."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .runs import eventually

if TYPE_CHECKING:
    from .conftest import Open
    from .editor import Editor

DAY = 86_400


def transcripts(environment: dict[str, str], session_id: str) -> list[Path]:
    """The file that the CLI keeps a session in, if it does."""
    return list(Path(environment["CLAUDE_CONFIG_DIR"]).glob(f"projects/*/{session_id}.jsonl"))


def copies(environment: dict[str, str]) -> list[Path]:
    """The copies that this server keeps."""
    directory = Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp"
    return list(directory.glob("kept/*/*.jsonl"))


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
    await eventually(lambda: b"hello" in copies(environment)[0].read_bytes())
    await editor.quit()
    path.unlink()
    editor = await editor_with(settings={"prewarm": False})
    (listed,) = (await editor.command("session.list"))["sessions"]
    assert (listed["sessionId"], listed["tag"]) == (run["sessionId"], "keep")
    read = await editor.command("session.read", session)
    assert [m["text"] for m in read["messages"]][:2] == [
        "remember the code APPLE-1",
        "I will remember it.",
    ]
    export = await editor.command("session.export", {**session, "format": "jsonl"})
    assert export["text"].encode() == copies(environment)[0].read_bytes()
    assert not path.exists()
    asked = await editor.query("which code?")
    assert (asked["text"], asked["sessionId"]) == ("APPLE-1", run["sessionId"])
    assert path.exists()


@pytest.mark.parametrize("change", ["untagged", "deleted"])
async def test_copy_goes_with_its_tag_and_its_session(
    editor: Editor, environment: dict[str, str], change: str
) -> None:
    run = await editor.query("hello")
    session = {"sessionId": run["sessionId"]}
    await editor.command("session.tag", {**session, "tag": "keep"})
    assert len(copies(environment)) == 1
    if change == "untagged":
        await editor.command("session.tag", session)
    else:
        await editor.command("session.delete", session)
    assert copies(environment) == []
    listed = (await editor.command("session.list"))["sessions"]
    assert len(listed) == (change == "untagged")


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
