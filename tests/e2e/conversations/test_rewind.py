"""Files put back as they were before a message."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.refusals import FAILED, INVALID, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

EDITS = {"permissionMode": "acceptEdits"}


@pytest.fixture
def changes(model: Loopback, folder: Path) -> None:
    """A model that changes files: an edit, a new file, another edit."""
    notes, new = folder / "notes.txt", folder / "deep" / "new.txt"
    notes.write_text("one\ntwo\nthree\n")
    notes.chmod(0o640)
    read = call("Read", file_path=str(notes))
    model.add(
        reply(
            "first edit",
            [read],
            [call("Edit", file_path=str(notes), old_string="two", new_string="2\n2a")],
            [say("Edited.")],
        ),
        reply(
            "new file",
            [call("Write", file_path=str(new), content="new\nfile\n")],
            [say("Written.")],
        ),
        reply(
            "second edit",
            [read],
            [call("Edit", file_path=str(notes), old_string="three", new_string="3")],
            [say("Edited.")],
        ),
    )


async def prompts(editor: Editor, session_id: str) -> dict[str, str]:
    """The ids of a session's prompts."""
    read = await editor.command("session.read", {"sessionId": session_id})
    return {m["text"]: m["messageId"] for m in read["messages"] if m["role"] == "user"}


async def work(editor: Editor) -> tuple[str, dict[str, str]]:
    """All three changes; returns the session and its prompts."""
    for prompt in ("first edit", "new file", "second edit"):
        run = await editor.query(prompt, **EDITS)
    return run["sessionId"], await prompts(editor, run["sessionId"])


async def rewind(editor: Editor, session_id: str, message_id: str, **more: Any) -> Any:
    argument = {"sessionId": session_id, "messageId": message_id, **more}
    return await editor.command("session.rewind", argument)


@pytest.mark.usefixtures("changes")
async def test_files_are_put_back_message_by_message(editor: Editor, folder: Path) -> None:
    notes, new = folder / "notes.txt", folder / "deep" / "new.txt"
    session, ids = await work(editor)
    assert notes.read_text() == "one\n2\n2a\n3\n"
    # The dry run tells the same, and touches nothing.
    back = {"filesChanged": [notes.as_uri()], "insertions": 1, "deletions": 1}
    assert await rewind(editor, session, ids["second edit"], dryRun=True) == back
    assert notes.read_text() == "one\n2\n2a\n3\n"
    assert await rewind(editor, session, ids["second edit"]) == back
    assert notes.read_text() == "one\n2\n2a\nthree\n"
    assert stat.S_IMODE(notes.stat().st_mode) == 0o640
    assert new.read_text() == "new\nfile\n"
    # What was put back is nobody's change.
    both = {"filesChanged": [new.as_uri(), notes.as_uri()], "insertions": 1, "deletions": 4}
    assert await rewind(editor, session, ids["first edit"]) == both
    assert notes.read_text() == "one\ntwo\nthree\n"
    assert not new.exists()
    nothing = {"filesChanged": [], "insertions": 0, "deletions": 0}
    assert await rewind(editor, session, ids["first edit"]) == nothing


@pytest.mark.usefixtures("changes")
async def test_files_are_put_back_in_the_next_server_and_the_session_goes_on(
    editor_with: Open, folder: Path
) -> None:
    editor = await editor_with()
    session, ids = await work(editor)
    await editor.quit()
    editor = await editor_with()
    await rewind(editor, session, ids["new file"])
    assert (folder / "notes.txt").read_text() == "one\n2\n2a\nthree\n"
    assert not (folder / "deep" / "new.txt").exists()
    run = await editor.query("second edit", **EDITS)
    assert run["sessionId"] == session
    assert (folder / "notes.txt").read_text() == "one\n2\n2a\n3\n"


@pytest.mark.usefixtures("changes")
async def test_file_that_somebody_else_changed_is_not_overwritten(
    editor: Editor, folder: Path
) -> None:
    notes, new = folder / "notes.txt", folder / "deep" / "new.txt"
    session, ids = await work(editor)
    new.write_text("mine\n")
    refused = await refusal(
        editor.command("session.rewind", {"sessionId": session, "messageId": ids["first edit"]})
    )
    assert (refused.code, refused.reason) == (FAILED, "conflict")
    assert refused.message == f"{new} has changed since the agent wrote it."
    assert notes.read_text() == "one\n2\n2a\n3\n"
    assert new.read_text() == "mine\n"
    # A file that is gone, or is as it is wanted to be, is in nobody's way.
    new.unlink()
    assert (await rewind(editor, session, ids["first edit"]))["filesChanged"] == [notes.as_uri()]


@pytest.mark.usefixtures("changes")
async def test_deleted_file_comes_back(editor: Editor, folder: Path) -> None:
    session, ids = await work(editor)
    (folder / "notes.txt").unlink()
    back = await rewind(editor, session, ids["first edit"])
    assert (folder / "notes.txt").read_text() == "one\ntwo\nthree\n"
    assert (back["insertions"], back["deletions"]) == (3, 2)


async def test_message_without_copies_is_refused(editor: Editor) -> None:
    run = await editor.query("hello")
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    for message_id in ("nothing", read["messages"][1]["messageId"]):
        refused = await refusal(
            editor.command(
                "session.rewind", {"sessionId": run["sessionId"], "messageId": message_id}
            )
        )
        assert refused.code == INVALID
        assert refused.message.startswith("messageId: expected a prompt for which")


async def test_session_at_work_is_not_rewound(editor: Editor) -> None:
    told = await editor.query("hello")
    ids = await prompts(editor, told["sessionId"])
    asked = editor.query("count slowly", partialResultToken="second")
    await editor.event("text", "second")
    refused = await refusal(
        editor.command(
            "session.rewind", {"sessionId": told["sessionId"], "messageId": ids["hello"]}
        )
    )
    assert refused.reason == "sessionBusy"
    editor.cancel(asked)
    await refusal(asked)
