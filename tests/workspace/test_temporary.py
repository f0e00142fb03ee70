"""Which directory the CLI is given for what is not to last."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.workspace.state import ENVIRONMENT_VARIABLE
from claude_agent_lsp.workspace.temporary import directories_of_the_cli, own_directory

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
NAME = f"claude-{os.getuid()}" if os.name == "posix" else ""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("name", ["CLAUDE_CODE_TMPDIR", "TMPDIR", "TMP", "TEMP"])
@pytest.mark.parametrize(("mode", "shared"), [(0o1777, True), (0o775, True), (0o755, False)])
def test_where_others_may_write_it_is_one_of_this_users_alone(
    tmp_path: Path, state: Path, name: str, mode: int, shared: bool
) -> None:
    usual = tmp_path / "usual"
    usual.mkdir()
    usual.chmod(mode)
    environment = {name: str(usual), "TEMP": str(tmp_path / "later")} | {name: str(usual)}
    assert own_directory(environment) == (state / "tmp" if shared else None)
    assert directories_of_the_cli(environment) == (usual / NAME, state / "tmp" / NAME)
    if shared:
        assert stat.S_IMODE((state / "tmp").stat().st_mode) == 0o700


def test_what_is_not_there_is_the_clis_to_make(tmp_path: Path, state: Path) -> None:
    assert own_directory({"TMPDIR": str(tmp_path / "missing")}) is None
    assert not state.exists()
