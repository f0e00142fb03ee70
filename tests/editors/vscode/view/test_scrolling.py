"""The view stays at the end, and never takes the reader away from where they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .stage import message, result, text, tool

if TYPE_CHECKING:
    from .stage import View

LINES = "".join(f"Line {each}.\n\n" for each in range(60))
TOP = "element => element.scrollTop"
AT_END = "element => element.scrollHeight - element.scrollTop - element.clientHeight < 2"


@pytest.fixture
def filled(view: View) -> View:
    """More than fits has been said."""
    view.events(text(LINES))
    expect(view.answers.get_by_text("Line 59.", exact=True)).to_be_in_viewport()
    return view


def test_it_follows_what_is_said(filled: View) -> None:
    filled.events(text("The last words."))
    expect(filled.answers.get_by_text("The last words.")).to_be_in_viewport()


def test_it_stays_where_the_user_has_scrolled_to(filled: View) -> None:
    scroll_up(filled)
    before = filled.transcript.evaluate(TOP)
    for each in range(20):
        filled.events(text(f"More words {each}.\n\n"), tool("Bash", f"t{each}", command="ls"))
    expect(filled.answers.get_by_text("More words 19.")).to_be_attached()
    frames(filled)
    assert filled.transcript.evaluate(TOP) == before


def test_it_follows_again_at_the_end(filled: View) -> None:
    scroll_up(filled)
    filled.transcript.evaluate("element => element.scrollTo(0, element.scrollHeight)")
    expect(filled.button("Scroll to the latest")).to_be_hidden()
    filled.events(text("The last words."))
    expect(filled.answers.get_by_text("The last words.")).to_be_in_viewport()


def test_a_button_leads_back_to_the_end(filled: View) -> None:
    scroll_up(filled)
    filled.button("Scroll to the latest").click()
    expect(filled.answers.get_by_text("Line 59.", exact=True)).to_be_in_viewport()
    expect(filled.button("Scroll to the latest")).to_be_hidden()


def test_a_prompt_of_the_user_is_shown_wherever_they_were(filled: View) -> None:
    scroll_up(filled)
    filled.tell("steps", steps=[{"kind": "prompt", "prompt": "And now?", "context": []}])
    expect(filled.page.get_by_text("And now?")).to_be_in_viewport()


def test_what_is_unfolded_stays_in_sight(filled: View) -> None:
    many = "\n".join(f"echo {each}" for each in range(80))
    filled.events(tool("Bash", command=many), result(many))
    summary = filled.page.locator("details.tool summary")
    expect(summary).to_be_in_viewport()
    summary.click()
    expect(filled.page.locator(".tool-body .code")).to_be_visible()
    frames(filled)
    expect(summary).to_be_in_viewport()


def test_a_long_session_opens_at_its_end_and_can_be_read_to_its_beginning(view: View) -> None:
    view.conversation(*(message("user", f"Number {each}.\n" * 5, each) for each in range(300)))
    expect(view.page.get_by_text("Number 299.").last).to_be_in_viewport()
    view.transcript.focus()
    view.press("Home")
    expect(view.page.get_by_text("Number 0.").first).to_be_in_viewport()


def test_reading_upwards_is_not_disturbed_by_what_gets_made_there(view: View) -> None:
    view.conversation(
        *(message("assistant", f"# At {each}\n\n{LINES}", each) for each in range(60))
    )
    expect(view.page.get_by_text("Line 59.", exact=True).last).to_be_in_viewport()
    view.page.mouse.move(200, 300)
    for _ in range(30):
        view.page.mouse.wheel(0, -400)
        frames(view)
    frames(view)
    assert not view.transcript.evaluate(AT_END)
    # What is in sight stays in sight while what is above it is made.
    where = "() => document.elementFromPoint(200, 300).textContent"
    seen = view.page.evaluate(where)
    expect(view.page.locator(".entry.waiting")).to_have_count(0)
    frames(view)
    assert view.page.evaluate(where) == seen


def scroll_up(view: View) -> None:
    """Scrolls as a user does, with the wheel."""
    view.transcript.hover()
    view.page.mouse.wheel(0, -600)
    expect(view.button("Scroll to the latest")).to_be_visible()
    view.until(
        """() => new Promise((resolve) => {
            const element = document.querySelector('.transcript');
            const top = element.scrollTop;
            setTimeout(() => resolve(element.scrollTop === top), 100);
        })"""
    )


def frames(view: View, count: int = 5) -> None:
    """Waits until so many frames have been drawn."""
    view.page.evaluate(
        """async (count) => {
            for (let each = 0; each < count; each++) {
                await new Promise((resolve) => requestAnimationFrame(resolve));
            }
        }""",
        count,
    )
