"""Work-done progress, and whose token gets what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from claude_agent_lsp.loopback import call, reply, say, think
from tests.e2e.refusals import CANCELLED, refusal
from tests.e2e.runs import kinds
from tests.e2e.wire import open_wire

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


def values(editor: Editor, token: str | int) -> list[Any]:
    """What came on a token, "report"s as their messages only."""
    return [
        event.get("message") if event["kind"] == "report" else event
        for event in editor.events(token)
    ]


def progress_tokens(editor: Editor) -> set[int | str]:
    """The tokens on which anything came."""
    return {params.token for _, method, params in editor.log if method == types.PROGRESS}


async def test_progress_on_the_clients_token_begins_reports_and_ends(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    notes = folder / "notes.txt"
    model.add(
        reply(
            "change\nit",
            [
                think("Hm."),
                say("I write it."),
                call("Write", file_path=str(notes), content="a"),
            ],
            [say("Done.")],
        )
    )
    await editor.query("change\nit", permissionMode="acceptEdits", work_done_token="work")
    begin, *reports, end = values(editor, "work")
    assert begin == {"kind": "begin", "title": "Claude: change it", "cancellable": True}
    assert reports == ["Thinking", "Answering", "Writing notes.txt", "Answering"]
    assert end == {"kind": "end", "message": end["message"]}
    assert end["message"].startswith("Done, 1 file changed, $0.")


async def test_progress_on_a_token_of_the_server_where_the_client_gives_none(
    editor: Editor, model: Loopback
) -> None:
    created: list[int | str] = []
    editor.protocol.fm.features[types.WINDOW_WORK_DONE_PROGRESS_CREATE] = lambda params: (
        created.append(params.token)
    )
    for prompt in ("hello", "hello again"):
        await editor.query(prompt)
    assert len(set(created)) == 2
    for token, prompt in zip(created, ("hello", "hello again"), strict=True):
        begin, *reports, end = values(editor, token)
        assert (begin["kind"], begin["title"]) == ("begin", f"Claude: {prompt}")
        assert reports == ["Answering"]
        assert end["kind"] == "end"


async def test_cancel_of_the_servers_token_stops_the_run(editor: Editor, model: Loopback) -> None:
    created: list[str] = []
    editor.protocol.fm.features[types.WINDOW_WORK_DONE_PROGRESS_CREATE] = lambda params: (
        created.append(params.token)
    )
    asked = editor.query("count slowly")
    await editor.event("text")
    editor.cancel_progress(created[0])
    refused = await refusal(asked)
    assert (refused.code, refused.run["status"]) == (CANCELLED, "cancelled")
    end = values(editor, created[0])[-1]
    assert (end["kind"], end["message"].split(",")[0]) == ("end", "Stopped")


async def test_client_that_refuses_the_token_sees_no_progress(editor: Editor) -> None:
    refused: list[int | str] = []

    async def refuse(params: types.WorkDoneProgressCreateParams) -> None:
        refused.append(params.token)
        raise JsonRpcInvalidParams

    editor.protocol.fm.features[types.WINDOW_WORK_DONE_PROGRESS_CREATE] = refuse
    # pytest-lsp would take the refusal for a fault of the client.
    editor.report_server_error = lambda *_: None  # type: ignore[method-assign]
    run = await editor.query("hello")
    assert run["status"] == "completed"
    assert len(refused) == 1
    assert progress_tokens(editor) == {"events"}


async def test_without_a_token_no_events_are_sent(editor: Editor) -> None:
    run = await editor.query("hello", partialResultToken=None, work_done_token="work")
    assert run["text"] == "OK."
    assert progress_tokens(editor) == {"work"}


async def test_client_that_announces_nothing_gets_the_answer_and_nothing_else(
    environment: dict[str, str], folder: Path
) -> None:
    async with open_wire(environment, folder) as wire:
        wire.initialize(rootUri=folder.as_uri())
        await wire.answers(0)
        wire.notify("initialized", {})
        wire.request(
            1,
            "workspace/executeCommand",
            {"command": "claudeAgent.query", "arguments": ["hello"]},
        )
        (answer,) = await wire.answers(1)
        assert answer["result"]["text"] == "OK."


async def test_runs_stream_to_their_own_tokens(
    editor_with: Open, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    model.add(reply("say a", say("a " * 30, pace=0.01)), reply("say b", say("b " * 30, pace=0.01)))
    editor = await editor_with(folder, other)
    asked = [
        editor.query(
            f"say {letter}",
            workspace=where.as_uri(),
            partialResultToken=token,
            work_done_token=f"work {letter}",
        )
        for letter, where, token in (("a", folder, 7), ("b", other, "seven"))
    ]
    runs = [await each for each in asked]
    assert [editor.text(7), editor.text("seven")] == ["a " * 30, "b " * 30]
    tokens: tuple[int | str, ...] = (7, "seven")
    for run, token in zip(runs, tokens, strict=True):
        assert kinds(editor, token) == ["started", "text", "usage", "ended"]
        assert editor.events(token, "ended")[0]["run"] == run
    assert values(editor, "work a")[0]["title"] == "Claude: say a"
    assert values(editor, "work b")[0]["title"] == "Claude: say b"
