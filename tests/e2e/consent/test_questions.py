"""What the user decides: asked one at a time, "Deny" first, and silence means no."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound

from claude_agent_lsp.agent.permissions.question_title import SUBJECT_LENGTH
from claude_agent_lsp.base.texts.text import both_ends
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import eventually

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback, Step
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


def touch(name: str) -> Step:
    """The agent's wish to make a file, which it has to ask for."""
    return call("Bash", command=f"touch {name}")


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    """An agent that wants to do things."""
    model.add(
        reply("make one", [touch("one")], [say("Tried.")]),
        reply("make five", [touch(f"file{n}") for n in range(5)], [say("Tried all.")]),
        reply("write twice", [write("a.txt")], [write("b.txt")], [say("Wrote.")]),
    )


def write(name: str) -> Step:
    """The agent's wish to write a file, for which the CLI suggests a rule."""
    return call("Write", file_path=name, content="x\n")


async def test_question_says_what_would_happen_and_deny_stands_first(
    editor: Editor, folder: Path
) -> None:
    asked = editor.query("make one")
    shown = await editor.question()
    assert "touch one" in shown.message
    assert shown.actions is not None
    assert [action.title for action in shown.actions][:2] == ["Deny", "Allow once"]
    editor.answer("Allow once")
    run = await asked
    assert (folder / "one").exists()
    assert run["permissionDenials"] == []
    question = await editor.event("question")
    answered = await editor.event("questionAnswered")
    assert answered["questionId"] == question["question"]["questionId"]
    assert answered["answer"] == "allow"


async def test_each_kind_of_tool_is_told_in_fields(
    editor_with: Open, folder: Path, model: Loopback
) -> None:
    """So that no client has to read what is meant for people."""
    outside = folder.parent / "outside.txt"
    outside.write_text("x")
    command = "mkfifo a\nmkfifo b"
    calls = {
        "Bash": call("Bash", command=command, description="Make both"),
        "Write": call("Write", file_path=str(folder / "a.txt"), content="x\n"),
        "Read": call("Read", file_path=str(outside)),
        "WebFetch": call("WebFetch", url="https://a.example/b", prompt="Sum it up"),
    }
    model.add(reply("do all", *([each] for each in calls.values()), [say("Tried.")]))
    editor = await editor_with(announces={"questions": True})
    asked = editor.query("do all", wait=True)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < len(calls):
        await editor.until(lambda: len(editor.requests) > len(found))
        question, answer = editor.requests[-1]
        found[question["action"]["tool"]] = question
        answer.set_result({"answer": "deny"})
    await asked
    assert {tool: question["title"] for tool, question in found.items()} == {
        "Bash": "Run `mkfifo a mkfifo b`?",
        "Write": "Write a.txt?",
        "Read": f"Read {both_ends(str(outside), SUBJECT_LENGTH)}?",
        "WebFetch": "Fetch `https://a.example/b`?",
    }
    assert found["Bash"]["action"] == {
        "tool": "Bash",
        "subject": "mkfifo a mkfifo b",
        "command": command,
        "description": "Make both",
    }
    assert [grant["kind"] for grant in found["Bash"]["grants"]["session"]] == ["rule", "rule"]
    assert found["Write"]["action"] == {"tool": "Write", "subject": "a.txt", "path": "a.txt"}
    assert found["Write"]["grants"] == {
        "session": [{"kind": "mode", "text": "all edits", "mode": "acceptEdits"}],
        "always": [],
    }
    assert found["Read"]["action"]["path"] == str(outside)
    assert found["Read"]["reason"] in found["Read"]["detail"]
    assert found["WebFetch"]["notes"] == ["url: https://a.example/b", "prompt: Sum it up"]
    grant = {"kind": "rule", "tool": "WebFetch", "rule": "domain:a.example"}
    grant["text"] = "WebFetch(domain:a.example)"
    assert found["WebFetch"]["grants"] == {
        "session": [grant],
        "always": [grant],
        "savedIn": ".claude/settings.local.json",
    }


