"""Conversations as documents in which the user types, in an editor that knows LSP alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.permissions.queue import SEEN_SECONDS
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.loopback import call, hang, reply, say
from tests.e2e.buffers.documents import Documents
from tests.e2e.runs import eventually

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

UNKNOWN = "11111111-1111-4111-8111-111111111111"
ALL = ["helix", "emacs", "vscode"]


async def send(editor: Editor, uri: str) -> dict[str, Any]:
    """Have the server send what is typed below the last heading."""
    answer: dict[str, Any] = await editor.command("prompt.send", {"uri": uri})
    return answer


async def until(documents: Documents, uri: str, words: str) -> str:
    """Wait until a document has some words; return all of it."""
    await eventually(lambda: words in documents.texts[uri])
    return documents.texts[uri]


def session_in(text: str) -> str:
    """Return the session that a document's header names."""
    return text.partition("session=")[2].split()[0]


@pytest.mark.parametrize("profile", ALL)
async def test_answer_grows_below_the_prompt_and_the_conversation_goes_on(
    editor_with: Open, model: Loopback, folder: Path, profile: str
) -> None:
    model.add(
        reply("say hello", [say("Hello "), say("there.\nSecond line.")]),
        reply("and more", [say("Once more.")]),
    )
    editor = await editor_with(profile=profile)
    documents = Documents(editor)
    file = folder / "chat.claude.md"
    file.write_text("say hello\n")
    uri = documents.open(file)
    run = await send(editor, uri)
    text = await until(documents, uri, "*Done")
    session = session_in(text)
    assert text == (
        f"<!-- claude: session={session} -->\n\n## You\n\nsay hello\n\n## Claude\n\n"
        "Hello there.\nSecond line.\n\n*Done, $0.02*\n\n## You\n\n"
    )
    assert run["sessionId"] == session
    documents.type(uri, f"{text}and more, please\n")
    await send(editor, uri)
    text = await until(documents, uri, "Once more.")
    assert session_in(text) == session
    assert "say hello" in str(model.requests[-1].body)
    assert editor.shown_documents == []


async def opened(editor: Editor, documents: Documents, folder: Path, text: str) -> str:
    """Have a document of the user's own open."""
    file = folder / "chat.claude.md"
    file.write_text(text)
    return documents.open(file)


async def answered(documents: Documents, uri: str, times: int = 1) -> str:
    """Wait until so many answers are there; return the text."""
    await eventually(lambda: documents.texts[uri].count("\n*Done") >= times)
    return documents.texts[uri]


async def actions(editor: Editor, uri: str, line: int = 0) -> dict[str, types.Command]:
    """Return what can be done at a line of a document, by its title."""
    place = types.Position(line, 0)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri),
        types.Range(place, place),
        types.CodeActionContext([]),
    )
    found = await editor.ask(types.TEXT_DOCUMENT_CODE_ACTION, params)
    # Helix and the rest differ in what they take: a command is always there.
    commands = [each.command if isinstance(each, types.CodeAction) else each for each in found]
    return {each.title: each for each in commands if isinstance(each, types.Command)}


async def execute(editor: Editor, command: types.Command) -> Any:
    """Have the server do it."""
    params = types.ExecuteCommandParams(command.command, command.arguments)
    return await editor.ask(types.WORKSPACE_EXECUTE_COMMAND, params)


def line_of(text: str, words: str) -> int:
    """Return the number of the first line that has some words."""
    return next(n for n, line in enumerate(text.split("\n")) if words in line)


async def test_nothing_that_is_typed_meanwhile_is_lost(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(reply("count", [say(" ".join(f"word{n}" for n in range(300)), pace=0.005)]))
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, "count\n")
    await send(editor, uri)
    await until(documents, uri, "word5")
    typed = 0

    def type_below() -> None:
        nonlocal typed
        if typed < 20:  # an edit that is on its way is for another version by now
            typed += 1
            documents.type(uri, f"{documents.texts[uri]}k{typed} ")

    documents.before_edit = type_below
    text = await answered(documents, uri)
    assert " ".join(f"word{n}" for n in range(300)) in text
    assert text.endswith("## You\n\n" + "".join(f"k{n} " for n in range(1, typed + 1)))
    assert typed > 3
    # Small ones: never the whole text.
    for each in documents.edits[1:]:
        assert all(
            edit.range.start.line == edit.range.end.line
            for change in each.edit.document_changes or ()
            if isinstance(change, types.TextDocumentEdit)
            for edit in change.edits
        )


