"""What an editor that knows this server is told of runs and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.runs import begin, eventually, remember

if TYPE_CHECKING:
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

WANTED = {"sessionEvents": True}


def told(editor: Editor, method: str) -> list[dict[str, Any]]:
    return [fields for name, fields in editor.announced if name == method]


async def test_an_editor_is_told_of_each_run_and_its_session(editor_with: Open) -> None:
    editor = await editor_with(announces=WANTED)
    answer = await begin(editor, "remember the code PINEAPPLE-42").asked
    began, ended = told(editor, "runChanged")
    assert (began["status"], ended["status"]) == ("running", "completed")
    assert began["runId"] == ended["runId"] == answer["runId"]
    assert ended["text"] == answer["text"]
    await eventually(lambda: told(editor, "sessionChanged"))
    session = told(editor, "sessionChanged")[-1]
    assert session["sessionId"] == answer["sessionId"]
    assert session["current"] is True

    query = begin(editor, "count slowly", 1)
    await editor.event("text", token=query.events)
    await eventually(lambda: told(editor, "sessionChanged")[-1]["running"])
    await editor.command("cancel")
    await eventually(lambda: told(editor, "runChanged")[-1]["status"] == "cancelled")
    await eventually(lambda: not told(editor, "sessionChanged")[-1]["running"])


async def test_an_editor_is_told_what_commands_do_to_sessions(editor_with: Open) -> None:
    editor = await editor_with(announces=WANTED)
    session = await remember(editor)
    await eventually(lambda: told(editor, "sessionChanged"))
    named = {"sessionId": session}
    await editor.command("session.rename", {**named, "title": "Pineapples"})
    assert told(editor, "sessionChanged")[-1]["title"] == "Pineapples"
    await editor.command("session.tag", {**named, "tag": "fruit"})
    assert told(editor, "sessionChanged")[-1]["tag"] == "fruit"
    copy = await editor.command("session.fork", named)
    assert told(editor, "sessionChanged")[-1]["sessionId"] == copy["sessionId"] != session
    await editor.command("session.select", {"sessionId": copy["sessionId"]})
    assert told(editor, "sessionChanged")[-1]["current"] is True
    await editor.command("session.delete", named)
    gone = told(editor, "sessionChanged")[-1]
    assert gone["sessionId"] == session
    assert gone["deleted"] is True


async def test_an_editor_that_did_not_ask_is_told_nothing(editor_with: Open) -> None:
    editor = await editor_with()
    session = await remember(editor)
    await editor.command("session.rename", {"sessionId": session, "title": "Pineapples"})
    assert editor.announced == []
