"""Stopping a run at every moment of its life."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, hang, reply, say, tokens
from tests.e2e.conftest import PATIENT
from tests.e2e.runs import (
    CANCELLED,
    SECONDS,
    Query,
    assert_knows_code,
    assert_told_of_once,
    begin,
    cancelled,
    data_of,
    eventually,
    in_one_write,
    processes_at,
    refusal,
    remember,
    requests_of,
    run_of,
    status,
)
from tests.processes import processes_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


CANCELS = int(os.environ.get("TORTURE_CANCELS", "50"))
"""A hundred of them a second; and so many at any moment of a run."""


@pytest.mark.parametrize("by_display", [False, True])
@pytest.mark.parametrize("prewarm", [False, True])
async def test_right_behind_the_query(
    editor_with: Open, model: Loopback, prewarm: bool, by_display: bool
) -> None:
    editor = await editor_with(settings={"prewarm": prewarm})
    async with in_one_write(editor):
        query = begin(editor, "count slowly")
        await asyncio.sleep(0)  # a request is written by a task, a notification at once
        if by_display:
            assert query.work_done is not None
            editor.cancel_progress(query.work_done)
        else:
            editor.cancel(query.asked)
    assert (await refusal(query)).code == CANCELLED
    await remember(editor)
    await assert_knows_code(editor)
    assert_told_of_once(editor, query, "cancelled")
    assert not requests_of(model, "count slowly")


async def test_right_behind_the_prompt(editor_with: Open) -> None:
    editor = await editor_with(settings=PATIENT)
    await remember(editor)
    (before,) = (await status(editor))["processes"]
    queries, answers = [], []
    for number in range(20):
        query = begin(editor, "count slowly", number)
        await run_of(editor, query)
        await asyncio.sleep(number / 1000)  # each a little later
        at = editor.cancel(query.asked)
        assert (await refusal(query)).code == CANCELLED
        assert query.asked.answered_at is not None
        answers.append(query.asked.answered_at - at)
        queries.append(query)
    await assert_knows_code(editor)
    (after,) = (await status(editor))["processes"]
    assert after["pid"] == before["pid"]
    assert sorted(answers)[5] < 0.2, answers
    for query in queries:
        assert_told_of_once(editor, query, "cancelled")


async def test_while_the_first_run_of_a_server_is_loading(
    editor_with: Open, model: Loopback
) -> None:
    editor = await editor_with(settings={"prewarm": False})
    query = begin(editor, "count slowly")
    run = await run_of(editor, query)
    stopped = await cancelled(editor, query)
    assert stopped["sessionId"] == run["sessionId"]
    assert await remember(editor) == run["sessionId"]
    await assert_knows_code(editor)
    assert_told_of_once(editor, query, "cancelled")
    assert not requests_of(model, "count slowly")


async def test_while_its_process_is_starting(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"prewarm": False})
    query = begin(editor, "count slowly")
    await eventually(lambda: len(processes_of(environment)) > 1)
    run = await cancelled(editor, query)
    assert await remember(editor) == run["sessionId"]
    await assert_knows_code(editor)
    assert_told_of_once(editor, query, "cancelled")
    assert not requests_of(model, "count slowly")


async def test_while_the_editor_does_not_tell_its_settings(
    editor_with: Open, model: Loopback
) -> None:
    editor = await editor_with()
    silent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def say_nothing(_: Any) -> Any:
        return await silent

    editor.protocol.fm.features[types.WORKSPACE_CONFIGURATION] = say_nothing
    editor.protocol.notify(
        types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings=None)
    )
    query, other = (begin(editor, "count slowly", number, session="new") for number in range(2))
    await asyncio.sleep(0)  # a request is written by a task, a notification at once
    at = editor.cancel(query.asked)
    assert (await refusal(query)).code == CANCELLED
    assert query.asked.answered_at is not None
    assert query.asked.answered_at - at < 4  # the editor has five seconds to answer
    stopped = (await editor.command("cancel", {}))["cancelled"]
    run = data_of(await refusal(other))["run"]
    assert stopped == [run["runId"]]
    assert not model.requests
    silent.set_result([None])
    assert_told_of_once(editor, query, "cancelled")


async def test_while_the_model_hangs(patient: Editor, model: Loopback) -> None:
    model.add(reply("hang on", hang()))
    await remember(patient)
    before = await processes_at(patient)
    query = begin(patient, "hang on")
    request = await model.request("hang on", SECONDS)
    await cancelled(patient, query)
    await request.hang_up(SECONDS)
    await assert_knows_code(patient)
    assert_told_of_once(patient, query, "cancelled")
    assert len(requests_of(model, "hang on")) == 1
    assert await processes_at(patient) == before  # it ended on the first rung


async def test_while_a_question_waits(patient: Editor, model: Loopback, folder: Path) -> None:
    model.add(reply("touch it", [call("Bash", command="touch touched")], [say("Done.")]))
    await remember(patient)
    before = await processes_at(patient)
    query = begin(patient, "touch it")
    await patient.question()
    (asked,) = (await patient.command("question.list"))["questions"]
    await cancelled(patient, query)
    assert (await patient.command("question.list"))["questions"] == []
    (answered,) = patient.events(query.events, "questionAnswered")
    assert answered["questionId"] == asked["questionId"]
    assert answered["answer"] == "deny"
    # It was withdrawn from the screen.
    _, shown = patient.questions[0]
    assert shown.cancelled()
    await assert_knows_code(patient)
    assert_told_of_once(patient, query, "cancelled")
    assert not (folder / "touched").exists()
    assert len(requests_of(model, "touch it")) == 1
    assert await processes_at(patient) == before  # it ended on the first rung


async def test_a_run_that_waits_for_a_free_process(editor_with: Open, model: Loopback) -> None:
    editor = await editor_with(settings={"maxProcesses": 1})
    first = begin(editor, "count slowly", 1)
    await editor.event("text", first.events)
    second = begin(editor, "say something", 2, session="new")
    notice = await editor.event("notice", second.events)
    assert "waits for a free one" in notice["text"]
    await cancelled(editor, second)
    assert not first.asked.done
    await cancelled(editor, first)
    assert (await begin(editor, "say something else", 3).asked)["text"] == "OK."
    assert_told_of_once(editor, second, "cancelled")
    assert [r.prompt for r in model.requests] == ["count slowly", "say something else"]


async def test_a_waiting_run_gets_its_process_when_the_other_is_cancelled(
    editor_with: Open,
) -> None:
    editor = await editor_with(settings={"maxProcesses": 1})
    first = begin(editor, "count slowly", 1)
    await editor.event("text", first.events)
    second = begin(editor, "say something", 2, session="new")
    await editor.event("notice", second.events)
    await cancelled(editor, first)
    assert (await second.asked)["text"] == "OK."


async def end_of(query: Query) -> str:
    """The status of its run; anything but completed or cancelled is an error."""
    try:
        run: Any = await query.asked
    except JsonRpcException as error:
        if error.code != CANCELLED:
            raise
        run = data_of(error)["run"]
    status = str(run["status"])
    assert status in {"completed", "cancelled"}
    return status


@pytest.mark.long
@pytest.mark.timeout(120 + CANCELS)
@pytest.mark.parametrize(
    ("count", "fields"),
    [(CANCELS * 4 // 5, {}), (CANCELS // 5, {"session": "new"})],
    ids=["warm", "cold"],
)
async def test_at_any_moment_of_a_short_run(
    editor_with: Open, model: Loopback, count: int, fields: dict[str, str]
) -> None:
    editor = await editor_with(settings=PATIENT)
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    model.add(reply("be quick", tokens(20, pace=0.002)))
    session = await remember(editor)
    loop = asyncio.get_running_loop()
    took = []
    for number in range(5):
        began = loop.time()
        await begin(editor, "be quick", number, **fields).asked
        took.append(loop.time() - began)
    usual = statistics.median(took)
    before = (await status(editor))["processes"]
    # In the middle, and not at all; the whole life, and its very end more often.
    moments = [usual / 2, 10 * usual]
    moments += [chance.uniform(0, 1.1 * usual) for _ in range(count * 2 // 3 - 2)]
    moments += [chance.gauss(usual, usual / 10) for _ in range(count - len(moments))]
    chance.shuffle(moments)
    queries: list[tuple[Query, str]] = []
    for number, moment in enumerate(moments, 10):
        query = begin(editor, f"be quick, time {number}", number, **fields)
        timer = loop.call_later(max(0.0, moment), editor.cancel, query.asked)
        queries.append((query, await end_of(query)))
        timer.cancel()
    answer = await begin(editor, "which code?", 1000, session=session).asked
    assert answer["text"] == "PINEAPPLE-42"
    if not fields:
        # No interrupt was lost: that would have cost the session its process.
        after = (await status(editor))["processes"]
        assert [each["pid"] for each in after] == [each["pid"] for each in before]
    for query, end in queries:
        assert_told_of_once(editor, query, end)
        prompts = [r for r in model.requests if r.prompt == f"be quick, time {query.number}"]
        assert len(prompts) <= 1
    assert {end for _, end in queries} == {"completed", "cancelled"}


@pytest.mark.timeout(60 + CANCELS)
async def test_a_hundred_a_second(editor_with: Open, environment: dict[str, str]) -> None:
    editor = await editor_with(settings={**PATIENT, "maxProcesses": 4})
    session = await remember(editor)
    chance = random.Random(CANCELS)
    loop = asyncio.get_running_loop()
    began = loop.time()
    queries: list[Query] = []
    answered: list[float] = []
    for number in range(CANCELS):
        await asyncio.sleep(max(0.0, began + number / 100 - loop.time()))
        query = begin(editor, f"count slowly, {number}", number, session=session)
        queries.append(query)
        stop = (
            (editor.cancel, query.asked)
            if number % 2
            else (editor.cancel_progress, f"work-{number}")
        )
        loop.call_later(chance.uniform(0.001, 0.05), *stop)
        editor.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=f"unknown-{number}"))
        if number % 10 == 9:
            asked = loop.time()
            await editor.command("cancel", {"sessionId": session})
            answered.append(loop.time() - asked)
    stopped = 0
    for query in queries:
        error = await refusal(query)
        assert error.code == CANCELLED
        if error.data is None:  # it was answered before it came to a run
            continue
        seen = [event["kind"] for event in editor.events(query.events)]
        if "started" in seen:
            stopped += 1
            assert_told_of_once(editor, query, "cancelled", queued=seen[0] == "queued")
        else:  # the one before was still ending
            assert seen == ["queued", "ended"]
    assert stopped  # how many come to a run is the machine's
    print(  # noqa: T201
        f"{CANCELS} cancels, {stopped} of them of a run, in {loop.time() - began:.1f} s; the "
        f"command was answered after {max(answered):.2f} s at most"
    )
    again = await begin(editor, "which code?", CANCELS, session=session).asked
    assert again["text"] == "PINEAPPLE-42"
    told = await status(editor)
    assert (len(told["processes"]), told["runs"]) == (1, [])
