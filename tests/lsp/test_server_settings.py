"""Settings that are the whole server's, and when they take effect."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.lsp.services.server_settings import ServerSettings
from claude_agent_lsp.workspace.settings import Settings
from claude_agent_lsp.workspace.state import State

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.delenv("CLAUDE_AGENT_LSP_STATE_DIRECTORY", raising=False)
    return State(tmp_path / "before")


def test_log_level_takes_effect(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("claude_agent_lsp")
    monkeypatch.setattr(log, "level", log.level)
    settings = ServerSettings(state, lambda change: change())
    settings.adopt(Settings(log_level="error"))
    assert log.level == logging.ERROR
    settings.adopt(Settings(max_processes=2))
    assert log.level == logging.ERROR
    assert settings.adopted.max_processes == 2


def test_state_stays_where_a_run_has_it_until_there_is_none(state: State, tmp_path: Path) -> None:
    before, moved = state.directory, tmp_path / "moved"
    at_work = {"run"}
    settings = ServerSettings(state, lambda change: None if at_work else change())
    settings.adopt(Settings(state_directory=moved))
    settings.move_state()
    assert state.directory == before
    at_work.clear()
    assert state.directory == before
    settings.move_state()
    assert state.directory == moved
    settings.adopt(Settings(state_directory=before))
    assert state.directory == before
