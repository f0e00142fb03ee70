"""Prompts sent into a turn at work: taken at the end of its next tool, or answered next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.e2e.runs import (
    CANCELLED,
    allow_tools,
    begin,
    cancelled,
    data_of,
    eventually,
    refusal,
    remember,
    run_of,
    status_when,
)
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query

WAITS = call("Bash", command="until test -e go; do sleep 0.05; done")
KNOWS = {"sessionEvents": True}


@pytest.fixture(autouse=True)
def wishes(model: Loopback, environment: dict[str, str]) -> None:
    allow_tools(environment)
    model.add(
        reply("work on it", [WAITS], [say("Worked.")]),
        reply("talk on", [tokens(60, pace=0.01)]),
        reply("look for", [WAITS], [call("Bash", command="true")], [say("Found.")]),
    )


async def at_work(editor: Editor, prompt: str = "work on it") -> Query:
    """A run in the middle of a tool."""
    query = begin(editor, prompt)
    await editor.event("text" if prompt == "talk on" else "toolCall", query.events)
    return query


async def queued(editor: Editor, prompt: str, number: int, **fields: Any) -> tuple[Query, str]:
    query = begin(editor, prompt, number, **fields)
    return query, (await editor.event("queued", query.events))["run"]["runId"]


async def queue(editor: Editor, **fields: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await editor.command("queue.list", fields or {}))["queue"]
    return listed


def told(model: Loopback, words: str) -> int:
    """How many requests carry these words."""
    said = (request.conversation for request in model.requests)
    return sum(any(words in each.text for each in request) for request in said)


def texts(editor: Editor, query: Query) -> list[str]:
    return [event["text"] for event in editor.events(query.events, "steered")]


@pytest.mark.parametrize("way", ["query", "command"])
async def test_a_prompt_goes_into_the_turn_at_work_at_the_end_of_its_tool(
    editor: Editor, model: Loopback, folder: Path, way: str
) -> None:
    session = await remember(editor)
    first = await at_work(editor)
    if way == "query":
        second, run_id = await queued(editor, "mind the gap", 1, ifBusy="steer")
    else:
        second, run_id = await queued(editor, "mind the gap", 1)
        answer = await editor.command("queue.sendNow", {"sessionId": session, "runId": run_id})
        assert [each["state"] for each in answer["queue"]] == ["sending"]
    (folder / "go").touch()
    worked = await first.asked
    answered = await second.asked
    assert (worked["status"], worked["text"]) == ("completed", "Worked.")
    assert (answered["runId"], answered["status"]) == (run_id, "completed")
    assert (answered["steeredInto"], answered["text"]) == (worked["runId"], "Worked.")
    assert answered["costUsd"] == 0, "it is counted where it was answered"
    steered = editor.events(first.events, "steered")
    assert steered == editor.events(second.events, "steered")
    assert steered == [
        {
            "kind": "steered",
            "runId": run_id,
            "into": worked["runId"],
            "messageId": run_id,
            "text": "mind the gap",
        }
    ]
    kinds = [event["kind"] for event in editor.events(second.events)]
    assert kinds == ["queued", "steered", "ended"]
    assert told(model, "mind the gap") == 1
    assert await queue(editor) == []
    page = await editor.command("session.read", {"sessionId": session})
    assert [m["text"] for m in page["messages"] if m["role"] == "user"][-2:] == [
        "work on it",
        "mind the gap",
    ]
    assert said_in(page["messages"])[-2]["messageId"] == run_id
    again = await begin(editor, "which code?", 2).asked
    assert again["text"] == "PINEAPPLE-42"
    assert told(model, "You were cut off") == 0, "nothing of it was lost"


async def test_where_no_tool_follows_it_is_answered_by_a_run_of_its_own_before_all_others(
    editor: Editor, model: Loopback
) -> None:
    await remember(editor)
    first = await at_work(editor, "talk on")
    last, _ = await queued(editor, "say last", 1)
    second, run_id = await queued(editor, "say second", 2, ifBusy="steer")
    ended = [await query.asked for query in (first, second, last)]
    assert [run["status"] for run in ended] == ["completed"] * 3
    assert (ended[1]["runId"], "steeredInto" in ended[1]) == (run_id, False)
    assert [request.prompt for request in model.requests][-2:] == ["say second", "say last"]
    kinds = [event["kind"] for event in editor.events(second.events)]
    assert (kinds[:2], kinds[-1]) == (["queued", "started"], "ended")


async def test_what_a_turn_can_not_take_comes_next(editor: Editor, folder: Path) -> None:
    await remember(editor)
    first = await at_work(editor)
    own, _ = await queued(editor, "say own", 1, ifBusy="steer", maxTurns=3)
    slash, _ = await queued(editor, "/context", 2, ifBusy="steer")
    (folder / "go").touch()
    assert (await first.asked)["status"] == "completed"
    for query in (own, slash):
        ended = await query.asked
        assert (ended["status"], "steeredInto" in ended) == ("completed", False)


async def test_a_stop_gives_back_what_the_cli_has_not_taken(
    editor: Editor, model: Loopback
) -> None:
    session = await remember(editor)
    first = await at_work(editor)
    second, run_id = await queued(editor, "mind the gap", 1, ifBusy="steer")
    await cancelled(editor, first)
    await status_when(editor, lambda told: len(told["runs"]) == 1)
    waits = await queue(editor, sessionId=session)
    assert [(each["runId"], each["state"]) for each in waits] == [(run_id, "kept")]
    assert told(model, "mind the gap") == 0
    await editor.command("queue.sendNow", {"sessionId": session})
    assert (await second.asked)["status"] == "completed"
    assert told(model, "mind the gap") == 1


async def test_one_that_is_cancelled_on_its_way_is_not_taken(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    await remember(editor)
    first = await at_work(editor)
    second, _ = await queued(editor, "mind the gap", 1, ifBusy="steer")
    run = await cancelled(editor, second)
    assert run["status"] == "cancelled"
    (folder / "go").touch()
    assert (await first.asked)["status"] == "completed"
    assert told(model, "mind the gap") == 0
    assert await queue(editor) == []


async def test_who_cancels_what_a_turn_has_taken_stops_that_turn(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    model.add(reply("work for ever", [WAITS], [tokens(9000, pace=0.01)]))
    await remember(editor)
    first = await at_work(editor, "work for ever")
    second, _ = await queued(editor, "mind the gap", 1, ifBusy="steer")
    (folder / "go").touch()
    await editor.event("text", first.events)
    editor.cancel(second.asked)
    for query in (first, second):
        error = await refusal(query)
        assert (error.code, data_of(error)["run"]["status"]) == (CANCELLED, "cancelled")
    told_with = await begin(editor, "which code?", 2).asked
    assert told_with["status"] == "completed"


async def test_views_are_told_of_each_change(editor_with: Open, folder: Path) -> None:
    editor = await editor_with(announces=KNOWS)
    session = await remember(editor)
    first = await at_work(editor)
    _, run_id = await queued(editor, "mind the gap", 1)
    await editor.command("queue.edit", {"runId": run_id, "prompt": "mind the step"})
    await editor.command("queue.sendNow", {"runId": run_id})
    (folder / "go").touch()
    await first.asked

    def seen() -> list[list[tuple[str, str]]]:
        changes = [told for method, told in editor.announced if method == "queueChanged"]
        assert all(told["sessionId"] == session for told in changes)
        states = [[(w["prompt"], w["state"]) for w in told["queue"]] for told in changes]
        return [state for at, state in enumerate(states) if not at or states[at - 1] != state]

    await eventually(lambda: seen()[-1] == [])
    assert seen() == [
        [("mind the gap", "waiting")],
        [("mind the step", "waiting")],
        [("mind the step", "sending")],
        [],
    ]
    assert (await run_of(editor, first))["sessionId"] == session


async def test_a_prompt_that_goes_back_goes_into_no_turn_but_comes_next(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    session = await remember(editor)
    page = await editor.command("session.read", {"sessionId": session})
    said = said_in(page["messages"])[-1]["messageId"]
    first = await at_work(editor)
    second, run_id = await queued(editor, "mind the gap", 1, resumeAt=said, inPlace=True)
    answer = await editor.command("queue.sendNow", {"sessionId": session, "runId": run_id})
    assert [each["state"] for each in answer["queue"]] != ["sending"]
    (folder / "go").touch()
    await first.asked
    answered = await second.asked
    assert answered.get("steeredInto") is None
    assert texts(editor, first) == []
    sent = [each.text for each in model.requests[-1].conversation]
    assert any("mind the gap" in text for text in sent)
    assert not any("work on it" in text for text in sent)
