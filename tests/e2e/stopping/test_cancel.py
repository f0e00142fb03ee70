"""Stopping a run: every way to do it, and what it leaves alone."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from tests.e2e.runs import (
    CANCELLED,
    FAILED,
    SECONDS,
    Query,
    assert_knows_code,
    assert_told_of_once,
    begin,
    cancelled,
    data_of,
    refusal,
    remember,
    requests_of,
    run_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

LIMIT = 2.0
"""Seconds that a run with a time limit may take."""


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