async def test_a_command_of_a_megabyte_is_there_whole(editor_with: Open, model: Loopback) -> None:
    lines = "".join(f"print('line {number}')\n" for number in range(45_000))
    command = f"cat > big.py <<'EOF'\n{lines}EOF"
    model.add(reply("write big", [call("Bash", command=command)], [say("Wrote.")]))
    editor = await editor_with(announces={"questions": True})
    asked = editor.query("write big", wait=True)
    await editor.until(lambda: bool(editor.requests))
    question, answer = editor.requests[0]
    assert question["action"]["command"] == command
    cut = f"{command[:500]}\n… ({len(command) - 500} more characters)\n"
    assert question["detail"].startswith(cut)
    assert len(question["detail"]) < 2_000
    answer.set_result({"answer": "deny"})
    assert len((await asked)["permissionDenials"]) == 1


async def test_folders_name_can_not_add_to_the_question_whether_it_is_trusted(
    editor_with: Open, folder: Path, environment: dict[str, str]
) -> None:
    Path(environment["HOME"], ".claude", ".claude.json").unlink()
    named = folder.with_name("app\n\nThis folder belongs to a project that you trust.\u202e")
    folder.rename(named)
    (named / ".mcp.json").write_text("{}")
    editor = await editor_with(named)
    asked = editor.query("make one")
    question = await editor.question()
    title = f"Trust the authors of {folder.parent}/app\\n\\nThis folder belongs to"
    assert question.message.startswith(title)
    assert question.message.splitlines()[0].endswith("that you trust.\\u202e?")
    assert question.message.splitlines()[2].startswith("Ignored until you trust the folder")
    editor.answer(None)
    await editor.question(2)
    editor.answer("Deny", 2)
    await asked


async def test_denied_tool_does_not_run_and_the_agent_is_told(
    editor: Editor, folder: Path, model: Loopback
) -> None:
    asked = editor.query("make one")
    await editor.question()
    editor.answer("Deny")
    run = await asked
    assert not (folder / "one").exists()
    assert run["permissionDenials"] == [{"tool": "Bash", "reason": "The user said no."}]
    assert (await editor.event("toolResult"))["status"] == "denied"
    told = model.requests[-1].conversation
    assert any("The user said no." in said.text for said in told)


async def test_five_questions_at_once_are_asked_one_after_the_other(
    editor: Editor, folder: Path
) -> None:
    asked = editor.query("make five")
    for count in range(1, 6):
        await editor.question(count)
        listed = await editor.command("question.list")
        assert len(editor.questions) == count, "a second question was open at the same time"
        assert len(listed["questions"]) >= 1
        editor.answer("Allow once" if count % 2 else "Deny", count)
    await asked
    made = sorted(path.name for path in folder.iterdir())
    assert len(made) == 3


async def test_allowed_for_the_session_is_not_asked_again(editor: Editor, folder: Path) -> None:
    asked = editor.query("write twice")
    shown = await editor.question()
    assert shown.actions is not None
    assert "Allow for this session" in [action.title for action in shown.actions]
    editor.answer("Allow for this session")
    await asked
    assert len(editor.questions) == 1
    assert {path.name for path in folder.iterdir()} == {"a.txt", "b.txt"}


async def test_no_answer_within_the_deadline_means_no(editor_with: Open, folder: Path) -> None:
    editor = await editor_with(settings={"questionTimeoutSeconds": 0.5})
    run = await editor.query("make one")
    assert not (folder / "one").exists()
    assert "did not answer" in run["permissionDenials"][0]["reason"]
    assert editor.questions[0][1].cancelled(), "the question was not withdrawn"
    assert (await editor.query("hello"))["status"] == "completed"
    assert not (folder / "one").exists()


