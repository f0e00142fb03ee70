"""Mode, model and effort of the next prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .stage import CAPABILITIES

if TYPE_CHECKING:
    from .conftest import OpenView
    from .stage import View


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


COLOUR = "(one) => getComputedStyle(one).color"


@pytest.mark.parametrize("theme", ["dark", "light", "hc-dark", "hc-light"])
def test_a_mode_has_its_icon_and_colour_and_bypass_the_one_of_warnings(
    open_view: OpenView, theme: str
) -> None:
    view = open_view(theme=theme, size=(300, 700))
    view.conversation(mode="default")
    mode = view.page.locator(".picker-button[aria-label^='Mode:']")
    expect(mode.locator(".icon-shield")).to_be_visible()
    usual = mode.evaluate(COLOUR)
    warning = """(one) => {
        const ruler = document.createElement('i');
        ruler.style.color = 'var(--vscode-editorWarning-foreground)';
        document.body.append(ruler);
        const {color} = getComputedStyle(ruler);
        ruler.remove();
        return color;
    }"""
    view.state(mode="bypassPermissions")
    expect(mode).to_have_accessible_name("Mode: Bypass")
    assert mode.evaluate(COLOUR) == view.page.locator("body").evaluate(warning) != usual
    frame = "(one) => getComputedStyle(one).borderTopColor"
    assert view.page.locator(".composer").evaluate(frame) == mode.evaluate(COLOUR)
    for name, icon in (("plan", "checklist"), ("acceptEdits", "edit"), ("auto", "robot")):
        view.state(mode=name)
        expect(mode.locator(f".icon-{icon}")).to_be_visible()
        assert mode.evaluate(COLOUR) == usual


def test_what_is_said_of_the_agent_where_nothing_was_said_is_true_of_its_mode(view: View) -> None:
    about = view.page.locator(".welcome p").first
    expect(about).to_contain_text("It asks before it edits a file or runs a command.")
    view.state(mode="bypassPermissions")
    expect(about).to_contain_text("It does everything without asking.")


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
