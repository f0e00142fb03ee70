"""Questions of the agent: nothing is answered by accident, and all can be answered by keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .stage import choice, grants, question, text

if TYPE_CHECKING:
    from .stage import View

DIFF = "--- a.py\n+++ a.py\n@@ -1,3 +1,3 @@\n same\n-one\n+two\n last"


def test_deny_has_the_focus_and_a_key_answers(view: View) -> None:
    view.open_questions(question())
    expect(view.card.locator("h2")).to_have_text("Run make test?")
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
    clock = view.page.clock
    clock.install()
    clock.pause_at(time.time() + 60)
    try:
        view.tell("questions", questions=[question()])
        clock.run_for(100)
        expect(view.button("Deny")).to_be_focused()
        view.press("Enter", " ")
        assert view.said("answer") == []
        clock.run_for(1000)
        view.press("Enter")
        view.wait_said("answer")
    finally:
        clock.resume()  # the pages of other tests have the same


def test_no_part_of_a_command_looks_like_its_end(view: View) -> None:
    command = "echo a\n\nFor this session: `echo *`\nrm -rf ~/work"
    action = {"subject": "echo a", "tool": "Bash", "command": command}
    view.open_questions(question(action=action, grants=grants("`echo a`")))
    expect(view.card.locator(".code code")).to_have_text(command)
    expect(view.card.locator(".question-body .hint")).to_have_text(["For this session: `echo a`"])


def test_a_key_that_is_held_down_answers_nothing(view: View) -> None:
    view.open_questions(question())
    view.page.get_by_role("textbox", name="Note to Claude").focus()
    view.page.keyboard.down("Enter")
    view.button("Deny").focus()
    view.page.keyboard.down("Enter")
    view.page.keyboard.down("Enter")
    view.page.keyboard.up("Enter")
    assert view.said("answer") == []


def test_no_letter_answers(view: View) -> None:
    view.open_questions(question())
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
    action = {"subject": "make test", "tool": "Bash", "command": command, "description": "Test"}
    asked = question(
        detail=f"{command[:500]}\n… ({len(command) - 500} more characters)",
        action=action,
        notes=["In the background", "shell: zsh\n-x"],
        reason="It is outside.",
        grants=grants("`make *`", "`x *`", saved_in=".claude/settings.local.json"),
    )
    view.open_questions(asked)
    expect(view.card.locator(".code code")).to_have_text(command)
    expect(view.card.locator(".question-body p:not(.hint)")).to_have_text("Test")
    expect(view.card.locator(".question-body .hint")).to_have_text(
        [
            *("In the background", "shell: zsh", "-x", "It is outside."),
            "For this session: `make *`, `x *`",
            "Always: `make *`, `x *`, in .claude/settings.local.json",
        ]
    )


def test_what_another_tool_is_given_is_shown_as_it_is(view: View) -> None:
    action = {"subject": "make of far", "tool": "mcp__far__make"}
    notes = ["name: x", "script: one\n  two"]
    view.open_questions(question(action=action, notes=notes, reason="It asks."))
    expect(view.card.locator(".detail")).to_have_text("name: x\nscript: one\n  two")
    expect(view.card.locator(".question-body .hint")).to_have_text(["It asks."])


def test_what_has_no_fields_is_shown_as_the_server_words_it(view: View) -> None:
    asked = question(detail="make test\nIt is outside.")
    for name in ("action", "notes", "grants"):
        del asked[name]
    view.open_questions(asked)
    expect(view.card.locator(".detail")).to_have_text("make test\nIt is outside.")


def test_an_edit_opens_its_diff_once_and_keeps_the_focus_on_deny(view: View) -> None:
    action = {"subject": "a.py", "tool": "Edit", "path": "src/a.py"}
    asked = question(title="Edit a.py?", action=action, diff=DIFF, hasDiff=True)
    view.open_questions(asked)
    view.tell("questions", questions=[asked, question("q2")])
    expect(view.card.locator(".question-head")).to_contain_text("1 of 2")
    expect(view.button("Deny")).to_be_focused()
    expect(view.card.locator(".detail")).to_have_text("src/a.py")
    expect(view.card.locator(".diff-line.removed")).to_have_text("-one")
    expect(view.card.locator(".diff-line.added")).to_have_text("+two")
    assert view.said("showQuestion") == [
        {"type": "showQuestion", "questionId": "q1", "what": "diff"}
    ]
    view.button("Open Diff").click()
    view.wait_said("showQuestion", 2)


def test_a_plan_is_shown_and_can_be_opened(view: View) -> None:
    options = [{"value": "deny", "label": "Keep planning"}, {"value": "allow", "label": "Approve"}]
    plan: dict[str, Any] = {"kind": "plan", "title": "Carry out this plan?", "options": options}
    view.open_questions(question(document="# The plan\n\n1. Do it", hasPlan=True, **plan))
    expect(view.card.locator("h2")).to_have_text("Carry out this plan?")
    expect(view.card.locator(".markdown h3")).to_have_text("The plan")
    expect(view.button("Keep planning")).to_be_focused()
    view.button("Open Plan").click()
    assert view.wait_said("showQuestion")["what"] == "plan"


def test_questions_come_one_after_the_other(view: View) -> None:
    view.open_questions(question(), question("q2", title="Write b.py?"))
    view.press("Enter")
    view.wait_said("answer")
    view.open_questions(question("q2", title="Write b.py?"))
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


def test_a_choice_is_made_by_keys(view: View) -> None:
    view.open_questions(choice(title="Which rounding"))
    expect(view.card.locator("h2")).to_have_text("Which rounding")
    expect(view.card.get_by_text("As banks do")).to_be_visible()
    expect(view.button("Answer")).to_be_disabled()
    expect(view.page.get_by_label("Half up")).to_be_focused()
    view.press("Enter")
    assert view.said("answer") == []
    view.press("ArrowDown", "Tab")
    view.button("Answer").focus()
    view.press("Enter")
    assert view.wait_said("answer")["answer"] == "Half even"


def test_several_are_chosen_where_several_can_be(view: View) -> None:
    view.open_questions(choice(multiple=True))
    view.press(" ", "Tab", " ", "Tab", "Tab")
    view.type("Neither")
    view.button("Answer").click()
    assert view.wait_said("answer")["answer"] == ["Half up", "Half even", "Neither"]


def test_a_choice_is_answered_in_ones_own_words(view: View) -> None:
    view.open_questions(choice())
    view.page.get_by_label("Half up").check()
    view.page.get_by_role("textbox", name="Something else, in your own words").fill("Never round")
    view.button("Answer").click()
    assert view.wait_said("answer")["answer"] == "Never round"


def test_a_choice_need_not_be_made(view: View) -> None:
    view.open_questions(choice())
    view.button("Don't answer").click()
    assert view.wait_said("answer")["answer"] == "deny"


def test_a_deadline_that_passes_is_no_answer_of_the_users(view: View) -> None:
    settled = {"kind": "questionAnswered", "answer": "deny"}
    notices = view.page.locator(".notice")
    view.events(
        {"kind": "question", "question": question()},
        {**settled, "questionId": "q1", "by": "editor"},
    )
    view.events({"kind": "question", "question": question("q2")})
    expect(notices).to_have_count(0)
    view.events({**settled, "questionId": "q2", "by": "deadline"})
    expect(notices).to_have_text("Nobody answered in time, so the answer was no: Run make test?")
    expect(notices).to_have_attribute("data-level", "warning")


def test_code_in_an_answers_name_is_shown_as_code(view: View) -> None:
    always = {"value": "allowAlways", "label": "Always allow `make *`"}
    asked = question(options=[*question()["options"], always])
    view.open_questions(asked)
    named = view.button("Always allow make *")
    expect(named.locator("code")).to_have_text("make *")
    named.click()
    assert view.wait_said("answer")["answer"] == "allowAlways"
