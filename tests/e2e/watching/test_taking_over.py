"""A session at work in one server is stopped there in order, and gone on with in another one."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.conversations.test_conversations import entries_of
from tests.e2e.faults.test_survival import HALF, half_said, killed
from tests.e2e.runs import (
    allow_tools,
    assert_knows_code,
    begin,
    cancelled,
    data_of,
    eventually,
    none_sleep,
    refusal,
    remember,
    sleepers,
    status,
)
from tests.e2e.shown import as_read, as_shown
from tests.e2e.turns.test_own_turns import state_of
from tests.e2e.watching.test_following import KNOWS, follow_at_work

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Asked, Editor

SERVES = "sleep 1000; true"


def take_over(editor: Editor, session: str, **fields: Any) -> Asked:
    return editor.command("session.takeOver", {"sessionId": session, **fields})


async def refused(asked: Asked) -> JsonRpcException:
    with pytest.raises(JsonRpcException) as failed:
        await asked
    return failed.value


async def test_a_run_is_stopped_there_and_the_session_goes_on_here(
    editor_with: Open, environment: dict[str, str]
) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    waits = begin(first, "which code?", 5, session=session)
    await first.event("queued", waits.events)
    second = await editor_with(profile="neovim", announces=KNOWS)
    _, token = await follow_at_work(second, session)
    taken = await take_over(second, session)
    assert (taken["sessionId"], taken["running"], taken["current"]) == (session, False, True)
    error = await refusal(query)
    assert data_of(error)["run"]["status"] == "cancelled"
    # Its user is told who has it now; so is whoever reads or follows it.
    (said,) = first.events(query.events, "notice")
    assert said["text"].startswith(f"Neovim (process {second.pid}) takes this session over")
    assert (await second.event("ended", token))["run"]["status"] == "cancelled"
    shown = as_shown(first, ("remember PINEAPPLE-42 and count slowly", query.events))
    assert as_read(await entries_of(second, session)) == shown
    # What waited there stays, until its user goes on; nothing begins by itself.
    (left,) = (await first.command("queue.list", {"sessionId": session}))["queue"]
    assert left["state"] == "kept"
    await assert_knows_code(second)
    locks = state_of(environment) / "locks"
    await eventually(lambda: not list(locks.iterdir()))
    # The first goes on behind it, with all that was said.
    run = await first.command("queue.sendNow", {"sessionId": session})
    assert [each["runId"] for each in run["queue"]] == [left["runId"]]
    assert (await waits.asked)["text"] == "PINEAPPLE-42"


async def test_what_runs_in_its_background_ends_only_with_a_word_of_the_user(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    allow_tools(environment)
    serves = call("Bash", command=SERVES, run_in_background=True)
    model.add(reply("in the background", [serves], [say("It is running.")]))
    first = await editor_with(announces=KNOWS)
    session = await remember(first)
    await begin(first, "serve in the background", 1).asked
    await eventually(lambda: sleepers(environment))
    query = begin(first, "count slowly", 2, session=session)
    await first.event("text", query.events)
    second = await editor_with(profile="neovim")
    error = await refused(take_over(second, session))
    assert data_of(error)["reason"] == "sessionBusy"
    assert data_of(error)["keptFor"] == SERVES
    assert sleepers(environment)
    assert [run["status"] for run in (await status(first))["runs"]] == ["running"]
    taken = await take_over(second, session, endBackground=True)
    assert taken["running"] is False
    assert data_of(await refusal(query))["run"]["status"] == "cancelled"
    await none_sleep(environment)
    await assert_knows_code(second)


async def test_one_that_is_only_kept_needs_that_word_too(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    allow_tools(environment)
    serves = call("Bash", command=SERVES, run_in_background=True)
    model.add(reply("in the background", [serves], [say("It is running.")]))
    first = await editor_with()
    session = await remember(first)
    await begin(first, "serve in the background", 1).asked
    await eventually(lambda: sleepers(environment))
    second = await editor_with(profile="neovim")
    error = await refused(take_over(second, session))
    assert data_of(error)["keptFor"] == SERVES
    assert sleepers(environment)
    await take_over(second, session, endBackground=True)
    await none_sleep(environment)
    await assert_knows_code(second)


async def test_a_frozen_server_keeps_it_and_is_told_so(
    editor_with: Open, environment: dict[str, str]
) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    second = await editor_with(profile="neovim")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        error = await refused(take_over(second, session))
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert data_of(error)["reason"] == "sessionBusy"
    assert f"(process {first.pid}) does not answer" in error.message
    assert "suspended" in data_of(error)["hint"]
    # Once it goes on, nobody wants anything of it any more: its run goes on, too.
    assert not list((state_of(environment) / "locks").glob("*.wanted"))
    words = len(first.text(query.events))
    await first.until(lambda: len(first.text(query.events)) > words)
    await cancelled(first, query)


async def test_a_killed_server_gives_it_at_once(editor_with: Open) -> None:
    first = await editor_with()
    _, session = await half_said(first)
    second = await editor_with(profile="neovim")
    await killed(first)
    assert (await take_over(second, session))["interrupted"] is True
    await assert_knows_code(second)


async def test_one_that_is_cancelled_wants_nothing_more(
    editor_with: Open, environment: dict[str, str]
) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    second = await editor_with(profile="neovim")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        asked = take_over(second, session)
        wanted = state_of(environment) / "locks" / f"{session}.wanted"
        await eventually(wanted.exists)
        assert wanted.stat().st_mode & 0o777 == 0o600
        second.cancel(asked)
        assert (await refused(asked)).code == -32800
        await eventually(lambda: not wanted.exists())
    finally:
        os.kill(first.pid, signal.SIGCONT)
    await first.until(lambda: HALF in first.text(query.events))
    await cancelled(first, query)


async def test_ones_own_is_not_taken_over(editor_with: Open) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    error = await refused(take_over(first, session))
    assert data_of(error)["reason"] == "sessionBusy"
    await cancelled(first, query)
    # One in which nobody is at work is just selected.
    assert (await take_over(first, session))["current"] is True


async def test_a_session_of_a_folder_that_is_not_open_is_not_taken(
    editor_with: Open, tmp_path: Path
) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    other = tmp_path / "other"
    other.mkdir()
    second = await editor_with(other, profile="neovim")
    error = await refused(take_over(second, session))
    assert data_of(error)["reason"] == "workspaceNotFound"
    assert [run["status"] for run in (await status(first))["runs"]] == ["running"]
    await cancelled(first, query)
