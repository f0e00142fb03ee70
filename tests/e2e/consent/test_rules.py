"""The user's own rules hold, whatever the mode and whoever reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import Loopback, call, reply, say
from tests.e2e.runs import begin, refusal

if TYPE_CHECKING:
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

SECRET = "PASSWORD=opensesame"


@pytest.fixture
def secret(folder: Path, environment: dict[str, str]) -> Path:
    """A file that the user's settings deny reading, and what else they say."""
    rules = {
        "deny": ["Read(./.env)", "Bash(mkfifo forbidden)"],
        "allow": ["Bash(mkfifo allowed)"],
        "ask": ["Edit(./asked.txt)"],
    }
    user = Path(environment["CLAUDE_CONFIG_DIR"], "settings.json")
    user.write_text(json.dumps({"permissions": rules}))
    file = folder / ".env"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.fixture(autouse=True)
def wishes(model: Loopback, secret: Path, tmp_path: Path) -> None:
    model.add(
        reply("read it", [call("Read", file_path=str(secret))], [say("Tried.")]),
        reply("search it", [call("Grep", pattern="PASSWORD", output_mode="content")], [say("T.")]),
        reply("forbidden", [call("Bash", command="mkfifo forbidden")], [say("Tried.")]),
        reply("allowed", [call("Bash", command="mkfifo allowed")], [say("Made.")]),
        reply("ask me", [call("Write", file_path="asked.txt", content="x")], [say("Wrote.")]),
        reply(
            "go outside",
            [call("Write", file_path=str(tmp_path / "outside.txt"), content="x")],
            [say("Tried.")],
        ),
    )


def everything_told(model: Loopback) -> str:
    return "\n".join(said.text for request in model.requests for said in request.conversation)


@pytest.mark.parametrize("prompt", ["read it", "search it"])
async def test_a_denied_file_is_read_by_no_tool(
    editor: Editor, model: Loopback, prompt: str
) -> None:
    await begin(editor, prompt).asked
    assert SECRET not in everything_told(model)
    assert editor.questions == []


async def test_a_denied_file_is_not_read_for_a_selection_nor_attached(
    editor: Editor, model: Loopback, secret: Path
) -> None:
    line = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    context = {"textDocument": {"uri": secret.as_uri()}, "range": line}
    await begin(editor, "what is this?", context=context).asked
    assert SECRET not in everything_told(model)
    assert "selected the lines 1 to 1" in everything_told(model)
    with pytest.raises(JsonRpcException, match="in your settings forbids reading"):
        await editor.query("see this", attachments=[secret.as_uri()])


