"""Which files the editor's tools may tell of, and change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claude_agent_lsp.agent.editor_tools.reach import HIDDEN, OUTSIDE, Reach
from claude_agent_lsp.base.lanes import Lane


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    settings = folder / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    rules = {"deny": ["Read(secret.py)", "Write(/kept/**)"]}
    settings.write_text(json.dumps({"permissions": rules}))
    (tmp_path / "beside").mkdir()
    (folder / "link.py").symlink_to(tmp_path / "elsewhere.py")
    return folder


async def test_directories_beside_the_folder_are_as_near_as_it_is(folder: Path) -> None:
    reach = Reach(folder, [Path("../beside")], Lane())
    inside = [folder / "a.py", folder / "../beside/b.py", folder / ".github/c.py"]
    outside = [folder / "../b.py", folder / "link.py", Path("/etc/passwd"), folder / "a\0b"]
    found = await reach.refusals([*inside, *outside])
    assert found == dict.fromkeys(outside, OUTSIDE)


async def test_what_a_rule_denies_or_is_hidden_is_not_changed(folder: Path) -> None:
    reach = Reach(folder, [], Lane())
    kept, secret, hidden = folder / "kept/a.py", folder / "secret.py", folder / ".git/config"
    assert (await reach.refusals([kept, secret, hidden])).keys() == {secret}
    found = await reach.refusals([kept, secret, hidden, folder / "a.py"], writing=True)
    assert found.keys() == {kept, secret, hidden}
    assert found[hidden] == HIDDEN
