"""A user of Emacs, in a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say, think, tokens
from tests.e2e.runs import allow_tools
from tests.editors.abilities import Ability, shows
from tests.processes import gone_within

from .conftest import ask, command, conversation, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.editors.terminal import Terminal

    from .conftest import OpenEmacs

SECONDS = 60.0  # only catches hangs


@pytest.fixture(autouse=True)
def wishes(model: Loopback, folder: Path) -> None:
    """An agent that wants to do things."""
    source = folder / "code.py"
    source.write_text("x = 1\ny = 2\n")
    (folder / ".git").mkdir()
    model.add(
        reply("make one", [call("Bash", command="touch one")], [say("Tried it.")]),
        reply(
            "edit it",
            [think("Let me see."), call("Read", file_path=str(source))],
            [call("Edit", file_path=str(source), old_string="x = 1", new_string="x = 3")],
            [say("Edited `code.py:1`.")],
        ),
    )


@shows(Ability.CONTEXT)
def test_region_is_told_with_the_question_beside_the_languages_own_server(
    open_emacs: OpenEmacs, model: Loopback, folder: Path
) -> None:
    # A server of the language's own, which Eglot manages in the same buffer.
    (folder / "server.py").write_text(PYTHON_SERVER)
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    evaluate(
        emacs,
        "(progn (require 'eglot) (eglot-ensure) (setq eglot-server-programs"
        ' \'((python-mode . ("python3" "server.py")))))',
    )
    emacs.wait_for("Connected!")
    emacs.keys("C-n", "C-Space", "C-n")
    command(emacs, "claude-agent-ask")
    emacs.wait_for("Ask Claude about line 2 of code.py:")
    emacs.type("what is this?", "Enter")
    emacs.wait_for("Done")
    told = [said.text for said in model.requests[-1].conversation]
    assert any("code.py:\ny = 2\n" in text for text in told), told
    evaluate(emacs, '(message "managed: %s" (and (eglot-managed-p) t))')
    emacs.wait_for("managed: t")


PYTHON_SERVER = """
import json, sys
while header := sys.stdin.buffer.readline():
    while sys.stdin.buffer.readline().strip():
        pass
    message = json.loads(sys.stdin.buffer.read(int(header.split(b":")[1])))
    if "id" in message and "method" in message:
        result = {"capabilities": {}} if message["method"] == "initialize" else None
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
        sys.stdout.buffer.flush()
