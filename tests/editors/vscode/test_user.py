"""A user of VS Code: asks, reads, decides, stops, comes back. By keyboard alone where it can be."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from playwright.sync_api import expect

from claude_agent_lsp.loopback import call, reply, say, think
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows
from tests.editors.conftest import GONE_SECONDS
from tests.editors.long_answer import answer
from tests.processes import gone_within, processes_of

from .window import PATIENCE, Window

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from claude_agent_lsp.loopback import Loopback

    from .code_server import CodeServer
    from .conftest import OpenWindow

SECONDS = 60.0  # only catches hangs
pytestmark = [pytest.mark.long, pytest.mark.timeout(480)]


def last_word(text: str) -> int:
    """The number of the last of "word0 word1 ..."."""
    return max((int(number) for number in re.findall(r"\bword(\d+)\b", text)), default=-1)


def transcripts(environment: dict[str, str]) -> list[Path]:
    """The sessions that the CLI has kept."""
    projects = Path(environment["CLAUDE_CONFIG_DIR"]) / "projects"
    return sorted(projects.glob("*/*.jsonl"))


def word_after(window: Window, number: int) -> int:
    """Waits until a later word than this is shown; returns its number."""
    until = time.monotonic() + SECONDS
    while (last := last_word(window.view.locator("body").inner_text())) <= number:
        assert time.monotonic() < until, f"nothing came after word{number}"
        window.page.wait_for_timeout(50)
    return last


@shows(Ability.STREAM, Ability.STOP)
def test_answer_grows_until_it_is_stopped_and_the_session_goes_on(
    open_window: OpenWindow, model: Loopback
) -> None:
    window = open_window()
    window.ask("count slowly")
    first = word_after(window, 3)
    expect(window.status).to_contain_text("Answering", timeout=PATIENCE)
    word_after(window, first)
    request = model.wait_for_request("count slowly", SECONDS)
    assert request.hung_up is None
    window.page.keyboard.press("Escape")
    request.wait_hung_up(SECONDS)
    window.wait_for("Stopped")
    window.wait_idle()
    # The keyboard is where it was: the next prompt is typed at once.
    window.page.keyboard.type("which code?")
    window.page.keyboard.press("Enter")
    window.wait_for("I don't know.")
    assert any("word3" in said.text for said in model.requests[-1].conversation)


def test_prompts_typed_during_a_run_wait_in_sight_and_are_changed_sent_and_answered(
    open_window: OpenWindow, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    waits = call("Bash", command="until test -e go; do sleep 0.05; done")
    model.add(reply("work on it", [waits], [say("Worked.")]))
    window = open_window()
    window.ask("work on it")
    expect(window.view.locator(".tool-card, .tool").first).to_be_visible(timeout=PATIENCE)
    keyboard = window.page.keyboard
    queue = window.view.get_by_role("list", name="Waiting Prompts")
    keyboard.type("say one")
    keyboard.press("Enter")
    expect(queue).to_contain_text("say one", timeout=PATIENCE)
    keyboard.type("mind the gap")
    keyboard.press("Control+Enter")
    expect(queue).to_contain_text("Sending", timeout=PATIENCE)
    keyboard.type("say nothing")
    keyboard.press("Enter")
    expect(queue.get_by_role("listitem")).to_have_count(3, timeout=PATIENCE)
    window.view.get_by_role("button", name="Remove say nothing").click()
    window.view.get_by_role("button", name="Edit say one").click()
    keyboard.type(" more")
    keyboard.press("Enter")
    expect(queue).to_contain_text("say one more", timeout=PATIENCE)
    (folder / "go").touch()
    window.wait_for("Worked.")
    window.wait_for("OK.")
    window.wait_idle()
    expect(queue).to_be_hidden()
    prompts = window.view.locator(".prompt-text").all_inner_texts()
    assert prompts == ["work on it", "mind the gap", "say one more"]
    sent = [request.prompt for request in model.requests]
    assert "say nothing" not in sent
    assert sent[-1] == "say one more"


@shows(Ability.CONTEXT, Ability.DENY, Ability.ALLOW, Ability.EDIT)
def test_edit_is_asked_for_seen_as_a_diff_denied_allowed_and_seen_in_the_open_file(
    open_window: OpenWindow, model: Loopback, folder: Path
) -> None:
    hello = folder / "hello.py"
    hello.write_text('def greet(name):\n    print("Hello, " + name)\n')
    edit = call(
        "Edit", file_path=str(hello), old_string='"Hello, " + name', new_string='"Hello, world"'
    )
    read = call("Read", file_path=str(hello))
    model.add(reply("greet the world", [think("Easy."), read], [edit], [say("So be it.")]))
    window = open_window()
    window.open_file(hello)
    window.keys(["Control+Home", "Control+A"])
    window.command("Claude Agent: Ask About Selection")
    expect(window.prompt).to_be_focused(timeout=PATIENCE)
    expect(window.view.locator(".context")).to_contain_text("hello.py:1-2")
    window.page.keyboard.type("greet the world")
    window.page.keyboard.press("Enter")
    deny = window.view.get_by_role("button", name="Deny")
    expect(deny).to_be_visible(timeout=PATIENCE)
    expect(window.status).to_contain_text("waiting for you", timeout=PATIENCE)
    window.command("Claude Agent: Show the Open Question")
    expect(window.page.locator(".monaco-diff-editor")).to_be_visible(timeout=PATIENCE)
    window.press_answer(deny)
    window.wait_for("So be it.")
    window.wait_idle()
    assert "world" not in hello.read_text()
    said = model.requests[0].conversation
    assert any("hello.py" in each.text for each in said)

    window.ask("greet the world")
    allow = window.view.get_by_role("button", name="Allow once")
    expect(allow).to_be_visible(timeout=PATIENCE)
    window.command("Claude Agent: Show the Open Question")
    expect(deny).to_be_focused(timeout=PATIENCE)
    window.page.keyboard.press("Tab")
    window.press_answer(allow)
    window.wait_idle()
    assert "world" in hello.read_text()
    window.open_file(hello)
    editor = window.page.locator(".editor-instance .monaco-editor:not(.in-diff-editor)")
    expect(editor.first).to_contain_text("Hello,\xa0world", timeout=PATIENCE)


@shows(Ability.RESUME, Ability.SESSIONS)
def test_conversation_goes_on_under_its_id_after_vs_code_was_quit(
    open_window: OpenWindow, code_server: CodeServer, environment: dict[str, str]
) -> None:
    window = open_window()
    window.ask("what is this?")
    window.wait_for("OK.")
    window.wait_idle()
    window.command("Claude Agent: New Session")
    window.ask("remember the code PINEAPPLE-42")
    window.wait_for("I will remember it.")
    window.wait_idle()
    window.page.close()
    code_server.stop()
    assert gone_within(environment, GONE_SECONDS)
    before = transcripts(environment)
    assert len(before) == 2

    code_server.start()
    window = open_window()
    window.command("Claude Agent: Show Conversation")
    window.wait_for("I will remember it.")
    window.ask("which code?")
    expect(window.view.locator(".answer").last).to_contain_text("PINEAPPLE-42", timeout=PATIENCE)
    window.wait_idle()
    assert transcripts(environment) == before

    window.command("Claude Agent: Resume Session")
    rows = window.page.locator(".quick-input-list .monaco-list-row")
    expect(rows).to_have_count(2, timeout=PATIENCE)
    window.page.keyboard.type("what is this")
    expect(rows).to_have_count(1, timeout=PATIENCE)
    window.page.keyboard.press("Enter")
    transcript = window.view.locator(".transcript")
    expect(transcript).not_to_contain_text("PINEAPPLE", timeout=PATIENCE)
    expect(transcript).to_contain_text("what is this?", timeout=PATIENCE)


def test_reload_in_mid_run_loses_nothing(open_window: OpenWindow, model: Loopback) -> None:
    window = open_window()
    window.ask("count slowly")
    seen = word_after(window, 5)
    request = model.wait_for_request("count slowly", SECONDS)
    window.reload()
    request.wait_hung_up(SECONDS)
    window.command("Claude Agent: Show Conversation")
    assert word_after(window, seen - 1) >= seen
    window.ask("which code?")
    window.wait_for("I don't know.")
    assert any(f"word{seen}" in said.text for said in model.requests[-1].conversation)


def test_server_killed_in_mid_run_comes_back_and_the_conversation_goes_on(
    open_window: OpenWindow, environment: dict[str, str], model: Loopback
) -> None:
    window = open_window()
    window.ask("count slowly")
    word_after(window, 5)
    for process in processes_of(environment):
        if "claude-agent-lsp" in " ".join(process.cmdline()) and "--stdio" in process.cmdline():
            os.kill(process.pid, signal.SIGKILL)
    expect(window.notifications.first).to_contain_text("is restarted", timeout=PATIENCE)
    window.wait_idle()
    window.ask("which code?")
    window.wait_for("I don't know.")
    assert any("word5" in said.text for said in model.requests[-1].conversation)


def test_window_without_a_folder_says_that_it_needs_one(
    code_server: CodeServer, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(code_server.url())
    window = Window(page)
    for name in ("Ask", "New Session", "Resume Session…"):
        window.command(f"Claude Agent: {name}")
        told = window.notifications.filter(has_text="Open a folder to use Claude Agent.")
        expect(told).to_be_visible(timeout=PATIENCE)
        expect(told.get_by_role("button", name="Open Folder…")).to_be_visible()
        window.command("Notifications: Clear All Notifications")
        expect(told).to_be_hidden()
    link = window.view.get_by_role("link", name="Open Folder…")
    expect(link).to_have_attribute("href", "command:vscode.openFolder")


def test_question_of_a_hidden_conversation_is_a_notification(
    open_window: OpenWindow, model: Loopback, folder: Path
) -> None:
    model.add(reply("make one", [call("Bash", command="sleep 0.3; touch one")], [say("Made.")]))
    window = open_window()
    window.ask("make one")
    window.command("View: Show Explorer")
    notification = window.notifications.filter(has_text="touch one")
    expect(notification).to_be_visible(timeout=PATIENCE)
    notification.get_by_role("button", name="Allow once").click()
    window.wait_idle()
    assert (folder / "one").exists()


def test_two_folders_have_conversations_of_their_own(
    open_window: OpenWindow, tmp_path: Path, environment: dict[str, str]
) -> None:
    folders = [tmp_path / name for name in ("north", "south")]
    for each in folders:
        each.mkdir()
        (each / f"{each.name}.txt").write_text("words\n")
    workspace = tmp_path / "both.code-workspace"
    workspace.write_text(json.dumps({"folders": [{"path": str(each)} for each in folders]}))
    window = open_window(workspace=workspace)
    for each in folders:
        window.open_file(each / f"{each.name}.txt")
        window.keys(["Control+A"])
        window.command("Claude Agent: Ask About Selection")
        expect(window.prompt).to_be_focused(timeout=PATIENCE)
        window.page.keyboard.type(f"about the {each.name}")
        window.page.keyboard.press("Enter")
        window.wait_for(f"about the {each.name}")
        window.wait_for("OK.")
        until = time.monotonic() + PATIENCE / 1000
        while each.name not in folders_asked(environment):
            assert time.monotonic() < until, folders_asked(environment)
            window.page.wait_for_timeout(50)
        window.wait_idle()
    assert folders_asked(environment) == ["north", "south"]


def folders_asked(environment: dict[str, str]) -> list[str]:
    """The names of the folders that have a session."""
    return sorted(path.parent.name.rpartition("-")[2] for path in transcripts(environment))


@shows(Ability.TYPE)
def test_what_is_typed_into_a_file_while_5000_tokens_stream_is_all_there(
    open_window: OpenWindow, model: Loopback, folder: Path
) -> None:
    model.add(reply("tell a lot", say(answer(), pace=0.001)))
    notes = folder / "notes.txt"
    notes.write_text("")
    window = open_window()
    window.open_file(notes)
    window.ask("tell a lot")
    expect(window.view.locator(".answer")).to_contain_text("word1-", timeout=PATIENCE)
    window.open_file(notes)
    editor = window.page.locator(".editor-group-container.active .monaco-editor.focused")
    expect(editor.first).to_be_visible(timeout=PATIENCE)
    typed = "".join(f"note {number}. " for number in range(20)).strip()
    window.page.keyboard.type(typed, delay=20)
    window.page.keyboard.press("Control+S")
    until = time.monotonic() + SECONDS
    while notes.read_text() != typed:
        assert time.monotonic() < until, notes.read_text()
        window.page.wait_for_timeout(50)
    window.wait_idle()
    expect(window.view.locator(".transcript")).to_contain_text(answer().split()[-1])


@shows(Ability.KILL)
def test_nothing_is_left_of_a_killed_vs_code(
    open_window: OpenWindow, environment: dict[str, str], model: Loopback
) -> None:
    window = open_window()
    window.ask("count slowly")
    word_after(window, 3)
    # Its processes are called by the name of their first thread.
    for process in processes_of(environment):
        with contextlib.suppress(psutil.Error):
            if Path(process.exe()).name == "node":
                process.kill()
    assert gone_within(environment, GONE_SECONDS)
    model.wait_for_request("count slowly", SECONDS).wait_hung_up(SECONDS)


def test_file_dragged_from_the_explorer_goes_with_the_prompt(
    open_window: OpenWindow, model: Loopback, folder: Path
) -> None:
    recipe = folder / "the recipe.txt"
    recipe.write_text("flour\n")
    window = open_window()
    window.command("Claude Agent: Open Conversation in Editor")
    expect(window.tabs).to_have_count(1, timeout=PATIENCE)
    window.page.locator(".activitybar").get_by_role("tab", name="Explorer").click()
    expect(window.prompt).to_be_visible(timeout=PATIENCE)
    window.drag(window.page.get_by_role("treeitem", name="the recipe.txt"), window.prompt)
    expect(window.view.locator(".context")).to_contain_text("the recipe.txt", timeout=PATIENCE)
    window.prompt.click()
    window.page.keyboard.type("what is in it?")
    window.page.keyboard.press("Enter")
    window.wait_for("OK.")
    window.wait_idle()
    assert any(str(recipe) in said.text for said in model.requests[-1].conversation)
