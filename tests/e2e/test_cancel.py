"""Stopping a run: every way to do it, at every moment of its life."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, hang, reply, say, tokens
from tests.processes import processes_of
from tests.standins import stand_in

from .runs import (
    CANCELLED,
    FAILED,
    SECONDS,
    Query,
    allow_tools,
    assert_knows_code,
    assert_told_of_once,
    begin,
    cancelled,
    data_of,
    eventually,
    in_one_write,
    none_sleep,
    refusal,
    remember,
    requests_of,
    run_of,
    sleepers,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open
    from .editor import Editor

PATIENT = {"cancelGraceSeconds": 20}
"""An interrupt that a busy machine is slow to see must not cost the session its process."""
LIMIT = 2.0
"""Seconds that a run with a time limit may take."""


@pytest_asyncio.fixture
async def patient(editor_with: Open) -> Editor:
    return await editor_with(settings=PATIENT)


async def processes_at(editor: Editor) -> list[int]:
    """The ids of the server's CLIs."""
    return [each["pid"] for each in (await status(editor))["processes"]]


def by_request(editor: Editor, query: Query, _: Any) -> float:
    return editor.cancel(query.asked)


def by_own_token(editor: Editor, query: Query, _: Any) -> float:
    return editor.cancel_progress(query.own_token)


def by_servers_token(editor: Editor, _: Query, __: Any) -> float:
    begun = [
        params.token
        for _, method, params in editor.log
        if method == "$/progress" and params.value.get("kind") == "begin"
    ]
    return editor.cancel_progress(begun[-1])


def by_run_id(editor: Editor, _: Query, run: dict[str, Any]) -> float:
    editor.command("cancel", {"runId": run["runId"]})
    return time.monotonic()


def by_session_id(editor: Editor, _: Query, run: dict[str, Any]) -> float:
    editor.command("cancel", {"sessionId": run["sessionId"]})
    return time.monotonic()


def by_cancelling_all(editor: Editor, _: Query, __: Any) -> float:
    editor.command("cancel", {})
    return time.monotonic()


def by_time_limit(editor: Editor, query: Query, _: Any) -> float:
    (started,) = (
        when
        for when, method, params in editor.log
        if method == "$/progress"
        and params.token == query.events
        and params.value["kind"] == "started"
    )
    return started + LIMIT


WAYS: list[Callable[[Editor, Query, Any], float]] = [
    by_request,
    by_own_token,
    by_servers_token,
    by_run_id,
    by_session_id,
    by_cancelling_all,
    by_time_limit,
]


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_in_mid_stream_by_each_way(
    editor: Editor, model: Loopback, way: Callable[[Editor, Query, Any], float]
) -> None:
    session = await remember(editor)
    limit = {"timeoutSeconds": LIMIT} if way is by_time_limit else {}
    token = {"work_done_token": None} if way is by_servers_token else {}
    timed_out = way is by_time_limit
    queries, texts, answers, hang_ups = [], [], [], []
    for number in range(7):
        query = begin(editor, f"count slowly, time {number}", number, **limit, **token)
        queries.append(query)
        run = await run_of(editor, query)
        await editor.event("text", query.events)
        request = await model.request(f"time {number}", SECONDS)
        at = way(editor, query, run)
        error = await refusal(query)
        stopped = data_of(error)["run"]
        assert error.code == (FAILED if timed_out else CANCELLED)
        assert stopped["status"] == ("timedOut" if timed_out else "cancelled")
        assert data_of(error).get("reason") == ("timedOut" if timed_out else None)
        assert (stopped["runId"], stopped["sessionId"]) == (run["runId"], session)
        assert editor.events(query.events)[-1] == {"kind": "ended", "run": stopped}
        texts.append(stopped["text"])
        assert stopped["text"] == editor.text(query.events)
        assert query.asked.answered_at is not None
        answers.append(query.asked.answered_at - at)
        hang_ups.append(await request.hang_up(SECONDS) - at)
    await assert_knows_code(editor)
    for query in queries:
        assert_told_of_once(editor, query, "timedOut" if timed_out else "cancelled")
    # One request for each query: the model was asked nothing more about it.
    assert len(requests_of(model, "count slowly")) == len(queries)
    # Of a machine that does other work beside it, the quick ones tell.
    assert sorted(answers)[1] < 0.1, answers
    assert sorted(hang_ups)[1] < 0.05, hang_ups
    # The half-said answers stand in the session, and the model is told them.
    read = await editor.command("session.read", {"sessionId": session, "limit": 100})
    half_said = [m["text"] for m in read["messages"] if m["text"].startswith("word0")]
    assert half_said == texts
    told = [said.text for said in model.requests[-1].conversation if said.role == "assistant"]
    assert [text for text in told if text.startswith("word0")] == texts


# What ignores SIGTERM: the tool's shell, a child of it, and one in a session of its own.
STUBBORN_TOOL = """
trap '' TERM
sh -c 'sleep 1000; true' &
setsid sh -c 'sleep 1000; true' &
wait
"""


