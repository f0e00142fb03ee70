"""What a folder, the agent or a session says does nothing in VS Code that its user didn't allow."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from claude_agent_lsp.loopback import call, reply, say
from tests.processes import processes_of

from .planner import Planner
from .window import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import OpenWindow

pytestmark = [pytest.mark.long, pytest.mark.timeout(480)]
LINK = "[Fix it](command:workbench.action.terminal.new)"


def test_hostile_words_stay_words(open_window: OpenWindow, model: Loopback, folder: Path) -> None:
    name = "<img src=x onerror=alert(1)>.txt"
    (folder / name).write_text("x\n")
    hostile = (
        "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\n\n"
        "[run](command:workbench.action.terminal.new) [js](javascript:window.hacked=1) "
        "![picture](http://127.0.0.1:9/x.png) [web](https://example.org)\n\n"
        "```html\n<script>window.hacked = 1</script>\n```\n"
    )
    model.add(
        reply("be evil", [call("Read", file_path=str(folder / name))], [say(hostile)]),
    )
    window = open_window()
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    window.ask("be evil $(trash) [x](command:workbench.action.quit) <b>bold</b>")
    window.wait_for("window.hacked = 1")
    window.wait_idle()
    for frame in window.page.frames:
        assert not frame.evaluate("() => 'hacked' in window")
    assert window.view.locator("img[src^=http], .transcript :is(script, img, iframe)").count() == 0
    assert not [each for each in asked if ":9/" in each or each.startswith("dialog")]
    for link in window.view.locator(".answer a").all():
        if "web" not in link.inner_text():
            link.click()
    expect(window.page.locator(".terminal-wrapper")).to_have_count(0)
    expect(window.view.locator(".tool").first).to_contain_text(name)
    # The session's title is the prompt: as words over the view, in the tree, the list and the tab.
    page = window.page
    expect(page.locator(".pane-header", has_text="Conversation")).to_contain_text("<b>bold</b>")
    page.locator(".pane-header", has_text="Sessions").click()
    window.command("Claude Agent: Resume Session")
    for row in (
        page.locator(".pane-body .monaco-list-row", has_text="be evil"),
        page.locator(".quick-input-list .monaco-list-row", has_text="be evil"),
    ):
        expect(row).to_contain_text("<b>bold</b>", timeout=PATIENCE)
        assert row.locator(".label-name :is(b, a, .codicon)").count() == 0
    page.keyboard.press("Escape")
    window.command("Claude Agent: Open Conversation in Editor")
    expect(window.tabs).to_contain_text("be evil", timeout=PATIENCE)
    assert window.tabs.locator(".label-name :is(b, a, .codicon)").count() == 0


@pytest.mark.parametrize("settings", [{"security.workspace.trust.enabled": True}])
def test_folder_that_is_not_trusted_is_not_asked_in(
    open_window: OpenWindow, environment: dict[str, str]
) -> None:
    window = open_window()
    window.command("Claude Agent: Ask")
    notification = window.notifications.filter(has_text="Restricted Mode")
    expect(notification).to_be_visible(timeout=PATIENCE)
    assert not processes_of(environment, "claude")
    notification.get_by_role("button", name="Manage Trust").click()
    dialog = window.page.get_by_role("dialog", name="Workspace Trust")
    expect(dialog).to_be_visible(timeout=PATIENCE)


def test_trusted_folder_sets_nothing_of_what_the_user_alone_may_set(
    open_window: OpenWindow, folder: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    canary = tmp_path / "canary"
    server = tmp_path / "server"
    server.write_text(f'#!/bin/sh\ntouch {canary}\nexec claude-agent-lsp "$@"\n')
    server.chmod(0o755)
    settings = folder / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(
        json.dumps(
            {
                "claudeAgent.server": {"path": str(server)},
                "claudeAgent.env.FROM_THE_FOLDER": "1",
                "claudeAgent.mcpServers.evil": {"command": "touch", "args": [str(canary)]},
                "claudeAgent.effort": LINK,
            }
        )
    )
    window = open_window()
    window.ask("hello there")
    window.wait_for("OK.")
    window.wait_idle()
    (cli,) = processes_of(environment, "claude")
    assert "FROM_THE_FOLDER" not in cli.environ()
    assert not canary.exists()
    # What is wrong with the value is told, with the value as nothing but words.
    told = window.notifications.filter(has_text="effort")
    expect(told).to_contain_text("Fix it", timeout=PATIENCE)
    assert told.locator("a", has_text="Fix it").count() == 0


@pytest.mark.parametrize("settings", [{"security.workspace.trust.enabled": True}])
def test_trust_that_is_given_later_holds_in_full(
    open_window: OpenWindow, folder: Path, model: Loopback
) -> None:
    (folder / "CLAUDE.md").write_text("MARK-OF-THE-PROJECT\n")
    window = open_window()
    window.command("Claude Agent: Show Conversation")
    untrusted = window.view.locator(".untrusted")
    expect(untrusted).to_be_visible(timeout=PATIENCE)
    window.command("Workspaces: Manage Workspace Trust")
    trust = window.page.locator(".workspace-trust-editor").get_by_role(
        "button", name=re.compile("^Trust")
    )
    trust.first.click()
    window.command("Claude Agent: Show Conversation")
    expect(untrusted).to_be_hidden(timeout=PATIENCE)
    window.ask("hello there")
    window.wait_for("OK.")
    assert any("MARK-OF-THE-PROJECT" in said.text for said in model.requests[-1].conversation)


def test_plan_that_is_looked_at_fetches_nothing(open_window: OpenWindow, model: Loopback) -> None:
    plan = (
        "# The plan\n\n![one](https://127.0.0.1:9/leak) <img src='https://127.0.0.1:9/leak'>\n\n"
        '```mermaid\nflowchart LR\n  A@{ img: "https://127.0.0.1:9/leak", w: 1, h: 1 }\n```\n\n'
        "## The end\n"
    )
    model.add(Planner(model, "plan it", plan))
    window = open_window()
    asked: list[str] = []
    window.page.context.on("request", lambda request: asked.append(request.url))
    window.command("Claude Agent: Show Conversation")
    window.view.locator(".picker-button[aria-label^='Mode:']").click(timeout=PATIENCE)
    window.view.get_by_role("option", name="Plan").first.click()
    window.ask("plan it")
    expect(window.view.locator(".question")).to_contain_text("The end", timeout=PATIENCE)
    window.command("Claude Agent: Show the Open Question")
    expect(window.tabs).to_contain_text("Plan.md", timeout=PATIENCE)
    until = time.monotonic() + PATIENCE / 1000
    while not any(frame.locator(".markdown-body h2").count() for frame in window.page.frames):
        assert time.monotonic() < until, "the plan is not shown"
        window.page.wait_for_timeout(100)
    # A preview draws later, but what it draws is marked from the first.
    for frame in window.page.frames:
        assert frame.locator(".markdown-body :is(img, .mermaid)").count() == 0
    assert not [url for url in asked if "leak" in url]


def test_command_of_many_lines_is_allowed_where_it_was_read_to_its_end(
    open_window: OpenWindow, model: Loopback, folder: Path
) -> None:
    lines = ["sleep 0.3 # only waits", *(f": {each}" for each in range(60)), "touch one"]
    model.add(reply("make one", [call("Bash", command="\n".join(lines))], [say("Tried.")]))
    window = open_window()
    window.ask("make one")
    window.command("View: Show Explorer")
    notification = window.notifications.filter(has_text="only waits")
    expect(notification).to_be_visible(timeout=PATIENCE)
    assert notification.get_by_role("button", name="Allow once").count() == 0
    expect(notification.get_by_role("button", name="Deny")).to_be_visible()
    notification.get_by_role("button", name="Show").click()
    card = window.view.locator(".question")
    allow = card.get_by_role("button", name="Allow once")
    expect(card).to_contain_text("Scroll to the end to allow", timeout=PATIENCE)
    expect(allow).to_be_disabled()
    card.get_by_role("group", name="Detail", exact=True).focus()
    until = time.monotonic() + PATIENCE / 1000
    while not allow.is_enabled():
        assert time.monotonic() < until, card.inner_text()
        window.page.keyboard.press("PageDown")
    allow.click()
    window.wait_idle()
    assert (folder / "one").exists()
