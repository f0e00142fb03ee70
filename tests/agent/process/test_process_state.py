"""The table of a process's states."""

from __future__ import annotations

import pytest

from claude_agent_lsp.agent.process.process_state import ALLOWED, Lifecycle, ProcessState


@pytest.mark.parametrize("after", ProcessState)
@pytest.mark.parametrize("now", ProcessState)
def test_only_what_the_table_allows_can_follow(now: ProcessState, after: ProcessState) -> None:
    life = Lifecycle()
    life.state = now
    if after in ALLOWED[now]:
        life.enter(after)
        assert life.state is after
    else:
        with pytest.raises(RuntimeError, match=f"from {now.name} to {after.name}"):
            life.enter(after)
        assert life.state is now


def test_every_state_leads_to_the_last_one() -> None:
    for state in ProcessState:
        reached, left = set(), {state}
        while left:
            reached |= left
            left = {after for each in left for after in ALLOWED[each]} - reached
        assert ProcessState.GONE in reached


@pytest.mark.parametrize("state", ProcessState)
def test_ending_can_begin_at_any_moment_and_is_never_taken_back(state: ProcessState) -> None:
    life = Lifecycle()
    life.state = state
    life.begin_ending()
    gone = state is ProcessState.GONE
    assert life.state is (ProcessState.GONE if gone else ProcessState.ENDING)
    assert not life.usable
