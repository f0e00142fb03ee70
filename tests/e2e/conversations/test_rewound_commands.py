"""What commands have changed is put back, later changes stay, and a rewind can be redone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from claude_agent_lsp.sessions.changes.copies import MOST_BYTES
from tests.e2e.conversations.test_changes import git
from tests.e2e.conversations.test_rewind import prompts, rewind
from tests.e2e.refusals import FAILED, INVALID, refusal
from tests.e2e.runs import allow_tools

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

TEN = "".join(f"{number}\n" for number in range(10))
COMMAND = "sed -i s/^3/three/ a.txt && mv b.txt deep/moved.txt && rm gone.txt && echo new > new.txt"


@pytest.fixture
async def shell(editor_with: Open, environment: dict[str, str], folder: Path) -> Editor:
    """An editor whose agent may run commands, in a repository."""
    allow_tools(environment)
    (folder / "deep").mkdir()
    (folder / "deep" / "x").write_text("x\n")
    (folder / "a.txt").write_text(TEN)
    (folder / "b.txt").write_text("one\ntwo\n")
    (folder / "gone.txt").write_text("soon\n")
    (folder / "gone.txt").chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return await editor_with()


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """All of the folder's files but git's own."""
    return {
        path.relative_to(folder).as_posix(): (path.read_text(), path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


async def work(editor: Editor, model: Loopback, *commands: str) -> tuple[str, list[str]]:
    """A run for each command; returns the session and the prompts' ids."""
    for number, command in enumerate(commands):
        model.add(reply(f"go {number}", [call("Bash", command=command)], [say("Done.")]))
        run = await editor.query(f"go {number}")
    ids = await prompts(editor, run["sessionId"])
    return run["sessionId"], [ids[f"go {number}"] for number in range(len(commands))]


async def redo(editor: Editor, session_id: str, **more: Any) -> Any:
    return await editor.command("session.redo", {"sessionId": session_id, **more})


async def test_what_commands_did_is_put_back_and_redone(
    shell: Editor, folder: Path, model: Loopback
) -> None:
    before = tree(folder)
    session, ids = await work(shell, model, COMMAND, "echo more >> a.txt")
    after = tree(folder)
    seen = await rewind(shell, session, ids[0], preview=True)
    assert tree(folder) == after
    back = await rewind(shell, session, ids[0])
    assert tree(folder) == before
    files = {Path(one["uri"]).name: one for one in seen["files"]}
    assert [(name, one["change"]) for name, one in files.items()] == [
        ("a.txt", "edited"),
        ("b.txt", "created"),
        ("moved.txt", "deleted"),
        ("gone.txt", "created"),
        ("new.txt", "deleted"),
    ]
    assert files["a.txt"]["diff"] == (
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,11 +1,10 @@\n 0\n 1\n 2\n-three\n+3\n 4\n 5\n 6\n 7\n 8\n"
        " 9\n-more\n"
    )
    figures = ("filesChanged", "insertions", "deletions")
    assert {name: seen[name] for name in figures} == back
    assert (back["insertions"], back["deletions"]) == (4, 5)
    assert (await redo(shell, session, preview=True))["filesChanged"] == back["filesChanged"]
    await redo(shell, session)
    assert tree(folder) == after
    refused = await refusal(shell.command("session.redo", {"sessionId": session}))
    assert (refused.code, refused.message) == (
        INVALID,
        f"sessionId: the session {session} has no rewind to be redone.",
    )
    # Step by step, too, and in the next server.
    await rewind(shell, session, ids[1])
    assert tree(folder) == {**after, "a.txt": (TEN.replace("3", "three"), after["a.txt"][1])}
    await rewind(shell, session, ids[0])
    assert tree(folder) == before
    await redo(shell, session)
    await redo(shell, session)
    assert tree(folder) == after


async def test_what_the_user_has_changed_since_stays(
    shell: Editor, folder: Path, model: Loopback
) -> None:
    session, ids = await work(shell, model, COMMAND)
    notes, moved, new = folder / "a.txt", folder / "deep" / "moved.txt", folder / "new.txt"
    notes.write_text(notes.read_text().replace("8\n", "eight\n"))
    moved.write_text("one\ntwo\nmine\n")
    new.write_text("mine\n")
    after = tree(folder)
    refused = await refusal(
        shell.command("session.rewind", {"sessionId": session, "messageId": ids[0]})
    )
    assert (refused.code, refused.reason) == (FAILED, "conflict")
    assert tree(folder) == after
    kept = [
        {"uri": new.as_uri(), "reason": "it has changed since it was made", "conflict": True},
    ]
    seen = await rewind(shell, session, ids[0], preview=True)
    assert seen["kept"] == kept
    merged = [Path(one["uri"]).name for one in seen["files"] if one["merged"]]
    assert merged == ["a.txt", "b.txt"]
    back = await rewind(shell, session, ids[0], keepConflicts=True)
    assert back["kept"] == kept
    assert notes.read_text() == TEN.replace("8", "eight")
    assert (folder / "b.txt").read_text() == "one\ntwo\nmine\n"
    assert not moved.exists()
    assert new.read_text() == "mine\n"
    await redo(shell, session)
    assert tree(folder) == after


async def test_nothing_outside_is_touched_and_no_link_is_followed(
    shell: Editor, folder: Path, model: Loopback, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("changed\n")
    (outside / "a.txt").write_text("changed\n")
    session, ids = await work(shell, model, "echo changed > deep/x; echo changed > a.txt")
    (folder / "deep" / "x").unlink()
    (folder / "deep").rmdir()
    (folder / "deep").symlink_to(outside)
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(outside / "a.txt")
    back = await rewind(shell, session, ids[0], keepConflicts=True)
    assert back["filesChanged"] == []
    assert {Path(one["uri"]).name: one["reason"] for one in back["kept"]} == {
        "a.txt": "it is no regular file with a single name now",
        "x": "the way to it leads through a link now",
    }
    assert [(outside / name).read_text() for name in ("x", "a.txt")] == ["changed\n", "changed\n"]


async def test_what_is_over_the_bound_is_named_and_left_alone(
    shell: Editor, folder: Path, model: Loopback
) -> None:
    large = folder / "large.bin"
    large.write_bytes(b"x" * (MOST_BYTES + 1))
    session, ids = await work(shell, model, "echo more >> large.bin; echo 2 > a.txt")
    back = await rewind(shell, session, ids[0])
    assert [Path(uri).name for uri in back["filesChanged"]] == ["a.txt"]
    told = {"uri": large.as_uri(), "reason": "it is too large now", "conflict": False}
    assert back["kept"] == [told]
    assert large.stat().st_size == MOST_BYTES + 6


async def test_a_fork_puts_back_what_was_done_before_it(
    shell: Editor, folder: Path, model: Loopback
) -> None:
    session, ids = await work(shell, model, "echo 2 > a.txt")
    await shell.query("hello", session=session, fork=True)
    fork = await shell.query("hello", session=session, fork=True)
    assert fork["sessionId"] != session
    await rewind(shell, fork["sessionId"], ids[0])
    assert (folder / "a.txt").read_text() == TEN
