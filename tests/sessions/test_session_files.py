from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from claude_agent_lsp.sessions.session_files import remove_files_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# No process has it: Linux counts to 2**22 at most.
NOBODY = 2**22 + 1


def test_of_the_clis_own_records_those_of_its_dead_go_with_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    records = tmp_path / "sessions"
    records.mkdir()

    def leave(pid: int, content: str) -> None:
        (records / f"{pid}.json").write_text(content)
        (records / f"{pid}.ab12.key").write_text("{}")

    leave(NOBODY, json.dumps({"sessionId": "one"}))
    leave(NOBODY + 1, json.dumps({"sessionId": "another"}))
    leave(NOBODY + 2, "[half")
    leave(NOBODY + 3, json.dumps(["one"]))
    leave(os.getpid(), json.dumps({"sessionId": "one"}))
    (records / "one.json").write_text(json.dumps({"sessionId": "one"}))
    before = {path.name for path in records.iterdir()}
    remove_files_of("one", tmp_path / "state")
    gone = before - {path.name for path in records.iterdir()}
    assert gone == {f"{NOBODY}.json", f"{NOBODY}.ab12.key"}
