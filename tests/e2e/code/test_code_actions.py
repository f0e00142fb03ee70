"""Code actions that ask the agent, as plain clients send for them and execute them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.base.uris import path_of, uri_of
from claude_agent_lsp.loopback import hang, reply, say
from tests.e2e.editor import SECONDS
from tests.e2e.runs import CANCELLED, requests_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Request
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

ALL = ["neovim", "helix", "emacs", "vscode"]
TEXT = "alpha = 1\nbeta = 2\ngamma = 3\n"
ABOUT_CODE = [
    "Explain with Claude",
    "Refactor with Claude",
    "Write tests with Claude",
    "Document with Claude",
]
QUICK = [types.CodeActionKind.QuickFix]


@pytest.fixture
def file(folder: Path) -> Path:
    """What the user has open."""
    path = folder / "app.py"
    path.write_text(TEXT)
    return path


def span(first: int, start: int, last: int, end: int) -> types.Range:
    return types.Range(types.Position(first, start), types.Position(last, end))


WRONG = types.Diagnostic(
    span(1, 0, 1, 4), "beta is wrong", types.DiagnosticSeverity.Error, "B1", source="lint"
)


def opened(editor: Editor, file: Path, text: str = TEXT) -> None:
    item = types.TextDocumentItem(uri_of(file), "python", 1, text)
    editor.protocol.notify(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(item))


async def actions(
    editor: Editor, file: Path, where: types.Range, *problems: types.Diagnostic, **context: Any
) -> list[Any]:
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri_of(file)),
        where,
        types.CodeActionContext(problems, **context),
    )
    return list(await editor.ask(types.TEXT_DOCUMENT_CODE_ACTION, params))


def titles(found: list[Any]) -> list[str]:
    return [action.title for action in found]


async def execute(editor: Editor, found: list[Any], title: str) -> Any:
    """Have the server do what the user has chosen, as a client does that knows nothing of it."""
    (action,) = [action for action in found if action.title == title]
    command: Any = action.command if isinstance(action, types.CodeAction) else action
    params = types.ExecuteCommandParams(command.command, command.arguments)
    return await editor.ask(types.WORKSPACE_EXECUTE_COMMAND, params)


def told(request: Request) -> str:
    """All that the agent was told, of all messages."""
    contents = [message["content"] for message in request.body["messages"]]
    return "\n".join(
        content if isinstance(content, str) else "\n".join(each.get("text", "") for each in content)
        for content in contents
    )


async def document(editor: Editor) -> str:
    """What the editor was shown at the end, as a document or by its path."""
    async with asyncio.timeout(SECONDS):
        while not editor.shown_documents:
            if paths := [
                m.message.split(" is in ")[1] for m in editor.messages if " is in " in m.message
            ]:
                return path_of(f"file://{paths[0]}").read_text()
            await editor.command("status")  # what it was shown arrives with the answer
    return path_of(editor.shown_documents[0].uri).read_text()


@pytest.mark.parametrize("profile", ALL)
async def test_unsaved_selection_is_asked_about_and_the_answer_opened(
    editor_with: Open, model: Loopback, file: Path, profile: str
) -> None:
    model.add(reply("Explain line 1 of `app.py`", say("It is omega.")))
    editor = await editor_with(profile=profile, settings={"showAnswers": "document"})
    opened(editor, file)
    change = types.TextDocumentContentChangePartial(span(0, 0, 0, 5), "omega")
    params = types.DidChangeTextDocumentParams(
        types.VersionedTextDocumentIdentifier(uri=uri_of(file), version=2), [change]
    )
    editor.protocol.notify(types.TEXT_DOCUMENT_DID_CHANGE, params)
    found = await actions(editor, file, span(0, 0, 1, 0))
    assert titles(found) == [ABOUT_CODE[0], "Fix with Claude", *ABOUT_CODE[1:]]
    run = await execute(editor, found, "Explain with Claude")
    assert "It is omega." in await document(editor)
    (request,) = requests_of(model, "Explain line 1")
    assert f"The user selected the lines 1 to 1 from {file}:\nomega = 1" in told(request)
    assert (await editor.command("status"))["folders"][0]["currentSession"] == run["sessionId"]


@pytest.mark.parametrize("profile", ALL)
async def test_diagnostic_is_fixed_with_its_words(
    editor_with: Open, model: Loopback, file: Path, profile: str
) -> None:
    model.add(reply("Fix the problem at line 2 of `app.py`", say("Mended.")))
    editor = await editor_with(profile=profile, settings={"showAnswers": "document"})
    # Helix has no empty selection.
    found = await actions(editor, file, span(1, 2, 1, 3), WRONG)
    assert titles(found) == ["Fix with Claude", ABOUT_CODE[0], *ABOUT_CODE[1:]]
    assert found[0].kind == types.CodeActionKind.QuickFix
    assert list(found[0].diagnostics) == [WRONG]
    await execute(editor, found, "Fix with Claude")
    assert "Mended." in await document(editor)
    (request,) = requests_of(model, "Fix the problem")
    assert "app.py:2:1: error: beta is wrong (lint B1)" in told(request)


@pytest.mark.parametrize("profile", ALL)
async def test_selection_in_a_text_is_asked_as_it_is(
    editor_with: Open, model: Loopback, folder: Path, profile: str
) -> None:
    prompt = 'Say "x\\y", %sh{touch ran} and `$(touch ran)`.\n\nPlease 🦀.'
    model.add(reply("Please 🦀.", say("So I do.")))
    editor = await editor_with(profile=profile, settings={"showAnswers": "document"})
    notes = folder / "notes.md"
    opened(editor, notes, f"Not this.\n{prompt}\nNor this.\n")
    found = await actions(editor, notes, span(1, 0, 4, 0))
    assert found[-1].title == "Ask Claude what is selected"
    await execute(editor, found, "Ask Claude what is selected")
    assert "So I do." in await document(editor)
    assert model.requests[-1].prompt.endswith(prompt)
    assert "Not this." not in model.requests[-1].prompt


async def test_nothing_is_asked_where_no_text_is_selected(editor: Editor, folder: Path) -> None:
    notes = folder / "notes.md"
    opened(editor, notes, "some\n\n\n\ntext\n")
    for where in (span(1, 0, 3, 0), span(7, 0, 9, 0)):
        with pytest.raises(JsonRpcException, match="expected some text of an open document"):
            await execute(
                editor, await actions(editor, notes, where), "Ask Claude what is selected"
            )
    cursor = await actions(editor, notes, span(0, 1, 0, 2))
    assert "Ask Claude what is selected" not in titles(cursor)


async def test_cursor_alone_is_offered_no_fix_and_nothing_unasked(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(reply("Write tests for the code at line 3 of `app.py`", say("Tested.")))
    editor = await editor_with()
    cursor = span(2, 1, 2, 1)
    automatic = types.CodeActionTriggerKind.Automatic
    assert await actions(editor, file, cursor, trigger_kind=automatic) == []
    found = await actions(editor, file, cursor, trigger_kind=types.CodeActionTriggerKind.Invoked)
    assert titles(found) == ABOUT_CODE
    assert (await execute(editor, found, "Write tests with Claude"))["text"] == "Tested."


async def test_kinds_that_are_wanted_are_offered_alone(editor_with: Open, file: Path) -> None:
    editor = await editor_with()
    line = span(1, 0, 2, 0)
    assert titles(await actions(editor, file, line, WRONG, only=QUICK)) == [
        "Fix with Claude",
        "Explain with Claude",
    ]
    refactor = [types.CodeActionKind.Refactor]
    assert titles(await actions(editor, file, line, only=refactor)) == [
        "Fix with Claude",
        "Refactor with Claude",
        "Document with Claude",
    ]
    assert await actions(editor, file, line, WRONG, only=[types.CodeActionKind.Source]) == []
    everything = [types.CodeActionKind.Empty]
    assert len(await actions(editor, file, line, only=everything)) == 5


async def test_none_are_offered_where_they_could_not_be_done(
    editor_with: Open, tmp_path: Path, file: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    editor = await editor_with(file.parent, other)
    line = span(0, 0, 1, 0)
    assert len(await actions(editor, file, line)) == 5
    assert await actions(editor, tmp_path / "elsewhere.py", line) == []
    untitled = types.CodeActionParams(
        types.TextDocumentIdentifier("untitled:1"), line, types.CodeActionContext([])
    )
    assert not await editor.ask(types.TEXT_DOCUMENT_CODE_ACTION, untitled)


async def test_new_session_is_begun_where_the_setting_says_so(
    editor_with: Open, file: Path
) -> None:
    editor = await editor_with(settings={"codeActionSession": "new"})
    before = await editor.query("remember the code PINEAPPLE-42")
    found = await actions(editor, file, span(0, 0, 1, 0))
    run = await execute(editor, found, "Explain with Claude")
    assert run["sessionId"] != before["sessionId"]
    named = {"task": "explain", "context": {"textDocument": {"uri": uri_of(file)}}}
    asked = {**named, "session": before["sessionId"]}
    assert (await editor.command("ask", asked))["sessionId"] == before["sessionId"]


async def test_session_at_work_is_waited_for_with_the_text_as_it_was(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(reply("hang", hang()), reply("Explain", say("Explained.")))
    editor = await editor_with()
    opened(editor, file, "omega = 1\n")
    first = editor.query("hang")
    await editor.event("started")
    found = await actions(editor, file, span(0, 0, 0, 5))
    second = asyncio.ensure_future(execute(editor, found, "Explain with Claude"))
    while not (await editor.command("queue.list"))["queue"]:  # noqa: ASYNC110
        await asyncio.sleep(0)
    params = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri_of(file)))
    editor.protocol.notify(types.TEXT_DOCUMENT_DID_CLOSE, params)
    editor.cancel(first)
    with pytest.raises(JsonRpcException):
        await first
    queued = (await editor.command("queue.list"))["queue"]
    for waiting in queued:  # a stop holds back what waits
        await editor.command("queue.sendNow", {"runId": waiting["runId"]})
    assert (await second)["text"] == "Explained."
    (request,) = requests_of(model, "Explain line 1")
    assert "from " + str(file) + ":\nomega" in told(request)


async def test_ask_is_cancelled_as_a_query_is(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(reply("Explain", hang()))
    editor = await editor_with()
    argument = {"task": "explain", "context": {"textDocument": {"uri": uri_of(file)}}}
    asked = editor.command("ask", {**argument, "partialResultToken": "events"})
    await editor.event("started")
    editor.cancel(asked)
    with pytest.raises(JsonRpcException) as cancelled:
        await asked
    assert cancelled.value.code == CANCELLED


@pytest.mark.parametrize("waits", [False, True])
async def test_client_that_knows_sessions_is_told_of_the_run_and_opened_no_document(
    editor_with: Open, model: Loopback, file: Path, waits: bool
) -> None:
    model.add(reply("hang", hang()), reply("Explain", say("Explained.")))
    editor = await editor_with(announces={"sessionEvents": True}, settings={"onStop": "keep"})
    first = editor.query("hang") if waits else None
    if first is not None:
        await editor.event("started")
    found = await actions(editor, file, span(0, 0, 1, 0))
    asked = asyncio.ensure_future(execute(editor, found, "Explain with Claude"))
    if first is not None:
        while not (waiting := (await editor.command("queue.list"))["queue"]):  # noqa: ASYNC110
            await asyncio.sleep(0)
        editor.cancel(first)
        with pytest.raises(JsonRpcException):
            await first
        await editor.command("queue.sendNow", {"runId": waiting[0]["runId"]})
    run = await asked
    token = f"claudeAgent/run/{run['runId']}"
    begun = [
        told
        for method, told in editor.announced
        if (method, told.get("runId")) == ("runChanged", run["runId"])
        and told["status"] == "running"
    ]
    assert [told["prompt"] for told in begun] == ["Explain line 1 of `app.py`."]
    assert [event["kind"] for event in editor.events(token)][-1] == "ended"
    assert len(editor.events(token, "started")) == 1
    assert editor.text(token) == "Explained."
    await editor.command("status")
    assert editor.shown_documents == []


async def test_client_without_literals_is_given_commands(
    editor_with: Open, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.e2e.editor.capabilities_of", lambda _: types.ClientCapabilities())
    editor = await editor_with()
    found = await actions(editor, file, span(0, 0, 1, 0))
    assert all(isinstance(each, types.Command) for each in found)
    assert (await execute(editor, found, "Explain with Claude"))["status"] == "completed"
