"""The question whether a folder is trusted: seen, and answered by the user alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say

from .conftest import ask, command, conversation, evaluate

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenEmacs

TITLE = "Trust the authors of "


@pytest.fixture(autouse=True)
def settings_of_the_folder(folder: Path, environment: dict[str, str]) -> None:
    """What runs once the folder is trusted, which it is not in the terminal either."""
    Path(environment["CLAUDE_CONFIG_DIR"], ".claude.json").unlink()
    (folder / "code.py").write_text("x = 1\n")
    (folder / ".git").mkdir()
    (folder / ".claude").mkdir()
    (folder / ".claude" / "settings.json").write_text('{"env": {"A": "1"}}')


@pytest.fixture
def emacs(open_emacs: OpenEmacs) -> Terminal:
    # However long the folder's path is, the question is one line.
    opened = open_emacs("code.py", columns=240)
    opened.wait_for("x = 1")
    return opened


def decided(environment: dict[str, str]) -> dict[str, bool]:
    """What the user has decided about folders."""
    path = Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp" / "trust.json"
    decisions = json.loads(path.read_text()) if path.exists() else {}
    return {folder: bool(decision["trusted"]) for folder, decision in decisions.items()}


def wait_decided(emacs: Terminal, environment: dict[str, str], folder: Path) -> bool:
    emacs.wait_for(lambda _: str(folder) in decided(environment))
    return decided(environment)[str(folder)]


@pytest.mark.parametrize(("typed", "trusted"), [("", False), ("trust", True)])
def test_it_is_shown_and_answered_once(
    emacs: Terminal, environment: dict[str, str], folder: Path, typed: str, trusted: bool
) -> None:
    ask(emacs, "hello")
    emacs.wait_for("default Don't trust)")
    assert ".claude/settings.json" in emacs.screen()
    emacs.type(typed, "Enter")
    assert wait_decided(emacs, environment, folder) is trusted
    emacs.wait_for("Answer: Trust" if trusted else "Answer: Don't trust")


def test_it_stays_open_until_it_is_answered_whatever_is_typed_meanwhile(
    emacs: Terminal, environment: dict[str, str], folder: Path, model: Loopback
) -> None:
    model.add(reply("make one", [call("Bash", command="touch one")], [say("Tried it.")]))
    ask(emacs, "make one")
    # Who is in the minibuffer stays there.
    emacs.keys("M-x")
    emacs.wait_for(TITLE)
    emacs.type("trust")
    emacs.wait_for("M-x trust")
    emacs.keys("C-g")
    emacs.wait_for("default Don't trust)")
    emacs.keys("C-g")
    emacs.wait_for("The question stays open")
    # The run's own question does not wait for it.
    emacs.wait_for("default Deny)")
    emacs.type("allow o", "Enter")
    emacs.wait_for(lambda _: (folder / "one").exists())
    emacs.wait_for("Done")
    assert decided(environment) == {}
    assert "[Trust]" in conversation(emacs, folder), "it outlives the run"
    command(emacs, "claude-agent-questions")
    emacs.wait_for("default Don't trust)")
    emacs.type("trust", "Enter")
    assert wait_decided(emacs, environment, folder)


def test_the_question_that_came_meanwhile_is_asked_behind_it_without_another_key(
    emacs: Terminal, folder: Path, model: Loopback
) -> None:
    model.add(reply("make one", [call("Bash", command="touch one")], [say("Tried it.")]))
    ask(emacs, "make one")
    emacs.wait_for("default Don't trust)")
    emacs.wait_for("Run `touch one`?")  # in the conversation
    emacs.keys("C-g")
    emacs.wait_for("default Deny)")
    assert not (folder / "one").exists()


def test_a_keyboard_macro_does_not_answer_it(
    emacs: Terminal, environment: dict[str, str], folder: Path
) -> None:
    evaluate(emacs, "(setq claude-agent-questions-delay 0)")
    ask(emacs, "hello")
    # A macro that lets Emacs take the server's messages, and would then answer.
    evaluate(
        emacs,
        "(progn (defun take () (interactive) (sit-for 0.3) (accept-process-output nil 0.3))"
        ' (local-set-key (kbd "C-c r") #\'take)'
        " (while (not claude-agent-questions--open) (accept-process-output nil 0.1))"
        ' (execute-kbd-macro (kbd "C-c r t r u s t RET C-c r")))',
    )
    emacs.wait_for("default Don't trust)")
    assert decided(environment) == {}
    emacs.keys("Enter")
    assert wait_decided(emacs, environment, folder) is False


def test_it_can_be_quit_where_quitting_is_inhibited(
    emacs: Terminal, environment: dict[str, str], folder: Path
) -> None:
    evaluate(
        emacs,
        "(advice-add 'claude-agent-questions--offer :around"
        " (lambda (f) (let ((inhibit-quit t)) (funcall f))))",
    )
    ask(emacs, "hello")
    emacs.wait_for("default Don't trust)")
    emacs.keys("C-g")
    emacs.wait_for("The question stays open")
    assert decided(environment) == {}
    command(emacs, "claude-agent-stop")


def test_it_is_withdrawn_with_a_run_that_is_stopped(
    emacs: Terminal, environment: dict[str, str], folder: Path
) -> None:
    ask(emacs, "count slowly")
    emacs.wait_for("default Don't trust)")
    emacs.keys("C-g")
    emacs.wait_for("The question stays open")
    command(emacs, "claude-agent-stop")
    emacs.wait_for(lambda _: "Withdrawn" in conversation(emacs, folder))
    assert decided(environment) == {}
