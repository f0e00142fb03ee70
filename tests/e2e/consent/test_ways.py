"""Every kind of question, in every way in which a client can ask and answer it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import begin, cancelled, clis, eventually
from tests.e2e.ways import WAYS, ByRequest, Way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Step
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

    OpenWay = Callable[..., Awaitable[Way]]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def kind(request: pytest.FixtureRequest) -> type[Way]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def open_way(editor_with: Open, kind: type[Way]) -> OpenWay:
    async def open_it(**settings: Any) -> Way:
        return kind(
            await editor_with(profile=kind.profile, announces=kind.announces, settings=settings)
        )

    return open_it


def run(editor: Editor, prompt: str) -> Any:
    """Ask, and wait for the end whatever the editor does by itself."""
    return editor.query(prompt, wait=True)


def told(model: Loopback) -> str:
    """All that the model has been told."""
    return "\n".join(said.text for said in model.requests[-1].conversation)


def bash(command: str) -> Step:
    return call("Bash", command=command)


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    model.add(
        reply("make one", [bash("mkfifo one")], [say("Tried.")]),
        reply("make it twice", [bash("mkfifo one")], [bash("mkfifo one two")], [say("Tried.")]),
        reply("make five", [bash(f"mkfifo file{n}") for n in range(5)], [say("Tried all.")]),
    )


async def test_allowed(open_way: OpenWay, folder: Path) -> None:
    way = await open_way()
    asked = run(way.editor, "make one")
    question = await way.question()
    assert question["detail"].startswith("mkfifo one\n")
    await way.answer("allow")
    assert (await asked)["permissionDenials"] == []
    assert (folder / "one").is_fifo()
    answered = await way.editor.event("questionAnswered")
    assert answered["questionId"] == question["questionId"]
    assert (answered["answer"], answered["by"]) == (
        "allow",
        "command" if way.profile == "helix" else "editor",
    )


async def test_denied_with_a_note_that_reaches_the_agent(
    open_way: OpenWay, folder: Path, model: Loopback
) -> None:
    way = await open_way()
    note = "Use touch." if way.takes_notes else None
    asked = run(way.editor, "make one")
    await way.question()
    await way.answer("deny", note)
    reason = note or "The user said no."
    assert (await asked)["permissionDenials"] == [{"tool": "Bash", "reason": reason}]
    assert not (folder / "one").exists()
    assert reason in told(model)


async def test_allowed_for_the_session_is_asked_once_even_of_a_later_process(
    open_way: OpenWay, folder: Path
) -> None:
    way = await open_way(idleProcessSeconds=0)
    asked = run(way.editor, "make it twice")
    question = await way.question()
    assert "For this session: `mkfifo" in question["detail"]
    await way.answer("allowSession")
    await asked
    assert len(way.editor.events(kind="question")) == 1
    assert (folder / "two").is_fifo()
    (folder / "one").unlink()
    await eventually(lambda: not clis(way.editor))
    assert (await run(way.editor, "make one"))["permissionDenials"] == []
    assert (folder / "one").is_fifo()
    assert len(way.editor.events(kind="question")) == 1


async def test_always_allowed_is_not_asked_by_a_new_server_either(
    open_way: OpenWay, folder: Path
) -> None:
    way = await open_way()
    asked = run(way.editor, "make one")
    question = await way.question()
    labels = {option["value"]: option["label"] for option in question["options"]}
    assert re.fullmatch(r"Always allow `mkfifo.*`", labels["allowAlways"])
    assert ".claude/settings.local.json" in question["detail"]
    assert question["grants"]["savedIn"] == ".claude/settings.local.json"
    assert question["grants"]["always"] == question["grants"]["session"]
    assert labels["allowAlways"].endswith(question["grants"]["always"][0]["text"])
    await way.answer("allowAlways")
    await asked
    written = json.loads((folder / ".claude" / "settings.local.json").read_text())
    assert [rule for rule in written["permissions"]["allow"] if "mkfifo" in rule]
    (folder / "one").unlink()
    second = await open_way()
    await run(second.editor, "make one")
    assert (folder / "one").is_fifo()
    assert second.editor.events(kind="question") == []


async def test_no_answer_before_the_deadline_means_no(open_way: OpenWay, folder: Path) -> None:
    way = await open_way(questionTimeoutSeconds=0.5)
    done = await run(way.editor, "make one")
    assert "did not answer within 0.5 seconds" in done["permissionDenials"][0]["reason"]
    assert not (folder / "one").exists()
    assert (await way.editor.event("questionAnswered"))["by"] == "deadline"


async def test_cancelled_while_open(open_way: OpenWay, folder: Path) -> None:
    way = await open_way()
    query = begin(way.editor, "make one")
    await way.editor.event("question", query.events)
    await way.shown(1)
    await cancelled(way.editor, query)
    (answered,) = way.editor.events(query.events, "questionAnswered")
    assert (answered["answer"], answered["by"]) == ("deny", "withdrawn")
    assert (await way.editor.command("question.list"))["questions"] == []
    if isinstance(way, ByRequest):
        assert way.editor.requests[0][1].cancelled()
    assert not (folder / "one").exists()


async def test_five_at_once_are_asked_one_after_the_other(open_way: OpenWay, folder: Path) -> None:
    way = await open_way()
    asked = run(way.editor, "make five")
    for number in range(1, 6):
        question = await way.question(number)
        listed = (await way.editor.command("question.list"))["questions"]
        assert listed[0]["questionId"] == question["questionId"]
        await way.answer("allow" if number % 2 else "deny")
        await way.editor.event("questionAnswered", count=number)
    await asked
    assert sorted(path.name for path in folder.iterdir()) == ["file0", "file2", "file4"]


async def test_of_two_answers_the_first_stands(open_way: OpenWay, folder: Path) -> None:
    way = await open_way()
    asked = run(way.editor, "make one")
    question = await way.question()
    first = {"questionId": question["questionId"], "answer": "deny"}
    assert await way.editor.answer_by_command(first) == {"answered": True}
    if way.profile != "helix":  # its question has been withdrawn
        shown = way.editor.requests or way.editor.questions
        await eventually(shown[0][1].cancelled)
    await asked
    assert not (folder / "one").exists()
    assert len(way.editor.events(kind="questionAnswered")) == 1


PLAN = "# The plan\n\n1. Do it.\x1b[2K\n"


@pytest.fixture
def planned(model: Loopback) -> Callable[[Way], Awaitable[Any]]:
    """Lets the agent write its plan where the CLI tells it to, and propose it."""

    async def plan(way: Way) -> Any:
        editor = way.editor
        first = await editor.query("hello", wait=True, permissionMode="plan")
        place = re.search(r"/\S*plans/\S*\.md", told(model))
        assert place is not None
        model.add(
            reply(
                "plan it",
                [call("Write", file_path=place[0], content=PLAN)],
                [call("ExitPlanMode")],
                [call("Write", file_path="new.txt", content="x\n")],
                [say("Done.")],
            )
        )
        return editor.query("plan it", wait=True, permissionMode="plan", session=first["sessionId"])

    return plan


async def test_plan_is_shown_and_goes_on_being_planned(
    open_way: OpenWay, planned: Callable[[Way], Awaitable[Any]], folder: Path, model: Loopback
) -> None:
    way = await open_way()
    asked = await planned(way)
    question = await way.question()
    assert (question["kind"], question["title"]) == ("plan", "Carry out this plan?")
    assert question["action"] == {"subject": "", "tool": "ExitPlanMode"}
    assert question["document"] == "# The plan\n\n1. Do it.\\x1b[2K\n"
    assert [option["value"] for option in question["options"]] == ["deny", "allow", "acceptEdits"]
    await way.answer("deny")
    await way.question(2)  # the script's agent tries to write all the same
    await way.answer("deny")
    await asked
    assert "The user wants you to go on planning." in told(model)
    assert not (folder / "new.txt").exists()


async def test_plan_is_approved_and_edits_are_asked(
    open_way: OpenWay, planned: Callable[[Way], Awaitable[Any]], folder: Path
) -> None:
    way = await open_way()
    asked = await planned(way)
    await way.question()
    await way.answer("allow")
    question = await way.question(2)
    assert question["title"] == "Write new.txt?"
    await way.answer("allow")
    await asked
    assert way.editor.events(kind="mode") == [{"kind": "mode", "permissionMode": "default"}]
    assert (folder / "new.txt").read_text() == "x\n"


async def test_plan_is_approved_with_its_edits_for_the_session(
    open_way: OpenWay,
    planned: Callable[[Way], Awaitable[Any]],
    folder: Path,
    model: Loopback,
) -> None:
    way = await open_way()
    asked = await planned(way)
    await way.question()
    await way.answer("acceptEdits")
    await asked
    assert way.editor.events(kind="mode") == [{"kind": "mode", "permissionMode": "acceptEdits"}]
    assert (folder / "new.txt").read_text() == "x\n"
    write = call("Write", file_path="more.txt", content="y\n")
    model.add(reply("write more", [write], [say("Wrote.")]))
    await run(way.editor, "write more")
    assert (folder / "more.txt").exists()
    assert len(way.editor.events(kind="question")) == 1


CHOICES = [
    {
        "question": "Which database?",
        "header": "DB",
        "multiSelect": False,
        "options": [
            {"label": "Postgres", "description": "big"},
            {"label": "SQLite", "description": "small"},
        ],
    },
    {
        "question": "Which parts?",
        "header": "Parts",
        "multiSelect": True,
        "options": [{"label": name, "description": name.lower()} for name in ("A", "B", "C")],
    },
]


@pytest.fixture
def choosing(model: Loopback) -> None:
    model.add(
        reply("ask me", [call("AskUserQuestion", questions=CHOICES)], [say("I see.")]),
    )


@pytest.mark.usefixtures("choosing")
async def test_choices_are_asked_in_order_and_told(open_way: OpenWay, model: Loopback) -> None:
    way = await open_way()
    asked = run(way.editor, "ask me")
    question = await way.question()
    assert (question["kind"], question["title"]) == ("choice", "Which database?")
    assert "SQLite: small" in question["detail"]
    assert question["options"][0] == {"value": "deny", "label": "Don't answer"}
    assert question["options"][1] == {
        "value": "Postgres",
        "label": "Postgres",
        "description": "big",
    }
    assert question["action"] == {"subject": "DB", "tool": "AskUserQuestion"}
    await way.answer("SQLite")
    question = await way.question(2)
    assert question["multiple"] is True
    await way.answer(["A", "C"])
    await asked
    assert '"Which database?"="SQLite"' in told(model)
    assert '"Which parts?"="A, C"' in told(model)


@pytest.mark.usefixtures("choosing")
async def test_choice_is_answered_in_words_of_ones_own(open_way: OpenWay, model: Loopback) -> None:
    way = await open_way()
    asked = run(way.editor, "ask me")
    question = await way.question()
    if way.announces is None:  # a message has no place for words, the command has
        words = {"questionId": question["questionId"], "answer": "MongoDB, please"}
        await way.editor.answer_by_command(words)
    else:
        await way.answer("MongoDB, please")
    await way.question(2)
    await way.answer(["B"])
    await asked
    assert '"Which database?"="MongoDB, please"' in told(model)


@pytest.mark.usefixtures("choosing")
async def test_answers_before_one_that_is_not_given_are_told(
    open_way: OpenWay, model: Loopback
) -> None:
    way = await open_way()
    asked = run(way.editor, "ask me")
    await way.question()
    await way.answer("SQLite")
    await way.question(2)
    await way.answer("deny")
    await asked
    assert '"Which database?"="SQLite"' in told(model)
    assert '"Which parts?"="(The user did not answer.)"' in told(model)


@pytest.mark.usefixtures("choosing")
async def test_choice_that_is_not_answered_is_told_as_such(
    open_way: OpenWay, model: Loopback
) -> None:
    way = await open_way()
    asked = run(way.editor, "ask me")
    await way.question()
    await way.answer("deny")
    await asked
    assert "The user did not answer." in told(model)
    assert len(way.editor.events(kind="question")) == 1
