"""Which folders the user trusts."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import trust_in_terminal

from claude_agent_lsp.base.disk import places
from claude_agent_lsp.base.disk.places import Place, place_of
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


def there(folder: Path) -> Place:
    place = place_of(folder)
    assert place is not None
    return place


def on(trust: Trust, folder: Path) -> bool | None:
    return trust.decision_on(there(folder))


def test_nobody_has_decided_about_a_folder_that_was_never_seen(trust: Trust, project: Path) -> None:
    assert on(trust, project) is None


@pytest.mark.parametrize("trusted", [True, False])
def test_a_decision_is_remembered_by_the_next_server_and_for_the_folders_below(
    trust: Trust, project: Path, tmp_path: Path, trusted: bool
) -> None:
    trust.decide(project.parent, trusted=trusted)
    assert on(Trust(tmp_path / "state"), project) is trusted
    assert on(trust, tmp_path) is None
    assert stat.S_IMODE((tmp_path / "state" / "trust.json").stat().st_mode) == 0o600


def test_what_was_accepted_in_the_terminal_is_trusted(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust_in_terminal(tmp_path, project)
    assert on(trust, project) is True
    (project / "src").mkdir()
    assert on(trust, project / "src") is True
    assert on(trust, project.parent) is None


def test_the_nearest_decision_counts_and_ours_before_the_terminals(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    trust_in_terminal(tmp_path, project)
    trust.decide(project.parent, trusted=False)
    assert on(trust, project) is True
    trust.decide(project, trusted=False)
    assert on(trust, project) is False


def test_what_was_accepted_in_the_terminal_is_no_link(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(project)
    trust_in_terminal(tmp_path, link)
    assert on(trust, project) is None
    assert on(trust, link) is None


def test_a_link_is_what_it_leads_to(trust: Trust, project: Path, tmp_path: Path) -> None:
    trust.decide(tmp_path / "code", trusted=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / "link").symlink_to(elsewhere)
    assert on(trust, project / "link") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", json.dumps({"projects": 1}).encode(), b"[" * 100_000],
)
def test_rubbish_is_no_trust(trust: Trust, project: Path, tmp_path: Path, content: bytes) -> None:
    for file in (tmp_path / ".claude" / ".claude.json", tmp_path / "state" / "trust.json"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    assert on(trust, project) is None


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
    assert (on(trust, project.parent), on(trust, project)) == (True, False)
    (tmp_path / "state" / "trust.json").write_text("{")
    assert (on(trust, project.parent), on(trust, project)) == (None, None)
    trust.decide(project, trusted=True)
    assert on(trust, project) is True
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
    assert on(trust, project) is False


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
    assert on(trust, tmp_path) is True
    file = tmp_path / "state" / "trust.json"
    if kind == "mode":
        file.chmod(0o666)
    elif os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    else:
        pytest.skip("only root may give a file away")
    assert on(trust, tmp_path) is None
    trust.decide(tmp_path, trusted=True)
    assert on(trust, tmp_path) is True


SOMEBODY = 65534
given_away = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root may give a folder away"
)


def make_anew(folder: Path, owner: int | None = None) -> None:
    folder.rename(folder.with_name("before"))
    folder.mkdir()
    if owner is not None:
        os.chown(folder, owner, owner)


def by_path_alone(tmp_path: Path, decided: dict[str, Any]) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "trust.json").write_text(json.dumps(decided))
    (tmp_path / "state" / "trust.json").chmod(0o600)


@pytest.mark.parametrize("above", [False, True])
def test_a_folder_that_was_made_anew_is_not_the_one_that_was_trusted(
    trust: Trust, project: Path, tmp_path: Path, above: bool
) -> None:
    trust.decide(project.parent if above else project, trusted=True)
    assert on(trust, project) is True
    make_anew(project.parent if above else project)
    project.mkdir(exist_ok=True)
    assert on(Trust(tmp_path / "state"), project) is None


def test_a_folder_that_was_made_anew_is_asked_about_though_the_one_above_is_trusted(
    trust: Trust, project: Path
) -> None:
    trust.decide(project.parent, trusted=True)
    trust.decide(project, trusted=False)
    make_anew(project)
    assert on(trust, project) is None
    assert on(trust, project.with_name("before")) is False, "it is the one that was decided about"


@given_away
@pytest.mark.parametrize("kept", ["with the folder", "by path alone", "in the terminal"])
@pytest.mark.parametrize("below", [False, True])
def test_what_another_user_owns_is_not_what_was_trusted(
    trust: Trust, project: Path, tmp_path: Path, kept: str, below: bool
) -> None:
    named = project.parent if below else project
    match kept:
        case "with the folder":
            trust.decide(named, trusted=True)
        case "by path alone":
            by_path_alone(tmp_path, {str(named): True})
        case _:
            trust_in_terminal(tmp_path, named)
    assert on(trust, project) is True
    os.chown(project, SOMEBODY, SOMEBODY)
    assert on(trust, project) is None
    trust.decide(project, trusted=True)
    assert on(trust, project) is True, "the user has said so of this very folder"


@given_away
def test_of_a_folder_that_another_user_owns_that_users_are_trusted_too(
    trust: Trust, project: Path
) -> None:
    for folder in (project.parent, project):
        os.chown(folder, SOMEBODY, SOMEBODY)
    trust.decide(project.parent, trusted=True)
    assert on(trust, project) is True
    os.chown(project, SOMEBODY - 1, SOMEBODY - 1)
    assert on(trust, project) is None


def test_a_decision_against_a_folder_holds_whatever_it_is_called(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    (project / "below").mkdir()
    trust.decide(project.parent, trusted=True)
    trust.decide(project, trusted=False)
    # As by a bind mount, or where case makes no difference.
    other = replace(there(project), path=str(project.with_name("PROJECT")))
    assert trust.decision_on(other) is False
    below = replace(there(project / "below"), path=f"{other.path}/below")
    assert trust.decision_on(replace(below, above=(other, *other.above))) is False
    assert on(trust, project.parent) is True


def test_the_newest_decision_about_a_folder_takes_the_place_of_those_by_its_other_names(
    trust: Trust, project: Path
) -> None:
    trust.decide(project, trusted=False)
    other = replace(there(project), path=str(project.with_name("PROJECT")))
    trust.decide(project, trusted=True, place=other)
    assert trust.decision_on(other) is True
    assert on(trust, project) is None


@pytest.mark.skipif(sys.platform != "linux", reason="a network's numbers are told apart in Linux")
@pytest.mark.parametrize(
    ("then", "now", "known"),
    [
        ({"device": 65024}, {"device": 65025}, True),  # numbered otherwise since a restart
        ({"born": None, "device": 65024}, {"born": None, "device": 65024}, True),
        ({"born": None, "device": 65024}, {"born": None, "device": 65024, "inode": 7}, None),
        ({"born": None, "device": 65024}, {"born": None, "device": 65025}, None),
        # A network's, an overlay's.
        ({"born": None, "device": 41}, {"born": None, "device": 42, "inode": 7}, True),
        ({"born": 1}, {"born": 2}, None),
        ({"born": None}, {"born": 1}, None),
    ],
)
def test_a_folder_is_known_by_what_its_file_system_keeps(
    trust: Trust, project: Path, then: dict[str, Any], now: dict[str, Any], known: bool | None
) -> None:
    place = replace(there(project), born=1)
    trust.decide(project, trusted=True, place=replace(place, **then))
    assert trust.decision_on(replace(place, **now)) is known


def test_a_decision_that_has_a_path_alone_is_read(
    trust: Trust, project: Path, tmp_path: Path
) -> None:
    by_path_alone(tmp_path, {str(project.parent): True, str(project): False})
    assert (on(trust, project.parent), on(trust, project)) == (True, False)
    trust.decide(project, trusted=True)
    assert (on(trust, project.parent), on(trust, project)) == (True, True)


@pytest.mark.parametrize(
    "value",
    [1, "yes", None, {"trusted": True}, {"trusted": 1, "device": 1, "inode": 1, "owner": 0}],
)
def test_what_makes_no_sense_in_it_is_no_trust(
    trust: Trust, project: Path, tmp_path: Path, value: object
) -> None:
    by_path_alone(tmp_path, {str(project): value})
    assert on(trust, project) is None


def test_a_folder_is_born_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    born = there(folder).born
    (folder / "file").touch()
    folder.chmod(0o700)
    folder.rename(tmp_path / "moved")
    assert there(tmp_path / "moved").born == born
    monkeypatch.setattr(places, "_statx", lambda: None)
    if sys.platform == "linux":
        assert there(tmp_path / "moved").born is None
