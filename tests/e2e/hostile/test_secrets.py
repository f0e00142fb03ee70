"""What the server was given as a secret stands in nothing that it writes down or tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import begin, eventually, refusal
from tests.told_secrets import (
    ENV,
    KEY,
    LOG,
    NEEDLE,
    PASSWORD,
    TOLD,
    files_with_secrets,
)

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

# Of an environment, too, but what an agent does with it is shown to the user as it is.
USED = "merganser-of-the-environment"
DEBUG = ("--log-level", "debug")


def state_of(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_STATE_HOME"], "claude-agent-lsp")


def files_with(text: str, directory: Path) -> list[Path]:
    files = [file for file in directory.rglob("*") if file.is_file()]
    return [file for file in files if text.encode() in file.read_bytes()]


async def test_no_secret_of_environment_settings_or_store_is_told(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = tmp_path / "claude"
    # It fails with all that it was given on its lips, as a shell with `set -x` does.
    cli.write_text('#!/bin/sh\n[ "$1" = -v ] || env >&2\n[ "$1" = -v ] && echo "2.1.330"\nexit 1\n')
    cli.chmod(0o755)
    store = f"redis://me:{PASSWORD}@127.0.0.1:1/0"
    editor = await editor_with(
        settings={"cliPath": str(cli), "env": {"PLAIN": ENV}, "sessionStore": store},
        arguments=DEBUG,
    )
    query = begin(editor, "hello")
    error = await refusal(query)
    assert error.data
    await editor.command("status")
    await editor.command("session.list")
    await editor.quit()
    home = Path(environment["HOME"])
    assert (home / LOG).stat().st_size
    # It was given the address, and has told where it is.
    assert "redis://me:***@" in (home / TOLD).read_text()
    assert files_with_secrets(home) == []


async def test_a_wrong_setting_is_reported_without_its_secret(
    editor_with: Open, environment: dict[str, str]
) -> None:
    wrong = {"env": {"A=B": ENV}, "sessionStore": f"mysql://me:{PASSWORD}@h", "mcpServers": [ENV]}
    editor = await editor_with(settings=wrong, arguments=DEBUG)
    await begin(editor, "remember the code").asked
    await editor.quit()
    home = Path(environment["HOME"])
    assert "sessionStore" in (home / TOLD).read_text()
    assert files_with_secrets(home) == []


async def test_what_an_agent_does_with_a_secret_is_kept_without_it(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    command = f"mkfifo {USED}"
    model.add(reply("deploy", [call("Bash", command=command)], [say("I used it.")]))
    editor: Editor = await editor_with(environment={"DEPLOY_TOKEN": USED}, arguments=DEBUG)
    query = begin(editor, "deploy")
    # The user sees what they decide about.
    assert USED in (await editor.question()).message
    state = state_of(environment)
    await eventually(lambda: files_with("mkfifo", state))
    assert files_with(USED, state) == []
    editor.answer("Allow once")
    await query.asked
    await editor.quit()
    assert files_with("mkfifo", state / "audit")
    assert files_with(USED, state) == []
    assert USED not in Path(environment["HOME"], LOG).read_text()


@pytest.mark.parametrize("secret", [KEY, ENV, PASSWORD])
def test_the_search_at_the_end_of_the_suite_finds_it(tmp_path: Path, secret: str) -> None:
    found = tmp_path / "state" / "audit.jsonl"
    hidden = tmp_path / ".claude" / "session.jsonl"
    try:
        for file in (found, hidden):
            file.parent.mkdir()
            file.write_text(f'{{"detail": "{secret}"}}\n')
        assert files_with_secrets(tmp_path) == [found]
    finally:
        found.unlink()
    assert NEEDLE in secret
