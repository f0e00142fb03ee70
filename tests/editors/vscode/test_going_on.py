"""What goes on behind the turns, beside them, and after them: tasks, subagents, what is cleared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools

from .window import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from claude_agent_lsp.loopback import Loopback

    from .conftest import OpenWindow
    from .window import Window

pytestmark = [pytest.mark.long, pytest.mark.timeout(480)]


def rows(window: Window) -> Locator:
    """What can be chosen from in the list that is open."""
    return window.page.locator(".quick-input-list .monaco-list-row")


def press_stop(row: Locator) -> None:
    """Presses the button that a row shows while the mouse is on it."""
    row.hover()
    row.get_by_role("button", name="Stop").click()


def test_background_tasks_are_listed_read_and_stopped(
    open_window: OpenWindow, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    for name in ("one", "two"):
        waits = f"echo {name}-begins; until test -e {name}; do sleep 0.05; done; echo over"
        task = call("Bash", command=waits, run_in_background=True)
        model.add(reply(f"begin {name}", [task], [say(f"{name} is running.")], [say("So be it.")]))
    window = open_window()
    window.command("Claude Agent: Show Conversation")
    expect(window.prompt).to_be_visible(timeout=PATIENCE)
    window.command("Claude Agent: Background Tasks")
    nothing = window.notifications.filter(has_text="Nothing runs in the background.")
    expect(nothing).to_be_visible(timeout=PATIENCE)
    for name in ("one", "two"):
        window.ask(f"begin {name}")
        window.wait_for(f"{name} is running.")
        window.wait_idle()

    window.command("Claude Agent: Background Tasks")
    one, two = (
        rows(window).filter(has_text="one-begins"),
        rows(window).filter(has_text="two-begins"),
    )
    expect(rows(window)).to_have_count(2, timeout=PATIENCE)
    for name, row in (("one", one), ("two", two)):
        expect(row).to_contain_text(f"echo {name}-begins")
        expect(row).to_contain_text("running, ")
    # One that has ended since is not stopped, and no error: the list says so.
    (folder / "one").touch()
    window.wait_for("So be it.")
    press_stop(one)
    expect(one).to_contain_text("completed, ", timeout=PATIENCE)
    expect(one).to_contain_text("exited with code 0")
    expect(one.get_by_role("button", name="Stop")).to_have_count(0)
    press_stop(two)
    expect(two).to_contain_text("stopped, ", timeout=PATIENCE)
    expect(two).not_to_contain_text("exited")
    expect(nothing.or_(window.notifications.filter(has_text="rror"))).to_have_count(0)

    one.click()
    output = window.page.locator(".panel .output-view, .panel .view-lines").first
    expect(output).to_contain_text("over", timeout=PATIENCE)
    expect(output).to_contain_text("one-begins")


def test_what_a_subagent_says_stands_below_its_call_also_after_a_reload(
    open_window: OpenWindow, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    task = {"description": "look", "prompt": "LOOK around", "subagent_type": "general-purpose"}
    delegate = call("Agent", **task, run_in_background=False)
    look = call("Bash", command="echo seen")
    model.add(reply("go", [say("I delegate."), delegate], [say("All done.")]))
    model.add(reply("LOOK", [say("I look."), look], [say("I have seen.")]))
    window = open_window()
    window.ask("go")
    window.wait_for("All done.")
    window.wait_idle()
    for again in (False, True):
        if again:
            window.reload()
            window.command("Claude Agent: Show Conversation")
            window.wait_for("All done.")
        inner = window.view.locator(".tool-card > .tool-inner")
        words = inner.locator(".nested-words > summary > span:last-child")
        expect(words).to_have_text(["I look.", "I have seen."])
        expect(inner.locator(".tool-title")).to_contain_text("echo seen")
        expect(window.view.locator(".answer")).to_have_text(["I delegate.", "All done."])
        expect(window.view.locator(".prompt-text")).to_have_text(["go"])


def test_run_is_stopped_for_what_is_sent_in_its_place(
    open_window: OpenWindow, model: Loopback
) -> None:
    window = open_window()
    window.ask("count slowly")
    window.wait_for("word3")
    window.page.keyboard.type("which code?")
    window.page.keyboard.press("Control+Shift+Enter")
    window.wait_for("I don't know.")
    window.wait_idle()
    expect(window.view.locator(".outcome").first).to_contain_text("Stopped")
    assert window.view.locator(".prompt-text").all_inner_texts() == ["count slowly", "which code?"]
    assert model.requests[0].hung_up is not None


def test_session_that_was_cleared_is_not_come_back_to_by_a_reload(
    open_window: OpenWindow, environment: dict[str, str]
) -> None:
    window = open_window()
    window.ask("remember the code PINEAPPLE-42")
    window.wait_for("I will remember it.")
    window.wait_idle()
    projects = Path(environment["CLAUDE_CONFIG_DIR"]) / "projects"
    (old,) = (path.stem for path in projects.glob("*/*.jsonl"))
    window.ask("/clear ")
    window.wait_for("The conversation was cleared")
    window.wait_idle()
    (following,) = following_of(environment, old)

    window.reload()
    window.command("Claude Agent: Show Conversation")
    expect(window.prompt).to_be_visible(timeout=PATIENCE)
    expect(window.view.locator(".transcript")).not_to_contain_text("PINEAPPLE")
    window.ask("which code?")
    window.wait_for("I don't know.")
    window.wait_idle()
    assert {path.stem for path in projects.glob("*/*.jsonl")} == {old, following}

    window.command("Claude Agent: Resume Session")
    expect(rows(window)).to_have_count(2, timeout=PATIENCE)
    expect(rows(window).filter(has_text="PINEAPPLE-42")).to_have_count(1)


def following_of(environment: dict[str, str], session: str) -> list[str]:
    """The session that the user has left this one for, as the server has written it down."""
    found = []
    for path in Path(environment["XDG_STATE_HOME"]).rglob("*.json"):
        record = json.loads(path.read_text())
        if isinstance(record, dict) and session in record.get("cleared", {}):
            found.append(record["cleared"][session])
    return found
