"""Reviews, and what becomes of their findings: shown, moved with their text, dismissed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.loopback import call, hang, reply, say
from tests.e2e.code.test_code_actions import actions, execute, opened, span, titles
from tests.e2e.code.test_commit_message import git, told
from tests.e2e.editor import SECONDS
from tests.e2e.runs import CANCELLED, data_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Reply
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

TEXT = "alpha = 1\n    beta = 2  # ü\ngamma = 3\n"
FOUND = {
    "file": "app.py",
    "line": 2,
    "summary": "Beta is wrong",
    "failure_scenario": "It is 3.",
    "category": "correctness",
    "severity": "error",
    "related": [{"file": "app.py", "line": 1, "summary": "As alpha is right"}],
}


@pytest.fixture
def file(folder: Path) -> Path:
    """A file with a change that is not committed."""
    git(folder, "init", "-b", "main")
    path = folder / "app.py"
    path.write_text("alpha = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    path.write_text(TEXT)
    return path


def finds(*findings: dict[str, Any]) -> Reply:
    """The agent answers a review with these."""
    answer = call("StructuredOutput", findings=list(findings or [FOUND]))
    return reply("Review ", [answer], [say("Done.")])


def reports(word: str, *findings: dict[str, Any]) -> Reply:
    """The agent reports these to a prompt of the user's own."""
    plain = [{k: v for k, v in each.items() if k != "related"} for each in findings]
    return reply(word, [call("ReportFindings", findings=plain)], [say("Reported.")])


async def shown(
    editor: Editor, file: Path, wanted: Callable[[list[types.Diagnostic]], object]
) -> list[types.Diagnostic]:
    """The diagnostics of a file, once they are as wanted."""
    async with asyncio.timeout(SECONDS):
        while not wanted(found := list(editor.diagnostics.get(uri_of(file), []))):
            await editor.command("status")  # what is published arrives before the answer
        return found


def change(editor: Editor, file: Path, where: types.Range, text: str, version: int = 2) -> None:
    params = types.DidChangeTextDocumentParams(
        types.VersionedTextDocumentIdentifier(uri=uri_of(file), version=version),
        [types.TextDocumentContentChangePartial(where, text)],
    )
    editor.protocol.notify(types.TEXT_DOCUMENT_DID_CHANGE, params)


async def test_review_of_what_is_not_committed_becomes_diagnostics(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds(FOUND, {**FOUND, "file": "../outside.py"}, {**FOUND, "file": "no.py"}))
    (file.parent / "new.py").write_text("delta = 4\n")
    editor = await editor_with()
    opened(editor, file, TEXT.replace("gamma", "unsaved"))
    answer = await editor.command("review.run")
    (diagnostic,) = await shown(editor, file, len)
    assert diagnostic.range == span(1, 4, 1, 17)
    assert diagnostic.message == "Beta is wrong\nIt is 3."
    assert (diagnostic.source, diagnostic.code) == ("claude", "correctness")
    assert diagnostic.severity is types.DiagnosticSeverity.Error
    (related,) = diagnostic.related_information or ()
    assert (related.location.uri, related.message) == (uri_of(file), "As alpha is right")
    (finding,) = answer["findings"]
    assert (finding["uri"], finding["range"]["start"]) == (
        uri_of(file),
        {"line": 1, "character": 4},
    )
    assert answer["run"]["status"] == "completed"
    asked = told(model, "Review ")
    assert "+unsaved = 3" in asked
    assert "--- /dev/null\n+++ new.py\n@@ -0,0 +1 @@\n+delta = 4" in asked
    assert [each.message for each in editor.messages] == ["Claude's review: 1 finding in 1 file."]
    # It is no part of any conversation.
    assert (await editor.command("session.list"))["sessions"] == []


async def test_selection_is_reviewed_as_the_editor_has_it(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds())
    editor = await editor_with()
    opened(editor, file, TEXT.replace("beta", "unsaved"))
    selected = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}}
    context = {"textDocument": {"uri": uri_of(file)}, "range": selected}
    await editor.command("review.run", {"subject": "selection", "context": context})
    asked = told(model, "Review ")
    assert "Review line 2 of `app.py`." in asked
    assert f"from {file}:\n    unsaved = 2" in asked


async def test_branch_is_reviewed_from_where_it_began(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds())
    folder = file.parent
    git(folder, "checkout", "-b", "work")
    git(folder, "commit", "-am", "Add beta")
    git(folder, "checkout", "-q", "main")
    (folder / "other.py").write_text("other = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Go on elsewhere")
    git(folder, "checkout", "-q", "work")
    editor = await editor_with()
    with pytest.raises(JsonRpcException) as clean:
        await editor.command("review.run")
    assert data_of(clean.value)["reason"] == "nothingChanged"
    await editor.command("review.run", {"subject": "branch", "instructions": "Mind beta."})
    asked = told(model, "Review ")
    assert "+    beta = 2" in asked
    assert "other.py" not in asked
    assert "Mind beta." in asked
    with pytest.raises(JsonRpcException) as unknown:
        await editor.command("review.run", {"subject": "branch", "base": "--output=x"})
    assert data_of(unknown.value)["reason"] == "nothingChanged"


