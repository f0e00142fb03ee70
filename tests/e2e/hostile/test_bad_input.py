"""Bad arguments are refused in clear words, start nothing, and the server goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest_asyncio
from lsprotocol import types

from tests.e2e.refusals import FAILED, INVALID, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

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
    ("nothing", [], 'Unknown command "claudeAgent.nothing".'),
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
        PROMPT + "one with an unpaired surrogate.",
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
        "resumeAt: expected `fork: true` or `inPlace: true` with it.",
    ),
    (
        "query",
        [{"prompt": "a", "inPlace": True}],
        "inPlace: expected `resumeAt` with it, and no `fork`.",
    ),
    (
        "query",
        [{"prompt": "a", "resumeAt": "m1", "inPlace": True, "ifBusy": "steer"}],
        'ifBusy: expected no "steer" with `inPlace`.',
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
            '"dontAsk", "auto", "bypassPermissions", got "yolo".'
        ),
    ),
    (
        "question.answer",
        [{"questionId": "q", "answer": "allow"}],
        "questionId: expected the id of an open question.",
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
        PROMPT + "10,000,000 bytes; put long text into a file and attach it.",
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
            f"{folder} has no session to fork yet.",
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
        f"{folder.as_uri()} is open in the editor, but it is not a directory on disk."
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
            f"The session {begun['sessionId']} belongs to {other}, not to {folder}."
        )
        assert error.hint == "Open that folder, or pass it as `workspace`."
    assert len(model.requests) == 1


async def test_cancels_of_nothing_are_harmless(editor: Editor, model: Loopback) -> None:
    editor.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id="nobody's"))
    editor.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=99))
    editor.cancel_progress("nobody's")
    for argument in ({"runId": "nobody's"}, {"sessionId": UNKNOWN_SESSION}, {}):
        assert await editor.command("cancel", argument) == {"cancelled": []}
    await assert_untouched(editor, model)
