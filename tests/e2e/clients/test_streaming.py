"""What an editor sees of a run while it goes on, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, fail, reply, say, think
from tests.e2e.runs import kinds

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


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
