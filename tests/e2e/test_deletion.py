"""A session that is deleted for good: nothing that it has on disk is left anywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.told_secrets import LOG, TOLD

from .runs import allow_tools, begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback

    from .editor import Editor

MARKER = "HOOPOE"
# The CLI's builtin plugins note there what they will send; of a session it has the id and no word.
OF_PLUGINS = Path("plugins", "store")


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """With a place of its own for what background tasks put out."""
    (tmp_path / "tmp").mkdir()
    return {**environment, "CLAUDE_CODE_TMPDIR": str(tmp_path / "tmp")}


def files_below(*places: Path) -> list[Path]:
    return [
        Path(parent, name)
        for place in places
        for parent, directories, names in os.walk(place)
        for name in (*directories, *names)
    ]


def left_of(places: list[Path], *words: str) -> list[tuple[str, Path]]:
    """Where one of the words stands: in a file's or a folder's name, or in its content."""
    return [
        (word, path)
        for path in files_below(*places)
        # The log and the audit log are no part of a conversation.
        if path.name not in (LOG, TOLD, "audit.jsonl")
        and path.parent.relative_to(path.parents[2]) != OF_PLUGINS
        for word in words
        if word in path.name or (path.is_file() and word.encode() in path.read_bytes())
    ]


async def work(editor: Editor, model: Loopback, folder: Path) -> str:
    """A session that has everything that a session can have; returns its id."""
    notes = folder / "notes.txt"
    notes.write_text("one\n")
    model.add(
        reply(
            f"{MARKER} edit",
            [call("Read", file_path=str(notes))],
            [call("Edit", file_path=str(notes), old_string="one", new_string="two")],
            [
                call(
                    "TodoWrite", todos=[{"content": MARKER, "status": "pending", "activeForm": "x"}]
                )
            ],
            [call("TaskCreate", subject=MARKER, description=MARKER, activeForm="x")],
            [call("Bash", command=f"echo {MARKER}; sleep 0.1", run_in_background=True)],
            [call("Bash", command=f"echo {MARKER}; seq 100000")],
            [say(f"Edited {MARKER}.")],
        ),
        reply(
            f"{MARKER} delegate",
            [call("Agent", description="x", prompt="subwork", subagent_type="general-purpose")],
            [say(f"Delegated {MARKER}.")],
        ),
        reply("subwork", [say(f"{MARKER} of the subagent.")]),
        reply(
            f"{MARKER} plan",
            [call("ExitPlanMode", plan=f"# {MARKER} plan")],
            [say(f"Planned {MARKER}.")],
        ),
    )
    run = await begin(editor, f"{MARKER} edit", 1, permissionMode="acceptEdits").asked
    session = str(run["sessionId"])
    await begin(editor, f"{MARKER} delegate", 2).asked
    planning = begin(editor, f"{MARKER} plan", 3, permissionMode="plan")
    await editor.question()
    editor.answer("Keep planning")
    await planning.asked
    read = await editor.command("session.read", {"sessionId": session})
    prompt = next(m for m in read["messages"] if m["text"] == f"{MARKER} edit")
    await editor.command("session.rewind", {"sessionId": session, "messageId": prompt["messageId"]})
    await editor.command("session.tag", {"sessionId": session, "tag": "keep"})
    await editor.command("session.show", {"sessionId": session})
    await editor.command("session.list")
    return session


async def test_nothing_is_left_of_a_session_that_is_deleted(
    editor: Editor, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    session = await work(editor, model, folder)
    places = [Path(environment["HOME"]), Path(environment["CLAUDE_CODE_TMPDIR"])]
    names = {place.name for _, place in left_of(places, session, MARKER)}
    assert names >= {f"{session}.jsonl", f"{session}.md", "index.sqlite", session}
    await editor.command("session.delete", {"sessionId": session})
    # Each of them alone: what is left at the editor's end was left before, too.
    for _ in ("deleted", "quit"):
        left = left_of(places, session, MARKER)
        assert [f"{place}: {word}" for word, place in left] == []
        if not editor.stopped:
            await editor.quit()