async def test_question_is_read_and_answered_in_the_document(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(reply("make", [call("Bash", command="mkfifo made")], [say("I have.")]))
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, "make\n")
    await send(editor, uri)
    text = await until(documents, uri, "> **Run")
    at = line_of(text, "> **Run")
    hover = await editor.ask(
        types.TEXT_DOCUMENT_HOVER,
        types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(at, 0)),
    )
    assert "mkfifo made" in hover.contents.value
    assert "mkfifo made" in text
    found = await actions(editor, uri)
    allow = next(title for title in found if title.startswith("Allow once"))
    assert "mkfifo made" in allow
    assert any(title.startswith("Deny") for title in found)
    assert "Stop Claude" in found
    await asyncio.sleep(SEEN_SECONDS)  # it counts once it could be read
    await execute(editor, found[allow])
    text = await answered(documents, uri)
    assert "> *Answered: allow*" in text
    assert "I have." in text
    assert (folder / "made").exists()
    assert not any(title.startswith("Allow") for title in await actions(editor, uri))


async def test_answer_is_stopped_from_the_document(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(reply("wait", [say("So far. "), hang()]))
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, "wait\n")
    await send(editor, uri)
    await until(documents, uri, "So far.")
    await execute(editor, (await actions(editor, uri))["Stop Claude"])
    text = await until(documents, uri, "*Stopped")
    assert "claude working" not in text


async def test_what_is_sent_meanwhile_waits_for_its_turn(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(
        reply("first", [say("One. "), say("word " * 100, pace=0.02)]),
        reply("second", [say("Two.")]),
    )
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, "first\n")
    await send(editor, uri)
    text = await until(documents, uri, "One.")
    documents.type(uri, f"{text}second\n")
    await send(editor, uri)
    text = await answered(documents, uri, 2)
    first, second = text.index("One."), text.index("Two.")
    assert text.index("first\n") < first < text.index("second\n") < second