@pytest.fixture
def tools_allowed(environment: dict[str, str]) -> None:
    allow_tools(environment)


@pytest.mark.usefixtures("tools_allowed")
async def test_while_a_tool_runs_that_ignores_sigterm(
    patient: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    model.add(reply("run it", [call("Bash", command=STUBBORN_TOOL)], [say("It ran.")]))
    await remember(patient)
    before = await processes_at(patient)
    query = begin(patient, "run it")
    await eventually(lambda: len(sleepers(environment)) == 2)
    await cancelled(patient, query)
    await none_sleep(environment)
    await assert_knows_code(patient)
    assert_told_of_once(patient, query, "cancelled")
    assert len(requests_of(model, "run it")) == 1
    assert await processes_at(patient) == before  # it ended on the first rung


@pytest.mark.usefixtures("tools_allowed")
async def test_what_a_tool_has_detached_ends_with_its_run(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    detach = call("Bash", command="setsid sleep 1000 & true")
    model.add(
        reply("detach it", [detach], [say("It is detached.")]),
        reply("detach more", [detach], [tokens(5000, pace=0.02)]),
    )
    await begin(editor, "detach it").asked
    (earlier,) = sleepers(environment)
    query = begin(editor, "detach more", 1)
    await editor.event("text", query.events)
    await eventually(lambda: len(sleepers(environment)) == 2)
    await cancelled(editor, query)
    await none_sleep(environment, earlier)
    # What an earlier run has left goes on, until the editor goes.
    await begin(editor, "say something", 2).asked
    assert sleepers(environment) == {earlier}
    assert await editor.quit() == 0
    assert not sleepers(environment)


@pytest.mark.usefixtures("tools_allowed")
async def test_background_tasks_of_the_run_end_with_it(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    task = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(reply("in the background", [task], [tokens(5000, pace=0.02)]))
    session = await remember(editor)
    query = begin(editor, "run it in the background")
    await eventually(lambda: sleepers(environment))
    await editor.event("text", query.events)
    await cancelled(editor, query)
    await none_sleep(environment)
    answer = await assert_knows_code(editor)
    assert answer["sessionId"] == session
    assert_told_of_once(editor, query, "cancelled")


@pytest.mark.usefixtures("tools_allowed")
async def test_background_tasks_of_earlier_runs_go_on(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    task = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(
        reply("in the background", [task], [say("It is running.")]),
        reply("run it now", [call("Bash", command=STUBBORN_TOOL)], [say("It ran.")]),
    )
    await editor.query("run it in the background", wait=True)
    await eventually(lambda: sleepers(environment))
    before = sleepers(environment)
    query = begin(editor, "run it now")
    await eventually(lambda: len(sleepers(environment)) == 3)
    await cancelled(editor, query)
    await none_sleep(environment, *before)
    assert sleepers(environment) == before


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


@pytest.mark.parametrize("prewarm", [False, True])
async def test_right_behind_the_query(editor_with: Open, model: Loopback, prewarm: bool) -> None:
    editor = await editor_with(settings={"prewarm": prewarm})
    async with in_one_write(editor):
        query = begin(editor, "count slowly")
        await asyncio.sleep(0)  # a request is written by a task, a notification at once
        editor.cancel(query.asked)
    assert (await refusal(query)).code == CANCELLED
    await remember(editor)
    await assert_knows_code(editor)
    assert_told_of_once(editor, query, "cancelled")
    assert not requests_of(model, "count slowly")


async def test_with_an_interrupt_that_gets_lost(editor_with: Open, tmp_path: Path) -> None:
    # The CLI takes one that arrives before the turn has begun, and goes on with the turn.
    cli = str(stand_in("forgetful", tmp_path))
    editor = await editor_with(settings={"cliPath": cli, **PATIENT})
    for number in range(2):
        query = begin(editor, "work", number)
        await editor.event("text", query.events)
        at = editor.cancel(query.asked)
        assert (await refusal(query)).code == CANCELLED
        assert query.asked.answered_at is not None
        assert query.asked.answered_at - at < PATIENT["cancelGraceSeconds"]
    (process,) = (await status(editor))["processes"]
    assert process["state"] == "idle"


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


async def test_twice_and_once_more_when_it_is_over(editor: Editor) -> None:
    await remember(editor)
    query = begin(editor, "count slowly")
    await editor.event("text", query.events)
    editor.cancel_progress(query.own_token)
    editor.cancel(query.asked)
    assert (await refusal(query)).code == CANCELLED
    editor.cancel(query.asked)
    editor.cancel_progress(query.own_token)
    assert (await editor.command("cancel")) == {"cancelled": []}
    await assert_knows_code(editor)
    assert_told_of_once(editor, query, "cancelled")


async def test_what_does_not_exist_is_ignored(editor: Editor) -> None:
    query = begin(editor, "remember the code PINEAPPLE-42")
    for unknown in (4711, "unknown"):
        editor.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=unknown))
    editor.cancel_progress("unknown")
    nobody: dict[str, list[str]] = {"cancelled": []}
    assert await editor.command("cancel", {"runId": "unknown"}) == nobody
    assert await editor.command("cancel", {"sessionId": str(uuid.uuid4())}) == nobody
    assert (await query.asked)["status"] == "completed"
    await assert_knows_code(editor)


async def test_only_the_run_that_is_named(editor: Editor) -> None:
    one, other = (begin(editor, "count slowly", number, session="new") for number in range(2))
    for query in (one, other):
        await editor.event("text", query.events)
    await cancelled(editor, one)
    said = len(editor.text(other.events))
    await editor.until(lambda: len(editor.text(other.events)) > said)
    assert not other.asked.done
    await cancelled(editor, other)


async def test_all_runs_at_once(editor: Editor) -> None:
    queries = [begin(editor, "count slowly", number, session="new") for number in range(3)]
    runs = [await run_of(editor, query) for query in queries]
    for query in queries:
        await editor.event("text", query.events)
    stopped = (await editor.command("cancel", {}))["cancelled"]
    assert sorted(stopped) == sorted(run["runId"] for run in runs)
    for query in queries:
        assert (await refusal(query)).code == CANCELLED


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
@pytest.mark.parametrize(
    ("count", "fields"), [(80, {}), (20, {"session": "new"})], ids=["warm", "cold"]
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
    # The whole life, and its very end more often.
    moments = [chance.uniform(0, 1.1 * usual) for _ in range(count * 2 // 3)]
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


@pytest.mark.parametrize("way", [by_request, by_time_limit])
async def test_a_new_server_resumes_the_session(
    editor_with: Open, way: Callable[[Editor, Query, Any], float]
) -> None:
    editor = await editor_with()
    session = await remember(editor)
    limit = {"timeoutSeconds": LIMIT} if way is by_time_limit else {}
    query = begin(editor, "count slowly", 0, **limit)
    await editor.event("text", query.events)
    way(editor, query, None)
    said = data_of(await refusal(query))["run"]["text"]
    await editor.quit()
    second = await editor_with()
    answer = await assert_knows_code(second)
    assert answer["sessionId"] == session
    read = await second.command("session.read", {"sessionId": session})
    assert said in [message["text"] for message in read["messages"]]


GRACE = 0.3
# What the rungs above the first may take: EXIT, TERMINATE and SWEEP of agent/process.py.
RUNGS = 1.5 + 0.5 + 0.5


async def test_a_cli_that_ignores_everything_is_gone_in_time(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = stand_in("stubborn", tmp_path)
    editor = await editor_with(settings={"cliPath": str(cli), "cancelGraceSeconds": GRACE})
    query = begin(editor, "work")
    await editor.event("text", query.events)
    # The server, the CLI, and the child of it that ignores SIGTERM as well.
    assert len(processes_of(environment)) == 3
    at = editor.cancel(query.asked)
    error = await refusal(query)
    took = time.monotonic() - at
    assert error.code == CANCELLED
    assert data_of(error)["run"]["text"] == "I won't stop."
    assert [each.pid for each in processes_of(environment)] == [editor.pid]
    assert took < GRACE + RUNGS + 2
    assert_told_of_once(editor, query, "cancelled")


async def test_a_cli_that_never_starts_does_not_hold_up_the_cancel(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    editor = await editor_with(settings={"cliPath": str(stand_in("mute", tmp_path))})
    query = begin(editor, "work")
    await run_of(editor, query)
    await eventually(lambda: len(processes_of(environment)) > 1)
    await cancelled(editor, query)
    assert await editor.quit() == 0


PIPE = 2**16
"""What a pipe holds."""


def written_by(process: psutil.Process) -> int:
    if sys.platform != "linux":
        pytest.skip("looks at what a process writes")
    return int(process.io_counters().write_chars)


async def test_a_cli_that_does_not_read_a_large_prompt_is_ended(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = stand_in("deaf", tmp_path)
    editor = await editor_with(settings={"cliPath": str(cli), "cancelGraceSeconds": GRACE})
    query = begin(editor, "x" * 2_000_000)
    await run_of(editor, query)
    server = psutil.Process(editor.pid)
    await eventually(lambda: written_by(server) > PIPE)
    await cancelled(editor, query)
    assert [each.pid for each in processes_of(environment)] == [editor.pid]


async def test_a_cli_that_dies_in_mid_turn_fails_the_run(editor_with: Open, tmp_path: Path) -> None:
    editor = await editor_with(settings={"cliPath": str(stand_in("dying", tmp_path))})
    query = begin(editor, "work")
    error = await refusal(query)
    assert error.code == FAILED
    data = data_of(error)
    assert data["reason"] == "processDied"
    assert "out of memory" in error.message
    assert data["run"]["text"] == "I feel"
    assert_told_of_once(editor, query, "failed")
