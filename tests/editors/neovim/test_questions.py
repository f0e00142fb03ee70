"""A question takes no key that was meant for something else, whatever the user is doing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenNeovim

PREVIEW = "Rest in Normal mode to answer"
ASKED = "1: Deny"
# So long a key counts as meant for something else.
HASTY_SECONDS = 0.5


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    """An agent that wants to do something, a while after it was asked."""
    slowly = say("one moment, " * 20, pace=0.05)
    model.add(reply("make one", [slowly, call("Bash", command="touch one")], [say("Tried.")]))


# What would allow, again and again: as a macro, and as a plugin feeds it.
FEEDERS = r"""
function Stop()
  if vim.uv.fs_stat('stop') then error('stopped') end
end
vim.fn.setreg('q', 'gg2\r:sleep 20m\r:lua Stop()\r@q')
vim.api.nvim_create_user_command('Feed', function()
  local timer = vim.uv.new_timer()
  timer:start(50, 50, vim.schedule_wrap(function()
    if vim.uv.fs_stat('stop') then timer:stop() else vim.api.nvim_feedkeys('2\r', 't', false) end
  end))
end, {})
"""


@pytest.fixture
def neovim(open_neovim: OpenNeovim, configuration: Path, folder: Path) -> Terminal:
    """With a text of 50 lines, and the agent at work."""
    configuration.write_text(configuration.read_text() + FEEDERS)
    (folder / "notes.txt").write_text("".join(f"line {n}\n" for n in range(50)))
    terminal = open_neovim("notes.txt")
    terminal.wait_for("line 0")
    terminal.type(":ClaudeAgent ask make one", "Enter")
    terminal.wait_for("one moment")
    return terminal


def press_on(neovim: Terminal, folder: Path, *keys: str) -> None:
    """Hits keys again and again, also while and after the question is there."""

    def press(screen: str) -> bool:
        neovim.keys(*keys)
        assert ASKED not in screen
        return PREVIEW in screen

    neovim.wait_for(press)
    until = time.monotonic() + 3 * HASTY_SECONDS
    neovim.wait_for(lambda screen: not press(screen) or time.monotonic() > until)
    assert not (folder / "one").exists()


def allow(neovim: Terminal, folder: Path) -> None:
    """Rests, reads, and allows."""
    neovim.wait_for(ASKED)
    time.sleep(HASTY_SECONDS + 0.1)
    neovim.type("2", "Enter")
    neovim.wait_for(lambda _: (folder / "one").exists())
    neovim.wait_for("Tried.")
    neovim.wait_for("Done")


@pytest.mark.parametrize(
    ("begin", "keys", "end"),
    [
        pytest.param("", ["2", "Enter"], "", id="normal"),
        pytest.param("i", ["2", "Enter"], "Escape", id="insert"),
        pytest.param("v", ["2", "Enter"], "Escape", id="visual"),
        pytest.param("d", [], "Escape", id="operator-pending"),
        pytest.param(":", ["2", "Space"], "Escape", id="command-line"),
        pytest.param("q:", ["2", "j"], ":q\r", id="command-line window"),
    ],
)
def test_keys_go_where_they_were_meant_for(
    neovim: Terminal, folder: Path, begin: str, keys: list[str], end: str
) -> None:
    if begin:
        neovim.type(begin)
    if keys:
        press_on(neovim, folder, *keys)
    else:
        neovim.wait_for("Waiting for you")
        time.sleep(3 * HASTY_SECONDS)
    assert ASKED not in neovim.screen()
    if end:
        neovim.type(end) if ":" in end else neovim.keys(end)
    allow(neovim, folder)


def test_keys_of_a_terminal_stay_there(neovim: Terminal, folder: Path) -> None:
    neovim.type(":terminal cat", "Enter")
    neovim.keys("i")
    press_on(neovim, folder, "2", "Enter")
    neovim.keys("C-\\", "C-n")
    allow(neovim, folder)


@pytest.mark.parametrize("feed", ["@q", ":Feed\r"], ids=["macro", "feedkeys"])
def test_what_is_fed_answers_nothing(neovim: Terminal, folder: Path, feed: str) -> None:
    neovim.type(feed)
    neovim.wait_for(PREVIEW)
    time.sleep(3 * HASTY_SECONDS)
    assert ASKED not in neovim.screen()
    (folder / "stop").touch()
    neovim.keys("Enter", "Enter")  # what the end of the macro has said
    allow(neovim, folder)


def test_a_recorded_macro_goes_on(neovim: Terminal, folder: Path) -> None:
    neovim.type("qa")
    neovim.wait_for(PREVIEW)
    time.sleep(3 * HASTY_SECONDS)
    assert ASKED not in neovim.screen()
    neovim.keys("q")
    allow(neovim, folder)


def test_key_that_is_hit_as_the_question_opens_answers_nothing(
    neovim: Terminal, folder: Path
) -> None:
    neovim.wait_for(ASKED)
    neovim.type("2", "Enter")
    neovim.wait_for("typed before you could read the question")
    allow(neovim, folder)


def test_question_is_answered_by_command_while_it_waits_or_after_it_was_closed(
    neovim: Terminal, folder: Path
) -> None:
    screen = neovim.wait_for(PREVIEW)
    assert "Run `touch one`?" in screen
    assert "    touch one" in screen
    neovim.type(":ClaudeAgent answer", "Enter")
    screen = neovim.wait_for(ASKED)
    assert PREVIEW not in screen
    time.sleep(HASTY_SECONDS + 0.1)
    neovim.keys("Escape")
    neovim.wait_without(ASKED)
    assert not (folder / "one").exists()
    neovim.type(":ClaudeAgent answer", "Enter")
    allow(neovim, folder)


def test_withdrawn_question_is_no_longer_in_sight(neovim: Terminal, folder: Path) -> None:
    neovim.keys("i")
    neovim.wait_for(PREVIEW)
    neovim.keys("C-o")
    neovim.type(":ClaudeAgent stop", "Enter")
    neovim.wait_without(PREVIEW)
    neovim.keys("Escape")
    neovim.wait_for("_Stopped._")
    time.sleep(2 * HASTY_SECONDS)
    assert ASKED not in neovim.screen()


def test_trust_is_asked_beside_the_text_too(
    open_neovim: OpenNeovim, folder: Path, environment: dict[str, str]
) -> None:
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    (folder / ".claude").mkdir()
    (folder / ".claude" / "settings.json").write_text('{"env": {"A": "1"}}')
    neovim = open_neovim()
    neovim.type(":ClaudeAgent ask hi", "Enter")
    neovim.wait_for("Trust the authors of")
    neovim.wait_for("2: Trust")
    time.sleep(HASTY_SECONDS + 0.1)
    neovim.type("2", "Enter")
    trust = Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp" / "trust.json"
    neovim.wait_for(lambda _: trust.exists())
    assert json.loads(trust.read_text())[str(folder)]["trusted"] is True
