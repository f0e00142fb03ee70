"""The commands about questions: which wait for the user, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.permissions.unnamed_answers import why_named
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command

if TYPE_CHECKING:
    from claude_agent_lsp.agent.question import Question
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
        return {"questions": [*pending, *await services.questions_elsewhere.unshown()]}

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
            if argument.edits is not None:
                raise InvalidArgument("edits: expected none for a question of another editor.")
            answered = wanted and await self._services.questions_elsewhere.answer(
                wanted, argument.answer, argument.note
            )
            if answered is None:
                raise InvalidArgument("questionId: expected the id of an open question.")
            return {"answered": answered}
        if wanted is None and (why := self._why_named(question, argument)) is not None:
            questions.put_off()
            raise InvalidArgument(f"questionId: expected {question.question_id}; {why}.")
        answered = questions.answer_by_command(
            question,
            argument.answer,
            argument.note,
            edits=argument.edits,
            named=wanted is not None,
        )
        return {"answered": answered}

    def _why_named(
        self, question: Question, argument: arguments.QuestionAnswerArgument
    ) -> str | None:
        """Return why an answer has to have the question's id; None if it need not."""
        if self._services.agent.questions.unread():
            return "this question can't be answered without its id"
        profile, documents = self._services.editor.profile, self._services.question_documents
        return why_named(
            question,
            argument.answer,
            read=documents.was_opened(question),
            cut=documents.was_cut(question),
            plan_shown=profile.questions or profile.show_document,
        )
