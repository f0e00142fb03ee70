"""What an editor sees of a run while it goes on: events and work-done progress."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from claude_agent_lsp.loopback import call, fail, reply, say, think

from .refusals import CANCELLED, refusal
from .wire import open_wire

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open
    from .editor import Editor

PIXEL = b"".join(
    struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\xff\0\0")),
        (b"IEND", b""),
    )
)
PNG = b"\x89PNG\r\n\x1a\n" + PIXEL


def kinds(editor: Editor, token: str | int = "events") -> list[str]:
    """The kinds of all events of a token, each once where it repeats."""
    found: list[str] = []
    for event in editor.events(token):
        if found[-1:] != [event["kind"]]:
            found.append(event["kind"])
    return found


async def test_events_tell_thoughts_then_words_between_started_and_ended(
    editor: Editor, model: Loopback
) -> None:
    model.add(reply("tell me", think("Let me see."), say("One two three four.", pace=0.02)))
    run = await editor.query("tell me")
    assert kinds(editor) == ["started", "thinking", "text", "usage", "ended"]
    started, *_, ended = editor.events()
    assert started["run"]["status"] == "running"
    assert started["run"]["sessionId"] == run["sessionId"]
    assert ended == {"kind": "ended", "run": run}
    assert run["status"] == "completed"
    assert editor.text() == run["text"] == "One two three four."
    assert len(editor.events(kind="text")) > 1
    (thought,) = editor.events(kind="thinking")
    assert thought["text"] == "Let me see."
    assert {event["messageId"] for event in editor.events(kind="text")} == {thought["messageId"]}
    (usage,) = editor.events(kind="usage")
    assert usage["contextTokens"] >= run["usage"]["inputTokens"] > 0
    assert usage["contextWindow"] > usage["contextTokens"] > 0
    assert usage["costUsd"] == run["costUsd"] > 0
    assert run["turns"] == 1
    assert run["stopReason"] == "end_turn"
    assert run["durationMs"] > 0


async def test_fast_text_is_gathered(editor: Editor, model: Loopback) -> None:
    model.add(reply("at once", say("word " * 2000)))
    run = await editor.query("at once")
    assert editor.text() == run["text"] == "word " * 2000
    assert len(editor.events(kind="text")) < 500


async def test_tools_are_told_with_their_titles_places_and_results(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    notes = folder / "notes.txt"
    model.add(
        reply(
            "change it",
            [call("Write", file_path=str(notes), content="a\nb\n")],
            [
                call("Read", file_path=str(notes), offset=2, limit=1),
                call("Read", file_path=str(folder / "nothing.txt")),
            ],
            [call("Edit", file_path=str(notes), old_string="b", new_string="c")],
            [say("Done.")],
        )
    )
    run = await editor.query("change it", permissionMode="acceptEdits")
    assert notes.read_text() == "a\nc\n"
    calls = editor.events(kind="toolCall")
    assert [(one["tool"], one["title"]) for one in calls] == [
        ("Write", "Writing notes.txt"),
        ("Read", "Reading notes.txt"),
        ("Read", "Reading nothing.txt"),
        ("Edit", "Editing notes.txt"),
    ]
    assert [one["locations"] for one in calls] == [
        [{"uri": notes.as_uri()}],
        [
            {
                "uri": notes.as_uri(),
                "range": {
                    "start": {"line": 1, "character": 0},
                    "end": {"line": 2, "character": 0},
                },
            }
        ],
        [{"uri": (folder / "nothing.txt").as_uri()}],
        [{"uri": notes.as_uri()}],
    ]
    assert calls[0]["input"] == {"file_path": str(notes), "content": "a\nb\n"}
    assert not any("parentToolCallId" in one for one in calls)
    results = {one["toolCallId"]: one for one in editor.events(kind="toolResult")}
    assert [results[one["toolCallId"]]["status"] for one in calls] == [
        "completed",
        "completed",
        "failed",
        "completed",
    ]
    assert "b" in results[calls[1]["toolCallId"]]["text"]
    assert [(one["uri"], one["change"]) for one in editor.events(kind="fileChanged")] == [
        (notes.as_uri(), "created"),
        (notes.as_uri(), "edited"),
    ]
    assert run["filesChanged"] == [notes.as_uri()]
    assert run["text"] == "Done."
    assert run["turns"] > 1


async def test_long_result_of_a_tool_is_shortened(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    (folder / "long.txt").write_text("line\n" * 1900)
    model.add(reply("read it", [call("Read", file_path=str(folder / "long.txt"))], [say("Done.")]))
    await editor.query("read it")
    (result,) = editor.events(kind="toolResult")
    assert result["truncated"] is True
    assert 1000 < len(result["text"]) < 5000


async def test_retry_is_noticed(editor_with: Open, model: Loopback) -> None:
    editor = await editor_with(environment={"CLAUDE_CODE_MAX_RETRIES": "2"})
    model.add(reply("try", fail(529, times=1), say("At last.")))
    run = await editor.query("try", work_done_token="w")
    assert (run["status"], run["text"]) == ("completed", "At last.")
    (notice,) = editor.events(kind="notice")
    assert notice["level"] == "warning"
    assert notice["text"].startswith("The model could not answer (529); trying again in ")
    assert notice["text"] in [event.get("message") for event in editor.events("w")]


async def test_calls_of_a_subagent_name_their_parent(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    (folder / "notes.txt").write_text("hello")
    model.add(
        reply(
            "delegate",
            [
                call(
                    "Agent",
                    description="Look around",
                    prompt="look around",
                    subagent_type="general-purpose",
                    run_in_background=False,
                )
            ],
            [say("All done.")],
        ),
        reply(
            "look around",
            [call("Read", file_path=str(folder / "notes.txt"))],
            [say("I have found it.")],
        ),
    )
    run = await editor.query("delegate")
    agent, read = editor.events(kind="toolCall")
    assert agent["title"] == "Delegating `Look around`"
    assert "parentToolCallId" not in agent
    assert read["parentToolCallId"] == agent["toolCallId"]
    results = {one["toolCallId"]: one for one in editor.events(kind="toolResult")}
    assert "I have found it." in results[agent["toolCallId"]]["text"]
    # What a subagent says is for the agent.
    assert editor.text() == run["text"] == "All done."


async def test_run_ends_after_its_background_agent_has_reported(
    editor: Editor, model: Loopback
) -> None:
    model.add(
        reply(
            "delegate",
            [
                call(
                    "Agent",
                    description="Look around",
                    prompt="look around",
                    subagent_type="general-purpose",
                )
            ],
            [say("It is under way.")],
            [say("It has reported.")],
        ),
        reply("look around", say("I have found it now.", pace=0.3)),
    )
    run = await editor.query("delegate")
    assert run["text"] == "It has reported."
    assert editor.text() == "It is under way.It has reported."
    assert kinds(editor)[-1] == "ended"
    agents = [request for request in model.requests if request.prompt == "look around"]
    assert [request.sent for request in agents] == ["I have found it now."]
    assert run["turns"] == 3


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
    assert (end["kind"], end["message"].split(",")[0]) == ("end", "Cancelled")


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


async def test_attachments_reach_the_model(editor: Editor, model: Loopback, folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / "dot.png").write_bytes(PNG)
    await editor.query(
        "look at these",
        attachments=[(folder / "notes.txt").as_uri(), (folder / "dot.png").as_uri()],
    )
    (request,) = model.requests
    said = [part.text for part in request.conversation]
    assert "look at these\n" in said
    assert any(str(folder / "notes.txt") in text for text in said)
    images = [
        block["source"]
        for message in request.body["messages"]
        if not isinstance(message["content"], str)
        for block in message["content"]
        if block["type"] == "image"
    ]
    assert [image["media_type"] for image in images] == ["image/png"]
    listed = await editor.command("session.list")
    assert listed["sessions"][0]["firstPrompt"] == "look at these"


async def test_context_is_told_but_is_no_part_of_the_prompt(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    source = folder / "main.py"
    source.write_text("import os\nprint(os.getcwd())\n")
    run = await editor.query(
        "what is this?",
        context={
            "textDocument": {"uri": source.as_uri()},
            "range": {
                "start": {"line": 1, "character": 0},
                "end": {"line": 1, "character": 5},
            },
            "diagnostics": [
                {
                    "range": {
                        "start": {"line": 0, "character": 0},
                        "end": {"line": 0, "character": 9},
                    },
                    "message": "os is imported",
                    "severity": 2,
                    "source": "lint",
                    "code": "L1",
                    "tags": [1],
                }
            ],
        },
    )
    request = await model.request("what is this?", 5)
    sent = "\n".join(said.text for said in request.conversation)
    assert f"The user selected the lines 2 to 2 from {source}:\nprint\n" in sent
    assert "main.py:1:1: warning: os is imported (lint L1)" in sent
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert read["session"]["firstPrompt"] == read["session"]["title"] == "what is this?"
    assert [message["text"] for message in read["messages"]] == ["what is this?", "OK."]
    listed = await editor.command("session.list")
    assert listed["sessions"] == [read["session"]]


async def test_answer_comes_as_data_where_a_schema_is_given(
    editor: Editor, model: Loopback
) -> None:
    model.add(reply("structured", [call("StructuredOutput", code="APPLE-1")], [say("Done.")]))
    schema = {
        "type": "object",
        "properties": {"code": {"type": "string"}},
        "required": ["code"],
    }
    run = await editor.query("structured", outputSchema=schema)
    assert run["structuredOutput"] == {"code": "APPLE-1"}
    assert run["status"] == "completed"


async def test_model_of_one_run(editor_with: Open, model: Loopback) -> None:
    editor = await editor_with(settings={"model": "claude-sonnet-4-5"})
    await editor.query("hello")
    await editor.query("hello there", model="claude-haiku-4-5")
    await editor.query("hello again")
    assert [request.body["model"] for request in model.requests if not request.own] == [
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
    ]
