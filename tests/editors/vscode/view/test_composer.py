"""Where the user writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .stage import CAPABILITIES, question

if TYPE_CHECKING:
    from .conftest import OpenView
    from .stage import View


def test_enter_sends_and_shift_enter_is_a_new_line(view: View) -> None:
    view.prompt.focus()
    view.type("first")
    view.press("Shift+Enter")
    view.type("second")
    view.press("Enter")
    assert view.wait_said("send")["prompt"] == "first\nsecond"
    expect(view.prompt).to_have_value("")
    expect(view.prompt).to_be_focused()


def test_nothing_is_sent_while_nothing_is_written(view: View) -> None:
    expect(view.button("Send")).to_be_disabled()
    view.prompt.focus()
    view.type("  ")
    view.press("Enter")
    view.type("x")
    view.button("Send").click()
    assert [sent["prompt"] for sent in view.said("send")] == ["  x"]


QUEUE = [
    {"runId": "r1", "prompt": "say one", "state": "waiting"},
    {"runId": "r2", "prompt": "say two\nat length", "state": "kept"},
]


def test_what_is_written_during_a_run_is_queued_sent_into_it_or_in_its_place(view: View) -> None:
    expect(view.button("Stop and Send")).to_be_hidden()
    view.state(running=True, line="Reading")
    view.prompt.focus()
    view.type("and then")
    view.press("Enter")
    expect(view.prompt).to_have_value("")
    view.type("and now")
    view.press("Control+Enter")
    view.type("and instead")
    view.button("Stop and Send").click()
    view.type("with the mouse")
    view.button("Send Now").click()
    view.type("and by key")
    view.press("Control+Shift+Enter")
    view.type("one")
    view.press("Shift+Enter")
    expect(view.prompt).to_have_value("one\n")
    sent = [(sent["prompt"], sent["how"]) for sent in view.said("send")]
    assert sent == [
        ("and then", "queue"),
        ("and now", "steer"),
        ("and instead", "stop"),
        ("with the mouse", "steer"),
        ("and by key", "stop"),
    ]


def test_what_waits_stands_above_and_is_changed_sent_and_removed(view: View) -> None:
    view.state(running=True, queue=QUEUE)
    waiting = view.page.get_by_role("list", name="Waiting Prompts")
    expect(waiting.get_by_role("listitem")).to_have_count(2)
    expect(waiting).to_contain_text("Kept")
    view.button("Edit say one").click()
    field = view.page.get_by_role("textbox", name="Waiting Prompt")
    expect(field).to_be_focused()
    view.type(" more")
    view.state(running=True, line="Reading", queue=QUEUE)
    expect(field).to_have_value("say one more")
    view.press("Enter")
    assert view.wait_said("queueEdit") == {
        "type": "queueEdit",
        "runId": "r1",
        "prompt": "say one more",
    }
    expect(view.prompt).to_be_focused()
    view.button("Edit say one").click()
    view.type("nothing of this")
    view.press("Escape")
    expect(field).to_have_count(0)
    assert not view.said("stop"), "Escape was meant for the text"
    view.button("Send Now: say one").click()
    assert view.wait_said("queueSend")["runId"] == "r1"
    view.page.get_by_role("button", name="Remove say two").click()
    assert view.wait_said("queueRemove")["runId"] == "r2"
    assert len(view.said("queueEdit")) == 1
    view.state(queue=[])
    expect(waiting).to_be_hidden()


def test_arrow_keys_go_through_what_was_asked_and_back_to_what_was_being_written(
    view: View,
) -> None:
    view.conversation(history=["one", "two\nlines", "three"])
    view.prompt.focus()
    view.type("draft")
    for expected in ("three", "two\nlines", "one", "one"):
        view.press("ArrowUp")
        expect(view.prompt).to_have_value(expected)
    view.press("ArrowDown")
    expect(view.prompt).to_have_value("two\nlines")
    view.press("ArrowDown", "ArrowDown")
    expect(view.prompt).to_have_value("draft")


def test_arrow_keys_move_in_a_prompt_of_several_lines(view: View) -> None:
    view.conversation(history=["old"])
    view.prompt.focus()
    view.type("a")
    view.press("Shift+Enter")
    view.type("b")
    view.press("ArrowUp")
    expect(view.prompt).to_have_value("a\nb")
    view.press("ArrowUp")
    expect(view.prompt).to_have_value("old")


def test_what_is_sent_is_the_newest_of_what_was_asked(view: View) -> None:
    view.conversation(history=["old"])
    view.prompt.focus()
    view.type("new")
    view.press("Enter", "ArrowUp")
    expect(view.prompt).to_have_value("new")


def test_a_file_is_completed(view: View) -> None:
    view.prompt.focus()
    view.type("Look at @")
    assert view.wait_said("completeFiles")["query"] == ""
    view.type("ca")
    view.tell("files", query="", files=["src/main.py"])
    view.until("harness.said.some(({query}) => query === 'ca')")
    view.tell("files", query="ca", files=["src/cart.py", "docs/the cart.md"])
    expect(view.page.get_by_role("option")).to_have_text(["cart.pysrc/", "the cart.mddocs/"])
    active = view.prompt.get_attribute("aria-activedescendant")
    expect(view.page.locator(f"#{active}")).to_contain_text("cart.py")
    view.press("ArrowDown", "Enter")
    expect(view.prompt).to_have_value('Look at @"docs/the cart.md" ')
    expect(view.page.get_by_role("listbox")).to_be_hidden()
    assert view.said("send") == []


def test_an_answer_to_an_older_query_completes_nothing(view: View) -> None:
    view.prompt.focus()
    view.type("@ab")
    view.tell("files", query="", files=["wrong.py"])
    assert [said["query"] for said in view.said("completeFiles")] == ["", "ab"]
    view.tell("files", query="ab", files=["ab.py"])
    expect(view.page.get_by_role("option")).to_have_text(["ab.py"])


def test_an_address_is_no_file(view: View) -> None:
    view.prompt.focus()
    view.type("mail me@x")
    assert view.said("completeFiles") == []


def test_a_command_is_completed_at_the_beginning_alone(view: View) -> None:
    view.prompt.focus()
    view.type("/c")
    view.wait_said("wantCapabilities")
    view.tell("capabilities", **CAPABILITIES)
    expect(view.page.get_by_role("option")).to_have_text(
        ["/compactKeep a summary", "/clearBegin anew"]
    )
    view.press("ArrowUp", "Tab")
    expect(view.prompt).to_have_value("/clear ")
    view.type("/c")
    expect(view.page.get_by_role("listbox")).to_be_hidden()


def test_a_command_that_is_written_out_is_sent(view: View) -> None:
    view.tell("capabilities", **CAPABILITIES)
    view.prompt.focus()
    view.type("/compact")
    expect(view.page.get_by_role("option")).to_have_count(1)
    view.press("Enter")
    assert view.wait_said("send")["prompt"] == "/compact"


def test_escape_closes_a_completion_and_stops_nothing(view: View) -> None:
    view.state(running=True, line="Reading")
    view.tell("capabilities", **CAPABILITIES)
    view.prompt.focus()
    view.type("/c")
    expect(view.page.get_by_role("listbox")).to_be_visible()
    view.press("Escape")
    expect(view.page.get_by_role("listbox")).to_be_hidden()
    assert view.said("stop") == []
    view.type("o")
    expect(view.page.get_by_role("listbox")).to_be_hidden()
    view.press("Escape")
    view.wait_said("stop")


def test_a_draft_comes_back_with_the_window(view: View) -> None:
    view.prompt.fill("half a thought")
    view.page.reload()
    view.wait_said("ready")
    expect(view.prompt).to_have_value("half a thought")
    view.conversation()
    expect(view.prompt).to_have_value("half a thought")
    kept = {"sessionId": "session", "folderUri": "file:///project", "draft": "half a thought"}
    assert view.page.evaluate("harness.state()") == {**kept, "drafts": {}}


def test_a_draft_belongs_to_its_conversation(view: View) -> None:
    view.conversation(sessionId=None)
    view.prompt.fill("begun in none")
    view.state(sessionId="s1")  # it has its session now
    expect(view.prompt).to_have_value("begun in none")
    view.conversation(sessionId="s2")
    expect(view.prompt).to_have_value("")
    view.prompt.fill("to the second")
    view.conversation(sessionId="s2")  # read anew
    expect(view.prompt).to_have_value("to the second")
    view.page.reload()
    view.wait_said("ready")
    view.conversation(sessionId="s1")
    expect(view.prompt).to_have_value("begun in none")
    expect(view.button("Send")).to_be_enabled()
    view.press("Escape")
    view.prompt.press("Enter")
    view.conversation(sessionId="s2")
    expect(view.prompt).to_have_value("to the second")
    view.conversation(sessionId="s1")
    expect(view.prompt).to_have_value("")


def test_the_host_puts_the_cursor_and_a_text_into_the_prompt(view: View) -> None:
    view.tell("focusPrompt", text="Explain this")
    expect(view.prompt).to_be_focused()
    expect(view.prompt).to_have_value("Explain this")
    view.tell("focusPrompt")
    expect(view.prompt).to_have_value("Explain this")


def test_without_trust_nothing_can_be_asked(view: View) -> None:
    view.state(trusted=False)
    expect(view.prompt).to_be_disabled()
    view.button("Manage Trust").click()
    view.wait_said("manageTrust")


def test_an_idea_is_put_into_the_prompt(view: View) -> None:
    view.page.get_by_role("list", name="Ideas").get_by_role("button").first.click()
    expect(view.prompt).to_have_value("Explain what this project does and how it is organised")
    expect(view.prompt).to_be_focused()
    view.button("Resume a session…").click()
    view.wait_said("resume")


@pytest.mark.parametrize("width", [160, 210, 300])
def test_what_a_field_is_for_can_be_read(open_view: OpenView, width: int) -> None:
    view = open_view(size=(width, 760))
    view.conversation()
    view.open_questions(question())
    assert view.prompt.evaluate("(field) => field.scrollHeight <= field.clientHeight")
    needed = """(field) => {
        const {font, paddingInlineStart, paddingInlineEnd} = getComputedStyle(field);
        const ruler = document.createElement('canvas').getContext('2d');
        ruler.font = font;
        const words = ruler.measureText(field.placeholder).width;
        return words + parseFloat(paddingInlineStart) + parseFloat(paddingInlineEnd);
    }"""
    note = view.page.get_by_role("textbox", name="Note to Claude")
    assert note.evaluate(needed) <= note.evaluate("(field) => field.clientWidth")
