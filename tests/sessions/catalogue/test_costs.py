"""What sessions have cost, whoever has worked in them, and however that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions.transcripts.costs import SessionCosts

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "6f1d3b9e-0000-4000-8000-000000000000"


@pytest.fixture
def costs(tmp_path: Path) -> SessionCosts:
    return SessionCosts(lambda: tmp_path)


def test_without_a_run_here_the_clis_note_stands(costs: SessionCosts) -> None:
    assert costs.of(SESSION, 0.5) == 0.5


def test_a_run_counts_once_however_often_it_is_noted(costs: SessionCosts, tmp_path: Path) -> None:
    for usd in (0.1, 0.25):
        costs.note(SESSION, "run-1", usd, before=0.0, noted=usd)
    costs.note(SESSION, "run-2", 0.5, before=0.25, noted=0.75)
    assert costs.of(SESSION, 0.0) == 0.75
    # The CLI has noted the same once it has ended.
    assert costs.of(SESSION, 0.75) == 0.75
    (file,) = tmp_path.glob("costs/*")
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_done_in_a_terminal_counts_before_and_between_and_after(
    costs: SessionCosts,
) -> None:
    costs.note(SESSION, "run-1", 0.25, before=1.0, noted=1.25)
    assert costs.of(SESSION, 1.5) == 1.5
    costs.note(SESSION, "run-2", 0.25, before=1.5, noted=1.75)
    assert costs.of(SESSION, 1.25) == 1.75
    assert costs.of(SESSION, 2.0) == 2.0


def test_a_fork_does_not_pay_for_what_it_is_a_copy_of(costs: SessionCosts) -> None:
    costs.note(SESSION, "run-1", 0.25, before=None, noted=5.25)
    costs.note(SESSION, "run-2", 0.25, before=5.25, noted=5.5)
    assert costs.of(SESSION, 5.5) == 0.5


def test_a_run_that_was_killed_counts_although_the_cli_forgets_it(costs: SessionCosts) -> None:
    costs.note(SESSION, "run-1", 0.5, before=0.0, noted=0.25)
    costs.note(SESSION, "run-2", 0.25, before=0.0, noted=0.25)
    assert costs.of(SESSION, 0.25) == 0.75


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"usd": -1, "run": ""}'])
def test_what_makes_no_sense_counts_for_nothing(
    costs: SessionCosts, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "costs").mkdir()
    (tmp_path / "costs" / f"{SESSION}.json").write_bytes(content)
    assert costs.of(SESSION, 0.5) == 0.5
    costs.note(SESSION, "run-1", 0.25, before=0.5, noted=0.75)
    assert costs.of(SESSION, 0.75) == 0.75
