"""Prompts for a session at work: they wait their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import reply, say, tokens
from tests.e2e.runs import (
    CANCELLED,
    begin,
    cancelled,
    data_of,
    refusal,
    remember,
    run_of,
    status,
    status_when,
)

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    model.add(
        reply("take long", [tokens(5000, pace=0.01)]),
        reply("take a moment", [tokens(40, pace=0.01), say("Taken.")]),
    )


async def at_work(editor: Editor, prompt: str = "take long", number: int = 0) -> Query:
    query = begin(editor, prompt, number)
    await editor.event("text", query.events)
    return query


async def queued(editor: Editor, prompt: str, number: int, **fields: Any) -> Query:
    query = begin(editor, prompt, number, **fields)
    await editor.event("queued", query.events)
    return query


async def test_they_are_answered_in_their_order_each_after_the_one_before(
    editor: Editor, model: Loopback
) -> None:
    session = await remember(editor)
    first = await at_work(editor, "take a moment")
    waiting = [await queued(editor, f"say {number}", number) for number in (1, 2, 3)]
    places = [editor.events(query.events, "queued")[0] for query in waiting]
    assert [place["position"] for place in places] == [0, 1, 2]
    for place in places:
        run = place["run"]
        assert (run["status"], run["queued"], run["sessionId"]) == ("queued", True, session)
    told = await status(editor)
    assert [run["status"] for run in told["runs"]] == ["running", "queued", "queued", "queued"]
    ended = [await query.asked for query in (first, *waiting)]
    assert [run["status"] for run in ended] == ["completed"] * 4
    assert [run["runId"] for run in ended[1:]] == [place["run"]["runId"] for place in places]
    assert [request.prompt for request in model.requests][-3:] == ["say 1", "say 2", "say 3"]
    for query in waiting:
        kinds = [event["kind"] for event in editor.events(query.events)]
        assert (kinds[0], kinds[1], kinds[-1]) == ("queued", "started", "ended")
        progress = [value["kind"] for value in editor.events(query.own_token)]
        assert (progress.count("begin"), progress.count("end")) == (1, 1)


async def test_who_does_not_wait_for_the_answer_is_told_that_it_is_queued(editor: Editor) -> None:
    await remember(editor)
    await at_work(editor, "take a moment")
    run = await editor.query("say it", partialResultToken="later", wait=False)
    assert (run["status"], run["queued"]) == ("queued", True)
    ended = (await editor.event("ended", "later"))["run"]
    assert (ended["runId"], ended["status"]) == (run["runId"], "completed")
    assert "queued" not in ended


@pytest.mark.parametrize("way", ["request", "command", "progress"])
async def test_one_is_taken_out_and_the_others_go_on(
    editor: Editor, model: Loopback, way: str
) -> None:
    await remember(editor)
    first = await at_work(editor, "take a moment")
    out = await queued(editor, "say nothing", 1)
    after = await queued(editor, "say something", 2)
    run = editor.events(out.events)[0]["run"]
    if way == "request":
        editor.cancel(out.asked)
    elif way == "progress":
        editor.cancel_progress(out.own_token)
    else:
        answer = await editor.command("cancel", {"runId": run["runId"]})
        assert answer == {"cancelled": [run["runId"]]}
    error = await refusal(out)
    assert error.code == CANCELLED
    assert data_of(error)["run"]["status"] == "cancelled"
    assert [event["kind"] for event in editor.events(out.events)] == ["queued", "ended"]
    assert (await first.asked)["status"] == "completed"
    assert (await after.asked)["status"] == "completed"
    assert not [request for request in model.requests if "say nothing" in request.prompt]
    assert [v["kind"] for v in editor.events(out.own_token)][-1] == "end"


async def test_a_stop_keeps_what_waits_until_somebody_goes_on(
    editor: Editor, model: Loopback
) -> None:
    await remember(editor)
    first = await at_work(editor)
    waiting = await queued(editor, "say one", 1)
    await cancelled(editor, first)
    told = await status_when(editor, lambda told: len(told["runs"]) == 1)
    assert told["runs"][0]["status"] == "queued"
    assert not waiting.asked.done
    last = begin(editor, "say two", 2)
    assert (await waiting.asked)["status"] == "completed"
    assert (await last.asked)["status"] == "completed"
    assert [request.prompt for request in model.requests][-2:] == ["say one", "say two"]


async def test_a_stop_clears_what_waits_if_it_is_set_to(editor_with: Open) -> None:
    editor = await editor_with(settings={"onStop": "clear"})
    await remember(editor)
    first = await at_work(editor)
    waiting = await queued(editor, "say one", 1)
    await cancelled(editor, first)
    assert (await refusal(waiting)).code == CANCELLED
    assert (await status_when(editor, lambda told: not told["runs"]))["runs"] == []


async def test_what_is_sent_behind_a_stop_waits_for_its_end_alone(editor: Editor) -> None:
    await remember(editor)
    for number in range(3):
        first = await at_work(editor, number=number)
        editor.cancel(first.asked)
        after = begin(editor, "say it", 10 + number)
        assert (await refusal(first)).code == CANCELLED
        assert (await after.asked)["status"] == "completed"


async def test_sessions_and_folders_wait_for_their_own_alone(editor: Editor) -> None:
    await remember(editor)
    first = await at_work(editor)
    waiting = await queued(editor, "say one", 1)
    other = await begin(editor, "say two", 2, session="new").asked
    assert other["status"] == "completed"
    fork = begin(editor, "which code?", 3, session=(await run_of(editor, first))["sessionId"])
    assert not fork.asked.done
    await cancelled(editor, first)
    for number, query in ((1, waiting), (3, fork)):
        assert editor.events(query.events, "queued"), number
    begin(editor, "go on", 4, session=(await run_of(editor, first))["sessionId"])
    assert (await waiting.asked)["status"] == "completed"


async def test_all_that_waits_ends_with_its_editor(editor: Editor) -> None:
    await remember(editor)
    await at_work(editor)
    waiting = await queued(editor, "say one", 1)
    assert await editor.quit() == 0
    assert waiting.asked.done
