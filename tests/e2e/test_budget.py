"""What runs may cost: each of them, and all of a day, whichever server they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say

from .runs import (
    allow_tools,
    assert_knows_code,
    begin,
    data_of,
    refusal,
    remember,
    requests_of,
    status,
)

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open
    from .editor import Editor


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
