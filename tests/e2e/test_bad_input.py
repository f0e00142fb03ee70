"""Bad input is refused in clear words, starts nothing, and the server goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest
import pytest_asyncio
from lsprotocol import types

from .refusals import FAILED, INVALID, refusal
from .wire import open_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open
    from .editor import Editor
    from .wire import Wire

PROMPT = "prompt: expected text that is not blank, of at most 2 MiB, got "
UNKNOWN_SESSION = "11111111-2222-4333-8444-555555555555"


@pytest_asyncio.fixture
async def editor(editor_with: Open) -> Editor:
    """An editor whose server starts no process before it is asked."""
    return await editor_with(settings={"prewarm": False})


async def assert_untouched(editor: Editor, model: Loopback) -> None:
    """Nothing was started by what came before, and the next query works."""
    assert psutil.Process(editor.pid).children() == []
    assert model.requests == []
    answered = await editor.query("hello")
    assert answered["status"] == "completed"


REFUSED: list[tuple[str, list[Any], str]] = [
    ("nothing", [], 'There is no command "claudeAgent.nothing".'),
    ("query", [], PROMPT + "nothing."),
    ("query", [{}], PROMPT + "nothing."),
    ("query", [{"prompt": "a"}, {}], "arguments: expected one JSON object, got 2 of them."),
    ("query", [["a"]], 'arguments: expected one JSON object, got ["a"].'),
    ("query", [" \n\t"], PROMPT + "a blank one."),
    ("query", [{"prompt": ""}], PROMPT + "a blank one."),
    ("query", [{"prompt": 7}], PROMPT + "7."),
    ("query", [{"prompt": "a\0b"}], PROMPT + "one with a NUL character."),
    (
        "query",
        [{"prompt": "a\ud800b"}],
        PROMPT + "one with half of a surrogate pair, which is no character.",
    ),
    (
        "query",
        [{"prompt": "a", "promptt": "b"}],
        "arguments: unknown field `promptt`; did you mean `prompt`?",
    ),
    ("query", [{"prompt": "a", "fork": "yes"}], 'fork: expected true or false, got "yes".'),
    (
        "query",
        [{"prompt": "a", "maxTurns": 0}],
        "maxTurns: expected a whole number of at least 1, got 0.",
    ),
    (
        "query",
        [{"prompt": "a", "timeoutSeconds": -1}],
        "timeoutSeconds: expected a number above 0, got -1.",
    ),
    (
        "query",
        [{"prompt": "a", "session": "the last one"}],
        'session: expected "last" or "new" or a session id (a UUID), got "the last one".',
    ),
    (
        "query",
        [{"prompt": "a", "resumeAt": "m1"}],
        "resumeAt: expected `fork: true` beside it, for the copy to go.",
    ),
    (
        "query",
        [{"prompt": "a", "workspace": "/work"}],
        'workspace: expected an absolute file: URI, got "/work".',
    ),
    (
        "query",
        [{"prompt": "a", "context": {"range": {"start": {"line": 1}}}}],
        "context.range.start.character: expected a whole number of at least 0, got nothing.",
    ),
    (
        "query",
        [
            {
                "prompt": "a",
                "context": {
                    "range": {
                        "start": {"line": 2, "character": 0},
                        "end": {"line": 1, "character": 0},
                    }
                },
            }
        ],
        (
            "context.range: expected a range {start, end} that does not end before it starts, "
            "got one that ends before it starts."
        ),
    ),
    (
        "query",
        [{"prompt": "a", "attachments": ["file:///nowhere/a.txt"]}],
        (
            "attachments: expected files that can be read, got /nowhere/a.txt "
            "(No such file or directory)."
        ),
    ),
    (
        "query",
        [{"prompt": "a", "outputSchema": []}],
        "outputSchema: expected a JSON Schema object, got [].",
    ),
    ("cancel", [{"runId": 1}], "runId: expected a string that is not blank, got 1."),
    (
        "session.list",
        [{"limit": -1}],
        "limit: expected a whole number from 1 to 1000, got -1.",
    ),
    (
        "session.list",
        [{"cursor": "x"}],
        "cursor: expected `nextCursor` of an earlier answer.",
    ),
    (
        "session.read",
        [{"sessionId": "abc"}],
        'sessionId: expected a session id (a UUID), got "abc".',
    ),
    (
        "session.select",
        [{"sessionId": "last"}],
        'sessionId: expected "new" or a session id (a UUID), got "last".',
    ),
    (
        "mode",
        [{"sessionId": UNKNOWN_SESSION, "permissionMode": "yolo"}],
        (
            'permissionMode: expected one of "default", "acceptEdits", "plan", '
            '"bypassPermissions", "dontAsk", "auto", got "yolo".'
        ),
    ),
    (
        "question.answer",
        [{"questionId": "q", "answer": "allow"}],
        "questionId: expected the id of a question that waits.",
    ),
    ("status", ["now"], 'arguments: expected one JSON object, got "now".'),
]


async def test_wrong_arguments_are_refused_by_name_and_start_nothing(
    editor: Editor, model: Loopback
) -> None:
    for command, arguments, message in REFUSED:
        error = await refusal(editor.command(command, *arguments))
        assert (error.code, error.message) == (INVALID, message)
    await assert_untouched(editor, model)


async def test_prompt_of_ten_megabytes_is_refused_and_starts_nothing(
    editor: Editor, model: Loopback
) -> None:
    error = await refusal(editor.query("a" * 10_000_000))
    assert (error.code, error.message) == (
        INVALID,
        PROMPT + "10,000,000 bytes; put what is long into a file, and attach it instead.",
    )
    await assert_untouched(editor, model)


async def test_folders_and_sessions_that_are_not_there_start_nothing(
    editor: Editor, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    closed = (tmp_path / "closed").as_uri()
    for command, argument, reason, message in (
        (
            "query",
            {"prompt": "a", "workspace": closed},
            "workspaceNotFound",
            f"{closed} is not open in the editor. Open folders: {folder.as_uri()}.",
        ),
        (
            "query",
            {"prompt": "a", "session": UNKNOWN_SESSION},
            "sessionNotFound",
            f"There is no session {UNKNOWN_SESSION} in {folder}.",
        ),
        (
            "query",
            {"prompt": "a", "fork": True},
            "sessionNotFound",
            f"{folder} has no session that could be forked yet.",
        ),
        (
            "session.read",
            {"sessionId": UNKNOWN_SESSION},
            "sessionNotFound",
            f"There is no session {UNKNOWN_SESSION}.",
        ),
        (
            "session.select",
            {"sessionId": UNKNOWN_SESSION},
            "sessionNotFound",
            f"There is no session {UNKNOWN_SESSION} in {folder}.",
        ),
        (
            "mode",
            {"sessionId": UNKNOWN_SESSION, "permissionMode": "plan"},
            "sessionNotFound",
            f"There is no session {UNKNOWN_SESSION}.",
        ),
    ):
        error = await refusal(editor.command(command, argument))
        assert (error.code, error.message) == (FAILED, message)
        assert error.reason == reason
        assert error.hint.endswith(".")
    await assert_untouched(editor, model)


async def test_folder_that_is_gone_from_disk_starts_nothing(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    folder.rmdir()
    error = await refusal(editor.query("a"))
    assert (error.code, error.reason) == (FAILED, "workspaceNotFound")
    assert error.message == (
        f"{folder.as_uri()} is open in the editor, but it is no directory on disk."
    )
    folder.mkdir()
    await assert_untouched(editor, model)


async def test_session_of_another_folder_is_refused_with_its_folder(
    editor_with: Open, folder: Path, tmp_path: Path, model: Loopback
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    editor = await editor_with(folder, other, settings={"prewarm": False})
    begun = await editor.query("remember the code PEAR-1", workspace=other.as_uri())
    for asked in (
        editor.query("which code?", session=begun["sessionId"], workspace=folder.as_uri()),
        editor.command(
            "session.select", {"sessionId": begun["sessionId"], "workspace": folder.as_uri()}
        ),
    ):
        error = await refusal(asked)
        assert (error.code, error.reason) == (FAILED, "sessionNotFound")
        assert error.message == (
            f"The session {begun['sessionId']} is one of {other}, not of {folder}."
        )
        assert error.hint == "Open that folder, or name it as `workspace`."
    assert len(model.requests) == 1


async def test_cancels_of_nothing_are_harmless(editor: Editor, model: Loopback) -> None:
    editor.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="nobody's"))
    editor.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=99))
    editor.cancel_progress("nobody's")
    for argument in ({"runId": "nobody's"}, {"sessionId": UNKNOWN_SESSION}, {}):
        assert await editor.command("cancel", argument) == {"cancelled": []}
    await assert_untouched(editor, model)


@pytest_asyncio.fixture
async def wire(environment: dict[str, str], folder: Path) -> AsyncIterator[Wire]:
    """A server that nobody has said anything to."""
    async with open_wire(environment, folder) as opened:
        yield opened


def error_of(answer: Any) -> tuple[int, str]:
    assert answer["jsonrpc"] == "2.0"
    return answer["error"]["code"], answer["error"]["message"]


STATUS = {"command": "claudeAgent.status"}


async def test_what_comes_before_initialize_is_refused_or_ignored(wire: Wire) -> None:
    wire.notify("initialized", {})
    wire.notify("textDocument/didOpen", {})
    wire.request(1, "workspace/executeCommand", STATUS)
    wire.request("two", "shutdown")
    wire.initialize()
    first, second, initialized = await wire.answers(1, "two", 0)
    assert (
        error_of(first) == error_of(second) == (-32002, "The server waits for `initialize` first.")
    )
    assert initialized["result"]["serverInfo"]["name"] == "claude-agent-lsp"


async def test_second_initialize_is_refused(wire: Wire) -> None:
    wire.initialize()
    await wire.answers(0)
    wire.initialize()
    (second,) = await wire.answers(0)
    assert error_of(second) == (-32600, "The server is initialized already.")


async def test_requests_after_shutdown_are_refused_and_exit_ends_with_0(wire: Wire) -> None:
    wire.initialize()
    wire.notify("initialized", {})
    wire.request(1, "shutdown")
    wire.request(2, "workspace/executeCommand", STATUS)
    wire.notify("workspace/didChangeConfiguration", {"settings": None})
    _, stopped, refused = await wire.answers(0, 1, 2)
    assert stopped["result"] is None
    assert error_of(refused) == (-32600, "The server is shutting down.")
    wire.notify("exit")
    assert await wire.status() == 0


@pytest.mark.parametrize("initialized", [False, True])
async def test_exit_without_shutdown_ends_with_1(wire: Wire, initialized: bool) -> None:
    if initialized:
        wire.initialize()
        await wire.answers(0)
    wire.notify("exit")
    assert await wire.status() == 1


async def test_what_is_no_message_is_answered_as_json_rpc_wants_it(wire: Wire) -> None:
    wire.initialize()
    await wire.answers(0)
    for body, code, message in (
        (b"{", -32700, "A message is not JSON: "),
        (b"hello", -32700, "A message is not JSON: "),
        (b"\xff\xfe{}", -32700, "A message is not UTF-8."),
        (b"[" * 100_000, -32700, "A message is nested too deeply."),
        (b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]', -32600, "LSP has no batches: "),
        (b"3", -32600, "A message has to be a JSON object."),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, "`method` or `id` is of the wrong type."),
        (
            b'{"jsonrpc":"2.0","id":{},"method":"shutdown"}',
            -32600,
            "`method` or `id` is of the wrong type.",
        ),
    ):
        wire.send(body)
        answer = await wire.read()
        assert (answer["id"], answer["error"]["code"]) == (None, code), body[:60]
        assert answer["error"]["message"].startswith(message), body[:60]
    wire.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert error_of(await wire.read()) == (-32700, "A header has no valid Content-Length.")
    wire.request(1, "workspace/executeCommand", STATUS)
    assert (await wire.read())["result"]["server"]["name"] == "claude-agent-lsp"


async def test_malformed_requests_are_answered_under_their_id(wire: Wire) -> None:
    wire.initialize()
    await wire.answers(0)
    for message, code, text in (
        ({"id": 1, "method": "shutdown"}, -32600, '`jsonrpc` must be "2.0".'),
        ({"jsonrpc": "1.0", "id": 1, "method": "shutdown"}, -32600, '`jsonrpc` must be "2.0".'),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "workspace/executeCommand",
                "params": {"command": "claudeAgent.status", "arguments": {"a": 1}},
            },
            -32602,
            "The parameters of workspace/executeCommand can't be read: `arguments` must be a list.",
        ),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "workspace/executeCommand", "params": {}},
            -32602,
            (
                "The parameters of workspace/executeCommand can't be read: "
                "required field missing @ $.params.command."
            ),
        ),
        ({"jsonrpc": "2.0", "id": 1, "method": "workspace/executeCommand"}, -32602, ""),
        ({"jsonrpc": "2.0", "id": 1, "method": "claudeAgent/what"}, -32601, ""),
    ):
        wire.send(message)
        answer = await wire.read()
        assert (answer["id"], answer["error"]["code"]) == (1, code), message
        assert answer["error"]["message"].startswith(text), message
    # Nobody waits for an answer to these.
    wire.notify("claudeAgent/what", {"a": 1})
    wire.notify("$/setTrace", {})
    wire.notify("workspace/didChangeWorkspaceFolders", {"event": None})
    wire.send({"jsonrpc": "2.0", "id": "nobody's", "result": 1})
    wire.send({"jsonrpc": "2.0", "id": "nobody's", "error": {"code": 1, "message": ""}})
    wire.request(1, "workspace/executeCommand", STATUS)
    assert (await wire.read())["result"]["server"]["name"] == "claude-agent-lsp"


async def test_initialize_that_cannot_be_read_may_be_sent_again(wire: Wire) -> None:
    wire.request(1, "initialize", {"capabilities": 7})
    assert error_of(await wire.read())[0] == -32602
    wire.initialize()
    assert (await wire.read())["result"]["serverInfo"]["name"] == "claude-agent-lsp"
