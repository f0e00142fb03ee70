"""What one run costs, by results that tell the cost of a whole session."""

from __future__ import annotations

import pytest

from claude_agent_lsp.agent.accounts.run_cost import RunCost

USAGE = {"input_tokens": 200_000}  # a dollar's worth of a model that is not known


def test_a_run_costs_what_the_session_costs_more() -> None:
    cost = RunCost(0.5)
    cost.settle(0.6)
    cost.settle(0.75)
    assert cost.usd == pytest.approx(0.25)
    assert cost.noted == 0.75


def test_what_no_result_has_told_is_estimated() -> None:
    cost = RunCost(0.5)
    cost.estimate.take("m1", "model", USAGE)
    assert cost.usd == 1.0
    cost.settle(0.75)
    assert cost.usd == 0.25
    cost.estimate.take("m2", "model", USAGE)
    assert (cost.usd, cost.told, cost.noted) == (1.25, 0.25, 0.75)


def test_a_cost_that_began_anew_is_never_negative() -> None:
    cost = RunCost(0.5)
    cost.settle(0.1)
    assert cost.usd == 0.0


@pytest.mark.parametrize("before", [0.0, 0.5])
def test_in_another_conversation_the_cost_goes_on(before: float) -> None:
    cost = RunCost(before)
    cost.settle(before + 0.25)
    cost.estimate.take("m1", "model", USAGE)
    cost.leave_session()
    cost.settle(0.0)
    assert cost.usd == 1.25
    cost.settle(0.5)
    # The session that was left has cost no more.
    assert (cost.usd, cost.noted) == (1.75, before + 0.25)
