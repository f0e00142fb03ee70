"""A session that is deleted for good: nothing that it has on disk is left anywhere."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.lock import Holder
from claude_agent_lsp.sessions.open_questions import OpenQuestions
from claude_agent_lsp.sessions.session_files import OURS
from tests.e2e.faults.test_survival import killed
from tests.e2e.runs import allow_tools, begin
from tests.told_secrets import LOG, TOLD

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

MARKER = "HOOPOE"
# No process has it: Linux counts to 2**22 at most.
NOBODY = 2**22 + 1
# Where the server has something of each.
IN_STATE = (
    *("archived", "branches", "changes", "costs", "folders", "journal", "kept", "locks"),
    *(
        "pinned",
        "plans",
        "prompts",
        "queue",
        "questions",
        "reviews",
        "rewinds",
        "runs",
        "transcripts",
    ),
)
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
        if word in path.name or (path.is_file() and word.encode() in content_of(path))
    ]


def content_of(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


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
    await editor.command("review.show", {"sessionId": session})
    await editor.command("session.rewind", {"sessionId": session, "messageId": prompt["messageId"]})
    await editor.command("session.tag", {"sessionId": session, "tag": "keep"})
    await editor.command("session.show", {"sessionId": session})
    await editor.command("session.open", {"session": session})
    await editor.command("session.pin", {"sessionId": session})
    await editor.command("session.archive", {"sessionId": session})
    await editor.command("session.list")
    return session


async def leave_in_mid_turn(editor: Editor, model: Loopback) -> None:
    """Kill a server while a run is at work in its session and another one waits."""
    model.add(reply(f"{MARKER} long", [say(f"{MARKER} half said"), tokens(5000, pace=0.01)]))
    long = begin(editor, f"{MARKER} long", 4)
    await editor.event("text", long.events)
    await editor.event("queued", begin(editor, f"{MARKER} waiting", 5).events)
    await killed(editor)


async def test_nothing_is_left_of_a_session_that_is_deleted(
    editor_with: Open, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    editor = await editor_with()
    session = await work(editor, model, folder)
    await leave_in_mid_turn(editor, model)
    places = [Path(environment["HOME"]), Path(environment["CLAUDE_CODE_TMPDIR"])]
    state = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp")
    KeptCopies(state).let_leave(session, datetime.now(UTC))
    # What a server that was killed has asked, and its editor did not show.
    asked = OpenQuestions(lambda: state, Holder("", "Helix", 1, 1.0))
    asked.put_out(session, "question", {"title": f"{MARKER}?"})
    # What a CLI leaves of itself that is killed before it could end in order.
    records = Path(environment["CLAUDE_CONFIG_DIR"], "sessions")
    (records / f"{NOBODY}.json").write_text(json.dumps({"pid": NOBODY, "sessionId": session}))
    (records / f"{NOBODY}.{session}.key").write_text("{}")
    # As if it had come of another one.
    (state / "branches").mkdir()
    (state / "branches" / f"{session}.json").write_text("{}")
    editor = await editor_with()
    found = await editor.command(
        "session.list", {"search": MARKER, "matches": True, "archived": True}
    )
    assert [each["sessionId"] for each in found["sessions"]] == [session]
    left = left_of(places, session, MARKER)
    names = {place.name for _, place in left}
    assert names >= {f"{session}.jsonl", f"{session}.md", "index.sqlite", session}
    in_state = {path.relative_to(state).parts[0] for _, path in left if state in path.parents}
    # All that a session can have there.
    assert in_state >= {*IN_STATE, "index.sqlite", "words.sqlite"}
    await editor.command("session.delete", {"sessionId": session})
    # Each of them alone: what is left at the editor's end was left before, too.
    for _ in ("deleted", "quit"):
        left = left_of(places, session, MARKER, MARKER.casefold())  # as it is searched
        assert [f"{place}: {word}" for word, place in left] == []
        if not editor.stopped:
            await editor.quit()


def test_whatever_the_server_keeps_by_a_session_is_looked_for() -> None:
    by_store = {"shared"}  # see tests/stores/test_deletion.py
    elsewhere = {"folders", "locks"}
    assert {pattern.split("/")[0] for pattern in OURS} - by_store == set(IN_STATE) - elsewhere
