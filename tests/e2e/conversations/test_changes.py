"""What a run changes is told, whatever tool has changed it, and recorded."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from claude_agent_lsp.sessions.changes.copies import MOST_BYTES
from claude_agent_lsp.sessions.changes.folder_scan import MOST_FILES
from tests.e2e.runs import Query, allow_tools, cancelled, eventually

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def git(folder: Path, *words: str, given: str = "") -> str:
    """Runs git with no settings but these."""
    done = subprocess.run(
        ["git", *IDENTITY, *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        input=given,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout


@pytest.fixture
def repository(folder: Path) -> Path:
    """The folder with files that are committed, one that is not, and one that is ignored."""
    (folder / "a.txt").write_text("one\ntwo\n")
    (folder / "b.txt").write_text("three\n")
    (folder / "gone.txt").write_text("soon\n")
    (folder / ".gitignore").write_text("node_modules/\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "dirty.txt").write_text("mine\n")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.js").write_text("x\n")
    return folder


@pytest.fixture
async def shell(editor_with: Open, environment: dict[str, str]) -> Editor:
    """An editor whose agent may run commands."""
    allow_tools(environment)
    return await editor_with()


def state(environment: dict[str, str]) -> Path:
    """The server's state directory."""
    return Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp"


def told(editor: Editor) -> list[tuple[Any, ...]]:
    """The changes that the editor was told, in order."""
    return [
        (
            Path(one["uri"]).name,
            one["change"],
            *(Path(one[key]).name for key in ("movedFrom", "movedTo") if key in one),
        )
        for one in editor.events(kind="fileChanged")
    ]


def recorded(environment: dict[str, str], session_id: str) -> list[dict[str, Any]]:
    """The record of a session."""
    file = state(environment) / "changes" / session_id / "record.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_what_a_command_changes_is_told_and_recorded(
    shell: Editor, repository: Path, model: Loopback, environment: dict[str, str]
) -> None:
    command = (
        "sed -i s/two/2/ a.txt && mv b.txt moved.txt && rm gone.txt && echo new > new.txt"
        " && echo more >> dirty.txt && echo y > node_modules/x.js"
    )
    model.add(reply("go", [call("Bash", command=command)], [say("Done.")]))
    run = await shell.query("go")
    assert told(shell) == [
        ("a.txt", "edited"),
        ("b.txt", "deleted", "moved.txt"),
        ("dirty.txt", "edited"),
        ("gone.txt", "deleted"),
        ("moved.txt", "created", "b.txt"),
        ("new.txt", "created"),
    ]
    names = [Path(uri).name for uri in run["filesChanged"]]
    assert names == ["a.txt", "b.txt", "dirty.txt", "gone.txt", "moved.txt", "new.txt"]
    directory: Path = state(environment) / "changes" / run["sessionId"]
    record = {one["path"]: one for one in recorded(environment, run["sessionId"])}

    def copy(path: str, when: str) -> str:
        digest: str = record[path][when]["digest"]
        return (directory / digest).read_text()

    assert copy("a.txt", "before") == "one\ntwo\n"
    assert copy("a.txt", "after") == "one\n2\n"
    assert copy("dirty.txt", "before") == "mine\n"
    assert copy("gone.txt", "before") == "soon\n"
    assert record["gone.txt"]["after"] is None
    assert record["new.txt"]["before"] is None
    # Copies that nobody needs are not kept, and nobody else may read the others.
    digests = {v["digest"] for one in record.values() for v in (one["before"], one["after"]) if v}
    assert {each.name for each in directory.iterdir()} == {"record.jsonl", *digests}
    assert {each.stat().st_mode & 0o077 for each in (directory, *directory.iterdir())} == {0}
    # Git's own files are as they were.
    assert git(repository, "diff", "--name-only").split() == ["a.txt", "b.txt", "gone.txt"]


async def test_an_edit_is_told_once_and_recorded_with_what_was_there(
    shell: Editor, repository: Path, model: Loopback, environment: dict[str, str]
) -> None:
    notes = repository / "a.txt"
    model.add(
        reply(
            "go",
            [call("Bash", command="echo 0 >> b.txt")],
            [call("Read", file_path=str(notes))],
            [call("Edit", file_path=str(notes), old_string="two", new_string="2")],
            [call("Bash", command="true")],
            [say("Done.")],
        )
    )
    run = await shell.query("go", permissionMode="acceptEdits")
    assert told(shell) == [("b.txt", "edited"), ("a.txt", "edited")]
    record = recorded(environment, run["sessionId"])
    assert [one["path"] for one in record] == ["b.txt", "a.txt"]
    copies = state(environment) / "changes" / run["sessionId"]
    assert (copies / record[1]["before"]["digest"]).read_text() == "one\ntwo\n"
    assert (copies / record[1]["after"]["digest"]).read_text() == "one\n2\n"


