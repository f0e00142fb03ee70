"""What runs have changed is looked through, kept and taken back: by hunk, file, prompt and run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.conversations.test_rewound_commands import tree, work
from tests.e2e.refusals import FAILED, INVALID, refusal
from tests.e2e.review.conftest import TEN
from tests.e2e.runs import begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

TWO_PLACES = "sed -i 's/^2/two/;s/^7/seven/' a.txt"
ALL_KINDS = (
    "sed -i s/^3/three/ a.txt && mv b.txt deep/moved.txt && rm gone.txt && echo new > new.txt"
)


async def listed(editor: Editor, **asked: Any) -> dict[str, dict[str, Any]]:
    """What is to be looked at, by the names of the files."""
    answer = await editor.command("review.list", asked)
    return {Path(file["uri"]).name: file for file in answer["files"]}


def diffs(files: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return {name: [hunk["diff"] for hunk in file["hunks"]] for name, file in files.items()}


async def test_hunks_are_listed_where_they_are_now_with_who_made_them(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, ids = await work(editor, model, TWO_PLACES, "sed -i s/^8/eight/ a.txt")
    notes = repository / "a.txt"
    notes.write_text("mine\n" + notes.read_text())
    (file,) = (await editor.command("review.list"))["files"]
    assert (file["uri"], file["sessionId"], file["change"]) == (notes.as_uri(), session, "edited")
    first, second = file["hunks"]
    assert first["range"] == {
        "start": {"line": 3, "character": 0},
        "end": {"line": 4, "character": 0},
    }
    assert (first["diff"], first["insertions"], first["deletions"]) == ("-2\n+two\n", 1, 1)
    (run,) = first["runs"]
    assert (run["messageId"], run["prompt"]) == (ids[0], "go 0")
    assert run["at"].endswith("Z")
    assert second["diff"] == "-7\n-8\n+seven\n+eight\n"
    assert [each["prompt"] for each in second["runs"]] == ["go 0", "go 1"]
    # Of one run, prompt or file alone; what later runs have changed is not its own.
    of_first = await listed(editor, messageId=ids[0])
    assert diffs(of_first) == {"a.txt": ["-2\n+two\n", "-7\n+seven\n"]}
    of_second = await listed(editor, runId=second["runs"][1]["runId"])
    assert diffs(of_second) == {"a.txt": ["-8\n+eight\n"]}
    assert await listed(editor, uri=(repository / "b.txt").as_uri()) == {}


async def test_a_hunk_is_undone_and_what_the_user_did_stays(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    await work(editor, model, TWO_PLACES)
    notes = repository / "a.txt"
    first, second = (await listed(editor))["a.txt"]["hunks"]
    notes.write_text(notes.read_text().replace("3\n", "drei\n"))  # the line behind the hunk
    undone = await editor.command("review.undo", {"hunkIds": [first["hunkId"]]})
    mine = TEN.replace("3", "drei")
    assert notes.read_text() == mine.replace("7", "seven")
    assert undone["filesChanged"] == [notes.as_uri()]
    assert [hunk["hunkId"] for hunk in (await listed(editor))["a.txt"]["hunks"]] == [
        second["hunkId"]
    ]
    # One that is gone is refused, and nothing happens.
    refused = await refusal(editor.command("review.undo", {"hunkIds": [first["hunkId"]]}))
    assert refused.code == INVALID
    assert first["hunkId"] in refused.message
    notes.write_text("top\n" + notes.read_text())
    await editor.command("review.redo")
    assert notes.read_text() == "top\n" + mine.replace("2", "two").replace("7", "seven")
    again = (await listed(editor))["a.txt"]["hunks"]
    assert [hunk["hunkId"] for hunk in again] == [first["hunkId"], second["hunkId"]]
    refused = await refusal(editor.command("review.redo"))
    assert refused.message == "sessionId: there is nothing to be redone."


async def test_all_that_a_command_did_is_undone_and_redone(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    before = tree(repository)
    session, _ = await work(editor, model, ALL_KINDS)
    after = tree(repository)
    files = await listed(editor)
    assert {name: file["change"] for name, file in files.items()} == {
        "a.txt": "edited",
        "b.txt": "deleted",
        "moved.txt": "created",
        "gone.txt": "deleted",
        "new.txt": "created",
    }
    assert files["moved.txt"]["movedFrom"] == (repository / "b.txt").as_uri()
    seen = await editor.command("review.undo", {"sessionId": session, "preview": True})
    assert tree(repository) == after
    assert len(seen["files"]) == 5
    assert seen["undone"] == []
    undone = await editor.command("review.undo", {"sessionId": session})
    assert tree(repository) == before
    assert await listed(editor) == {}
    (name,) = undone["undone"]
    await editor.command("review.redo", name)
    assert tree(repository) == after
    assert diffs(await listed(editor)) == diffs(files)
    # What was moved goes back whole, by either of its names.
    await editor.command("review.undo", {"uri": (repository / "b.txt").as_uri()})
    assert (repository / "b.txt").read_text() == "one\ntwo\n"
    assert not (repository / "deep" / "moved.txt").exists()


async def test_what_can_not_be_taken_back_is_said_and_left_alone(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, f"{ALL_KINDS} && {TWO_PLACES}")
    notes, new, moved = (repository / name for name in ("a.txt", "new.txt", "deep/moved.txt"))
    notes.write_text(notes.read_text().replace("seven", "SEVEN"))
    new.write_text("mine\n")
    moved.write_text("one\ntwo\nmine\n")
    files = await listed(editor)
    same, since = "the same lines have changed since", "it has changed since it was made"
    assert [hunk.get("reason") for hunk in files["a.txt"]["hunks"]] == [None, same]
    assert files["new.txt"]["hunks"][0]["reason"] == since
    back = await editor.command("review.undo", {"sessionId": session})
    assert {Path(each["uri"]).name: each["reason"] for each in back["kept"]} == {
        "a.txt": same,
        "new.txt": since,
        "moved.txt": since,
        "b.txt": since,
    }
    assert notes.read_text() == TEN.replace("7", "SEVEN")
    assert (new.read_text(), moved.read_text()) == ("mine\n", "one\ntwo\nmine\n")
    assert (repository / "gone.txt").read_text() == "soon\n"
    # It can be kept, and is no matter any more.
    await editor.command("review.keep", {"sessionId": session})
    assert await listed(editor) == {}


async def test_what_is_kept_stays_kept_whatever_becomes_of_the_file(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, TWO_PLACES)
    first, second = (await listed(editor))["a.txt"]["hunks"]
    kept = await editor.command("review.keep", {"hunkIds": [first["hunkId"]]})
    assert [hunk["hunkId"] for hunk in kept["files"][0]["hunks"]] == [first["hunkId"]]
    await editor.quit()
    # In the next server, too.
    editor = await editor_with()
    notes = repository / "a.txt"
    notes.write_text("top\n" + notes.read_text())
    (hunk,) = (await listed(editor))["a.txt"]["hunks"]
    assert hunk["hunkId"] == second["hunkId"]
    # Undoing all takes back what is left, and nothing that was kept.
    await editor.command("review.undo", {"sessionId": session})
    assert notes.read_text() == "top\n" + TEN.replace("2", "two")
    await work(editor, model, "sed -i s/two/zwei/ a.txt")
    assert diffs(await listed(editor)) == {"a.txt": ["-two\n+zwei\n"]}


async def test_a_run_is_taken_back_and_a_later_one_stays(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    _, ids = await work(editor, model, TWO_PLACES, "sed -i 's/seven/SEVEN/;s/^9/nine/' a.txt")
    back = await editor.command("review.undo", {"messageId": ids[0]})
    assert [each["reason"] for each in back["kept"]] == ["the same lines have changed since"]
    assert (repository / "a.txt").read_text() == TEN.replace("7", "SEVEN").replace("9", "nine")
    await editor.command("review.redo")
    assert diffs(await listed(editor, messageId=ids[0]))["a.txt"][0] == "-2\n+two\n"
    await editor.command("review.keep", {"messageId": ids[0]})
    assert diffs(await listed(editor)) == {"a.txt": ["-9\n+nine\n"]}


async def test_nothing_is_undone_while_the_agent_works_or_by_mistake(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, TWO_PLACES)
    after = tree(repository)
    for name in ("keep", "undo"):
        assert (await refusal(editor.command(f"review.{name}"))).code == INVALID
    query = begin(editor, "hang", 1)
    await editor.event("started", token=query.events)
    refused = await refusal(editor.command("review.undo", {"sessionId": session}))
    assert (refused.code, refused.reason) == (FAILED, "sessionBusy")
    assert tree(repository) == after
    assert diffs(await listed(editor)) == {"a.txt": ["-2\n+two\n", "-7\n+seven\n"]}
    await editor.command("cancel")
    refused = await refusal(query.asked)


async def test_it_is_shown_as_a_document(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, f"{TWO_PLACES} && echo new > new.txt")
    shown = await editor.command("review.show")
    path = Path(shown["uri"].removeprefix("file://"))
    assert (path.name, shown["shown"]) == (f"{session}.diff", True)
    head, *rest = path.read_text().splitlines()
    assert head == "--- /dev/null"
    text = "\n".join(rest)
    assert "\n@@ -0,0 +1,1 @@ go 0, " in text
    name = repository.as_posix().lstrip("/")
    assert f"--- a/{name}/a.txt\n+++ b/{name}/a.txt\n@@ -1,6 +1,6 @@ go 0, " in text
    assert "\n 0\n 1\n-2\n+two\n 3\n 4\n 5\n" in text
    assert "\n 6\n-7\n+seven\n 8\n 9" in text