async def test_what_broken_settings_may_deny_is_not_read_and_the_rest_goes_on(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    (folder / ".claude").mkdir()
    (folder / ".claude" / "settings.json").write_text('{"permissions": {"deny": ["Read(notes)"],}}')
    notes = folder / "notes"
    notes.write_text(f"{SECRET}\n")
    line = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    context = {"textDocument": {"uri": notes.as_uri()}, "range": line}
    assert (await begin(editor, "what is this?", context=context).asked)["text"] == "OK."
    assert SECRET not in everything_told(model)
    with pytest.raises(JsonRpcException, match=r"settings\.json can't be read, and may deny it"):
        await editor.query("see this", attachments=[notes.as_uri()])
    # The user's own rules hold, and what they allow is done.
    assert (await begin(editor, "allowed").asked)["text"] == "Made."
    assert (folder / "allowed").exists()


async def test_rules_hold_in_a_folder_that_is_not_trusted_too(
    editor_with: Open, model: Loopback, secret: Path, folder: Path, environment: dict[str, str]
) -> None:
    """A project's own settings may forbid something there, but nothing else."""
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    (folder / ".claude").mkdir()
    rules: dict[str, Any] = {"deny": ["Read(./private)"], "allow": ["Bash(*)"]}
    (folder / ".claude" / "settings.json").write_text(json.dumps({"permissions": rules}))
    (folder / "private").write_text("PRIVATE-WORDS")
    model.add(reply("private", [call("Read", file_path="private")], [say("Tried.")]))
    editor = await editor_with()
    await begin(editor, "read it").asked
    await begin(editor, "private", 1).asked
    for words in (SECRET, "PRIVATE-WORDS"):
        assert words not in everything_told(model)


async def test_a_star_in_a_command_is_no_pattern_once_it_is_allowed_for_the_session(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    """The CLI suggests the command itself as a rule, and would read its star as one."""
    commands = {"first": "mkfifo 'one*'", "other": "mkfifo 'one' 'two'"}
    for prompt, command in commands.items():
        model.add(reply(prompt, [call("Bash", command=command)], [say("Tried.")]))
    editor = await editor_with(settings={"idleProcessSeconds": 0})
    query = begin(editor, "first")
    question = (await editor.event("question", query.events))["question"]
    assert [option["value"] for option in question["options"]] == ["deny", "allow", "allowSession"]
    assert [grant["kind"] for grant in question["grants"]["session"]] == ["call"]
    assert question["grants"]["always"] == []
    answer = {"questionId": question["questionId"], "answer": "allowSession"}
    await editor.answer_by_command(answer)
    await query.asked
    query = begin(editor, "other", 1)
    question = (await editor.event("question", query.events))["question"]
    await editor.answer_by_command({"questionId": question["questionId"], "answer": "deny"})
    await query.asked
    assert [path.name for path in folder.glob("one*")] == ["one*"]
    (folder / "one*").unlink()
    await begin(editor, "first", 2).asked
    assert (folder / "one*").is_fifo()


async def test_denied_command_is_not_even_asked_and_an_allowed_one_neither(
    editor: Editor, folder: Path
) -> None:
    done = await begin(editor, "forbidden").asked
    assert done["status"] == "completed"
    assert not (folder / "forbidden").exists()
    await begin(editor, "allowed", 1).asked
    assert (folder / "allowed").is_fifo()
    assert editor.questions == []


@pytest.mark.parametrize("prompt", ["ask me", "go outside"])
async def test_a_rule_to_ask_and_a_place_outside_are_asked_though_edits_are_accepted(
    editor: Editor, folder: Path, tmp_path: Path, prompt: str
) -> None:
    query = begin(editor, prompt, permissionMode="acceptEdits")
    await editor.question()
    editor.answer("Deny", 1)
    await query.asked
    assert not (folder / "asked.txt").exists()
    assert not (tmp_path / "outside.txt").exists()


async def test_nothing_is_written_outside_by_the_mode_that_asks_nobody(
    editor: Editor, tmp_path: Path
) -> None:
    query = begin(editor, "go outside", permissionMode="dontAsk")
    await query.asked
    assert not (tmp_path / "outside.txt").exists()
    assert editor.questions == []


@pytest.mark.parametrize("mode", ["default", "acceptEdits"])
@pytest.mark.parametrize("place", ["beside", "neither"])
async def test_a_folder_that_is_open_beside_it_is_outside_too(
    editor_with: Open, model: Loopback, folder: Path, tmp_path: Path, mode: str, place: str
) -> None:
    """Only the folder that is asked in is worked in, whichever else the editor has open."""
    (tmp_path / place).mkdir()
    beside = tmp_path / "beside"
    beside.mkdir(exist_ok=True)
    file = tmp_path / place / "new.txt"
    model.add(reply("write it", [call("Write", file_path=str(file), content="x")], [say("T.")]))
    editor = await editor_with(folder, beside)
    query = begin(editor, "write it", permissionMode=mode, workspace=folder.as_uri())
    assert str(file) in (await editor.question()).message
    editor.answer("Deny", 1)
    await query.asked
    assert not file.exists()


async def test_an_additional_directory_is_worked_in_as_the_folder_is(
    editor_with: Open, model: Loopback, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    model.add(
        reply("first", [call("Write", file_path=str(more / "1"), content="x")], [say("T.")]),
        reply("second", [call("Write", file_path=str(more / "2"), content="x")], [say("T.")]),
    )
    editor = await editor_with(settings={"additionalDirectories": [str(more)]})
    query = begin(editor, "first", permissionMode="default")
    assert str(more / "1") in (await editor.question()).message
    editor.answer("Deny", 1)
    await query.asked
    await begin(editor, "second", 1, permissionMode="acceptEdits").asked
    assert [file.name for file in more.iterdir()] == ["2"]
    assert len(editor.questions) == 1


async def test_a_refused_attachment_is_a_bad_argument(editor: Editor, secret: Path) -> None:
    query = begin(editor, "see this", attachments=[secret.as_uri()])
    assert (await refusal(query)).code == -32602