async def test_where_no_tool_may_write_nothing_is_looked_at(
    shell: Editor, repository: Path, model: Loopback, environment: dict[str, str]
) -> None:
    model.add(reply("go", [call("Read", file_path=str(repository / "a.txt"))], [say("Read.")]))
    run = await shell.query("go")
    assert not (state(environment) / "changes" / run["sessionId"]).exists()


async def test_what_the_user_changes_between_two_commands_is_not_the_runs(
    editor_with: Open, repository: Path, model: Loopback, environment: dict[str, str]
) -> None:
    editor = await editor_with()
    model.add(
        reply(
            "go",
            [call("Bash", command="echo 1 >> a.txt")],
            [call("Bash", command="echo 2 >> a.txt")],
            [say("Done.")],
        )
    )
    asked = editor.query("go")
    await editor.event("question")
    # While the agent waits to be allowed, its user goes on.
    (repository / "b.txt").write_text("mine\n")
    await editor.answer_by_command("allow")
    await editor.event("fileChanged")
    await editor.event("question", count=2)
    (repository / "a.txt").write_text("mine, too\n")
    await editor.answer_by_command("allow")
    run = await asked
    assert told(editor) == [("a.txt", "edited"), ("a.txt", "edited")]
    second = recorded(environment, run["sessionId"])[1]
    copies = state(environment) / "changes" / run["sessionId"]
    assert (copies / second["before"]["digest"]).read_text() == "mine, too\n"


async def test_a_subagents_command_and_one_that_is_cut_off_are_told(
    shell: Editor, repository: Path, model: Loopback
) -> None:
    model.add(
        reply(
            "delegate",
            [
                call(
                    "Agent",
                    description="d",
                    prompt="do the work below",
                    subagent_type="general-purpose",
                    run_in_background=False,
                )
            ],
            [say("Done.")],
        ),
        reply("do the work below", [call("Bash", command="echo sub > sub.txt")], [say("Yes.")]),
        reply("stop me", [call("Bash", command="echo cut > cut.txt; sleep 60")], [say("Done.")]),
    )
    await shell.query("delegate")
    assert told(shell) == [("sub.txt", "created")]
    asked = shell.query("stop me", partialResultToken="second")
    await eventually((repository / "cut.txt").exists)
    await cancelled(shell, Query(asked, "second", None, 0))
    ended = shell.events("second")[-1]["run"]
    assert [Path(uri).name for uri in ended["filesChanged"]] == ["cut.txt"]


async def test_a_folder_without_git_is_recorded_too(
    shell: Editor, folder: Path, model: Loopback, environment: dict[str, str]
) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "a.txt").write_text("one\n")
    (folder / "node_modules").mkdir()
    (folder / "large.bin").write_bytes(b"x" * (MOST_BYTES + 1))
    (folder / "link").symlink_to("/etc/hostname")
    command = "echo 2 > deep/a.txt; echo 1 > node_modules/x; echo 2 >> large.bin; ln -sf b link"
    model.add(reply("go", [call("Bash", command=command)], [say("Done.")]))
    run = await shell.query("go")
    assert told(shell) == [("a.txt", "edited"), ("large.bin", "edited"), ("link", "edited")]
    record = {one["path"]: one for one in recorded(environment, run["sessionId"])}
    # What is too large, or no file, is named and not kept.
    assert record["large.bin"]["before"]["lost"] == "it is larger than 4 MiB"
    assert record["link"]["after"]["lost"] == "it is no regular file"


async def test_nothing_of_a_repository_runs_when_its_files_are_looked_at(
    shell: Editor, repository: Path, model: Loopback, canaries: Path
) -> None:
    for name, setting in (
        ("monitor", "core.fsmonitor"),
        ("clean", "filter.evil.clean"),
        ("smudge", "filter.evil.smudge"),
        ("textconv", "diff.evil.textconv"),
        ("command", "diff.evil.command"),
    ):
        git(repository, "config", setting, f"touch {canaries / name}; cat")
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    model.add(reply("go", [call("Bash", command="sed -i s/two/2/ a.txt")], [say("Done.")]))
    await shell.query("go")
    assert ("a.txt", "edited") in told(shell)
    assert not list(canaries.iterdir())


async def test_a_folder_of_too_many_files_is_told_to_be_unseen(
    shell: Editor, folder: Path, model: Loopback, environment: dict[str, str]
) -> None:
    git(folder, "init", "-q")
    blob = git(folder, "hash-object", "-w", "-t", "blob", os.devnull).strip()
    names = "".join(f"100644 {blob} 0\tf{number}\n" for number in range(MOST_FILES + 1))
    git(folder, "update-index", "--index-info", given=names)
    model.add(reply("go", [call("Bash", command="echo 1 > a.txt")], [say("Done.")]))
    run = await shell.query("go")
    assert (run["status"], told(shell)) == ("completed", [])
    notices = [one["text"] for one in shell.events(kind="notice")]
    told_of = (
        f"What commands change in {folder} from now on in this run is not recorded, and can't be "
        "rewound: it has more than 100,000 files."
    )
    assert notices == [told_of]
    assert recorded(environment, run["sessionId"])[0]["unseen"]
