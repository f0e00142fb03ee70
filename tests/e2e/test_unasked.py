"""What is done unasked in a folder that nobody trusts runs nothing of it, and reaches no other."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.cli import locate
from claude_agent_lsp.agent.permissions.policy.tool_policy import KNOWN
from claude_agent_lsp.loopback import call, reply, say

from .runs import begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open

DRIVERS = {
    "filter.evil.clean": "clean",
    "filter.evil.smudge": "smudge",
    "filter.evil.process": "process",
    "diff.evil.textconv": "textconv",
    "diff.external": "external",
    "core.fsmonitor": "fsmonitor",
    "core.pager": "pager",
    "core.sshCommand": "ssh",
    "core.editor": "editor",
    "core.askPass": "askpass",
    "core.alternateRefsCommand": "alternates",
    "credential.helper": "helper",
    "gpg.program": "gpg",
    "alias.st": "alias",
    "interactive.diffFilter": "filter",
}
UNASKED_BY_THE_CLI = (
    *("git status", "git diff", "git show", "git log -p", "git blame tracked.txt"),
    *("git ls-files", "git grep x", "git log -1", "git branch", "cd sub && git status"),
    *("git -C sub status", "git diff HEAD", "git stash list", "git remote -v", "git tag"),
    *("git rev-parse HEAD", "ls; git status", "git cat-file -p HEAD:tracked.txt"),
    *("rg x", "node --version", "python3 --version", "make -n", "npm ls", "cargo --version"),
)


@pytest.fixture
def repository(folder: Path, environment: dict[str, str], canaries: Path) -> Path:
    """A repository whose configuration runs what it can, as an archive may bring it along."""
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=folder,
            check=True,
            capture_output=True,
            env={**os.environ, **environment},
        )

    git("init", "-q")
    (folder / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (folder / "tracked.txt").write_text("x\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.txt").write_text("b\n")
    git("add", "-A")
    git("commit", "-qm", "1")
    hooks = folder / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {canaries}/hook\n")
        (hooks / name).chmod(0o755)
    git("config", "core.hooksPath", str(hooks))
    for name, canary in DRIVERS.items():
        start = "!" if name == "alias.st" else ""
        git("config", name, f"{start}touch {canaries}/{canary}; cat")
    (folder / "tracked.txt").write_text("changed\n")
    return folder


@pytest.mark.usefixtures("repository")
async def test_no_command_runs_what_the_folder_names(
    editor_with: Open, model: Loopback, canaries: Path
) -> None:
    for command in UNASKED_BY_THE_CLI:
        model.add(reply(f"do {command}", [call("Bash", command=command)], [say("Tried.")]))
    editor = await editor_with()
    ran = {}
    asked: list[str] = []
    for number, command in enumerate(UNASKED_BY_THE_CLI):
        query = begin(editor, f"do {command}", number)
        question = await editor.event("question", query.events)
        asked.append(question["question"]["action"]["command"])
        assert "the folder is not trusted" in question["question"]["reason"]
        answer = {"questionId": question["question"]["questionId"], "answer": "deny"}
        await editor.answer_by_command(answer)
        await query.asked
        if found := sorted(canary.name for canary in canaries.iterdir()):
            ran[command] = found
    assert ran == {}
    assert asked == list(UNASKED_BY_THE_CLI)


@pytest.mark.usefixtures("repository")
async def test_what_is_allowed_runs_no_program_of_the_folder(
    editor_with: Open, model: Loopback, canaries: Path
) -> None:
    commands = ("git status --short", "git diff", "git st", "git commit -a -m 2")
    for command in commands:
        model.add(reply(f"do {command}", [call("Bash", command=command)], [say("Tried.")]))
    editor = await editor_with()
    for number, command in enumerate(commands):
        query = begin(editor, f"do {command}", number)
        question = (await editor.event("question", query.events))["question"]
        await editor.answer_by_command({"questionId": question["questionId"], "answer": "allow"})
        await query.asked
    assert [canary.name for canary in canaries.iterdir()] == []


async def test_no_command_reads_what_is_not_in_the_folder(
    editor_with: Open, model: Loopback, environment: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """Nothing that the CLI itself takes for no path: each of these it runs unasked."""
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key").write_text("OPEN-SESAME\n")
    (folder / "link").symlink_to(outside)
    (folder / "names").write_text(str(outside / "key"))
    commands = (
        *("cat l*/key", "grep -R SESAME .", "strings @names", f"wc --files0-from={outside}/key"),
        *("wc -l names --files0-from=link/key", f"diff --from-file={outside}/key names"),
    )
    calls = [[call("Bash", command=command)] for command in commands]
    model.add(reply("do it all", *calls, [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "do it all")
    asked = []
    for number in range(len(commands)):
        question = (await editor.event("question", query.events, count=number + 1))["question"]
        asked.append(question["action"]["command"])
        assert "the folder is not trusted" in question["reason"]
        await editor.answer_by_command({"questionId": question["questionId"], "answer": "deny"})
    await query.asked
    assert asked == list(commands)
    told = "\n".join(said.text for request in model.requests for said in request.conversation)
    assert "OPEN-SESAME" not in told


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("SendMessage", {"to": "work-1", "summary": "s", "message": "m"}),
        ("CronCreate", {"cron": "* * * * *", "prompt": "p"}),
        ("ScheduleWakeup", {"delaySeconds": 60, "reason": "r", "prompt": "p"}),
        ("ListAgents", {}),
    ],
)
async def test_other_sessions_are_out_of_reach(
    editor_with: Open,
    model: Loopback,
    environment: dict[str, str],
    tool: str,
    tool_input: dict[str, object],
) -> None:
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    model.add(reply("reach out", [call(tool, **tool_input)], [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "reach out")
    await query.asked
    said = json.dumps([request.body for request in model.requests[-1:]])
    assert "reaches no other session" in said
    assert editor.questions == []


async def test_in_a_trusted_folder_other_sessions_are_reached_with_leave(
    editor_with: Open, model: Loopback
) -> None:
    wanted = {"to": "work-1", "summary": "s", "message": "m"}
    model.add(reply("reach out", [call("SendMessage", **wanted)], [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "reach out")
    question = await editor.question()
    assert "acts on other sessions" in question.message
    editor.answer("Deny")
    run = await query.asked
    assert run["permissionDenials"] == [{"tool": "SendMessage", "reason": "The user said no."}]


async def test_every_tool_of_the_cli_is_known(folder: Path, environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        str(locate(None)),
        *("-p", "hello", "--output-format", "stream-json", "--verbose", "--tools", "default"),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    messages = map(json.loads, said.splitlines())
    tools = next(each["tools"] for each in messages if each.get("subtype") == "init")
    assert len(tools) > 10
    unknown = {name for name in tools if not name.startswith("mcp__")} - KNOWN
    assert unknown == set(), "classify what this CLI brings: policy/tool_policy.py"
