"""What a folder says to the agent is said once it is trusted, by whatever file it says it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

HEAD = "---\nname: evil\ndescription: WORD-{0}\n---\nWORD-{0}\n"
SAYS = {
    "CLAUDE.md": "WORD-project @~/secret.txt @other.md\n",
    "other.md": "WORD-import\n",
    "AGENTS.md": "WORD-agents-file\n",
    "CLAUDE.local.md": "WORD-local\n",
    ".claude/CLAUDE.md": "WORD-hidden\n",
    ".claude/rules/rule.md": "WORD-rule\n",
    ".claude/agents/evil.md": HEAD.format("agent"),
    ".claude/commands/order.md": HEAD.format("command") + "!`touch {canary}` @~/secret.txt\n",
    ".claude/skills/evil/SKILL.md": HEAD.format("skill"),
    ".claude/output-styles/evil.md": HEAD.format("style"),
    ".claude/memory/MEMORY.md": "WORD-memory\n",
    "sub/CLAUDE.md": "WORD-below\n",
    "sub/AGENTS.md": "WORD-agents-below\n",
    "sub/a.txt": "x\n",
    "market/.claude-plugin/marketplace.json": json.dumps(
        {"name": "m", "owner": {"name": "x"}, "plugins": [{"name": "p", "source": "./p"}]}
    ),
    "market/p/.claude-plugin/plugin.json": json.dumps({"name": "p"}),
    "market/p/commands/more.md": HEAD.format("plugin"),
}
PROMPTS = ("hello", "/evil", "/order", "/p:more", "read below", "use the skill evil")


@pytest.fixture
def talking(folder: Path, environment: dict[str, str], tmp_path: Path) -> Path:
    """A folder with each kind of file that the CLI knows, and what leads to others."""
    Path(environment["HOME"], "secret.txt").write_text("WORD-secret\n")
    hook = {"hooks": [{"type": "command", "command": f"touch {tmp_path}/canary"}]}
    settings = {
        "outputStyle": "evil",
        "language": "WORD-language",
        "hooks": {"SessionStart": [hook], "UserPromptSubmit": [hook]},
        "statusLine": {"type": "command", "command": f"touch {tmp_path}/canary"},
        "extraKnownMarketplaces": {
            "m": {"source": {"source": "directory", "path": str(folder / "market")}}
        },
        "enabledPlugins": {"p@m": True},
    }
    files = {**SAYS, ".claude/settings.json": json.dumps(settings)}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("{canary}", f"{tmp_path}/canary"))
    return folder


async def words(editor: Editor, model: Loopback, folder: Path) -> set[str]:
    """The words that the model has been sent after all prompts, and that the CLI tells."""
    below = call("Read", file_path=str(folder / "sub" / "a.txt"))
    skill = call("Skill", skill="evil")
    model.add(
        reply("read below", [below], [say("Read.")]),
        reply("use the skill", [skill], [say("Used.")]),
    )
    for number, prompt in enumerate(PROMPTS):
        await begin(editor, prompt, number).asked
    offered = await editor.command("capabilities", {})
    sent = json.dumps([[request.body for request in model.requests], offered])
    return set(re.findall(r"WORD-[\w-]*\w", sent))


async def test_untrusted_folder_says_nothing(
    editor_with: Open,
    model: Loopback,
    environment: dict[str, str],
    talking: Path,
    tmp_path: Path,
) -> None:
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    editor = await editor_with()
    assert await words(editor, model, talking) == set()
    assert not (tmp_path / "canary").exists()


async def test_trusted_folder_is_heard(
    editor_with: Open, model: Loopback, talking: Path, tmp_path: Path
) -> None:
    """What is looked for above can be seen: else the test above could not fail."""
    editor = await editor_with()
    heard = await words(editor, model, talking)
    assert heard >= {"WORD-project", "WORD-import", "WORD-local", "WORD-hidden", "WORD-below"}
    assert heard >= {"WORD-skill", "WORD-agent", "WORD-command"}
    assert (tmp_path / "canary").exists()
