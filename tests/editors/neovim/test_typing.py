"""Typing in one buffer while the agent's answer streams into another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import reply, say
from tests.editors.abilities import Ability, shows
from tests.editors.delays import PACE_SECONDS, Delays
from tests.editors.long_answer import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenNeovim

SECONDS = 60.0  # only catches hangs
WORDS = ["Every", "word", "of", "this", "is", "typed", "while", "the", "agent", "talks."]


@shows(Ability.TYPE)
@pytest.mark.long
def test_no_key_waits_for_5000_tokens_that_stream_and_none_of_them_is_lost(
    open_neovim: OpenNeovim, configuration: Path, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    text = answer()
    model.add(reply("stream", say(text, pace=0.0005)))
    probe = Path(__file__).with_name("probe.lua")
    configuration.write_text(f"{configuration.read_text()}dofile('{probe}')\n")
    terminal = open_neovim("notes.txt")
    terminal.type(":ClaudeAgent ask hello", "Enter")
    terminal.wait_for("Done")

    def measure(name: str, done: Callable[[], object]) -> Delays:
        taken = tmp_path / name
        take(terminal, f"TakeProbe {tmp_path / 'before'}-{name}")  # what was before does not count
        type_until(terminal, done)
        take(terminal, f"TakeProbe {taken}")
        return Delays.of(taken)

    until = time.monotonic() + 2
    alone = measure("alone", lambda: time.monotonic() > until)
    terminal.type(":ClaudeAgent ask stream", "Enter")
    request = model.wait_for_request("stream", SECONDS)
    streaming = measure("streaming", lambda: request.finished)
    terminal.wait_for("Done")
    print(f"typing alone: {alone}\nwhile it streams: {streaming}")  # noqa: T201

    streaming.assert_short_beside(alone)
    take(terminal, f"WriteConversation {tmp_path / 'conversation'}")
    conversation = (tmp_path / "conversation").read_text()
    assert conversation.endswith(f"## Claude\n\n{text}\n")
    terminal.type(":write", "Enter")
    terminal.wait_for("written")
    lines = (folder / "notes.txt").read_text().splitlines()
    assert {line for line in lines if line} == {" ".join(WORDS) + " "}, "a key went elsewhere"


def take(terminal: Terminal, command: str) -> None:
    """Runs a command that writes a file, to its end."""
    terminal.type(f":{command}", "Enter")
    until = time.monotonic() + SECONDS
    path = Path(command.partition(" ")[2])
    while not path.exists():
        assert time.monotonic() < until, terminal.screen()
        time.sleep(0.01)


def type_until(terminal: Terminal, done: Callable[[], object]) -> None:
    """Types line after line."""
    terminal.keys("o")
    while not done():
        for word in WORDS:
            terminal.type(f"{word} ")
            time.sleep(PACE_SECONDS)
        terminal.keys("Enter")
    terminal.keys("Escape")
