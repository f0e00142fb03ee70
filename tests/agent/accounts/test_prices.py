"""What a run has cost before the CLI says it."""

from __future__ import annotations

import pytest

from claude_agent_lsp.agent.accounts.prices import Estimate, price_of

USAGE = {
    "input_tokens": 1_000_000,
    "cache_creation_input_tokens": 1_000_000,
    "cache_read_input_tokens": 1_000_000,
    "output_tokens": 1_000_000,
}


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("claude-haiku-4-5-20251001", 1 + 1.25 + 0.1 + 5),
        ("claude-sonnet-5", 3 + 3.75 + 0.3 + 15),
        ("claude-opus-5-5", 5 + 6.25 + 0.5 + 25),
        ("", 5 + 6.25 + 0.5 + 25),
    ],
)
def test_each_kind_of_token_has_its_price(model: str, usd: float) -> None:
    assert price_of(model, USAGE) == pytest.approx(usd)


@pytest.mark.parametrize("count", [None, "7", -5, [], 0])
def test_what_is_no_number_of_tokens_costs_nothing(count: object) -> None:
    assert price_of("", {"input_tokens": count, "output_tokens": count}) == 0


def test_a_message_is_counted_once_however_often_it_comes() -> None:
    estimate = Estimate()
    start = {"id": "m", "model": "opus", "usage": {"input_tokens": 200_000, "output_tokens": 1}}
    estimate.stream({"type": "message_start", "message": start}, None)
    assert estimate.usd == pytest.approx(1.0, abs=1e-3)
    estimate.stream({"type": "message_delta", "usage": {"output_tokens": 40_000}}, None)
    assert estimate.usd == pytest.approx(2.0)
    estimate.take("m", "opus", {"input_tokens": 200_000, "output_tokens": 1})
    assert estimate.usd == pytest.approx(2.0)


def test_subagents_are_counted_beside_the_agent_until_the_result_says_it() -> None:
    estimate = Estimate()
    for parent, message_id in ((None, "one"), ("call", "two")):
        message = {"id": message_id, "model": "opus", "usage": {"input_tokens": 200_000}}
        estimate.stream({"type": "message_start", "message": message}, parent)
    for parent in (None, "call", "unknown"):
        estimate.stream({"type": "message_delta", "usage": {"output_tokens": 40_000}}, parent)
    assert estimate.usd == pytest.approx(4.0)
    estimate.settle()
    assert estimate.usd == 0
    estimate.stream({"type": "message_delta", "usage": {"output_tokens": 40_000}}, None)
    assert estimate.usd == 0