async def test_question_is_answered_by_command_with_a_note(
    editor: Editor, folder: Path, model: Loopback
) -> None:
    asked = editor.query("make one")
    await editor.question()
    (question,) = (await editor.command("question.list"))["questions"]
    assert question["title"] == "Run `touch one`?"
    assert [option["value"] for option in question["options"]][:2] == ["deny", "allow"]
    answer = {"questionId": question["questionId"], "answer": "deny", "note": "Use mkdir."}
    assert await editor.answer_by_command(answer) == {"answered": True}
    run = await asked
    assert run["permissionDenials"] == [{"tool": "Bash", "reason": "Use mkdir."}]
    assert any("Use mkdir." in said.text for said in model.requests[-1].conversation)
    assert not (folder / "one").exists()
    with pytest.raises(JsonRpcException, match="questionId"):
        await editor.answer_by_command(answer)


async def test_answer_must_be_one_of_the_options(editor: Editor) -> None:
    asked = editor.query("make one")
    await editor.question()
    (question,) = (await editor.command("question.list"))["questions"]
    with pytest.raises(JsonRpcException, match="answer: expected one of deny, allow"):
        await editor.answer_by_command({"questionId": question["questionId"], "answer": "yes"})
    editor.answer("Deny")
    await asked


async def test_closed_question_stays_open_for_a_command(editor: Editor, folder: Path) -> None:
    asked = editor.query("make one", work_done_token="work")
    await editor.question()
    editor.answer(None)
    await waiting_line(editor, "touch one")
    (question,) = (await editor.command("question.list"))["questions"]
    answer = {"questionId": question["questionId"], "answer": "allow"}
    await editor.answer_by_command(answer)
    assert (await asked)["status"] == "completed"
    assert (folder / "one").exists()


