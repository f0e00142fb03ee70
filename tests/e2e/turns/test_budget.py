"""What runs may cost: each of them, and all of a day, whichever server they belong to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.e2e.runs import (
    SECONDS,
    allow_tools,
    assert_knows_code,
    begin,
    data_of,
    refusal,
    remember,
    requests_of,
    status,
)
from tests.processes import processes_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def spent(editor: Editor) -> float:
    return float((await status(editor))["spentTodayUsd"])


async def test_a_run_that_reaches_the_days_budget_ends_and_its_session_goes_on(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command="true")], [say("It ran.")]))
    first = await editor_with()
    session = await remember(first)
    cost = await spent(first)
    assert cost > 0
    await first.quit()

    # Another server knows what was spent; a tool call's turn is what the rest does not pay for.
    budget = cost * 1.01
    second = await editor_with(settings={"dailyBudgetUsd": budget})
    error = data_of(await refusal(begin(second, "run it")))
    assert error["reason"] == "budgetExceeded"
    assert error["run"]["sessionId"] == session
    assert error["run"]["status"] == "failed"
    assert error["run"]["costUsd"] > 0
    message = error["run"]["error"]["message"]
    assert f"${await spent(second):.2f}" in message
    assert "reset at" in message
    assert "dailyBudgetUsd" in error["hint"]
    assert len(requests_of(model, "run it")) == 1

    # Nothing is left: it is refused before anything is asked.
    before = len(model.requests)
    error = data_of(await refusal(begin(second, "which code?", 1)))
    assert error["reason"] == "budgetExceeded"
    assert "run" not in error
    assert len(model.requests) == before
    await second.quit()

    third = await editor_with(settings={"dailyBudgetUsd": 50})
    await assert_knows_code(third)
    assert await spent(third) > cost


async def test_a_project_can_not_bring_a_ledger_of_its_own(
    editor_with: Open, tmp_path: Path
) -> None:
    first = await editor_with()
    await remember(first)
    assert await spent(first) > 0
    await first.quit()
    settings = {"dailyBudgetUsd": 0.000001, "stateDirectory": str(tmp_path / "elsewhere")}
    second = await editor_with(settings=settings)
    error = data_of(await refusal(begin(second, "which code?")))
    assert error["reason"] == "budgetExceeded"


async def test_what_a_session_has_cost_before_is_not_charged_again(editor_with: Open) -> None:
    first = await editor_with()
    await remember(first)
    for number in range(1, 5):
        await begin(first, "hello", number).asked
    cost = await spent(first)
    await first.quit()
    second = await editor_with()
    answer = await begin(second, "which code?", maxBudgetUsd=cost * 0.9).asked
    assert answer["text"] == "PINEAPPLE-42"
    assert answer["costUsd"] < cost * 0.9


async def test_a_fork_pays_for_itself_alone(editor_with: Open) -> None:
    first = await editor_with()
    session = await remember(first)
    for number in range(1, 5):
        await begin(first, "hello", number).asked
    await first.quit()
    second = await editor_with()
    resumed = (await begin(second, "hello", session=session).asked)["costUsd"]
    before = await spent(second)
    await second.quit()
    third = await editor_with()
    forked = await begin(third, "hello", session=session, fork=True).asked
    assert forked["costUsd"] < 1.5 * resumed
    assert await spent(third) - before == pytest.approx(forked["costUsd"])
    # Each session has its own costs, and together they have cost what the day has.
    listed = (await third.command("session.list"))["sessions"]
    costs = {each["sessionId"]: each["costUsd"] for each in listed}
    assert costs[forked["sessionId"]] == pytest.approx(forked["costUsd"])
    assert sum(costs.values()) == pytest.approx(await spent(third))


async def test_a_run_whose_cli_is_killed_costs_what_is_known_of_it(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    model.add(reply("work on", [tokens(5000, pace=0.02)]))
    editor = await editor_with()
    session = await remember(editor)
    before = await spent(editor)
    query = begin(editor, "work on", 1)
    await editor.event("text", query.events)
    for process in processes_of(environment, "claude"):
        process.kill()
    run = data_of(await refusal(query))["run"]
    assert run["costUsd"] > 0
    assert await spent(editor) == pytest.approx(before + run["costUsd"])
    told = (await editor.command("session.read", {"sessionId": session}))["session"]
    assert told["costUsd"] == pytest.approx(before + run["costUsd"])


async def test_a_run_with_a_budget_begins_without_a_ledger_if_the_user_has_set_so(
    editor_with: Open, environment: dict[str, str]
) -> None:
    ledger = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp", "spending.json")
    ledger.mkdir(parents=True)
    editor = await editor_with(settings={"dailyBudgetUsd": 5, "onUnknownCost": "warn"})
    query = begin(editor, "hello")
    assert (await query.asked)["status"] == "completed"
    (notice,) = editor.events(query.events, "notice")
    assert (notice["level"], "is unknown" in notice["text"]) == ("warning", True)
    assert (await status(editor))["spentTodayUsd"] is None


@pytest.mark.parametrize("content", ["", "{", '{"days": {"2026-01-01": NaN}}'])
async def test_no_run_with_a_budget_begins_while_nobody_knows_what_was_spent(
    editor_with: Open, model: Loopback, environment: dict[str, str], content: str
) -> None:
    ledger = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp", "spending.json")
    ledger.parent.mkdir(parents=True)
    ledger.write_text(content)
    editor = await editor_with(settings={"dailyBudgetUsd": 5})
    error = data_of(await refusal(begin(editor, "hello")))
    assert error["reason"] == "storeUnavailable"
    assert str(ledger) in error["hint"]
    assert model.requests == []
    assert (await status(editor))["runs"] == []
    # The way out that the hint names; and the session is free.
    ledger.unlink()
    await begin(editor, "hello", 1).asked
    assert await spent(editor) > 0


async def test_a_run_whose_server_is_killed_has_cost_what_it_had_cost(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    model.add(reply("work on", [call("Bash", command="true")], [tokens(5000, pace=0.02)]))
    first = await editor_with()
    query = begin(first, "work on")
    await first.event("toolResult", query.events)
    await first.event("text", query.events)
    async with asyncio.timeout(SECONDS):  # a cost is written down a moment after it is known
        while not (before := await spent(first)):
            pass
    os.kill(first.pid, signal.SIGKILL)
    with contextlib.suppress(Exception):  # a message that was cut off
        await first.gone()
    second = await editor_with(settings={"dailyBudgetUsd": 0.000001})
    assert await spent(second) >= before
    error = data_of(await refusal(begin(second, "hello")))
    assert error["reason"] == "budgetExceeded"
