"""Others' JSON values are cut to a size that costs nobody anything."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_agent_lsp.base.texts import json_bounds
from claude_agent_lsp.base.texts.json_bounds import (
    DEEPEST,
    MOST_VALUES,
    TOO_DEEP,
    bounded,
    is_bounded,
)


def nested(levels: int, innermost: Any = 0) -> Any:
    value = innermost
    for _ in range(levels):
        value = [value]
    return value


def depth_of(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


def values_in(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(inner) + sum(map(values_in, inner))


def test_what_is_deep_ends_in_a_text_that_says_so() -> None:
    value = {"command": "pwd", "extra": nested(100_000), "last": 1}
    cut = bounded(value)
    assert cut == {"command": "pwd", "extra": nested(DEEPEST - 1, TOO_DEEP), "last": 1}
    assert not is_bounded(value)
    # Taken apart by hand: the interpreter itself can't take it.
    while isinstance(value["extra"], list) and value["extra"]:
        value["extra"] = value["extra"].pop()


def test_as_deep_as_may_be_is_whole() -> None:
    assert bounded(nested(DEEPEST)) == nested(DEEPEST)
    assert is_bounded(nested(DEEPEST))
    assert bounded(nested(DEEPEST + 1)) != nested(DEEPEST + 1)
    assert not is_bounded(nested(DEEPEST + 1))


def test_what_is_wide_ends_in_a_text_that_says_how_much_there_is() -> None:
    value = {"extra": [[]] * 330_000, "last": 1}
    cut = bounded(value)
    kept = MOST_VALUES - 1
    assert cut["extra"] == [[]] * kept + [f"… {330_000 - kept:,} more, left out"]
    assert cut["…"] == "… 1 more, left out"
    assert not is_bounded(value)


def test_it_takes_no_longer_however_much_there_is() -> None:
    value: Any = {"extra": [[]] * 3_000_000}
    took = []
    for _ in range(5):
        began = time.thread_time()
        bounded(value)
        took.append(time.thread_time() - began)
    assert min(took) < 0.05  # a busy machine slows some of them down


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_is_null(number: float) -> None:
    assert bounded({"a": [number, 1.5]}) == {"a": [None, 1.5]}


def test_levels_that_are_left_whole_have_bounds_of_their_own() -> None:
    wide: Any = [[]] * (MOST_VALUES + 1)
    cut = bounded([{"a": wide, "b": wide}, 7], whole_levels=2)
    assert cut[1] == 7
    assert len(cut[0]["a"]) == len(cut[0]["b"]) == MOST_VALUES + 1
    assert cut[0]["b"][-1] == "… 1 more, left out"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)


@settings(max_examples=40)
@given(JSON, st.integers(0, 30))
def test_within_the_bounds_a_value_is_what_it_was(value: Any, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bounds, "MOST_VALUES", most)
        cut = bounded(value)
        assert (json.dumps(cut) == json.dumps(value)) == is_bounded(value)
        assert is_bounded(value) == (values_in(value) <= most)
        # Of each level one text may stand for the rest.
        assert values_in(cut) <= most + depth_of(value)
