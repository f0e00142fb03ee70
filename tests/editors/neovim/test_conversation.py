"""A user at a terminal: asks, reads, decides, stops, comes back."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say, think
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows
from tests.editors.conftest import GONE_SECONDS
from tests.processes import gone_within, processes_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback

    from .conftest import OpenNeovim

COLUMNS = 100
SECONDS = 30.0  # only catches hangs
HASTY_SECONDS = 0.6  # within which a key answers nothing


def last_word(screen: str) -> int:
    """The number of the last of "word0 word1 ..." on a screen."""
    return max((int(number) for number in re.findall(r"\bword(\d+)\b", screen)), default=-1)


def transcripts(environment: dict[str, str]) -> list[Path]:
    """The sessions that the CLI has kept."""
    projects = Path(environment["CLAUDE_CONFIG_DIR"]) / "projects"
    return sorted(projects.glob("*/*.jsonl"))


@shows(Ability.STREAM, Ability.STOP)
def test_answer_grows_on_the_screen_until_it_is_stopped_with_ctrl_c(
    open_neovim: OpenNeovim, model: Loopback
) -> None:
    terminal = open_neovim()
    terminal.type(":ClaudeAgent ask count slowly", "Enter")
    first = last_word(terminal.wait_for("word3"))
    grown = last_word(terminal.wait_for(lambda screen: last_word(screen) > first + 30))
    request = model.wait_for_request("count slowly", SECONDS)
    assert request.hung_up is None
    assert grown < 4999
    terminal.keys("C-w", "w")
    terminal.wait_for(lambda _: terminal.cursor[0] > COLUMNS / 2)
    terminal.keys("C-c")
    request.wait_hung_up(SECONDS)
    terminal.wait_for("_Stopped._")
    # The session goes on, with what was said.
    terminal.keys("Enter")
    terminal.type("which code?", "Enter")
    terminal.wait_for("I don't know.")
    assert any("word3" in said.text for said in model.requests[-1].conversation)


def test_prompts_typed_during_a_run_wait_in_sight_and_are_changed_sent_and_answered(
    open_neovim: OpenNeovim, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    waits = call("Bash", command="until test -e go; do sleep 0.05; done")
    model.add(reply("work on it", [waits], [say("Worked.")]))
    terminal = open_neovim()
    terminal.type(":ClaudeAgent ask work on it", "Enter")
    terminal.wait_for("Running `until")
    terminal.type(":ClaudeAgent ask say one", "Enter")
    terminal.wait_for("next: say one")
    terminal.type(":ClaudeAgent now mind the gap", "Enter")
    terminal.wait_for("sending: mind the gap +1")
    terminal.type(":ClaudeAgent ask say nothing", "Enter")
    terminal.wait_for("+2")
    terminal.type(":ClaudeAgent queue", "Enter")
    terminal.wait_for("3: say nothing")
    terminal.type("3", "Enter")
    terminal.wait_for("3: Remove")
    terminal.type("3", "Enter")
    terminal.wait_for("gap +1")
    terminal.type(":ClaudeAgent queue", "Enter")
    terminal.wait_for("2: say one")
    terminal.type("2", "Enter")
    terminal.wait_for("2: Edit")
    terminal.type("2", "Enter")
    terminal.wait_for("Ask Claude: say one")
    terminal.type(" more", "Enter")
    (folder / "go").touch()
    screen = terminal.wait_for("OK.")
    terminal.wait_for("Done")
    asked = [screen.index(words) for words in ("work on it", "mind the gap", "say one more")]
    assert asked == sorted(asked)
    sent = [request.prompt for request in model.requests]
    assert "say nothing" not in sent
    assert sent[-1] == "say one more"


@shows(Ability.DENY, Ability.ALLOW)
def test_question_waits_for_typing_to_end_and_is_denied_then_allowed(
    open_neovim: OpenNeovim, model: Loopback, folder: Path
) -> None:
    model.add(
        reply("make one", [think("Easy."), call("Bash", command="touch one")], [say("Tried.")])
    )
    terminal = open_neovim("notes.txt")
    terminal.type(":ClaudeAgent ask make one", "Enter")
    # What is typed into a text is never taken for an answer.
    terminal.type("o2")
    terminal.wait_for("Waiting for you: Run `touch one`?")
    terminal.keys("Enter")
    terminal.type("2")
    assert not (folder / "one").exists()
    terminal.keys("Escape")
    screen = terminal.wait_for("1: Deny")
    assert "2: Allow once" in screen
    time.sleep(HASTY_SECONDS)
    terminal.type("1", "Enter")
    screen = terminal.wait_for("Tried.")
    assert "Running `touch one` (denied" in screen
    assert not (folder / "one").exists()
    assert "2\n" in re.sub(r" *│.*", "", screen)
    assert "▸ Thinking" in screen
    assert "Easy." not in screen, "thinking is folded"
    terminal.wait_for("Done")

    terminal.type(":ClaudeAgent ask make one", "Enter")
    terminal.wait_for("2: Allow once")
    time.sleep(HASTY_SECONDS)
    terminal.type("2", "Enter")
    terminal.wait_for("(done)")
    assert (folder / "one").exists()


@shows(Ability.EDIT)
def test_edit_of_an_open_file_shows_up_beside_what_is_not_saved(
    open_neovim: OpenNeovim, model: Loopback, folder: Path
) -> None:
    path = str(folder / "colours.txt")
    edits = [("red", "green"), ("green", "blue")]
    for old, new in edits:
        edit = call("Edit", file_path=path, old_string=old, new_string=new)
        model.add(reply(f"make it {new}", [call("Read", file_path=path)], [edit], [say("Done.")]))
    model.add(reply("beneath it", [call("Bash", command=f"echo else > {path}")], [say("Done.")]))
    Path(path).write_text("sky\nred\n")
    terminal = open_neovim("colours.txt")
    terminal.wait_for("red")
    terminal.type(":ClaudeAgent mode acceptEdits", "Enter")
    terminal.wait_for("acceptEdits")
    terminal.keys("j")
    terminal.type(":ClaudeAgent ask make it green", "Enter")
    terminal.wait_for(lambda screen: re.search(r"^green +│", screen, re.MULTILINE))
    terminal.wait_for("1 file changed")
    assert "green" in Path(path).read_text()
    terminal.type("Amine: ", "Escape")  # behind what the agent wrote, on the line of the cursor
    terminal.wait_for("greenmine:")
    terminal.type(":ClaudeAgent ask make it blue", "Enter")
    terminal.wait_for(lambda screen: re.search(r"^bluemine: +│", screen, re.MULTILINE))
    assert "blue" not in Path(path).read_text()
    # What it does on the disk does not go over it.
    terminal.type(":ClaudeAgent ask beneath it", "Enter")
    terminal.wait_for("has unsaved changes")
    assert "bluemine:" in terminal.screen()


@shows(Ability.RESUME, Ability.SESSIONS)
def test_conversation_goes_on_under_its_id_after_a_restart_and_others_can_be_chosen(
    open_neovim: OpenNeovim, environment: dict[str, str]
) -> None:
    terminal = open_neovim()
    terminal.type(":ClaudeAgent ask what is this?", "Enter")
    terminal.wait_for("OK.")
    terminal.wait_for("Done")
    terminal.type(":ClaudeAgent new remember the code PINEAPPLE-42", "Enter")
    terminal.wait_for("I will remember it.")
    terminal.wait_for("Done")
    terminal.type(":qall", "Enter")
    terminal.wait_gone()
    assert gone_within(environment, GONE_SECONDS)
    before = transcripts(environment)
    assert len(before) == 2

    terminal = open_neovim()
    terminal.type(":ClaudeAgent resume", "Enter")
    terminal.wait_for("I will remember it.")
    terminal.keys("Enter")
    terminal.type("which code?", "Enter")
    terminal.wait_for(lambda screen: screen.count("PINEAPPLE-42") > 1)
    terminal.wait_for("Done")
    assert transcripts(environment) == before

    terminal.type(":ClaudeAgent sessions", "Enter")
    screen = terminal.wait_for("Type number")
    (number,) = re.findall(r"(\d): +what is this", screen)
    terminal.type(number, "Enter")
    terminal.wait_for(lambda screen: "what is this?" in screen and "PINEAPPLE" not in screen)


@shows(Ability.KILL)
def test_nothing_is_left_of_a_killed_editor(
    open_neovim: OpenNeovim, environment: dict[str, str], model: Loopback
) -> None:
    terminal = open_neovim()
    terminal.type(":ClaudeAgent ask count slowly", "Enter")
    terminal.wait_for("word3")
    editors = [each for each in processes_of(environment) if "nvim" in each.name()]
    assert terminal.pid in [each.pid for each in editors]
    for each in editors:
        os.kill(each.pid, signal.SIGKILL)
    assert gone_within(environment, GONE_SECONDS)
    model.wait_for_request("count slowly", SECONDS).wait_hung_up(SECONDS)


def test_window_follows_only_while_its_cursor_is_at_the_end(
    open_neovim: OpenNeovim, model: Loopback
) -> None:
    lines = "\n".join(f"line {number}" for number in range(400))
    model.add(reply("long", say(lines, pace=0.005)))
    terminal = open_neovim()
    terminal.type(":ClaudeAgent ask long", "Enter")
    terminal.wait_for("line 60")  # it has scrolled
    terminal.keys("C-w", "w")
    terminal.keys("g", "g")
    terminal.wait_for("## You")
    request = model.wait_for_request("long", SECONDS)
    sent = request.sent
    terminal.wait_for(lambda _: len(request.sent) > len(sent) + 500)
    assert "## You" in terminal.screen()
    terminal.keys("G")
    terminal.wait_for("line 399")
