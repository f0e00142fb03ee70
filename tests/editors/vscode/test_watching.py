"""A session at work in one window is seen growing in another one, which takes it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools

from .window import PATIENCE

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback

    from .conftest import OpenWindow
    from .window import Window

pytestmark = [pytest.mark.long, pytest.mark.timeout(480)]


def resume(window: Window, words: str) -> None:
    """Opens a session by the list of all."""
    window.command("Claude Agent: Resume Session")
    row = window.page.locator(".quick-input-list .monaco-list-row").filter(has_text=words)
    expect(row).to_be_visible(timeout=PATIENCE)
    row.first.click()


def test_a_run_in_another_window_is_watched_and_taken_over(open_window: OpenWindow) -> None:
    first, second = open_window(), open_window()
    first.ask("remember the code PLUM-5")
    first.wait_for("I will remember it.")
    first.wait_idle()
    first.ask("count slowly")
    first.wait_for("word3")
    resume(second, "PLUM-5")
    run = second.view.get_by_role("group", name="Run")
    expect(run).to_contain_text("At work in code-server (process ", timeout=PATIENCE)
    words = second.view.locator(".answer").last
    expect(words).to_contain_text("word3", timeout=PATIENCE)
    before = words.inner_text()
    expect(words).not_to_have_text(before, timeout=PATIENCE)
    # Each thing stands there once, also what was read before it was watched.
    expect(second.view.locator(".prompt-text")).to_have_text(
        ["remember the code PLUM-5", "count slowly"]
    )
    # It is not this window's to be stopped by a key that means another run.
    expect(run.get_by_role("button", name="Stop")).to_be_hidden()
    second.page.keyboard.press("Escape")
    run.get_by_role("button", name="Take Over").click()
    expect(run).to_be_hidden(timeout=PATIENCE)
    first.wait_idle()
    first.wait_for("takes this session over")
    second.ask("which code?")
    second.wait_for("PLUM-5")
    second.wait_idle()
    expect(second.view.locator(".answer").last).to_have_text("PLUM-5")


def test_what_would_end_in_the_background_is_asked_first(
    open_window: OpenWindow, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    serves = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(reply("serve", [serves], [say("It is running.")]))
    first, second = open_window(), open_window()
    first.ask("serve")
    first.wait_for("It is running.")
    first.wait_idle()
    first.ask("count slowly")
    first.wait_for("word3")
    resume(second, "serve")
    run = second.view.get_by_role("group", name="Run")
    expect(run).to_contain_text("At work in", timeout=PATIENCE)
    # What is sent meanwhile stays to be sent.
    second.ask("which code?")
    notice = second.notifications.filter(has_text="This session is at work in")
    expect(notice.get_by_role("button", name="Take Over")).to_be_visible(timeout=PATIENCE)
    expect(second.prompt).to_have_value("which code?")
    take = run.get_by_role("button", name="Take Over")
    dialog = second.page.locator(".monaco-dialog-box")
    take.click(timeout=PATIENCE)
    expect(dialog).to_contain_text("sleep 1000; true", timeout=PATIENCE)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(run).to_be_visible()
    take.click()
    dialog.get_by_role("button", name="End It and Take Over").click()
    expect(run).to_be_hidden(timeout=PATIENCE)
    first.wait_idle()