async def test_conversation_is_opened_sent_on_copied_and_taken_back(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(
        reply(
            "say one", [call("Write", file_path=str(folder / "a.txt"), content="1")], [say("1.")]
        ),
        reply("say two", [say("## You\n\nI am not.")]),
    )
    editor = await editor_with(profile="vscode", settings={"permissionMode": "acceptEdits"})
    documents = Documents(editor)
    await editor.query("say one")
    session = (await editor.query("say two"))["sessionId"]
    answer = await editor.command("session.open", {})
    assert (answer["sessionId"], answer["shown"]) == (session, True)
    path = path_of(answer["uri"])
    uri = documents.open(path)
    text = documents.texts[uri]
    assert text.startswith(f"<!-- claude: session={session} -->\n\n## You\n\nsay one\n\n## Claude")
    assert "- Writing a.txt" in text
    assert "\\## You" in text
    # What was typed and not sent stays, also when the conversation goes on elsewhere.
    documents.type(uri, f"{text}my draft")
    await editor.query("say hello")
    await execute(editor, (await actions(editor, uri))["Update from the conversation"])
    text = await until(documents, uri, "say hello")
    assert text.endswith("## You\n\nmy draft\n")
    # A copy from before the second prompt has that as its draft.
    at = line_of(text, "say two")
    copy = await execute(editor, (await actions(editor, uri, at))["Fork before this prompt"])
    copied = path_of(copy["uri"]).read_text()
    assert copied.endswith("## You\n\nsay two\n")
    assert "I am not" not in copied
    # And back to before the first: there is no file then.
    going = asyncio.ensure_future(
        execute(editor, (await actions(editor, uri, 2))["Rewind to before this prompt"])
    )
    await editor.question()
    editor.answer("Go back")
    new = await going
    assert new["rewound"]
    assert path_of(new["uri"]).read_text().endswith("## You\n\nsay one\n")
    assert not (folder / "a.txt").exists()
    await editor.command("session.delete", {"sessionId": session})
    assert not path.exists()


async def test_new_document_begins_a_session_under_the_id_that_it_names(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    editor = await editor_with(profile="vscode")
    documents = Documents(editor)
    answer = await editor.command("session.open", {"session": "new"})
    uri = documents.open(path_of(answer["uri"]))
    assert session_in(documents.texts[uri]) == answer["sessionId"]
    documents.type(uri, documents.texts[uri] + "say hello")
    run = await send(editor, uri)
    assert run["sessionId"] == answer["sessionId"]
    await answered(documents, uri)
    listed = await editor.command("session.list", {})
    assert [each["sessionId"] for each in listed["sessions"]] == [answer["sessionId"]]


async def test_shape_of_a_document(editor_with: Open, model: Loopback, folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "cart.py").write_text("x = 1\n")
    model.add(
        reply(
            "look",
            [call("Read", file_path=str(folder / "src/cart.py"))],
            [call("Read", file_path=str(folder / "nowhere.py"))],
            [say("Done.")],
        )
    )
    editor = await editor_with(profile="vscode")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, "look at @src/cart.py#L1 and @nowhere.py\n")
    await send(editor, uri)
    text = await answered(documents, uri)
    named = types.TextDocumentIdentifier(uri)
    (symbol,) = await editor.ask(
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, types.DocumentSymbolParams(named)
    )
    assert symbol.name == "look at @src/cart.py#L1 and @nowhere.py"
    assert "- Reading nowhere.py\n  - failed: File does not exist." in text
    folds = await editor.ask(types.TEXT_DOCUMENT_FOLDING_RANGE, types.FoldingRangeParams(named))
    calls = line_of(text, "- Reading")
    assert (calls, calls + 2) in [(each.start_line, each.end_line) for each in folds]
    (link,) = await editor.ask(types.TEXT_DOCUMENT_DOCUMENT_LINK, types.DocumentLinkParams(named))
    assert link.target == (folder / "src/cart.py").as_uri() + "#L1"
    lenses = await editor.ask(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensParams(named))
    assert [each.command.title for each in lenses] == [
        "Fork before this prompt",
        "Rewind to before this prompt",
    ]
    hover = await editor.ask(
        types.TEXT_DOCUMENT_HOVER, types.HoverParams(named, types.Position(0, 3))
    )
    assert "This conversation has cost $0.0" in hover.contents.value
    assert "% full" in hover.contents.value


async def complete(editor: Editor, documents: Documents, uri: str, text: str) -> list[str]:
    """Return what a document whose cursor is at its end can go on with."""
    documents.type(uri, text)
    lines = text.split("\n")
    params = types.CompletionParams(
        types.TextDocumentIdentifier(uri), types.Position(len(lines) - 1, len(lines[-1]))
    )
    found = await editor.ask(types.TEXT_DOCUMENT_COMPLETION, params)
    return [] if found is None else [each.text_edit.new_text for each in found.items]


async def test_files_commands_and_the_header_are_completed(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    for name in ("src/cart.py", "src/other.py", "read me.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    editor = await editor_with(profile="vscode")
    documents = Documents(editor)
    run = await editor.query("say hello")
    uri = await opened(editor, documents, folder, "")
    head = "<!-- claude: -->\n\n## You\n\n"
    assert await complete(editor, documents, uri, f"{head}fix @cart") == ["src/cart.py"]
    assert await complete(editor, documents, uri, f"{head}fix @read") == ['"read me.txt"']
    assert "compact" in await complete(editor, documents, uri, f"{head}/comp")
    assert await complete(editor, documents, uri, f"{head}a/b") == []
    documents.type(uri, "<!-- claude: mode= -->\n\nhello")
    found = await editor.ask(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionParams(types.TextDocumentIdentifier(uri), types.Position(0, 18)),
    )
    assert "plan" in [each.label for each in found.items]
    documents.type(uri, "<!-- claude: session= -->\n\nhello")
    found = await editor.ask(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionParams(types.TextDocumentIdentifier(uri), types.Position(0, 21)),
    )
    assert [each.label for each in found.items] == [run["sessionId"]]
    other = folder / "a.md"
    other.write_text("@cart")
    elsewhere = documents.open(other)
    assert await complete(editor, documents, elsewhere, "@cart") == []


@pytest.mark.parametrize("mode", ["acceptEdits", "auto", "bypassPermissions", "plan"])
async def test_file_of_a_folder_nobody_trusts_says_not_what_is_done_unasked(
    editor_with: Open, folder: Path, environment: dict[str, str], mode: str
) -> None:
    (Path(environment["CLAUDE_CONFIG_DIR"]) / ".claude.json").unlink()
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    text = f"<!-- claude: {' ' * 200}mode={mode} -->\n\nsay hello"
    uri = await opened(editor, documents, folder, text)
    if mode == "plan":
        await send(editor, uri)
        await answered(documents, uri)
        return
    with pytest.raises(JsonRpcException, match="is not trusted"):
        await send(editor, uri)
    assert documents.texts[uri] == text
    # Nor one that lies nowhere, in an editor whose folder is trusted.
    outside = folder.parent / "elsewhere.claude.md"
    outside.write_text(text)
    trusting = await editor_with(
        profile="helix", options={"trustedFolders": [folder.as_uri()]}, announces={"trust": True}
    )
    documents = Documents(trusting)
    uri = documents.open(outside)
    with pytest.raises(JsonRpcException, match="is not trusted"):
        await send(trusting, uri)


async def test_document_that_was_changed_while_it_was_closed_is_read_anew(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(reply("new words", [say("Heard.")]))
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, "old words\n")
    await actions(editor, uri)
    documents.close(uri)
    uri = await opened(editor, documents, folder, "new words, and more of them\n")
    await send(editor, uri)
    text = await answered(documents, uri)
    assert "new words, and more of them\n\n## Claude\n\nHeard." in text


async def test_equal_prompts_are_told_apart_or_not_gone_back_to(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(reply("go on", [say("A step.")]))
    editor = await editor_with(profile="vscode")
    documents = Documents(editor)
    for _ in range(3):
        session = (await editor.query("go on"))["sessionId"]
    part = f"<!-- claude: session={session} mode=plan -->\n\n## You\n\ngo on\n\n## Claude\n\nx\n"
    # The first of the session's three prompts is not there, and another one is.
    more = part[part.index("\n\n## You") :]
    other = more.replace("go on", "other")
    uri = await opened(editor, documents, folder, f"{part}{other}{more}\n## You\n")
    with pytest.raises(JsonRpcException, match="as it was sent"):
        await editor.command("prompt.fork", {"uri": uri, "line": 22})
    await editor.command("prompt.update", {"uri": uri})
    text = documents.texts[uri]
    assert text.startswith(f"<!-- claude: session={session} mode=plan -->")
    last = [n for n, line in enumerate(text.split("\n")) if line == "go on"][2]
    copy = await editor.command("prompt.fork", {"uri": uri, "line": last})
    copied = path_of(copy["uri"]).read_text()
    assert copied.count("\ngo on\n") == 3
    assert copied.endswith("## You\n\ngo on\n")


async def test_what_can_not_be_read_is_not_written_over(editor_with: Open, folder: Path) -> None:
    editor = await editor_with(profile="vscode")
    answer = await editor.command("session.open", {"session": "new"})
    path = path_of(answer["uri"])
    await editor.query("say hello")
    session = (await editor.command("session.list", {}))["sessions"][0]["sessionId"]
    place = path.with_name(f"{session}.claude.md")
    with place.open("wb") as file:
        file.truncate(2**27)
    with pytest.raises(JsonRpcException, match="can't be"):
        await editor.command("session.open", {"session": session})
    assert place.stat().st_size == 2**27


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- claude: -->\n\n## You\n\n", "something below the last"),
        ("## You\n\na\n\n## Claude\n\nb", "something below the last"),
        (
            f"<!-- claude: session={UNKNOWN} -->\n\n## You\n\na\n\n## Claude\n\nb\n\n## You\n\nc",
            "There is no session",
        ),
        ("<!-- claude: mode=nonsense -->\n\nhello", "permissionMode"),
        ("<!-- claude: session=nonsense -->\n\nhello", "session"),
    ],
)
async def test_what_can_not_be_sent_is_said_and_nothing_is_changed(
    editor_with: Open, folder: Path, text: str, words: str
) -> None:
    editor = await editor_with(profile="helix")
    documents = Documents(editor)
    uri = await opened(editor, documents, folder, text)
    with pytest.raises(JsonRpcException, match=words):
        await send(editor, uri)
    assert documents.texts[uri] == text
