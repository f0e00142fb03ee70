"""Which folders the user trusts."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from tests.conftest import trust_in_terminal

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.workspace.trust import Trust, project_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trust:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / ".claude"))
    return Trust(tmp_path / "state")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "code" / "project"
    folder.mkdir(parents=True)
    return folder


def test_nobody_has_decided_about_a_folder_that_was_never_seen(trust: Trust, project: Path) -> None:
    assert trust.decision_on(project) is None


@pytest.mark.parametrize("trusted", [True, False])
def test_a_decision_is_remembered_by_the_next_server_and_for_the_folders_below(
    trust: Trust, project: Path, tmp_path: Path, trusted: bool
) -> None:
    trust.decide(project.parent, trusted=trusted)
    assert Trust(tmp_path / "state").decision_on(project) is trusted
    assert trust.decision_on(tmp_path) is None
    assert stat.S_IMODE((tmp_path / "state" / "trust.json").stat().st_mode) == 0o600


def test_what_was_accepted_in_the_terminal_is_trusted(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust_in_terminal(tmp_path, project)
    assert trust.decision_on(project) is True
    assert trust.decision_on(project / "src") is True
    assert trust.decision_on(project.parent) is None


def test_the_nearest_decision_counts_and_ours_before_the_terminals(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust_in_terminal(tmp_path, project)
    trust.decide(project.parent, trusted=False)
    assert trust.decision_on(project) is True
    trust.decide(project, trusted=False)
    assert trust.decision_on(project) is False


def test_what_was_accepted_in_the_terminal_is_no_link(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(project)
    trust_in_terminal(tmp_path, link)
    assert trust.decision_on(project) is None
    assert trust.decision_on(link) is None


def test_a_link_is_what_it_leads_to(trust: Trust, project: Path, tmp_path: Path) -> None:
    trust.decide(tmp_path / "code", trusted=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / "link").symlink_to(elsewhere)
    assert trust.decision_on(project / "link") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", json.dumps({"projects": 1}).encode(), b"[" * 100_000],
)
def test_rubbish_is_no_trust(trust: Trust, project: Path, tmp_path: Path, content: bytes) -> None:
    for file in (tmp_path / ".claude" / ".claude.json", tmp_path / "state" / "trust.json"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    assert trust.decision_on(project) is None


def test_a_decision_that_can_not_be_kept_is_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="can't be saved"):
        Trust(tmp_path / "file").decide(project, trusted=True)


def test_what_a_folder_brings_along_is_named(project: Path) -> None:
    assert project_files(project) == ()
    (project / ".claude").mkdir()
    (project / ".claude" / "settings.json").touch()
    (project / ".mcp.json").symlink_to("nowhere")
    assert project_files(project) == (".claude/settings.json", ".mcp.json")


def test_while_nobody_knows_what_was_decided_nothing_is_trusted(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust_in_terminal(tmp_path, project.parent)
    trust.decide(project, trusted=False)
    assert (trust.decision_on(project.parent), trust.decision_on(project)) == (True, False)
    (tmp_path / "state" / "trust.json").write_text("{")
    assert (trust.decision_on(project.parent), trust.decision_on(project)) == (None, None)
    trust.decide(project, trusted=True)
    assert trust.decision_on(project) is True
    # What was decided about others is kept, for somebody to put it right.
    assert (tmp_path / "state" / "trust.json.damaged").read_text() == "{"


def test_decisions_that_can_not_be_read_just_now_are_not_lost(
    trust: Trust, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.decide(project.parent, trusted=False)
    really = os.open

    def opened(path: Path, *flags: int) -> int:
        if str(path).endswith("trust.json"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return really(path, *flags)

    monkeypatch.setattr(os, "open", opened)
    with pytest.raises(StoreUnavailable, match="Too many open files"):
        trust.decide(project, trusted=True)
    monkeypatch.undo()
    assert trust.decision_on(project) is False


def test_each_decision_changes_the_stamp(trust: Trust, tmp_path: Path) -> None:
    stamps = [trust.stamp()]
    trust.decide(tmp_path, trusted=True)
    stamps.append(trust.stamp())
    trust.decide(tmp_path, trusted=False)
    stamps.append(trust.stamp())
    trust_in_terminal(tmp_path, tmp_path)
    stamps.append(trust.stamp())
    (tmp_path / ".claude" / ".claude.json").unlink()
    trust_in_terminal(tmp_path, tmp_path / "other")
    stamps.append(trust.stamp())
    assert len(set(stamps)) == len(stamps)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("kind", ["mode", "owner"])
def test_what_others_may_have_written_trusts_no_folder(tmp_path: Path, kind: str) -> None:
    trust = Trust(tmp_path / "state")
    trust.decide(tmp_path, trusted=True)
    assert trust.decision_on(tmp_path) is True
    file = tmp_path / "state" / "trust.json"
    if kind == "mode":
        file.chmod(0o666)
    elif os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    else:
        pytest.skip("only root may give a file away")
    assert trust.decision_on(tmp_path) is None
    trust.decide(tmp_path, trusted=True)
    assert trust.decision_on(tmp_path) is True
