"""Helix by its own means: commands, keys that are bound to them, and documents."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.permissions.queue import PAUSE_SECONDS, SEEN_SECONDS
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows
from tests.processes import gone_within

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenHelix

SECONDS = 30.0
SESSION = re.compile(r"Session: ([0-9a-f-]{36})")


@pytest.fixture(autouse=True)
def wishes(model: Loopback, folder: Path) -> None:
    """An agent that wants to do things."""
    source = folder / "code.py"
    source.write_text("x = 1\ny = 2\n")
    model.add(
        reply("make one", [call("Bash", command="touch one")], [say("Tried it.")]),
        reply(
            "edit it",
            [call("Read", file_path=str(source))],
            [call("Edit", file_path=str(source), old_string="x = 1", new_string="x = 3")],
            [say("Edited it.")],
        ),
    )


def ask(helix: Terminal, prompt: str) -> None:
    helix.keys("Space", "q", "a")
    helix.wait_for(':lsp-workspace-command claudeAgent.query ""')
    helix.type(prompt, "Enter")


@shows(Ability.CONTEXT)
def test_selection_is_told_with_the_question(open_helix: OpenHelix, model: Loopback) -> None:
    helix = open_helix("code.py")
    helix.keys("j", "x", "Space", "q", "s")
    helix.wait_for('"prompt": "')
    helix.type("what is this?", "Enter")
    helix.wait_for("OK.")
    told = [said.text for said in model.requests[-1].conversation]
    assert any("code.py:\ny = 2\n" in text for text in told), told


@shows(Ability.DENY, Ability.ALLOW)
def test_question_is_denied_on_the_screen_and_allowed_by_command(
    open_helix: OpenHelix, folder: Path
) -> None:
    helix = open_helix("code.py")
    ask(helix, "make one")
    helix.wait_for("Allow once")
    helix.keys("Enter")  # "Deny" is the first
    helix.wait_for("Tried it.")
    assert not (folder / "one").exists()
    ask(helix, "make one, once more")
    helix.wait_for("Allow once")
    helix.keys("Escape")
    helix.wait_for("Waiting for you: Run `touch one`? Answer with")
    time.sleep(SEEN_SECONDS)  # it takes no answer sooner
    helix.keys("Space", "q", "y")
    helix.wait_for(lambda _: (folder / "one").exists())
    helix.wait_for("Claude: Done")


@shows(Ability.EDIT)
def test_edit_of_an_open_file_is_read_in_full_allowed_and_there_after_a_reload(
    open_helix: OpenHelix,
) -> None:
    helix = open_helix("code.py")
    helix.wait_for("x = 1")
    ask(helix, "edit it")
    helix.wait_for("Edit code.py?")
    read_in_full(helix)
    helix.wait_for("-x = 1")
    screen = helix.wait_for("+x = 3")
    assert "## The change" in screen
    allow(helix)
    helix.wait_for("1 file changed")
    helix.keys("Space", "q", "r")
    for _ in range(4):  # the menu of a busy Helix may take the keys that come next
        helix.type(":open code.py", "Enter")
        with contextlib.suppress(AssertionError):
            helix.wait_for("x = 3", seconds=SECONDS / 4)
            break
        helix.keys("Escape")
    assert "x = 3" in helix.screen()


@shows(Ability.UNSAVED)
def test_unsaved_text_is_what_the_agent_reads_and_edits_and_one_undo_takes_that_back(
    open_helix: OpenHelix, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment, "Edit")
    source = folder / "code.py"
    read = call("Read", file_path=str(source))
    edit = call("Edit", file_path=str(source), old_string="typed", new_string="seen")
    model.add(reply("see it", [read], [edit], [say("Saw it.")]))
    helix = open_helix("code.py")
    helix.keys("i")
    helix.type("typed ")
    helix.wait_for("typed x = 1")
    helix.keys("Escape")
    helix.wait_for("NOR")
    ask(helix, "see it")
    helix.wait_for("Claude: Done, 1 file changed")
    told = "\n".join(said.text for said in model.requests[-1].conversation)
    assert "1\ttyped x = 1" in told
    helix.type(":open code.py", "Enter")
    helix.wait_for("seen x = 1")
    assert source.read_text() == "x = 1\ny = 2\n"
    helix.type("u")
    helix.wait_for("typed x = 1")
    helix.type(":write", "Enter")
    helix.wait_for("written")
    assert source.read_text() == "typed x = 1\ny = 2\n"


@shows(Ability.TYPING)
def test_what_is_typed_while_the_agent_edits_is_kept(
    open_helix: OpenHelix, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment, "Edit")
    source, signs = folder / "code.py", [folder.parent / name for name in ("first", "second")]
    first, second = (
        call("Bash", command=f"until test -e {sign}; do sleep 0.05; done") for sign in signs
    )
    read = call("Read", file_path=str(source))
    edit = call("Edit", file_path=str(source), old_string="y = 2", new_string="y = 3")
    model.add(reply("wait", [read], [first], [edit], [second], [say("Edited it.")]))
    helix = open_helix("code.py")
    helix.wait_for("y = 2")
    ask(helix, "wait")
    helix.wait_for("Running `until")
    helix.type("A # begun")
    helix.wait_for("x = 1 # begun")
    signs[0].touch()
    helix.wait_for("y = 3")
    helix.type(" and ended")
    helix.wait_for("x = 1 # begun and ended")
    helix.keys("Escape")
    helix.wait_for("NOR")
    signs[1].touch()
    helix.wait_for("Claude: Done, 1 file changed")
    assert source.read_text() == "x = 1\ny = 2\n"
    helix.type(":open code.py", "Enter")
    helix.wait_for(lambda screen: "x = 1 # begun and ended" in screen and "y = 3" in screen)
    helix.type(":write", "Enter")
    helix.wait_for("written")
    assert source.read_text() == "x = 1 # begun and ended\ny = 3\n"


TALL = "\n".join(["cat > one <<'END'", *(f"line {n} {'x' * 70}" for n in range(60)), "END"])


@pytest.mark.parametrize(("columns", "lines"), [(60, 20), (80, 10)])
def test_question_taller_than_the_screen_leaves_helix_alive_and_is_denied_or_read_and_allowed(
    open_helix: OpenHelix, model: Loopback, folder: Path, columns: int, lines: int
) -> None:
    model.add(reply("tall", [call("Bash", command=TALL)], [say("Tried it.")]))
    helix = open_helix("code.py", columns=columns, lines=lines)
    helix.keys("i")
    helix.type("unsaved ")
    helix.wait_for(lambda screen: "INS" in screen and "unsaved x = 1" in screen)
    helix.keys("Escape")
    helix.wait_for("NOR")
    ask(helix, "tall")
    helix.wait_for("Cut: read it in full to allow it.")
    screen = helix.wait_for("Read it in full")
    assert "Deny" in screen
    assert "Allow" not in screen
    assert "END" in screen, "its end is shown"
    helix.keys("Enter")  # "Deny" is the first
    helix.wait_for("Claude: Done")
    open_answer(helix)
    assert not (folder / "one").exists()
    helix.type(":open code.py", "Enter")
    helix.wait_for("unsaved x = 1")

    ask(helix, "tall, once more")
    helix.wait_for("Cut: read it in full to allow it.")
    helix.keys("Escape")
    helix.wait_without("Cut: read")
    time.sleep(SEEN_SECONDS)  # it takes no answer sooner
    helix.keys("Space", "q", "y")  # not read yet
    helix.keys("Space", "q", "f")
    helix.wait_for("What it would run")
    assert not (folder / "one").exists()
    helix.keys("g", "e")
    helix.wait_for('claudeAgent.question.answer {"answer": "allow')
    allow(helix)
    helix.wait_for("Claude: Done")
    assert (folder / "one").read_text().count("x" * 70) == 60
    helix.type(":open code.py", "Enter")
    helix.wait_for("unsaved x = 1")


@pytest.mark.parametrize(("columns", "lines"), [(60, 20), (80, 10)])
def test_question_that_fits_is_allowed_on_a_small_screen(
    open_helix: OpenHelix, folder: Path, columns: int, lines: int
) -> None:
    helix = open_helix("code.py", columns=columns, lines=lines)
    ask(helix, "make one")
    screen = helix.wait_for("Allow once")
    assert "Run `touch one`?" in screen
    helix.keys("Down", "Enter")
    helix.wait_for("Claude: Done")
    assert (folder / "one").exists()


def test_answer_takes_no_view_from_who_types_and_is_opened_by_a_key(
    open_helix: OpenHelix, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    sign = folder.parent / "sign"
    waiting = call("Bash", command=f"until test -e {sign}; do sleep 0.05; done")
    model.add(reply("wait", [waiting], [say("It is there.")]))
    helix = open_helix("code.py", columns=60, lines=20)
    ask(helix, "wait")
    helix.wait_for("Running `until")
    helix.type("A # begun")
    helix.wait_for("x = 1 # begun")
    sign.touch()
    helix.wait_for("It is there.")
    helix.type(" and ended")
    helix.wait_for("x = 1 # begun and ended")
    helix.keys("Escape")
    helix.wait_for("NOR")
    for _ in range(2):  # each time as it is then
        open_answer(helix)
        helix.keys("g", "e")
        helix.wait_for("It is there.")
        helix.type(":buffer-close", "Enter")
        helix.wait_for("x = 1 # begun and ended")


def test_answer_opens_by_itself_where_the_user_wants_that(open_helix: OpenHelix) -> None:
    helix = open_helix("code.py", settings='showAnswers = "document"')
    ask(helix, "remember the code PINEAPPLE-42")
    helix.wait_for("/claude-agent-lsp/trans")
    helix.wait_for("I will remember it.")


@pytest.mark.parametrize("command", ["query {}", 'question.answer "allow"'])
def test_refusal_of_a_command_is_told(open_helix: OpenHelix, command: str) -> None:
    helix = open_helix("code.py")
    helix.type(f":lsp-workspace-command claudeAgent.{command}", "Enter")
    helix.wait_for(": expected ")


PROMPT = 'Say "x\\y", %sh{touch ran} and %{buffer_name}.'


def test_prompt_that_a_command_line_would_run_is_asked_from_a_text(
    open_helix: OpenHelix, model: Loopback, folder: Path
) -> None:
    model.add(reply("Say", say("So I do.")))
    (folder / "ask.md").write_text(f"# Prompts\n{PROMPT}\nNot this.\n")
    helix = open_helix("ask.md")
    helix.wait_for("Not this.")
    helix.keys("j", "x", "Space", "a")
    helix.wait_for("Ask Claude what is selected")
    helix.keys("Up", "Enter")  # it is the last
    helix.wait_for("So I do.")
    assert model.requests[-1].prompt.endswith(PROMPT)
    assert not (folder / "ran").exists()


@shows(Ability.STOP, Ability.RESUME, Ability.KILL)
def test_run_is_stopped_and_its_session_goes_on_in_the_next_helix(
    open_helix: OpenHelix, model: Loopback, environment: dict[str, str]
) -> None:
    helix = open_helix("code.py")
    ask(helix, "remember the code PINEAPPLE-42")
    helix.wait_for("I will remember it.")
    open_answer(helix)
    session = session_shown(helix)
    ask(helix, "count slowly")
    helix.wait_for("count slowly ⋅ Answering")
    helix.keys("Space", "q", "k")
    model.requests[-1].wait_hung_up(SECONDS)
    helix.wait_for("Claude: Stopped")
    helix.type(":quit-all", "Enter")
    helix.wait_gone()

    helix = open_helix("code.py")
    ask(helix, "which code?")
    helix.wait_for("Claude: Done")
    open_answer(helix)
    # Above it stands the half-said answer.
    helix.wait_for(lambda screen: re.search(r"^ *\d+ +PINEAPPLE-42$", screen, re.MULTILINE))
    helix.keys("g", "g")
    helix.wait_for(session)
    ask(helix, "count slowly")
    helix.wait_for("count slowly ⋅ Answering")
    helix.kill()
    assert gone_within(environment, 10)


def open_answer(helix: Terminal) -> None:
    """Open what was said, by the key for it."""
    helix.keys("Space", "q", "o")
    helix.wait_for("/claude-agent-lsp/trans")


def read_in_full(helix: Terminal) -> None:
    """Choose the last action of a question that was cut, and wait for its document."""
    helix.wait_for("Read it in full")
    helix.keys("Down", "Enter")
    helix.wait_for("A question of the agent")


def allow(helix: Terminal) -> None:
    """Allow the open question by the key for it, as soon as it takes an answer after all."""
    time.sleep(PAUSE_SECONDS)
    helix.keys("Space", "q", "y")


def session_shown(helix: Terminal) -> str:
    """The session of the transcript on the screen."""
    helix.keys("g", "g")
    found = SESSION.search(helix.wait_for(SESSION.search))
    assert found
    return found[1]
