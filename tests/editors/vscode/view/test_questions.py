"""Questions of the agent: nothing is answered by accident, and all can be answered by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .stage import question, text, tool

if TYPE_CHECKING:
    from .stage import View

CHOICES: dict[str, Any] = {
    "questions": [
        {
            "question": "Which rounding?",
            "header": "Rounding",
            "multiSelect": False,
            "options": [
                {"label": "Half up", "description": "As shops do"},
                {"label": "Half even", "description": "As banks do"},
            ],
        },
        {
            "question": "Which tests?",
            "header": "Tests",
            "multiSelect": True,
            "options": [{"label": "Unit", "description": ""}, {"label": "Slow", "description": ""}],
        },
    ]
}


def test_deny_has_the_focus_and_a_key_answers(view: View) -> None:
    view.open_questions(question())
    expect(view.card.locator("h2")).to_have_text("Running make test?")
    expect(view.button("Deny")).to_be_focused()
    view.press("Enter")
    assert view.wait_said("answer") == {"type": "answer", "questionId": "q1", "answer": "deny"}


@pytest.mark.parametrize(
    ("rights", "answer"), [(1, "allow"), (2, "allowSession"), (9, "allowSession")]
)
def test_arrow_keys_lead_to_the_other_answers(view: View, rights: int, answer: str) -> None:
    view.open_questions(question())
    view.press(*["ArrowRight"] * rights, " ")
    assert view.wait_said("answer")["answer"] == answer


def test_a_key_that_comes_too_early_answers_nothing(view: View) -> None:
    view.page.evaluate(
        """(question) => {
            harness.tell({type: 'questions', questions: [question]});
            return new Promise((resolve) => {
                new MutationObserver((_, observer) => {
                    observer.disconnect();
                    resolve();
                }).observe(document.querySelector('.questions'), {childList: true});
            });
        }""",
        question(),
    )
    before = view.page.evaluate("document.querySelector('.question').dataset.armed ?? null")
    view.press("Enter", " ")
    armed = view.page.evaluate("document.querySelector('.question').dataset.armed ?? null")
    if before is None and armed is None:  # the machine was fast enough to be early
        assert view.said("answer") == []


def test_a_key_that_is_held_down_answers_nothing(view: View) -> None:
    view.open_questions(question())
    view.page.keyboard.down("Shift")
    view.page.evaluate(
        """() => {
            const held = {key: 'Enter', repeat: true, bubbles: true, cancelable: true};
            document.activeElement.dispatchEvent(new KeyboardEvent('keydown', held));
        }"""
    )
    view.page.keyboard.up("Shift")
    view.press("y", "n", "1", "a", "d")
    assert view.said("answer") == []


def test_a_space_that_was_pressed_elsewhere_answers_nothing(view: View) -> None:
    view.open_questions(question())
    view.prompt.focus()
    view.page.keyboard.down(" ")
    view.button("Deny").focus()
    view.page.keyboard.up(" ")
    assert view.said("answer") == []


def test_who_is_writing_goes_on_writing(view: View) -> None:
    view.prompt.focus()
    view.type("I was just ")
    view.open_questions(question())
    view.type("saying")
    expect(view.prompt).to_be_focused()
    expect(view.prompt).to_have_value("I was just saying")
    expect(view.page.get_by_role("alert")).to_contain_text("Claude waits for you")
    view.press("Shift+Tab")
    expect(view.card.locator(":focus")).to_have_count(1)


def test_escape_leaves_the_question_open_and_stops_nothing(view: View) -> None:
    view.state(running=True, line="Waiting for you")
    view.open_questions(question())
    expect(view.button("Deny")).to_be_focused()
    view.press("Escape")
    expect(view.prompt).to_be_focused()
    assert view.said("answer") == []
    assert view.said("stop") == []
    view.press("Escape")
    view.wait_said("stop")


def test_a_note_goes_with_the_answer(view: View) -> None:
    view.open_questions(question())
    view.page.get_by_role("textbox", name="Note to Claude").focus()
    view.press("Enter")
    assert view.said("answer") == []
    view.type("use nox")
    view.button("Deny").click()
    said = view.wait_said("answer")
    assert (said["answer"], said["note"]) == ("deny", "use nox")


def test_enter_in_a_note_denies_with_it(view: View) -> None:
    view.open_questions(question())
    view.page.get_by_role("textbox", name="Note to Claude").fill("use nox")
    view.press("Enter")
    said = view.wait_said("answer")
    assert (said["answer"], said["note"]) == ("deny", "use nox")


def test_what_would_be_done_is_shown_in_full(view: View) -> None:
    command = "make test && " + "x" * 3000
    view.events(tool("Bash", command=command))
    view.open_questions(question(title="Using Bash", toolCallId="t1"))
    expect(view.card.locator(".code code")).to_have_text(command)


def test_an_edit_opens_its_diff_once_and_keeps_the_focus_on_deny(view: View) -> None:
    view.events(tool("Edit", file_path="/project/a.py", old_string="one", new_string="two"))
    asked = question(title="Editing a.py", detail="a.py", toolCallId="t1", hasDiff=True)
    view.open_questions(asked)
    view.tell("questions", questions=[asked, question("q2")])
    expect(view.card.locator(".question-head")).to_contain_text("1 of 2")
    expect(view.button("Deny")).to_be_focused()
    expect(view.card.locator(".diff-line.added")).to_have_text("+two")
    assert view.said("showQuestion") == [
        {"type": "showQuestion", "questionId": "q1", "what": "diff"}
    ]
    view.button("Open Diff").click()
    view.wait_said("showQuestion", 2)


def test_a_plan_is_shown_and_can_be_opened(view: View) -> None:
    view.events(tool("ExitPlanMode", plan="# The plan\n\n1. Do it"))
    view.open_questions(question(title="Proposing a plan", toolCallId="t1", hasPlan=True))
    expect(view.card.locator("h2")).to_have_text("Claude proposes a plan")
    expect(view.card.locator(".markdown h3")).to_have_text("The plan")
    view.button("Open Plan").click()
    assert view.wait_said("showQuestion")["what"] == "plan"


def test_questions_come_one_after_the_other(view: View) -> None:
    view.open_questions(question(), question("q2", title="Writing b.py"))
    view.press("Enter")
    view.wait_said("answer")
    view.open_questions(question("q2", title="Writing b.py"))
    expect(view.button("Deny")).to_be_focused()
    view.press("Enter")
    assert view.wait_said("answer", 2)["questionId"] == "q2"
    view.tell("questions", questions=[])
    expect(view.card).to_have_count(0)
    expect(view.prompt).to_be_focused()


def test_a_note_stays_while_other_questions_come(view: View) -> None:
    view.open_questions(question())
    note = view.page.get_by_role("textbox", name="Note to Claude")
    note.fill("because")
    view.tell("questions", questions=[question(), question("q2")])
    expect(view.card.locator(".question-head")).to_contain_text("1 of 2")
    expect(note).to_have_value("because")


def test_the_thread_stays_in_sight(view: View) -> None:
    view.events(text("".join(f"Line {each}.\n\n" for each in range(60))))
    view.open_questions(question())
    expect(view.answers.get_by_text("Line 59.", exact=True)).to_be_in_viewport()


def test_the_host_leads_to_a_question(view: View) -> None:
    view.prompt.focus()
    view.type("writing")
    view.open_questions(question())
    view.tell("focusQuestion", questionId="q1")
    expect(view.button("Deny")).to_be_focused()


def test_it_tells_how_long_it_waits(view: View) -> None:
    view.page.clock.install(time="2026-01-01T00:00:00Z")
    view.tell("questions", questions=[question(deadline="2026-01-01T00:05:00Z")])
    expect(view.card.locator(".question-head")).to_contain_text("5:00")
    view.page.clock.run_for(61_000)
    expect(view.card.locator(".question-head")).to_contain_text("3:59")


def test_choices_are_made_by_keys_and_in_ones_own_words(view: View) -> None:
    view.events(tool("AskUserQuestion", **CHOICES))
    view.open_questions(question(title="Asking you", toolCallId="t1"))
    expect(view.card.locator("h2")).to_have_text("Claude asks you")
    expect(view.button("Answer")).to_be_disabled()
    expect(view.page.get_by_label("Half up")).to_be_focused()
    view.press(" ", "ArrowDown")
    view.page.get_by_label("Unit").focus()
    view.press(" ", "Tab", " ", "Tab", "Tab")
    expect(view.page.get_by_role("textbox", name="Something else: Which tests?")).to_be_focused()
    view.type("Fuzz")
    expect(view.button("Answer")).to_be_enabled()
    view.button("Answer").click()
    said = view.wait_said("answer")
    assert said["answer"] == "allow"
    assert said["chosen"] == [
        {"question": "Which rounding?", "answers": ["Half even"]},
        {"question": "Which tests?", "answers": ["Unit", "Slow", "Fuzz"]},
    ]


def test_choices_need_not_be_made(view: View) -> None:
    view.events(tool("AskUserQuestion", **CHOICES))
    view.open_questions(question(title="Asking you", toolCallId="t1"))
    view.button("Don't Answer").click()
    assert view.wait_said("answer") == {"type": "answer", "questionId": "q1", "answer": "deny"}