async def test_finding_moves_with_its_text_goes_with_it_and_comes_back(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds())
    editor = await editor_with()
    opened(editor, file, TEXT)
    context = {"textDocument": {"uri": uri_of(file)}}
    await editor.command("review.run", {"subject": "file", "context": context})
    await shown(editor, file, len)
    change(editor, file, span(0, 0, 0, 0), "\nfirst = 0\n")
    await shown(editor, file, lambda d: d and d[0].range == span(3, 4, 3, 17))
    change(editor, file, span(3, 0, 3, 4), "", version=3)
    await shown(editor, file, lambda d: d and d[0].range == span(3, 0, 3, 13))
    change(editor, file, span(3, 0, 3, 4), "omega", version=4)
    await shown(editor, file, lambda d: not d)
    change(editor, file, span(3, 0, 3, 5), "beta", version=5)
    await shown(editor, file, len)
    # What is not saved is gone with the document: the disk has it where it was.
    params = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri_of(file)))
    editor.protocol.notify(types.TEXT_DOCUMENT_DID_CLOSE, params)
    await shown(editor, file, lambda d: d and d[0].range == span(1, 4, 1, 17))


async def test_finding_moves_with_what_the_agent_changes(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(
        finds(),
        reply(
            "mend",
            [call("Read", file_path=str(file))],
            [call("Edit", file_path=str(file), old_string="alpha = 1", new_string="a = 1\nb = 2")],
            [say("Mended.")],
        ),
    )
    editor = await editor_with(settings={"permissionMode": "acceptEdits"})
    await editor.command("review.run")
    await editor.query("mend it")
    await shown(editor, file, lambda d: d and d[0].range == span(2, 4, 2, 17))


async def test_what_any_run_reports_is_shown_and_gone_once_it_is_fixed(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    first = {**FOUND, "severity": "nit"}
    model.add(reports("look", first), reports("again", {**first, "outcome": "fixed"}))
    editor = await editor_with()
    await editor.query("look at it")
    (diagnostic,) = await shown(editor, file, len)
    assert diagnostic.severity is types.DiagnosticSeverity.Information
    await editor.query("look again")
    await shown(editor, file, lambda d: not d)


async def test_finding_is_fixed_explained_or_dismissed_for_good(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds(FOUND, {**FOUND, "line": 3, "summary": "Gamma is wrong"}))
    model.add(reply("Fix the problem at line 2", say("Mended.")))
    editor = await editor_with()
    await editor.command("review.run")
    first, second = await shown(editor, file, lambda d: len(d) == 2)
    found = await actions(editor, file, span(1, 6, 1, 6), first)
    assert titles(found)[:2] == ["Fix with Claude", "Explain with Claude"]
    dismiss = "Dismiss: Beta is wrong It is 3."
    assert titles(found)[-1] == dismiss
    await execute(editor, found, "Fix with Claude")
    assert "app.py:2:5: error: Beta is wrong It is 3. (claude correctness)" in told(model, "Fix ")
    assert await execute(editor, found, dismiss) == {"dismissed": True}
    assert await shown(editor, file, lambda d: len(d) == 1) == [second]
    assert dismiss not in titles(await actions(editor, file, span(1, 6, 1, 6)))
    await editor.quit()
    # It is known by its text, wherever that has gone, in another server, too.
    file.write_text(f"\n\n{TEXT}")
    model.add(finds({**FOUND, "line": 4, "summary": "In other words"}, {**FOUND, "line": 5}))
    again = await editor_with()
    assert len((await again.command("review.run"))["findings"]) == 1
    assert (await shown(again, file, len))[0].range.start.line == 4


async def test_later_review_replaces_what_an_earlier_one_found(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds())
    editor = await editor_with()
    await editor.command("review.run")
    await shown(editor, file, len)
    model.add(finds({**FOUND, "line": 3, "summary": "Gamma is wrong"}))
    await editor.command("review.run")
    found = await shown(editor, file, lambda d: d and d[0].message.startswith("Gamma"))
    assert len(found) == 1


async def test_client_that_can_not_wait_is_told_when_the_review_has_ended(
    editor_with: Open, model: Loopback, file: Path
) -> None:
    model.add(finds())
    editor = await editor_with(profile="helix")
    answer = await editor.command("review.run")
    assert (answer["run"]["status"], answer["findings"]) == ("running", [])
    await shown(editor, file, len)
    assert "1 finding in 1 file" in editor.messages[0].message


async def test_review_is_cancelled(editor_with: Open, model: Loopback, file: Path) -> None:
    model.add(reply("Review ", hang()))
    editor = await editor_with()
    asked = editor.command("review.run", {"partialResultToken": "events"})
    await editor.event("started")
    editor.cancel(asked)
    with pytest.raises(JsonRpcException) as cancelled:
        await asked
    assert cancelled.value.code == CANCELLED
    assert uri_of(file) not in editor.diagnostics


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"subject": "file"}, "context.textDocument: expected a document {uri}"),
        (
            {"subject": "selection", "context": {"textDocument": {"uri": "file:///a"}}},
            "context.range: expected a range {start, end}",
        ),
        ({"base": "main"}, 'base: expected `subject: "branch"` with it'),
    ],
)
async def test_review_of_nothing_is_refused(
    editor_with: Open, argument: dict[str, Any], message: str
) -> None:
    editor = await editor_with()
    with pytest.raises(JsonRpcException) as refused:
        await editor.command("review.run", argument)
    assert refused.value.message == f"{message}."
