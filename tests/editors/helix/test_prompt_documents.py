"""A conversation in Helix, typed as a document: no JSON, no ids, nothing for Helix to expand."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.permissions.queue import SEEN_SECONDS
from claude_agent_lsp.loopback import call, hang, reply, say
from tests.editors.abilities import Ability, shows

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenHelix


ACTIONS = ("Send to", "Allow", "Deny", "Stop Claude", "Fork before", "Rewind to", "Update from")


def type_prompt(helix: Terminal, *lines: str) -> None:
    """Type a prompt at the document's end."""
    helix.keys("g", "e", "A")
    for number, line in enumerate(lines):
        if number:
            helix.keys("Enter")
        helix.type(line)
    helix.wait_for(lambda screen: "INS" in screen and lines[-1] in screen)
    helix.keys("Escape")
    helix.wait_for("NOR")


def act(helix: Terminal, words: str) -> None:
    """Choose a code action by its words; the first one is selected."""
    helix.keys("Space", "a")
    lines = helix.wait_for(words).split("\n")
    menu = [line for line in lines if re.search(f" ({'|'.join(ACTIONS)})", line)]
    at = next(n for n, line in enumerate(menu) if words in line)
    for _ in range(at):
        helix.keys("Down")
    helix.keys("Enter")
    helix.wait_without(f" {words}")


@shows(Ability.STREAM)
def test_day_in_a_document(open_helix: OpenHelix, model: Loopback, folder: Path) -> None:
    canary = folder / "canary"
    hostile = f"what is \"this\" \\ %sh{{touch {canary}}} 'x'?"
    model.add(
        reply(
            "what is", [say("First line.\n\n"), say("word " * 60, pace=0.02), say("\n\nThe end.")]
        ),
        reply("make it", [call("Bash", command="mkfifo made")], [say("It is made.")]),
        reply("hang", [say("Going on. "), hang()]),
    )
    (folder / "code.py").write_text("x = 1\n")
    helix = open_helix("code.py")
    helix.keys("Space", "q", "p")
    helix.wait_for("## You")
    type_prompt(helix, hostile, "And in a second line?")
    helix.keys("Space", "q", "Enter")
    helix.wait_for("## Claude")
    # The answer comes while the user types the next prompt.
    helix.wait_for("First line.")
    type_prompt(helix, "make it")
    screen = helix.wait_for("The end.")
    assert "make it" in screen
    sent = "\n".join(said.text for said in model.requests[-1].conversation)
    assert f"{hostile}\nAnd in a second line?" in sent
    assert not canary.exists()
    # A question is read and answered there.
    act(helix, "Send to Claude")
    helix.wait_for("> mkfifo made")
    time.sleep(SEEN_SECONDS)
    act(helix, "Allow once")
    helix.wait_for("It is made.")
    assert (folder / "made").exists()
    type_prompt(helix, "hang")
    act(helix, "Send to Claude")
    helix.wait_for("Going on.")
    act(helix, "Stop Claude")
    helix.wait_for("*Stopped")
    # The whole of it is there again in the next Helix, from any file.
    helix.type(":quit-all!", "Enter")
    helix.wait_gone()
    helix = open_helix("code.py", lines=60)
    helix.keys("Space", "q", "p")
    screen = helix.wait_for("Going on.")
    assert "- Running `mkfifo made`" in screen
    assert "*Stopped" in screen
