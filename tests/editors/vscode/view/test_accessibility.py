"""For everybody: axe finds nothing, and all of it is done by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .bundle import EXTENSION
from .stage import CAPABILITIES, choice, ended, message, question, result, text, tool
from .test_consent import ASKED
from .test_questions import DIFF
from .test_streaming import MARKDOWN

if TYPE_CHECKING:
    from .conftest import OpenView
    from .stage import View

AXE = EXTENSION / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    const told = ({ html, failureSummary }) => `${html} ${failureSummary}`;
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(told).join('\\n')}`);
}"""
THEMES = ["dark", "light", "hc-dark", "hc-light"]
CONTEXT = [{"id": "e", "kind": "selection", "label": "a.py:3-5", "tooltip": "/project/a.py"}]


def nothing_said(view: View) -> None:
    view.conversation()
    view.tell("context", items=CONTEXT)


def at_work(view: View) -> None:
    view.conversation(
        message("user", "Do it"),
        message("assistant", "Done."),
        running=True,
        line="Reading",
        folder="one",
    )
    view.events(
        {"kind": "thinking", "messageId": "m0", "text": "Hm."},
        text(MARKDOWN, "m1"),
        tool("Edit", "a", file_path="/p/a.py", old_string="one\ntwo", new_string="one\n2"),
        tool("Bash", "b", command="make"),
        result("no", "b", "failed"),
        tool("TodoWrite", "c", todos=[{"content": "x", "status": "completed"}]),
        {"kind": "notice", "level": "warning", "text": "Slow"},
        {"kind": "usage", "contextTokens": 190_000, "contextWindow": 200_000, "costUsd": 0.1},
        text("More."),
    )
    expect(view.answers).to_have_count(3)
    view.unfold()


def failed(view: View) -> None:
    view.conversation(
        steps=[{"kind": "prompt", "prompt": "Do it", "context": ["a.py"]}], trusted=False
    )
    error = {"reason": "modelError", "message": "It failed.", "hint": "Try again."}
    view.events(ended("failed", error=error, filesChanged=["file:///p/a.py"]))
    expect(view.page.locator(".failure")).to_be_visible()


def asking(view: View) -> None:
    view.conversation(running=True, line="Waiting")
    view.events(tool("Edit", file_path="/p/a.py", old_string="one", new_string="2"))
    action = {"subject": "a.py", "tool": "Edit", "path": "a.py"}
    view.open_questions(question(title="Edit a.py?", action=action, diff=DIFF, hasDiff=True))


def reading(view: View) -> None:
    view.conversation(running=True, line="Waiting")
    view.open_questions(ASKED["many lines"])
    expect(view.button("Show all")).to_be_visible()
    expect(view.button("Allow once")).to_be_disabled()


def choosing(view: View) -> None:
    view.conversation(running=True, line="Waiting")
    view.open_questions(choice())


def completing(view: View) -> None:
    view.conversation()
    view.prompt.focus()
    view.type("@a")
    view.tell("files", query="a", files=["src/a.py", "b/a.md"])
    expect(view.page.get_by_role("option")).to_have_count(2)


def picking(view: View) -> None:
    view.conversation()
    view.tell("capabilities", **CAPABILITIES)
    view.page.get_by_role("button", name="Model: Default model").click()
    expect(view.page.get_by_role("option")).to_have_count(2)


SCENES = [nothing_said, at_work, failed, asking, reading, choosing, completing, picking]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_violation(open_view: OpenView, theme: str) -> None:
    view = open_view(theme=theme)
    view.page.evaluate(AXE.read_text())
    found: dict[str, Any] = {}
    for scene in SCENES:
        scene(view)
        # What moves or fades has arrived where it is going.
        view.page.evaluate("document.getAnimations().forEach((each) => each.cancel())")
        found[scene.__name__] = view.page.evaluate(RUN_AXE)
        view.tell("questions", questions=[])
        view.press("Escape")
    assert found == {scene.__name__: [] for scene in SCENES}


def test_the_whole_way_by_keys(view: View) -> None:
    view.tell("focusPrompt")
    expect(view.prompt).to_be_focused()
    view.type("Fix it")
    view.press("Enter")
    assert view.wait_said("send")["prompt"] == "Fix it"
    view.tell("steps", steps=[{"kind": "prompt", "prompt": "Fix it", "context": []}])
    view.state(running=True, line="Editing a.py")
    view.events(
        text("See [a.py](a.py#L2).\n\n```sh\nmake\n```\n\n"),
        tool("Edit", file_path="/p/a.py", old_string="one", new_string="2"),
    )
    view.open_questions(question(title="Edit a.py?", detail="a.py", hasDiff=True))
    view.prompt.focus()
    view.press(*["Shift+Tab"] * 20)
    reached = []
    for _ in range(25):
        name = view.page.evaluate(
            """() => {
                const element = document.activeElement;
                const words = element.getAttribute('aria-label') ?? element.textContent;
                return `${element.localName} ${words.trim().slice(0, 40)}`;
            }"""
        )
        outline = view.page.evaluate(
            """() => {
                const element = document.activeElement;
                const outlined = getComputedStyle(element).outlineStyle !== 'none';
                return outlined || element.closest('.composer:focus-within') !== null;
            }"""
        )
        assert outline or name.startswith("body"), f"the focus can't be seen: {name}"
        reached.append(name)
        view.press("Tab")
    for wanted in (
        "a a.py",
        "button Copy",
        "button Insert at Cursor",
        "summary Editing a.py",
        "button Open Diff of a.py",
        "button Open a.py",
        "button Deny",
        "button Allow once",
        "button Open Diff",
        "input Note to Claude",
        "button Stop",
        "textarea Ask Claude",
        "button Mode: Ask first",
    ):
        assert any(name.startswith(wanted) for name in reached), (wanted, reached)
    view.button("Deny").focus()
    view.press("ArrowRight", "Enter")
    assert view.wait_said("answer")["answer"] == "allow"
    view.tell("questions", questions=[])
    expect(view.prompt).to_be_focused()
    view.press("Escape")
    view.wait_said("stop")


def test_what_happens_is_read_out(view: View) -> None:
    view.events(text("The answer."), ended(text="The answer is 42."))
    expect(view.page.get_by_role("status")).to_have_text("The answer is 42.")


def test_it_fits_a_narrow_side_bar(open_view: OpenView) -> None:
    view = open_view(size=(200, 500))
    at_work(view)
    view.open_questions(question())
    assert view.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Queue", "Stop", "Deny", "Allow for this session"):
        expect(view.button(name)).to_be_in_viewport()
