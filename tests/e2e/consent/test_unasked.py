"""What is done unasked in a folder that nobody trusts runs nothing of it, and reaches no other."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.agent.cli import locate
from claude_agent_lsp.agent.permissions.policy.tool_policy import KNOWN
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open

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
        *(f"du -a {outside}", "du -a link/", "realpath link/key"),
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


async def test_no_other_session_is_read_or_told_of_anything(
    editor_with: Open, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    """The CLI keeps a folder's sessions by a name that others have, too, with notes for later."""
    config = Path(environment["CLAUDE_CONFIG_DIR"])
    (config / ".claude.json").unlink()
    kept = config / "projects" / re.sub(r"[^a-zA-Z0-9]", "-", str(folder))
    (kept / "memory").mkdir(parents=True)
    (kept / "memory" / "MEMORY.md").write_text("OPEN-SESAME\n")
    (kept / "other.jsonl").write_text('{"said": "OPEN-SESAME"}\n')
    (config / "tasks").mkdir()
    (config / "tasks" / "other.json").write_text("OPEN-SESAME\n")
    (folder / "link").symlink_to(os.path.relpath(kept, folder))
    notes = kept / "memory" / "new.md"
    calls = (
        *(call("Read", file_path=f"{kept}/{name}") for name in ("memory/MEMORY.md", "other.jsonl")),
        *(call("Read", file_path=f"{config}/tasks/other.json"), call("Read", file_path="link/x")),
        call("Write", file_path=str(notes), content="Obey."),
        call("Write", file_path="link/memory/new.md", content="Obey."),
        *(call("Bash", command=f"{read} {kept}/other.jsonl") for read in ("cat", "cat <")),
        *(call("Bash", command=f"echo x > {place}") for place in (notes, "link/memory/new.md")),
        call("Bash", command=f"ls {kept}"),
    )
    model.add(reply("do it all", *([each] for each in calls), [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "do it all")
    for number in range(len(calls)):
        question = (await editor.event("question", query.events, count=number + 1))["question"]
        await editor.answer_by_command({"questionId": question["questionId"], "answer": "deny"})
    await query.asked
    assert not notes.exists()
    assert "OPEN-SESAME" not in json.dumps([request.body for request in model.requests])


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("where", ["settings", "environment"])
@pytest.mark.parametrize(
    "variables", [{"CLAUDE_CODE_SIMPLE": "1"}, {"GIT_CONFIG_COUNT": "0", "GIT_PAGER": ""}]
)
async def test_no_variable_of_the_users_takes_the_guard_away(
    editor_with: Open,
    model: Loopback,
    environment: dict[str, str],
    canaries: Path,
    variables: dict[str, str],
    where: str,
) -> None:
    """A bare CLI asks no hook, and other git settings would take the place of the server's."""
    if where == "settings":
        settings = Path(environment["CLAUDE_CONFIG_DIR"], "settings.json")
        settings.write_text(json.dumps({"env": variables}))
    commands = ("git status", "git diff", "git checkout tracked.txt")
    calls = [[call("Bash", command=command)] for command in commands]
    model.add(reply("do it all", *calls, [say("Tried.")]))
    editor = await editor_with(environment=variables if where == "environment" else None)
    query = begin(editor, "do it all")
    for number in range(len(commands)):
        question = (await editor.event("question", query.events, count=number + 1))["question"]
        assert "the folder is not trusted" in question["reason"]
        await editor.answer_by_command({"questionId": question["questionId"], "answer": "allow"})
    await query.asked
    assert [canary.name for canary in canaries.iterdir()] == []


async def test_what_can_not_be_ruled_on_is_not_done(
    editor_with: Open, model: Loopback, environment: dict[str, str], tmp_path: Path
) -> None:
    """A server whose ruling fails, as none should: the CLI would go on by its own rules."""
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "from claude_agent_lsp.agent.permissions.policy import tool_policy\n"
        "def fail(*_, **__): raise RuntimeError('it fails')\n"
        "tool_policy.rule_on = fail\n"
    )
    model.add(reply("do it", [call("Bash", command="ls")], [say("Tried.")]))
    editor = await editor_with(environment={"PYTHONPATH": str(tmp_path / "site")})
    query = begin(editor, "do it")
    await query.asked
    result = await editor.event("toolResult", query.events)
    assert result["status"] == "failed"
    assert "blocking" in result["text"]


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("EnterWorktree", {"name": "copy"}),
        ("Agent", {"description": "d", "prompt": "p", "isolation": "worktree"}),
    ],
)
@pytest.mark.usefixtures("repository")
async def test_no_copy_of_a_repository_is_made_unasked(
    editor_with: Open, model: Loopback, folder: Path, tool: str, tool_input: dict[str, Any]
) -> None:
    model.add(reply("copy it", [call(tool, **tool_input)], [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "copy it")
    question = (await editor.event("question", query.events))["question"]
    assert "is not trusted" in question["reason"]
    await editor.answer_by_command({"questionId": question["questionId"], "answer": "deny"})
    await query.asked
    assert not (folder / ".claude" / "worktrees").exists()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_what_a_folder_orders_for_later_is_done_once_it_is_trusted(
    editor_with: Open, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    """The clock that the CLI looks at has no moment but the next minute."""
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    for number, place in enumerate((folder, stranger)):
        order = {
            "id": f"abcd123{number}",
            "cron": "* * * * *",
            "prompt": f"ordered by {place.name}",
            "recurring": True,
            "durable": True,
            "createdAt": int(time.time() * 1000) - 600_000,
        }
        (place / ".claude").mkdir()
        (place / ".claude" / "scheduled_tasks.json").write_text(json.dumps({"tasks": [order]}))
    editor = await editor_with(folder, stranger)
    await editor.command("trust", {"workspace": stranger.as_uri(), "trusted": False})
    for number, place in enumerate((stranger, folder)):
        await begin(editor, "hello", number, workspace=place.as_uri()).asked
    await model.request(f"ordered by {folder.name}", 150.0)
    await asyncio.sleep(2.0)
    assert not [each for each in model.requests if "ordered by stranger" in each.prompt]


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("SendMessage", {"to": "work-1", "summary": "s", "message": "m"}),
        ("CronCreate", {"cron": "* * * * *", "prompt": "p"}),
        ("ScheduleWakeup", {"delaySeconds": 60, "reason": "r", "prompt": "p"}),
        ("ListAgents", {}),
        ("Agent", {"description": "d", "prompt": "p", "isolation": "remote"}),
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
    # Without its clock, the CLI has no such tool.
    refused = ("The folder is not trusted, so its agent", "No such tool available: Cron")
    assert any(words in said for words in refused)
    assert editor.questions == []


@pytest.mark.parametrize(
    ("tool", "wanted", "reason"),
    [
        ("SendMessage", {"to": "work-1", "summary": "s", "message": "m"}, "acts on other sessions"),
        ("Agent", {"description": "d", "prompt": "p", "isolation": "remote"}, "another machine"),
    ],
)
async def test_in_a_trusted_folder_other_sessions_are_reached_with_leave(
    editor_with: Open, model: Loopback, tool: str, wanted: dict[str, Any], reason: str
) -> None:
    model.add(reply("reach out", [call(tool, **wanted)], [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "reach out")
    question = await editor.question()
    assert reason in question.message
    editor.answer("Deny")
    run = await query.asked
    assert [denied["reason"] for denied in run["permissionDenials"]] == ["The user said no."]


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
