"""What can be done in a prompt document: send, stop, answer, update, fork, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claude_agent_lsp.lsp.services.prompts.growing_answer import GrowingAnswer
    from claude_agent_lsp.lsp.services.prompts.prompt_text import PromptText

SEND: Final = "claudeAgent.prompt.send"
UPDATE: Final = "claudeAgent.prompt.update"
FORK: Final = "claudeAgent.prompt.fork"
REWIND: Final = "claudeAgent.prompt.rewind"
CANCEL: Final = "claudeAgent.cancel"
ANSWER: Final = "claudeAgent.question.answer"
# Lists of code actions cut what is longer.
TITLE_LENGTH: Final = 80


class PromptActions(Feature):
    """Offers it as code actions, and where an editor draws them as lenses."""

    async def code_actions(self, params: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Return what can be done at a place of a prompt document."""
        uri = params.text_document.uri
        found = await self._services.prompts.parsed(uri)
        if found is None:
            return ()
        parsed, answers = found[1], self._services.prompts.answers_in(uri)
        commands = [
            *(each for answer in answers for each in _answers_to(answer)),
            *_of_draft(uri, parsed),
            *_stops(answers),
            *_of_prompt(uri, parsed, params.range.start.line),
            *_of_document(uri, parsed, answers),
        ]
        kind = types.CodeActionKind.QuickFix
        return [types.CodeAction(each.title, kind=kind, command=each) for each in commands]

    async def code_lenses(self, params: types.CodeLensParams) -> Sequence[types.CodeLens]:
        """Return it above the headings and the lines that it is about."""
        uri = params.text_document.uri
        found = await self._services.prompts.parsed(uri)
        if found is None:
            return ()
        parsed = found[1]
        lenses = []
        answers = self._services.prompts.answers_in(uri)
        for answer, stop in zip(answers, _stops(answers), strict=True):
            line = parsed.line_of(parsed.working.get(answer.run_id, 0))
            lenses += [_lens(line, each) for each in (*_answers_to(answer), stop)]
        draft = parsed.draft
        for line in parsed.prompt_lines if "session" in parsed.fields else ():
            lenses += [_lens(line, each) for each in _back_to(uri, line)]
        if draft is not None:
            line = parsed.line_of(draft.start)
            lenses += [_lens(line, each) for each in _of_draft(uri, parsed)]
        return lenses


def _of_draft(uri: str, parsed: PromptText) -> Iterator[types.Command]:
    if parsed.typed:
        yield types.Command("Send to Claude", SEND, arguments=[{"uri": uri}])


def _stops(answers: Sequence[GrowingAnswer]) -> list[types.Command]:
    """Return what stops each answer; of several, it says which."""
    several = len(answers) > 1
    return [
        types.Command(
            one_line(f"Stop Claude: {answer.prompt}", TITLE_LENGTH) if several else "Stop Claude",
            CANCEL,
            arguments=[{"runId": answer.run_id}],
        )
        for answer in answers
    ]


def _answers_to(answer: GrowingAnswer) -> Iterator[types.Command]:
    """Yield the answers to the open question; what it is about stands in the document."""
    question = answer.question
    if question is None or question.multiple:
        return
    for option in question.options:
        argument: dict[str, Any] = {"questionId": question.question_id, "answer": option.value}
        title = _both_ends(f"{option.label}: {question.title}")
        yield types.Command(title, ANSWER, arguments=[argument])


def _of_prompt(uri: str, parsed: PromptText, line: int) -> Iterator[types.Command]:
    if "session" in parsed.fields and parsed.prompt_at(line) is not None:
        yield from _back_to(uri, line)


def _back_to(uri: str, line: int) -> Iterator[types.Command]:
    where = {"uri": uri, "line": line}
    yield types.Command("Fork before this prompt", FORK, arguments=[where])
    yield types.Command("Rewind to before this prompt", REWIND, arguments=[where])


def _of_document(
    uri: str, parsed: PromptText, answers: Sequence[GrowingAnswer]
) -> Iterator[types.Command]:
    if "session" in parsed.fields and parsed.answered and not answers:
        yield types.Command("Update from the conversation", UPDATE, arguments=[{"uri": uri}])


def _both_ends(title: str) -> str:
    """Return a title in one line; of a long one both its ends, which tell the most."""
    line = one_line(title, 10 * TITLE_LENGTH)
    half = TITLE_LENGTH // 2 - 2
    return line if len(line) <= TITLE_LENGTH else f"{line[:half]} … {line[-half:]}"


def _lens(line: int, command: types.Command) -> types.CodeLens:
    place = types.Position(line, 0)
    return types.CodeLens(types.Range(place, place), command)
