"""The user's rules, modes and answers hold for open files as for any other."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.buffers.conftest import DISK, UNSAVED, edit, read
from tests.e2e.buffers.documents import SAVES, Documents

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

QUESTIONS = {**SAVES, "questions": True}


def settings(folder: Path, **values: Any) -> None:
    """Have settings of Claude Code's in a folder."""
    file = folder / ".claude" / "settings.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(values))


async def opened(editor_with: Open, folder: Path, file: Path) -> tuple[Editor, Documents, str]:
    """An editor in whose trusted folder a file has unsaved text."""
    trusted = {"trustedFolders": [folder.as_uri()]}
    editor = await editor_with(announces=QUESTIONS, options=trusted)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, UNSAVED)
    return editor, documents, uri


@pytest.mark.parametrize("allowed", [True, False])
async def test_question_shows_the_change_of_what_the_user_sees(
    editor_with: Open, folder: Path, file: Path, uses: Uses, *, allowed: bool
) -> None:
    editor, documents, uri = await opened(editor_with, folder, file)
    settings(folder, permissions={"ask": ["Edit"]})
    using = uses(editor, edit(file, "ONE from buffer", "UNO"))

    async def answer() -> dict[str, Any]:
        await editor.until(lambda: editor.requests)
        question, answered = editor.requests[0]
        answered.set_result({"answer": "allow" if allowed else "deny"})
        return question

    told, question = await asyncio.gather(using, answer())
    assert "-ONE from buffer\n+UNO\n two\n three unsaved" in question["diff"]
    assert ("success" in told[0]) is allowed
    assert documents.texts[uri].startswith("UNO" if allowed else "ONE")
    assert file.read_text() == DISK


@pytest.mark.parametrize("tool", ["Read", "Edit"])
async def test_what_a_rule_denies_is_denied(
    editor_with: Open, folder: Path, file: Path, uses: Uses, tool: str
) -> None:
    settings(folder, permissions={"deny": [f"{tool}(/a.txt)"]})
    editor, documents, uri = await opened(editor_with, folder, file)
    given = read(file) if tool == "Read" else edit(file, "ONE from buffer", "UNO")
    (told,) = await uses(editor, given)
    assert "denied" in told
    assert documents.texts[uri] == UNSAVED


async def test_mentioned_file_is_the_one_in_the_editor(
    editor_with: Open, folder: Path, file: Path, model: Loopback
) -> None:
    editor, _, _ = await opened(editor_with, folder, file)
    await editor.query("hello, look at @a.txt")
    sent = "\n".join(part.text for part in model.requests[-1].conversation)
    assert "three unsaved" in sent
    assert "one on disk" not in sent


async def test_without_plugins_unsaved_text_is_read_and_not_edited_and_the_user_is_told(
    editor_with: Open, folder: Path, file: Path, uses: Uses
) -> None:
    settings(folder, disableAllHooks=True)
    editor, documents, uri = await opened(editor_with, folder, file)
    seen, refused = await uses(editor, read(file), edit(file, "two", "2"))
    assert "three unsaved" in seen
    assert "unsaved changes" in refused
    await uses(editor, read(file))
    (notice,) = [each for each in editor.events(kind="notice") if "unsaved" in each["text"]]
    assert notice["level"] == "warning"
    assert (documents.texts[uri], file.read_text()) == (UNSAVED, DISK)
    (process,) = (await editor.command("status"))["processes"]
    assert process["liveDocuments"] is False
    documents.save(file)
    _, told = await uses(editor, read(file), edit(file, "two", "2"))
    assert "success" in told
    assert file.read_text() == "ONE from buffer\n2\nthree unsaved\n"


async def test_what_a_run_changed_in_the_editor_is_recorded_as_it_was_there(
    editor_with: Open, folder: Path, file: Path, uses: Uses
) -> None:
    editor, documents, uri = await opened(editor_with, folder, file)
    await uses(editor, read(file), edit(file, "two", "2"))
    (changed,) = editor.events(kind="fileChanged")
    assert (changed["uri"], changed["change"]) == (file.as_uri(), "edited")
    (session,) = (await editor.command("session.list", {}))["sessions"]
    read_ = await editor.command("session.read", {"sessionId": session["sessionId"]})
    prompt = next(m["messageId"] for m in read_["messages"] if m["role"] == "user")
    preview = await editor.command(
        "session.rewind",
        {"sessionId": session["sessionId"], "messageId": prompt, "preview": True},
    )
    assert "-2\n+two" in json.dumps(preview).replace("\\n", "\n")
    assert documents.texts[uri] == "ONE from buffer\n2\nthree unsaved\n"


async def test_proposal_for_unsaved_text_is_made_as_the_user_wants_it(
    editor_with: Open, folder: Path, file: Path, uses: Uses
) -> None:
    editor, documents, uri = await opened(editor_with, folder, file)
    settings(folder, permissions={"ask": ["Edit"]})

    async def answer() -> None:
        await editor.until(lambda: editor.requests)
        wanted = "DOS\ntwo\nthree unsaved, and changed by the user\n"
        editor.requests[0][1].set_result({"answer": "allow", "edits": wanted})

    told, _ = await asyncio.gather(uses(editor, edit(file, "ONE from buffer", "UNO")), answer())
    assert documents.texts[uri] == "DOS\ntwo\nthree unsaved, and changed by the user\n"
    assert file.read_text() == DISK
    assert "modified your proposed changes" in told[0]


async def test_what_a_run_changed_in_unsaved_text_is_looked_through_and_taken_back_there(
    editor_with: Open, folder: Path, file: Path, uses: Uses
) -> None:
    editor, documents, uri = await opened(editor_with, folder, file)
    await uses(editor, read(file), edit(file, "two", "2"))
    (changed,) = (await editor.command("review.list", {}))["files"]
    assert [hunk["diff"] for hunk in changed["hunks"]] == ["-two\n+2\n"]
    await editor.command("review.undo", {"sessionId": changed["sessionId"]})
    assert (documents.texts[uri], file.read_text()) == (UNSAVED, DISK)
