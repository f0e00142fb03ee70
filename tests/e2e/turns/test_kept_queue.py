"""Prompts that wait are on disk: whatever is killed, they wait on, and are sent when you say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.e2e.faults.test_survival import killed
from tests.e2e.runs import (
    allow_tools,
    begin,
    cancelled,
    data_of,
    eventually,
    refusal,
    remember,
    status_when,
)

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query

KNOWS = {"sessionEvents": True}


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    model.add(reply("take long", [tokens(5000, pace=0.01)]))


def kept_files(environment: dict[str, str]) -> list[Path]:
    return list(Path(environment["XDG_STATE_HOME"], "claude-agent-lsp", "queue").glob("*"))


def prompts(model: Loopback) -> list[str]:
    return [request.prompt for request in model.requests]


async def queue(editor: Editor, **fields: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await editor.command("queue.list", fields or {}))["queue"]
    return listed


async def waiting(editor: Editor, *words: str) -> tuple[str, list[Query]]:
    """A session at work, and what waits for it."""
    session = await remember(editor)
    await editor.event("text", begin(editor, "take long").events)
    queries = [begin(editor, word, number) for number, word in enumerate(words, 1)]
    for query in queries:
        await editor.event("queued", query.events)
    return session, queries


async def test_what_a_killed_server_has_left_waits_until_it_is_sent_on(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    first = await editor_with()
    session, queries = await waiting(first, "say one", "say two", "say three")
    runs = [first.events(query.events, "queued")[0]["run"]["runId"] for query in queries]
    await killed(first)
    editor = await editor_with(announces=KNOWS)
    left = await queue(editor, sessionId=session)
    assert [(each["runId"], each["prompt"], each["state"]) for each in left] == [
        (run_id, prompt, "kept")
        for run_id, prompt in zip(runs, ("say one", "say two", "say three"), strict=True)
    ]
    assert "say one" not in prompts(model), "nothing is sent unasked"
    await editor.command("queue.remove", {"sessionId": session, "runId": runs[1]})
    await editor.command("queue.edit", {"runId": runs[2], "prompt": "say drei"})
    await editor.command("queue.sendNow", {"sessionId": session, "runId": runs[2]})
    ended = (await editor.event("ended", f"claudeAgent/run/{runs[2]}"))["run"]
    assert (ended["runId"], ended["status"], ended["text"]) == (runs[2], "completed", "OK.")
    assert [each["runId"] for each in await queue(editor)] == [runs[0]]
    answer = await begin(editor, "say four", 4, session=session).asked
    assert answer["status"] == "completed"
    assert prompts(model)[-3:] == ["say drei", "say one", "say four"]
    assert await queue(editor) == []
    await eventually(lambda: not kept_files(environment))


async def test_the_next_prompt_sends_on_what_was_left_in_its_order(
    editor_with: Open, model: Loopback
) -> None:
    first = await editor_with()
    await waiting(first, "say one", "say two")
    await killed(first)
    editor = await editor_with(profile="neovim")
    assert (await begin(editor, "say three", 3).asked)["status"] == "completed"
    assert prompts(model)[-3:] == ["say one", "say two", "say three"]


async def test_what_waits_when_the_editor_quits_is_there_for_the_next_one(
    editor_with: Open, model: Loopback
) -> None:
    first = await editor_with()
    session, queries = await waiting(first, "say one")
    await first.quit()
    run = data_of(await refusal(queries[0]))["run"]
    assert (run["status"], run["queued"]) == ("cancelled", True)
    editor = await editor_with()
    assert [each["prompt"] for each in await queue(editor, sessionId=session)] == ["say one"]
    await editor.command("queue.sendNow", {"sessionId": session})
    await eventually(lambda: "say one" in prompts(model))


async def test_what_was_taken_out_or_sent_is_not_left(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    first = await editor_with()
    session, queries = await waiting(first, "say one", "say two")
    await cancelled(first, queries[0])
    await first.command("cancel", {"sessionId": session})
    await first.command("queue.sendNow", {"sessionId": session})
    assert (await queries[1].asked)["status"] == "completed"
    await eventually(lambda: not kept_files(environment))
    await killed(first)
    editor = await editor_with()
    assert await queue(editor, sessionId=session) == []
    assert prompts(model).count("say two") == 1


async def test_a_server_leaves_alone_what_waits_in_another_one(
    editor_with: Open, model: Loopback
) -> None:
    first = await editor_with()
    session, queries = await waiting(first, "say one")
    await first.command("cancel", {"sessionId": session})
    await status_when(first, lambda told: len(told["runs"]) == 1)
    second = await editor_with()
    assert await queue(second, sessionId=session) == []
    assert await queue(second) == []
    answer = await begin(second, "say two", 2, session=session).asked
    assert answer["status"] == "completed"
    assert "say one" not in prompts(model)
    await first.command("queue.sendNow", {"sessionId": session})
    assert (await queries[0].asked)["status"] == "completed"


async def test_it_is_deleted_with_its_session(
    editor_with: Open, environment: dict[str, str]
) -> None:
    first = await editor_with()
    session, _ = await waiting(first, "say one")
    await killed(first)
    editor = await editor_with()
    await editor.command("session.delete", {"sessionId": session})
    assert not kept_files(environment)
    assert await queue(editor, sessionId=session) == []
    again, queries = await waiting(editor, "say one")
    await editor.command("cancel", {"sessionId": again})
    await status_when(editor, lambda told: len(told["runs"]) == 1)
    await editor.command("session.delete", {"sessionId": again})
    assert data_of(await refusal(queries[0]))["run"]["status"] == "cancelled"
    await eventually(lambda: not kept_files(environment))


async def test_what_can_not_be_sent_stays(editor_with: Open, environment: dict[str, str]) -> None:
    first = await editor_with()
    session, _ = await waiting(first, "say one")
    await killed(first)
    editor = await editor_with(settings={"cliPath": "/nowhere/claude", "dailyBudgetUsd": 0.000001})
    await editor.command("queue.sendNow", {"sessionId": session})
    await eventually(lambda: any("can't be sent" in told.message for told in editor.messages))
    (left,) = await queue(editor, sessionId=session)
    assert (left["prompt"], left["state"]) == ("say one", "kept")
    assert kept_files(environment)


async def test_a_prompt_that_the_turn_has_taken_is_not_left_when_all_is_killed(
    editor_with: Open, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    waits = call("Bash", command="until test -e go; do sleep 0.05; done")
    model.add(reply("work", [waits], [tokens(5000, pace=0.01)], [say("no")]))
    first = await editor_with()
    session = await remember(first)
    work = begin(first, "work on it")
    await first.event("toolCall", work.events)
    steered = begin(first, "mind the gap", 1, ifBusy="steer")
    await first.event("queued", steered.events)
    (folder / "go").touch()
    await first.event("steered", steered.events)
    await first.event("text", work.events)
    await killed(first)
    editor = await editor_with()
    assert await queue(editor, sessionId=session) == []
    page = await editor.command("session.read", {"sessionId": session})
    told = [m["text"] for m in page["messages"] if m["role"] == "user"]
    assert told[-2:] == ["work on it", "mind the gap"]
    answer = await begin(editor, "which code?", 2).asked
    assert answer["text"] == "PINEAPPLE-42"
    page = await editor.command("session.read", {"sessionId": session})
    told = [m["text"] for m in page["messages"] if m["role"] == "user"]
    assert [told.count(prompt) for prompt in ("work on it", "mind the gap")] == [1, 1]


async def test_where_nothing_can_be_written_it_waits_all_the_same(
    editor_with: Open, environment: dict[str, str]
) -> None:
    state = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp")
    state.mkdir(parents=True)
    (state / "queue").write_text("no directory")
    editor = await editor_with()
    session, queries = await waiting(editor, "say one")
    await editor.command("cancel", {"sessionId": session})
    await editor.command("queue.sendNow", {"sessionId": session})
    assert (await queries[0].asked)["status"] == "completed"