"""


@shows(Ability.DENY, Ability.ALLOW)
def test_question_is_denied_put_off_and_allowed(
    open_emacs: OpenEmacs, model: Loopback, folder: Path
) -> None:
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "make one")
    emacs.wait_for("default Deny)")
    emacs.keys("Enter")
    emacs.wait_for("Done")  # until then it answers "Claude is still working"
    assert not (folder / "one").exists()
    assert any("The user said no." in said.text for said in model.requests[-1].conversation)
    ask(emacs, "make one, please")
    emacs.wait_for("default Deny)")
    emacs.keys("C-g")
    emacs.wait_for("The question stays open")
    command(emacs, "claude-agent-questions")
    emacs.wait_for("default Deny)")
    emacs.type("allow o", "Enter")
    emacs.wait_for("Answer: Allow once")
    emacs.wait_for(lambda screen: (folder / "one").exists() and screen.rstrip().count("Done"))


def test_prompts_asked_during_a_run_wait_in_sight_and_are_changed_sent_and_answered(
    open_emacs: OpenEmacs, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    waits = call("Bash", command="until test -e go; do sleep 0.05; done")
    model.add(reply("work on it", [waits], [say("Worked.")]))
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "work on it")
    emacs.wait_for("until test")
    ask(emacs, "say one")
    emacs.wait_for("next: say one")
    command(emacs, "claude-agent-ask-now")
    emacs.wait_for("Tell Claude now")
    emacs.type("mind the gap", "Enter")
    emacs.wait_for("sending: mind the gap +1")
    for words, action in (("2:", "Edit"), ("2:", "Remove")):
        command(emacs, "claude-agent-queue")
        emacs.wait_for("Waiting prompt:")
        emacs.type(words, "Tab", "Enter")
        emacs.wait_for("What:")
        emacs.type(action, "Enter")
        if action == "Edit":
            emacs.wait_for("Ask Claude: say one")
            emacs.type(" more", "Enter")
            ask(emacs, "say two")
            emacs.wait_for("+2")
    emacs.wait_for("gap +1")
    (folder / "go").touch()
    emacs.wait_for("OK.")
    sent = [request.prompt for request in model.requests]
    assert "say one more" not in sent
    assert sent[-1] == "say two"
    assert any("mind the gap" in said.text for said in model.requests[-1].conversation)


def test_run_is_stopped_for_what_is_asked_in_its_place(
    open_emacs: OpenEmacs, model: Loopback
) -> None:
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "count slowly")
    emacs.wait_for("word3")
    request = model.wait_for_request("count slowly", SECONDS)
    emacs.keys("C-x", "o", "C-c", "C-x")
    emacs.wait_for("Stop, and ask Claude")
    emacs.type("which code?", "Enter")
    emacs.wait_for("I don't know.")
    screen = emacs.wait_for("Done")
    assert screen.index("Stopped") < screen.index("which code?")
    assert request.hung_up is not None


def test_session_that_was_cleared_is_not_come_back_to_by_the_next_emacs(
    open_emacs: OpenEmacs,
) -> None:
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "remember the code PINEAPPLE-42")
    emacs.wait_for("I will remember it.")
    emacs.wait_for("Done")
    ask(emacs, "/clear")
    emacs.wait_for("The conversation was cleared")
    emacs.wait_without("Claude…")
    session = session_of(emacs)
    emacs.keys("C-x", "C-c")
    emacs.wait_gone()

    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    command(emacs, "claude-agent-resume")
    emacs.wait_for("*claude-agent: ")
    ask(emacs, "which code?")
    screen = emacs.wait_for("I don't know.")
    assert "PINEAPPLE" not in screen
    emacs.wait_without("Claude…")
    assert session_of(emacs) == session
    command(emacs, "claude-agent-sessions")
    emacs.wait_for("Session:")
    emacs.type("remember", "Tab", "Enter")  # it is there
    emacs.wait_for("I will remember it.")


def test_folder_is_trusted_no_longer_and_trusted_again(open_emacs: OpenEmacs) -> None:
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    emacs.keys("C-u")
    command(emacs, "claude-agent-trust")
    emacs.wait_for("This folder is no longer trusted")
    command(emacs, "claude-agent-trust")
    emacs.wait_for("This folder is trusted")


@shows(Ability.EDIT)
def test_question_waits_for_who_types_and_the_edit_is_in_the_buffer(
    open_emacs: OpenEmacs, folder: Path
) -> None:
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "edit it")
    # Who is in the minibuffer stays there.
    emacs.keys("M-x")
    emacs.wait_for("Waiting for you: Edit code.py?")
    emacs.type("nothing")
    emacs.wait_for("M-x nothing")
    emacs.keys("C-g")
    emacs.wait_for("default Deny)")
    emacs.type("allow o", "Enter")
    emacs.wait_for("x = 3")
    emacs.wait_for("Edited `code.py:1`.")
    said = conversation(emacs, folder)
    assert "▸ Thinking\nLet me see.\n" in said
    assert re.search(r"▸ Editing code\.py  done\n", said)


@shows(Ability.STREAM, Ability.STOP, Ability.RESUME, Ability.SESSIONS, Ability.KILL)
@pytest.mark.long
def test_run_is_stopped_and_its_session_goes_on_in_the_next_emacs(
    open_emacs: OpenEmacs, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "remember the code PINEAPPLE-42")
    emacs.wait_for("I will remember it.")
    emacs.wait_for("Done")
    ask(emacs, "count slowly")
    emacs.wait_for("word3")
    emacs.wait_for("word9")  # it has grown
    request = model.wait_for_request("count slowly", SECONDS)
    emacs.keys("C-x", "o", "C-c", "C-c")
    request.wait_hung_up(SECONDS)
    emacs.wait_for("Stopped")
    session = session_of(emacs)
    emacs.keys("C-x", "C-c")
    emacs.wait_gone()

    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    command(emacs, "claude-agent-resume")
    emacs.wait_for("word3")
    assert "I will remember it." in conversation(emacs, folder)
    command(emacs, "claude-agent-new")
    emacs.wait_for(lambda screen: "word3" not in screen)
    command(emacs, "claude-agent-sessions")
    emacs.wait_for("Session:")
    emacs.keys("Tab", "Enter")  # there is one
    emacs.wait_for("word3")
    ask(emacs, "which code?")
    emacs.wait_for(lambda screen: re.search(r"^PINEAPPLE-42$", screen, re.MULTILINE))
    emacs.wait_without("Claude…")  # which every mode line says while the agent is at work
    assert session_of(emacs) == session
    ask(emacs, "count slowly")
    model.wait_for_request("count slowly", SECONDS, after=len(model.requests) - 1)
    emacs.kill()
    assert gone_within(environment, 10)


def session_of(emacs: Terminal) -> str:
    """The id of the session that the conversation shows."""
    evaluate(
        emacs,
        '(message "session: %s" (buffer-local-value \'claude-agent-conversation-session'
        " (car (claude-agent-conversation-buffers))))",
    )
    screen = emacs.wait_for(lambda screen: re.search(r"session: [0-9a-f-]{36}", screen))
    found = re.search(r"session: ([0-9a-f-]{36})", screen)
    assert found
    return found[1]


@pytest.mark.long
def test_what_the_agent_does_by_itself_is_shown_with_its_cause_and_stopped(
    open_emacs: OpenEmacs, model: Loopback, folder: Path, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    waits = "until test -e go; do sleep 0.05; done"
    ends = call("Bash", command=waits, run_in_background=True)
    model.add(
        reply("in the background", [ends], [say("It is running.")], [tokens(5000, pace=0.01)])
    )
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    ask(emacs, "do it in the background")
    emacs.wait_for("It is running.")
    emacs.wait_for("Done")
    (folder / "go").touch()
    emacs.wait_for("word9")
    assert f"## Claude\n\n`{waits}` has ended.\n\nword0" in conversation(emacs, folder)
    emacs.keys("C-x", "o", "C-c", "C-c")
    emacs.wait_for("Stopped")


def test_review_lists_what_is_found(open_emacs: OpenEmacs, model: Loopback) -> None:
    finding = {"file": "code.py", "line": 2, "summary": "Y is wrong", "severity": "warning"}
    model.add(reply("Review ", [call("StructuredOutput", findings=[finding])], [say("Done.")]))
    emacs = open_emacs("code.py")
    emacs.wait_for("y = 2")
    command(emacs, "claude-agent-review")
    emacs.wait_for("Review:")
    emacs.type("file", "Enter")
    emacs.wait_for("code.py:2:1: warning: Y is wrong")
    command(emacs, "next-error")
    emacs.wait_for("L2")
