"""What others do in the directory that all share keeps nobody's agent from starting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools, begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open


@pytest.mark.skipif(os.name != "posix", reason="each user of Windows has a directory already")
async def test_the_agent_starts_although_somebody_else_has_made_the_clis_directory(
    editor_with: Open, model: Loopback, folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    name = f"claude-{os.getuid()}"
    (shared / name).symlink_to(tmp_path)
    allow_tools(environment)
    model.add(
        reply(
            "work",
            [call("Bash", command="echo behind", run_in_background=True)],
            [call("Bash", command="printenv TMPDIR > tmpdir")],
            [say("Worked.")],
        )
    )
    editor = await editor_with(environment={"TMPDIR": str(shared)})
    session = str((await begin(editor, "work").asked)["sessionId"])
    assert (folder / "tmpdir").read_text() == f"{shared}\n"
    own = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp", "tmp")
    assert {each.stat().st_mode & 0o777 for each in (own, own / name)} == {0o700}
    assert list((own / name).glob(f"*/{session}"))
    assert [path.name for path in shared.iterdir()] == [name]
    await editor.command("session.delete", {"sessionId": session})
    assert not list((own / name).glob(f"*/{session}"))
