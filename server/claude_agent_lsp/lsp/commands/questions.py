"""The commands about questions: which wait for the user, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.permissions.queue import DENY, AnsweredBy, answer_to
from claude_agent_lsp.base.texts.text import both_ends
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Question
    from claude_agent_lsp.lsp.commands.registry import Request


class QuestionCommands(CommandGroup):
    """Lists questions and answers them."""

    @command("claudeAgent.question.list", arguments.QuestionListArgument)
    async def list_questions(self, _: arguments.QuestionListArgument, __: Request) -> object:
        """List the questions that wait for the user; open the first where messages are small."""
        services = self._services
        pending = services.agent.questions.pending
        if pending and services.editor.profile.message_box is not None:
            services.editor.spawn(services.question_documents.show(pending[:1]))
        return {"questions": pending}

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
        documents = self._services.question_documents
        cut = (_is_cut(question) or documents.was_cut(question)) and not documents.was_opened(
            question
        )
        if wanted is None and argument.answer != DENY and cut:
            raise InvalidArgument(
                f"questionId: expected {question.question_id}; the question is longer than what "
                "shows it, so it can't be allowed without its id."
            )
        if wanted is None and (question.kind == "trust" or questions.unread):
            raise InvalidArgument(
                f"questionId: expected {question.question_id}; this question can't be answered "
                "without its id."
            )
        named = wanted is not None
        if questions.unseen(question.question_id, named=named) and not (
            named and argument.answer == DENY
        ):
            raise InvalidArgument(
                f"answer: {question.question_id} has only just been asked; read it, and answer "
                "again."
            )
        answer = answer_to(question, argument.answer, argument.note, by=AnsweredBy.COMMAND)
        answered = questions.answer(question.question_id, answer)
        return {"answered": answered}


def _is_cut(question: Question) -> bool:
    """Return whether a question's title shows only parts of the command that it is about."""
    action = question.action
    if action is None or action.command is None:
        return False
    return both_ends(action.command, len(action.command) + 1) != action.subject
