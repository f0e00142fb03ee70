"""The commands about questions: which wait for the user, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.permissions.queue import AnsweredBy, answer_to
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request


class QuestionCommands(CommandGroup):
    """Lists questions and answers them."""

    @command("claudeAgent.question.list", arguments.QuestionListArgument)
    async def list_questions(self, _: arguments.QuestionListArgument, __: Request) -> object:
        """List the questions that wait for the user."""
        return {"questions": self._services.agent.questions.pending}

    @command("claudeAgent.question.answer", arguments.QuestionAnswerArgument)
    async def answer_question(
        self, argument: arguments.QuestionAnswerArgument, _: Request
    ) -> object:
        """Answer a question."""
        questions = self._services.agent.questions
        wanted = argument.question_id
        # The open one is the first.
        question = next((q for q in questions.pending if wanted in (None, q.question_id)), None)
        if question is None:
            raise InvalidArgument("questionId: expected the id of an open question.")
        if wanted is None and (question.kind == "trust" or questions.unread):
            raise InvalidArgument(
                f"questionId: expected {question.question_id}; this question can't be answered "
                "without its id."
            )
        answer = answer_to(question, argument.answer, argument.note, by=AnsweredBy.COMMAND)
        answered = questions.answer(question.question_id, answer)
        return {"answered": answered}
