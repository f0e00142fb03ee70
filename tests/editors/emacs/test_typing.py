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

from .conftest import ask, conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenEmacs

SECONDS = 60.0  # only catches hangs
BASELINE_SECONDS = 2.0
SENTENCE = "every word of this is typed while the agent talks "


@shows(Ability.TYPE)
@pytest.mark.long
def test_no_key_waits_for_5000_tokens_that_stream_and_none_of_them_is_lost(
    open_emacs: OpenEmacs, model: Loopback, folder: Path
) -> None:
    text = answer()
    model.add(reply("talk at length", say(text, pace=0.001)))
    (folder / "notes.txt").touch()
    emacs = open_emacs("-l", Path(__file__).with_name("delays.el"), "notes.txt")
    emacs.wait_for("notes.txt")
    ask(emacs, "hello")
    emacs.wait_for("Done")

    until = time.monotonic() + BASELINE_SECONDS
    typed, alone = type_while(emacs, folder, lambda: time.monotonic() < until)
    save(emacs)
    ask(emacs, "talk at length")
    request = model.wait_for_request("talk at length", SECONDS)
    more, streaming = type_while(emacs, folder, lambda: request.finished is None)
    emacs.wait_for("Done")
    print(f"typing alone: {alone}\nwhile it streams: {streaming}")  # noqa: T201

    streaming.assert_short_beside(alone)
    save(emacs)
    assert (folder / "notes.txt").read_text().rstrip("\n") == typed + more
    assert f"## Claude\n\n{text}\n\nDone" in conversation(emacs, folder)


def type_while(emacs: Terminal, folder: Path, goes_on: Callable[[], object]) -> tuple[str, Delays]:
    """Types; returns what was typed, and how Emacs fared meanwhile."""
    taken = folder / "delays.json"
    taken.unlink(missing_ok=True)
    emacs.keys("F5")
    typed = ""
    while goes_on():
        key = SENTENCE[len(typed) % len(SENTENCE)]
        emacs.type(key)
        time.sleep(PACE_SECONDS)
        typed += key
    emacs.keys("F6")
    emacs.wait_for(lambda _: taken.exists())
    return typed, Delays.of(taken)


def save(emacs: Terminal) -> None:
    emacs.keys("C-x", "C-s")
    emacs.wait_for("Wrote")