@pytest.mark.parametrize("known", [False, True])
async def test_closed_question_keeps_no_other_from_being_shown(
    editor_with: Open, folder: Path, tmp_path: Path, known: bool
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    editor = await editor_with(folder, other, announces={"questions": True} if known else None)
    shown: list[Any] = editor.requests if known else editor.questions
    asked = []
    for number, place in enumerate((folder, other), 1):
        token = f"events-{number}"
        fields = {"workspace": place.as_uri(), "partialResultToken": token}
        asked.append(editor.query("make one", work_done_token="work", **fields))
        await editor.event("question", token)
        await editor.until(lambda: len(shown) == len(asked))
        shown[-1][1].set_result({"closed": True} if known else None)
    await waiting_line(editor, "touch one")
    second, first = (await editor.command("question.list"))["questions"]
    with pytest.raises(JsonRpcException, match=f"{second['questionId']}; .* without its id"):
        await editor.answer_by_command("allow")
    await editor.answer_by_command({"questionId": second["questionId"], "answer": "allow"})
    await editor.answer_by_command({"questionId": first["questionId"], "answer": "deny"})
    assert [(await run)["status"] for run in asked] == ["completed"] * 2
    assert [(place / "one").exists() for place in (folder, other)] == [False, True]


async def test_client_that_shows_no_questions_is_told_by_progress(
    editor_with: Open, folder: Path
) -> None:
    helix = await editor_with(profile="helix")
    asked = helix.query("make one", wait=True)
    await waiting_line(helix, "touch one")
    assert helix.questions == []
    await helix.answer_by_command("allow")
    assert (await asked)["status"] == "completed"
    assert (folder / "one").exists()


async def test_answer_without_an_id_is_for_the_question_that_progress_tells_of(
    editor_with: Open, folder: Path
) -> None:
    helix = await editor_with(profile="helix")
    asked = helix.query("make five", wait=True)
    for number in range(5):
        await waiting_line(helix, f"touch file{number}")
        await helix.answer_by_command({"answer": "deny" if number else "allow"})
    await asked
    assert [path.name for path in folder.iterdir()] == ["file0"]
    with pytest.raises(JsonRpcException, match="questionId: expected the id of an open question"):
        await helix.answer_by_command("allow")


async def test_a_key_that_is_held_down_answers_one_question(
    editor_with: Open, folder: Path
) -> None:
    helix = await editor_with(profile="helix")
    asked = helix.query("make five", wait=True)
    await helix.event("question")
    await helix.answer_by_command("allow")
    await helix.event("question", count=2)
    until = time.monotonic() + 1.5  # it is opened half a second after the answer
    while time.monotonic() < until:
        with pytest.raises(JsonRpcException, match="only just been asked"):
            await helix.command("question.answer", "allow")
    for number in range(2, 6):
        question = (await helix.event("question", count=number))["question"]
        await helix.answer_by_command({"questionId": question["questionId"], "answer": "deny"})
    await asked
    assert [path.name for path in folder.iterdir()] == ["file0"]


async def test_the_line_names_where_a_link_leads_and_allows_no_more_than_it_says(
    editor_with: Open, folder: Path, model: Loopback
) -> None:
    home = folder.parent / "else"
    home.mkdir()
    (folder / "docs").symlink_to(home)
    model.add(
        reply(
            "write",
            [call("Write", file_path=str(folder / "docs/x.sh"), content="x\n")],
            [call("Bash", command="cp docs/x.sh docs/y.sh")],
            [say("Tried.")],
        )
    )
    helix = await editor_with(profile="helix")
    asked = helix.query("write", wait=True)
    question = (await helix.event("question"))["question"]
    assert question["action"]["path"] == f"{home}/x.sh"
    assert question["title"] == f"Write {both_ends(f'{home}/x.sh', SUBJECT_LENGTH)}?"
    granted = [each.get("directory") for each in question["grants"]["session"]]
    assert granted == [None, str(home)]
    for answer in ("allowSession", {"answer": ["allowSession"]}):
        with pytest.raises(
            JsonRpcException, match=f"questionId: expected {question['questionId']}"
        ):
            await helix.answer_by_command(answer)
    await helix.answer_by_command({"questionId": question["questionId"], "answer": "allow"})
    question = (await helix.event("question", count=2))["question"]
    assert "resolves through a symlink" in question["reason"]
    with pytest.raises(JsonRpcException, match="does not say all that it is about"):
        await helix.answer_by_command("allow")
    await helix.answer_by_command({"questionId": question["questionId"], "answer": "deny"})
    await asked
    assert [path.name for path in home.iterdir()] == ["x.sh"]


async def waiting_line(editor: Editor, wish: str) -> None:
    """Waits until progress says last what waits for the user, and how to answer."""
    line = f'`{wish}`? Answer with claudeAgent.question.answer "deny" or "allow"'

    def told() -> bool:
        messages = [
            str(params.value["message"])
            for _, method, params in editor.log
            if method == types.PROGRESS and "message" in params.value
        ]
        return bool(messages) and line in messages[-1]

    await editor.until(told)


async def test_questions_of_two_runs_wait_for_each_other(
    editor_with: Open, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    editor = await editor_with(folder, other)
    first = editor.query("make one", workspace=folder.as_uri())
    await editor.question(1)
    second = editor.query("make one", workspace=other.as_uri(), partialResultToken="other")
    await editor.event("question", "other")
    assert len(editor.questions) == 1
    editor.answer("Deny", 1)
    await editor.question(2)
    editor.answer("Allow once", 2)
    await first
    await second
    assert not (folder / "one").exists()
    assert (other / "one").exists()


async def test_mode_that_was_allowed_for_the_session_ends_when_another_is_set(
    editor: Editor, folder: Path, model: Loopback
) -> None:
    model.add(
        reply("write a", [write("a.txt")], [say("Wrote.")]),
        reply("write b", [write("b.txt")], [say("Wrote.")]),
    )
    asked = editor.query("write a", wait=True)
    await editor.question()
    editor.answer("Allow for this session")
    session = (await asked)["sessionId"]
    await editor.command("mode", {"sessionId": session, "permissionMode": "default"})
    asked = editor.query("write b", wait=True)
    await editor.question(2)
    editor.answer("Deny", 2)
    await asked
    assert not (folder / "b.txt").exists()


@pytest.mark.parametrize(
    ("labels", "chosen", "told"),
    [
        (["Done", "Open"], "Done", "Done"),
        (["Don't answer", "Open"], "Don't answer\u2019", "Don't answer"),
    ],
)
async def test_option_may_be_called_like_an_action_of_ours(
    editor: Editor, model: Loopback, labels: list[str], chosen: str, told: str
) -> None:
    options = [{"label": label, "description": "d"} for label in labels]
    question = {"question": "Which?", "header": "W", "multiSelect": False, "options": options}
    model.add(reply("ask me", [call("AskUserQuestion", questions=[question])], [say("I see.")]))
    asked = editor.query("ask me", wait=True)
    await editor.question()
    editor.answer(chosen)
    await asked
    answered = await editor.event("questionAnswered")
    assert (answered["answer"], answered["by"]) == (told, "editor")


async def test_editor_that_refuses_to_show_a_question_is_told_how_to_answer(
    editor_with: Open, folder: Path
) -> None:
    editor = await editor_with()

    async def refuse(_: object) -> None:
        raise JsonRpcMethodNotFound

    editor.protocol.fm.features[types.WINDOW_SHOW_MESSAGE_REQUEST] = refuse
    asked = editor.query("make one", wait=True, work_done_token="work")
    question = (await editor.event("question"))["question"]

    def told() -> bool:
        return any("claudeAgent.question.answer" in str(each) for each in editor.events("work"))

    await editor.until(told)
    answer = {"questionId": question["questionId"], "answer": "allow"}
    assert await editor.answer_by_command(answer) == {"answered": True}
    await asked
    assert (folder / "one").exists()


async def test_answer_without_an_id_is_not_for_a_question_that_has_just_taken_its_place(
    editor_with: Open, folder: Path, model: Loopback
) -> None:
    model.add(reply("make two", [touch("f0"), touch("f1")], [say("Tried.")]))
    editor = await editor_with(profile="helix", settings={"questionTimeoutSeconds": 1})
    asked = editor.query("make two", wait=True)
    await editor.event("questionAnswered")
    await editor.event("question", count=2)
    waiting = (await editor.command("question.list"))["questions"]
    assert waiting[0]["detail"].startswith("touch f1")
    with pytest.raises(JsonRpcException, match="without its id"):
        await editor.command("question.answer", "allow")
    await asked
    assert not list(folder.glob("f?"))


async def test_answer_that_comes_after_the_deadline_is_dropped(
    editor_with: Open, folder: Path, model: Loopback
) -> None:
    """Of a client that goes on showing what was withdrawn."""
    model.add(reply("make two", [touch("one")], [touch("two")], [say("Tried.")]))
    editor = await editor_with(settings={"questionTimeoutSeconds": 1})
    shown: list[str] = []
    second_is_open = asyncio.Event()
    withdrawn: list[str] = []

    async def stubborn(params: types.ShowMessageRequestParams) -> types.MessageActionItem:
        shown.append(params.message)
        if len(shown) == 2:
            second_is_open.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            withdrawn.append(params.message)
            await second_is_open.wait()
        return types.MessageActionItem(title="Allow once")

    editor.protocol.fm.features[types.WINDOW_SHOW_MESSAGE_REQUEST] = stubborn
    run = await editor.query("make two")
    assert ["touch one" in shown[0], "touch two" in shown[1]] == [True, True]
    assert withdrawn == shown
    assert len(run["permissionDenials"]) == 2
    assert (await editor.query("hello"))["status"] == "completed"
    assert list(folder.iterdir()) == []


async def test_question_of_a_cli_that_dies_is_withdrawn(editor: Editor, folder: Path) -> None:
    asked = editor.query("make one")
    await editor.question()
    (process,) = (await editor.command("status"))["processes"]
    os.kill(process["pid"], signal.SIGKILL)
    with pytest.raises(JsonRpcException):
        await asked
    await eventually(editor.questions[0][1].cancelled)
    assert (await editor.command("question.list")) == {"questions": []}
    answered = await editor.event("questionAnswered")
    assert (answered["answer"], answered["by"]) == ("deny", "withdrawn")
    assert list(folder.iterdir()) == []
    # Nothing is in the way of the next one.
    again = editor.query("make one", partialResultToken="again")
    await editor.question(2)
    editor.answer("Allow once", 2)
    assert (await again)["status"] == "completed"
    assert (folder / "one").exists()
