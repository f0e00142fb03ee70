"""A project folder, and the directory where Claude Code keeps its sessions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions.catalogue.index import Index

from .lines import Disk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    return Disk(tmp_path / "config")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture
def managed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an organisation would keep its settings; the system's own place is left alone."""
    file = tmp_path / "managed-settings.json"
    places = {sys.platform: str(file)}
    monkeypatch.setattr(
        "claude_agent_lsp.sessions.claude_settings.settings_files._MANAGED_FILES", places
    )
    return file


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """The index of a state directory that is not there yet."""
    return Index(tmp_path / "state")
