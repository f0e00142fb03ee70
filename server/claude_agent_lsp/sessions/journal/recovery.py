"""What a session's transcript lacks of what an editor was shown, and what becomes of it.

    journaled turn ──▶ in the transcript: cut away
                  ├──▶ lacking ──▶ told to the agent with the next prompt ──▶ kept, to be read
                  └──▶ never sent, or blocked by a hook, or nobody knows ──▶ kept, to be read

The transcript is the truth about what the CLI knows. It lacks something only after a CLI was
killed: the half-said answer, or a first turn with its prompt, and so the whole session.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.text import cut
from claude_agent_lsp.sessions.journal.steps import Called, Said, Thought
from claude_agent_lsp.sessions.journal.transcript_facts import TranscriptFacts, squeezed
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from claude_agent_lsp.sessions.journal.journal import Entry, Journal, JournaledTurn
    from claude_agent_lsp.sessions.journal.steps import Step

INPUT_LENGTH: Final = 2_000
RESULT_LENGTH: Final = 1_000
PREFACE: Final = (
    "You were cut off before this message, and the following was lost from this conversation. The "
    "user has seen it, so take it as said. A tool call without a result may or may not have been "
    "carried out: look before you repeat it."
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """A session's turns that its transcript lacks, or lacked when it was killed.

    Attributes:
        turns: All of them, for whoever reads the session, the oldest first.
        damaged: Whether the journal could not be read as a whole.
    """

    turns: tuple[JournaledTurn, ...] = ()
    damaged: bool = False

    @property
    def untold(self) -> tuple[JournaledTurn, ...]:
        """Those that the agent has begun, doesn't know of, and may be told of."""
        return tuple(turn for turn in self.turns if turn.may_be_told)

    @property
    def cut_off(self) -> bool:
        """Whether one was cut off, and the session not gone on with since."""
        return any(turn.cut_off for turn in self.turns)


def recover(journal: Journal, session_id: str) -> Recovery:
    """Hold a session's journal against its transcript. Reads files: call it in a thread."""
    entry = journal.read(session_id)
    known = TranscriptFacts.scan(find_transcript(session_id)) if entry.turns else TranscriptFacts()
    return recovery_of(entry, known)


def recovery_of(entry: Entry, known: TranscriptFacts) -> Recovery:
    """Return what of a journal's entry a transcript lacks that is known."""
    turns = tuple(lacking for turn in entry.turns if (lacking := lacking_of(turn, known)))
    return Recovery(turns, entry.damaged)


def marked(entry: Entry, turn_ids: Collection[str], *, completed: bool) -> Entry:
    """Return the entry, with how these turns have ended."""
    turns = tuple(
        replace(turn, completed=completed) if turn.message_id in turn_ids else turn
        for turn in entry.turns
    )
    return replace(entry, turns=turns)


def lacking_of(turn: JournaledTurn, known: TranscriptFacts) -> JournaledTurn | None:
    """Return what a transcript lacks of a turn, or None if nothing."""
    if turn.settled:
        return None
    if turn.unsent or turn.blocked:
        return turn
    retold = turn.told_by if turn.told_by in known.lines else None
    if retold is not None:
        # It has been told as it stands: what it lacked then is what there is to read.
        return replace(turn, told_by=retold)
    lacks_prompt = turn.message_id not in known.lines and not (turn.own or _is_local(turn))
    # A run that ended well said what its transcript says: what was shown besides was said anew.
    if turn.completed and not lacks_prompt:
        return None
    steps = tuple(_lacking_steps(turn.steps, known))
    if not lacks_prompt and not steps:
        return None
    return replace(turn, steps=steps, lacks_prompt=lacks_prompt, told_by=None)


def retold(turns: Iterable[JournaledTurn]) -> str:
    """Return what the agent is told of turns that it doesn't know of."""
    parts = [PREFACE]
    for turn in turns:
        if turn.lacks_prompt:
            parts.append(f"The user said:\n{turn.prompt}")
        said: list[str] = []
        for step in turn.steps:
            if isinstance(step, Thought):
                continue
            if isinstance(step, Said):
                said.append(step.text)
                continue
            if said:
                parts.append(f"You said:\n{''.join(said)}")
                said = []
            parts.append(_retold_call(step))
        if said:
            parts.append(f"You said, when you were cut off:\n{''.join(said)}")
    return "\n\n".join(parts)


def _retold_call(call: Called) -> str:
    given = cut(json.dumps(dict(call.input), ensure_ascii=False, default=str), INPUT_LENGTH, "")
    outcome = "There is no result."
    if call.status is not None:
        outcome = f"It {call.status}: {cut(call.text or '', RESULT_LENGTH, '')}"
    return f"You used the tool {call.tool} with {given}\n{outcome}"


def _lacking_steps(steps: Iterable[Step], known: TranscriptFacts) -> Iterator[Step]:
    texts, thoughts = dict(known.texts), dict(known.thoughts)
    for step in steps:
        if isinstance(step, Called):
            if step.tool_call_id not in known.calls:
                yield step
            continue
        left = thoughts if isinstance(step, Thought) else texts
        there = left.get(step.message_id, "")
        said = squeezed(step.text)
        if said and there.startswith(said):
            left[step.message_id] = there[len(said) :]
        elif there and said.startswith(there):
            left[step.message_id] = ""
            yield replace(step, text=behind(step.text, len(there)))
        elif said:
            yield step


def behind(text: str, count: int) -> str:
    """Return the rest of `text` behind so many characters that are no white space."""
    for place, character in enumerate(text):
        if not count:
            return text[place:]
        count -= not character.isspace()
    return ""


def _is_local(turn: JournaledTurn) -> bool:
    """Whether it is a slash command: the CLI notes it in words of its own."""
    return turn.completed and turn.prompt.startswith("/")
