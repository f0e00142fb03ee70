"""Where the user writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .stage import question

if TYPE_CHECKING:
    from .conftest import OpenView
    from .stage import View

CAPABILITIES: dict[str, Any] = {
    "models": [
        {
            "value": "default",
            "displayName": "Default (recommended)",
            "description": "For most work",
        },
        {"value": "opus", "displayName": "Opus", "description": "For hard problems"},
    ],
    "efforts": ["low", "high"],
    "modes": ["default", "acceptEdits", "plan"],
    "commands": [
        {"name": "compact", "description": "Keep a summary"},
        {"name": "clear", "description": "Begin anew"},
        {"name": "review", "description": "Review changes"},
    ],
}
DROP = """([kind, data]) => {
    const transfer = new DataTransfer();
    transfer.setData(kind, data);
    const target = document.querySelector('.transcript');
    const options = {bubbles: true, cancelable: true, dataTransfer: transfer};
    for (const type of ['dragenter', 'dragover']) {
        target.dispatchEvent(new DragEvent(type, options));
    }
    const shown = !document.querySelector('.drop-target').hidden;
    target.dispatchEvent(new DragEvent('drop', options));
    return shown && document.querySelector('.drop-target').hidden;
}"""


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
    view.type("Look at @ca")
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
    view.tell("files", query="a", files=["wrong.py"])
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


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("Mode", ["ArrowDown", "Enter"], {"mode": "acceptEdits"}),
        ("Mode", ["p", " "], {"mode": "plan"}),
        ("Model", ["End", "Enter"], {"model": "opus"}),
        ("Effort", ["ArrowDown", "Enter"], {"effort": "low"}),
    ],
)
def test_model_mode_and_effort_are_chosen(
    view: View, name: str, keys: list[str], said: dict[str, str]
) -> None:
    view.page.locator(f".picker-button[aria-label^='{name}:']").focus()
    view.press("Enter")
    view.wait_said("wantCapabilities")
    view.tell("capabilities", **CAPABILITIES)
    expect(view.page.get_by_role("listbox", name=name)).to_be_focused()
    expect(view.page.get_by_role("option").nth(1)).to_be_visible()
    view.press(*keys)
    assert view.wait_said("choose") == {"type": "choose", **said}
    expect(view.page.locator(f".picker-button[aria-label^='{name}:']")).to_be_focused()


def test_what_is_chosen_can_be_left_to_the_settings_again(view: View) -> None:
    view.state(model="opus")
    view.tell("capabilities", **CAPABILITIES)
    view.page.get_by_role("button", name="Model: Opus").click()
    view.page.get_by_role("option", name="Default model").click()
    assert view.wait_said("choose") == {"type": "choose", "model": None}


def test_a_model_that_is_not_listed_is_shown(view: View) -> None:
    view.state(model="experimental-7", mode="unheardOf")
    expect(view.page.get_by_role("button", name="Model: experimental-7")).to_be_visible()
    expect(view.page.get_by_role("button", name="Mode: unheardOf")).to_be_visible()


def test_context_is_shown_and_can_be_taken_away(view: View) -> None:
    items = [
        {
            "id": "editor",
            "kind": "selection",
            "label": "src/a.py:3-5",
            "tooltip": "/project/src/a.py",
        },
        {
            "id": "diagnostics",
            "kind": "diagnostics",
            "label": "2 problems",
            "tooltip": "No such name",
        },
    ]
    view.tell("context", items=items)
    chips = view.page.locator(".context .chip")
    expect(chips).to_have_text(["src/a.py:3-5", "2 problems"])
    view.button("Remove 2 problems").click()
    assert view.wait_said("removeContext")["id"] == "diagnostics"
    expect(view.prompt).to_be_focused()
    view.tell("context", items=[])
    expect(view.page.locator(".context")).to_be_hidden()


@pytest.mark.parametrize("kind", ["application/vnd.code.uri-list", "text/uri-list"])
def test_files_that_are_dropped_go_with_the_prompt(view: View, kind: str) -> None:
    files = ["file:///project/a.py", "file:///project/b%20c.png"]
    assert view.page.evaluate(DROP, [kind, "\r\n".join(["# files", *files])])
    assert view.wait_said("attach")["uris"] == files


def test_words_that_are_dropped_attach_nothing(view: View) -> None:
    assert not view.page.evaluate(DROP, ["text/plain", "words"])
    assert view.said("attach") == []


def test_a_draft_comes_back_with_the_window(view: View) -> None:
    view.prompt.fill("half a thought")
    view.page.reload()
    view.wait_said("ready")
    expect(view.prompt).to_have_value("half a thought")
    view.conversation(sessionId="s7", folderUri="file:///other")
    view.until("harness.state().sessionId === 's7'")
    kept = {"sessionId": "s7", "folderUri": "file:///other", "draft": "half a thought"}
    assert view.page.evaluate("harness.state()") == kept


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


@pytest.mark.parametrize("size", [(160, 500), (210, 380), (300, 160), (300, 700), (1200, 200)])
def test_what_can_be_chosen_is_in_view(open_view: OpenView, size: tuple[int, int]) -> None:
    view = open_view(size=size)
    view.conversation()
    view.tell("capabilities", **CAPABILITIES)
    for name in ("Mode", "Model", "Effort"):
        picker = view.page.locator(f".picker-button[aria-label^='{name}:']")
        cut = "(label) => label.scrollWidth > label.clientWidth"
        assert not picker.locator(".picker-label").evaluate(cut), name
        picker.click()
        assert_in_view(view)
        view.press("Escape")
    view.prompt.focus()
    view.type("a long prompt " * 40 + "@a")
    view.tell("files", query="a", files=[f"src/a{each}.py" for each in range(30)])
    assert_in_view(view)


def assert_in_view(view: View) -> None:
    """Asserts that all of the list that is open can be seen, or scrolled to."""
    box = view.page.get_by_role("listbox").bounding_box()
    size = view.page.viewport_size
    assert box is not None
    assert size is not None
    assert box["height"] > 20, box
    assert 0 <= box["y"] <= size["height"] - box["height"], box
    assert 0 <= box["x"] <= size["width"] - box["width"], box


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
