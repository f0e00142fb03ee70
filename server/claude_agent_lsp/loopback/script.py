"""The vocabulary of a script: which prompt is answered with what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from claude_agent_lsp.loopback.conversation import Conversation


@dataclass(frozen=True)
class Say:
    """Text, one delta a word."""

    text: str
    pace: float = 0.0


@dataclass(frozen=True)
class Tokens:
    """A number of text deltas, made up."""

    count: int
    pace: float = 0.0


@dataclass(frozen=True)
class Recall:
    """The last match of a pattern in the conversation before the prompt."""

    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Think:
    """A block of thinking."""

    text: str


@dataclass(frozen=True)
class Call:
    """A tool call.

    Attributes:
        arguments: Also JSON that no dictionary here could be made of.
        call_id: Left out, one that no other call has.
    """

    tool: str
    arguments: dict[str, object] | str
    call_id: str | None = None


@dataclass(frozen=True, eq=False)
class Fail:
    """An error in place of an answer; each one is counted by itself, hence no equality."""

    status: int
    retry_after: float | None = None
    times: int | None = None


@dataclass(frozen=True)
class Cut:
    """The connection ends here, in mid-stream."""


@dataclass(frozen=True)
class Hang:
    """Nothing more is sent."""


@dataclass(frozen=True)
class Stop:
    """Why the answer ends."""

    reason: str


Step: TypeAlias = Say | Tokens | Recall | Think | Call | Fail | Cut | Hang | Stop
Turn: TypeAlias = tuple[Step, ...]

DEFAULT: Turn = (Say("OK."),)
"""What is said where the script says nothing."""


class Rule(Protocol):
    """What chooses an answer by the prompt."""

    def turns(self, prompt: str) -> tuple[Turn, ...] | None:
        """Return the turns that answer this prompt, None if the rule is not for it."""


@dataclass(frozen=True)
class Reply:
    """The rule that `reply` makes."""

    match: str | re.Pattern[str]
    answer: tuple[Turn, ...]

    def turns(self, prompt: str) -> tuple[Turn, ...] | None:
        """Return the answer if the prompt matches."""
        return self.answer if matches(self.match, prompt) else None


class Script:
    """Rules, of which the last that matches a prompt wins.

    Args:
        rules: In the order in which they are added.
    """

    def __init__(self, *rules: Rule) -> None:
        self._rules: list[Rule] = list(rules)

    def add(self, *rules: Rule) -> None:
        """Add rules that win over those that are there."""
        self._rules.extend(rules)

    def turn(self, conversation: Conversation) -> Turn:
        """Return the steps that answer a request: of its turn, or else of the last one."""
        if not conversation.own:
            for rule in reversed(self._rules):
                turns = rule.turns(conversation.prompt)
                if turns:
                    return turns[min(conversation.turn, len(turns) - 1)]
        return DEFAULT


def matches(wanted: str | re.Pattern[str], prompt: str) -> bool:
    """Return whether a prompt contains a text, in any case, or a match of a pattern."""
    if isinstance(wanted, re.Pattern):
        return wanted.search(prompt) is not None
    return wanted.casefold() in prompt.casefold()


def reply(match: str | re.Pattern[str], *steps: Step | Sequence[Step]) -> Reply:
    """Make a rule.

    Args:
        match: A text that the current prompt contains, in any case, or a pattern found in it.
        steps: The steps of a single turn, or several turns, each a list of steps: the CLI sends
            the results of a turn's tool calls back, and that selects the next turn. The last
            one repeats.

    Raises:
        ValueError: There are no steps.
        TypeError: Steps and turns are mixed.
    """
    alone = tuple(step for step in steps if not isinstance(step, Sequence))
    turns = tuple(tuple(turn) for turn in steps if isinstance(turn, Sequence))
    if alone and turns:
        raise TypeError("a reply is made of steps or of turns, not of both")
    if not alone and not turns:
        raise ValueError("a reply needs a step")
    return Reply(match, turns or (alone,))


def say(text: str, *, pace: float = 0.0) -> Say:
    """Say a text, one delta a word.

    Args:
        text: What is said.
        pace: Seconds between two words.
    """
    return Say(text, pace)


def tokens(count: int, *, pace: float = 0.0) -> Tokens:
    """Say "word0 word1 ...", one delta a word.

    Args:
        count: How many deltas.
        pace: Seconds between two of them.
    """
    return Tokens(count, pace)


def recall(pattern: str | re.Pattern[str]) -> Recall:
    """Say the last match of a pattern in the conversation, "I don't know." if there is none.

    Args:
        pattern: Looked for in all that the request carries but the current prompt.
    """
    return Recall(re.compile(pattern))


def think(text: str) -> Think:
    """Think a text, in a block of its own."""
    return Think(text)


def call(tool: str, /, **arguments: object) -> Call:
    """Call a tool; the CLI runs the real one.

    Args:
        tool: Its name as the CLI sends it, such as "Bash"; the subagents' tool is "Agent".
        arguments: Its input. An "Agent" runs in the background, and its end gives the model one
            more turn, unless `run_in_background=False` is among them.
    """
    return Call(tool, arguments)


def fail(status: int, *, retry_after: float | None = None, times: int | None = None) -> Fail:
    """Answer with an error, or end an answer that has begun with an error event.

    Args:
        status: The HTTP status: 401, 429, 500, 529.
        retry_after: The `retry-after` header, in seconds.
        times: How often, until the steps after it are taken; None is always.
    """
    return Fail(status, retry_after, times)


def cut() -> Cut:
    """Cut the connection, with no proper end of the answer."""
    return Cut()


def hang() -> Hang:
    """Send nothing more, or nothing at all as the first step, until the client leaves."""
    return Hang()


def stop(reason: str) -> Stop:
    """End the answer for a reason of the API's: "max_tokens", "refusal", "end_turn".

    As the only step it is an answer without a word.
    """
    return Stop(reason)
