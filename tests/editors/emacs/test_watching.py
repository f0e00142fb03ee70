"""A session at work in one Emacs is seen growing in another one, which takes it over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools

from .conftest import ask, command, conversation

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenEmacs


@pytest.fixture(autouse=True)
def wishes(folder: Path) -> None:
    (folder / "code.py").write_text("x = 1\ny = 2\n")
    (folder / ".git").mkdir()


def watching(open_emacs: OpenEmacs) -> Terminal:
    """Another Emacs, which shows the folder's session while it is at work."""
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    command(emacs, "claude-agent-resume")
    emacs.wait_for("word3")
    return emacs


def test_a_run_in_another_editor_is_watched_and_taken_over(
    open_emacs: OpenEmacs, folder: Path
) -> None:
    first = open_emacs("code.py")
    first.wait_for("y = 2")
    ask(first, "remember the code PLUM-5")
    first.wait_for("I will remember it.")
    first.wait_for("Done")
    ask(first, "count slowly")
    first.wait_for("word3")
    second = watching(open_emacs)
    seen = conversation(second, folder)
    second.wait_for(lambda _: len(conversation(second, folder)) > len(seen))
    # What was read before it was watched stands there once.
    text = conversation(second, folder)
    assert text.count("count slowly") == text.count("I will remember it.") == 1
    assert len(re.findall(r"\bword7\b", text)) == 1
    # The key that stops is meant for this editor's own.
    second.keys("C-x", "o", "C-c", "C-c")
    second.wait_for(lambda screen: re.search("claude-agent-take-over. stops it there", screen))
    second.keys("C-c", "C-t")
    second.wait_for("Stopped")
    first.wait_for("Stopped")
    ask(second, "which code?")
    second.wait_for(lambda screen: re.search(r"^PLUM-5$", screen, re.MULTILINE))


def test_what_would_end_in_the_background_is_asked_first(
    open_emacs: OpenEmacs, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    serves = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(reply("serve", [serves], [say("It is running.")]))
    first = open_emacs("code.py")
    first.wait_for("y = 2")
    ask(first, "serve")
    first.wait_for("It is running.")
    first.wait_for("Done")
    ask(first, "count slowly")
    first.wait_for("word3")
    second = watching(open_emacs)
    second.wait_for("word9")
    command(second, "claude-agent-take-over")
    second.wait_for("It would end: sleep 1000; true.  Take it over?")
    second.type("yes", "Enter")
    second.wait_for("Stopped")
    first.wait_for("Stopped")
