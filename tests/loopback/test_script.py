from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import Script, call, fail, hang, recall, reply, say, tokens
from claude_agent_lsp.loopback.conversation import read
from claude_agent_lsp.loopback.directives import directives

from .conftest import message

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Rule, Turn


def answer(prompt: str, *rules: Rule, after: int = 0) -> Turn:
    body = message(prompt)
    body["messages"] += [{"role": "assistant", "content": "..."}] * after
    return Script(*rules).turn(read(body))


def test_a_text_matches_in_any_case() -> None:
    assert answer("Say HELLO now", reply("hello", say("Hi."))) == (say("Hi."),)


def test_a_pattern_matches_as_it_is_written() -> None:
    rule = reply(re.compile(r"^\d+$"), say("A number."))
    assert answer("12", rule) == (say("A number."),)
    assert answer("12 apples", rule) == (say("OK."),)


def test_the_last_rule_wins() -> None:
    assert answer("hello", reply("hello", say("1")), reply("hell", say("2"))) == (say("2"),)


def test_a_rule_added_wins() -> None:
    script = Script(reply("hello", say("1")))
    script.add(reply("hello", say("2")))
    assert script.turn(read(message("hello"))) == (say("2"),)


def test_what_no_rule_matches_is_answered_ok() -> None:
    assert answer("anything", reply("hello", say("Hi."))) == (say("OK."),)


def test_steps_alone_are_one_turn_which_repeats() -> None:
    rule = reply("hello", say("1"), hang())
    assert answer("hello", rule) == answer("hello", rule, after=3) == (say("1"), hang())


def test_turns_follow_each_other_and_the_last_repeats() -> None:
    rule = reply("run", [say("Running."), call("Bash", command="ls")], [say("Ran.")])
    assert answer("run", rule) == (say("Running."), call("Bash", command="ls"))
    assert answer("run", rule, after=1) == (say("Ran."),)
    assert answer("run", rule, after=5) == (say("Ran."),)


def test_steps_and_turns_do_not_mix() -> None:
    with pytest.raises(TypeError, match="not of both"):
        reply("hello", say("1"), [say("2")])


def test_a_reply_needs_a_step() -> None:
    with pytest.raises(ValueError, match="needs a step"):
        reply("hello")


def test_no_rule_is_for_what_the_cli_asks_on_its_own_account() -> None:
    title = "<session>\nsay hello\n</session>\n\nWrite the title in the predominant language"
    assert answer(title, reply("hello", hang())) == (say("OK."),)


def test_two_failures_are_never_the_same() -> None:
    assert fail(500, times=2) != fail(500, times=2)


@pytest.mark.parametrize(
    ("prompt", "turns"),
    [
        ("please say 12 tokens", [(tokens(12),)]),
        ("say 3 tokens every 40 ms", [(tokens(3, pace=0.04),)]),
        ("recall [A-Z]+-\\d+", [(recall(r"[A-Z]+-\d+"),)]),
        ("hang", [(say("hanging"), hang())]),
        ("run echo a; sleep 1", [(call("Bash", command="echo a; sleep 1"),), (say("Done."),)]),
        ("changes", [(say("OK."),)]),
    ],
)
def test_directives(prompt: str, turns: list[Turn]) -> None:
    for place, turn in enumerate(turns):
        assert answer(prompt, *directives(), after=place) == turn
