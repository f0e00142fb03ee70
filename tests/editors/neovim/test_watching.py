"""A session at work in one Neovim is seen growing in another one, which takes it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools

from .test_conversation import last_word

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback

    from .conftest import OpenNeovim


def test_a_run_in_another_editor_is_watched_and_taken_over(open_neovim: OpenNeovim) -> None:
    first = open_neovim()
    first.type(":ClaudeAgent ask remember the code PLUM-5", "Enter")
    first.wait_for("I will remember it.")
    first.wait_for("Done")
    first.type(":ClaudeAgent ask count slowly", "Enter")
    first.wait_for("word3")
    second = open_neovim()
    second.type(":ClaudeAgent resume", "Enter")
    seen = last_word(second.wait_for("word3"))
    screen = second.wait_for(lambda screen: last_word(screen) > seen + 30)
    second.wait_for("in Neovim (process ")
    # A key that stops is not meant for another editor's run.
    second.keys("C-c")
    second.wait_for(":ClaudeAgent takeover stops it there")
    seen = last_word(screen)
    second.wait_for(lambda screen: last_word(screen) > seen)
    second.type(":ClaudeAgent takeover", "Enter")
    second.wait_for("_Stopped._")
    first.wait_for("_Stopped._")
    second.type(":ClaudeAgent ask which code?", "Enter")
    second.wait_for(lambda screen: "Done" in screen and "which code?" in screen)
    second.wait_for("PLUM-5")


def test_what_would_end_in_the_background_is_asked_first(
    open_neovim: OpenNeovim, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    serves = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(reply("serve", [serves], [say("It is running.")]))
    first = open_neovim()
    first.type(":ClaudeAgent ask serve", "Enter")
    first.wait_for("It is running.")
    first.wait_for("Done")
    first.type(":ClaudeAgent ask count slowly", "Enter")
    first.wait_for("word3")
    second = open_neovim()
    second.type(":ClaudeAgent resume", "Enter")
    second.wait_for("word3")
    second.wait_for("in Neovim (process ")
    second.type(":ClaudeAgent takeover", "Enter")
    screen = second.wait_for("Type number")
    assert "It would end: sleep 1000; true" in screen
    second.type("2", "Enter")
    second.wait_for("_Stopped._")
    first.wait_for("_Stopped._")
