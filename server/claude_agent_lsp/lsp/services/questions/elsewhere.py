"""Questions between the servers of this user: those that an editor does not show, and answers.

here: not shown ──▶ put out ──┬─▶ answered elsewhere ──▶ as by command
                              └─▶ settled ──▶ taken back
there: listed ──▶ answered ──▶ what the server that asks makes of it
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.os_processes.marked import is_of_an_agent
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import InvalidArgument, StoreUnavailable
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.sessions.open_questions import OpenQuestions, Verdict, answer_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.sessions.open_questions import GivenAnswer
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5


class QuestionsElsewhere:
    """This server's questions for others, and theirs for this one.

    Args:
        editor: Begins what nobody waits for.
        state: Says where they are.
        agent: Returns the agent, which is made late.
    """

    def __init__(self, editor: Editor, state: State, agent: Callable[[], Agent]) -> None:
        self._editor = editor
        self._state = state
        self._agent = agent
        self._offered: set[str] = set()

    def offer(self, question: Question) -> None:
        """Let a question be answered from elsewhere, until it is settled."""
        if question.question_id not in self._offered:
            self._offered.add(question.question_id)
            self._editor.spawn(self._while_it_waits(question))

    async def unshown(self) -> list[dict[str, Any]]:
        """Return what other servers ask whose editors don't show it."""
        found = await disk.run(self._store.of_others)
        return [{**each.content, "heldBy": f"{each.holder}"} for each in found]

    async def answer(
        self, question_id: str, given: str | Sequence[str], note: str | None
    ) -> bool | None:
        """Answer a question of another server.

        Returns:
            Whether the answer counts; None if there is no such question.

        Raises:
            InvalidArgument: It is no answer to the question, or comes too soon.
            SessionBusy: That server does not answer.
            StoreUnavailable: It can't be written.
        """
        store = self._store
        questions = await disk.run(store.of_others)
        question = next((each for each in questions if each.question_id == question_id), None)
        if question is None:
            return None
        if is_of_an_agent():
            raise InvalidArgument("questionId: what an agent has started answers no question.")
        values = (given,) if isinstance(given, str) else tuple(given)
        try:
            verdict = await answer_elsewhere(store, question, values, note)
        except OSError as error:
            raise StoreUnavailable(
                f"The answer can't be written: {error.strerror or error}."
            ) from error
        if verdict.refusal is not None:
            raise InvalidArgument(verdict.refusal)
        return verdict.answered

    @property
    def _store(self) -> OpenQuestions:
        return OpenQuestions(lambda: self._state.directory, self._agent().locks.this_server())

    async def _while_it_waits(self, question: Question) -> None:
        agent, store = self._agent(), self._store
        lane = agent.lanes.session(question.session_id)
        names = question.session_id, question.question_id
        try:
            await lane.run(store.put_out, *names, jsonable(question))
            while question.question_id in {each.question_id for each in agent.questions.pending}:
                given = await lane.run(store.take_answer, *names)
                if given is not None:
                    verdict = self._verdict(question, given)
                    await lane.run(store.decide, question.session_id, given.answer_id, verdict)
                await asyncio.sleep(LOOK_SECONDS)
        except OSError as error:
            logger.warning("A question can't be answered from elsewhere: %s", error)
        finally:
            self._offered.discard(question.question_id)
            await lane.run(store.take_back, *names)

    def _verdict(self, question: Question, given: GivenAnswer) -> Verdict:
        values = given.values[0] if len(given.values) == 1 else given.values
        try:
            questions = self._agent().questions
            return Verdict(questions.answer_by_command(question, values, given.note))
        except InvalidArgument as error:
            return Verdict(answered=False, refusal=str(error))
