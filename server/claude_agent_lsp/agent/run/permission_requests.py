"""What the user decides in a turn: permission for a tool, a plan, the agent's own questions.

    the CLI asks ──▶ worded ──▶ in the queue (`queue.py`) ──▶ answered ──▶ sent to the CLI

A run that is stopped withdraws its question, and the CLI is told to stop.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny, PermissionUpdate

from claude_agent_lsp.agent.events import QuestionAnswered, QuestionAsked
from claude_agent_lsp.agent.permissions.destinations import Destinations
from claude_agent_lsp.agent.permissions.diff import EDITS, Before, before_of, diff_of, shown_before
from claude_agent_lsp.agent.permissions.edited_proposal import edited_input, is_editable
from claude_agent_lsp.agent.permissions.question_detail import (
    describe,
    grants_of,
    shortened,
    texts_of,
)
from claude_agent_lsp.agent.permissions.queue import (
    ALLOW,
    ALLOW_ALWAYS,
    ALLOW_EDITS,
    ALLOW_SESSION,
    DENY,
    Answer,
    AnsweredBy,
)
from claude_agent_lsp.agent.permissions.session_grants import may_hold
from claude_agent_lsp.agent.permissions.suggestions import offered
from claude_agent_lsp.agent.permissions.tool_titles import paths_in
from claude_agent_lsp.agent.permissions.user_questions import choices_in
from claude_agent_lsp.agent.question import Action, Grant, Grants, Question, QuestionOption
from claude_agent_lsp.base.abort import Aborted
from claude_agent_lsp.base.lanes import disk, parsing
from claude_agent_lsp.base.texts.json_bounds import is_bounded
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from claude_agent_sdk import PermissionResult, ToolPermissionContext

    from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools
    from claude_agent_lsp.agent.question import QuestionKind
    from claude_agent_lsp.agent.run.context import RunContext, RunSpec

T = TypeVar("T")

LONGEST_QUESTION: Final = 365 * 86_400.0
# A file is read in a few milliseconds; nobody is kept from deciding by a disk that hangs.
READ_SECONDS: Final = 2.0
STOPPED: Final = "The user has stopped the run."
AS_IT_IS: Final = "The user wants the file to stay as it is."
REFUSED: Final = "The user said no."
KEEP_PLANNING: Final = "The user wants you to go on planning."
UNANSWERED: Final = "The user did not answer."
TOO_MUCH: Final = (
    "The tool was given more values, or deeper ones, than anybody could look through. Give it less."
)
THIS_CALL: Final = Grants(session=(Grant("call", "this very call, word for word"),))
_NO_PLAN: Final = "The agent has written no plan."


class PermissionRequests:
    """The decisions of one turn.

    Args:
        spec: What the run has to do.
        context: What it has to do it with.
        denied: Called with each tool call that is refused, and why.
        tools: Know the files that are open in the editor.
    """

    def __init__(
        self,
        spec: RunSpec,
        context: RunContext,
        denied: Callable[[str, str], None],
        tools: BufferTools | None = None,
    ) -> None:
        self._tools = tools
        self._spec = spec
        self._context = context
        self._denied = denied

    async def decide(
        self, tool: str, tool_input: Mapping[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Let the user decide about a tool call."""
        ways = {"ExitPlanMode": self._ask_about_plan, "AskUserQuestion": self._ask_choices}
        try:
            self._context.signal.throw_if_aborted()
            if not is_bounded(tool_input):
                # Of what can't be shown whole, nobody can say that it may be done.
                result: PermissionResult = PermissionResultDeny(message=TOO_MUCH)
            elif tool in ways:
                result = await ways[tool](tool_input, context.tool_use_id)
            else:
                result = await self._ask_permission(tool, tool_input, context)
        except Aborted:
            return PermissionResultDeny(message=STOPPED, interrupt=True)
        if isinstance(result, PermissionResultDeny) and context.tool_use_id:
            self._denied(context.tool_use_id, result.message)
        return result

    async def _ask_permission(
        self, tool: str, tool_input: Mapping[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Ask for permission to use a tool."""
        if self._context.grants.hold(tool, tool_input, context.decision_reason):
            return PermissionResultAllow()
        where = await self._follow_links(tool_input, context.suggestions)
        updates = offered(where.real_updates(context.suggestions), tool_input)
        for_session = [replace(update, destination="session") for update in updates]
        for_ever = [update for update in updates if self._is_saved(update)]
        before = await self._read_before(tool, tool_input)
        grants = grants_of(for_session, for_ever)
        if not updates and context.suggestions:
            grants = _grants_of_call(tool, tool_input, context.decision_reason)
        about = await self._in_thread(
            lambda: describe(
                tool,
                tool_input,
                where,
                diff=diff_of(tool, tool_input, before),
                reason=context.decision_reason,
                grants=grants,
            )
        )
        answer = await self._ask(
            "permission",
            about.title,
            about.detail,
            _options(about.grants, for_ever=bool(for_ever)),
            title_says_all=about.title_says_all,
            diff=about.diff,
            tool_call_id=context.tool_use_id,
            action=about.action,
            notes=about.notes,
            reason=about.reason,
            grants=about.grants,
            editable=is_editable(tool, before) or None,
        )
        if answer.value == DENY:
            return PermissionResultDeny(message=answer.note or REFUSED)
        granted = {ALLOW_SESSION: for_session, ALLOW_ALWAYS: for_ever}.get(answer.value)
        if answer.value == ALLOW_SESSION:
            self._context.grants.add(tool, tool_input, context.decision_reason, for_session)
            for mode in filter(None, (update.mode for update in for_session)):
                self._context.set_mode(mode)
        if answer.edits is None:
            return PermissionResultAllow(updated_permissions=granted or None)
        wanted = answer.edits
        changed = await self._in_thread(lambda: edited_input(tool, tool_input, before, wanted))
        if changed is None:
            return PermissionResultDeny(message=AS_IT_IS)
        return PermissionResultAllow(updated_input=changed, updated_permissions=granted or None)

    async def _ask_about_plan(
        self, tool_input: Mapping[str, Any], call: str | None
    ) -> PermissionResult:
        """Ask whether a plan is to be carried out, and in which mode."""
        plan = str(tool_input.get("plan") or _NO_PLAN)
        mode = self._context.mode()
        mode = "default" if mode == "plan" else mode
        options = [QuestionOption(DENY, "Keep planning"), QuestionOption(ALLOW, "Approve")]
        if mode == "default":
            options.append(QuestionOption(ALLOW_EDITS, "Approve, and accept all edits"))
        text = await self._in_thread(lambda: visible(plan, lines=True))
        answer = await self._ask(
            *("plan", "Carry out this plan?", shortened(text), options),
            document=text,
            tool_call_id=call,
            action=Action(subject="", tool="ExitPlanMode"),
        )
        if answer.value == DENY:
            return PermissionResultDeny(message=answer.note or KEEP_PLANNING)
        mode = "acceptEdits" if answer.value == ALLOW_EDITS else mode
        self._context.set_mode(mode)
        update: Any = {"type": "setMode", "mode": mode, "destination": "session"}
        return PermissionResultAllow(updated_permissions=[PermissionUpdate(**update)])

    async def _ask_choices(
        self, tool_input: Mapping[str, Any], call: str | None
    ) -> PermissionResult:
        """Ask what the agent asks, one after the other, until one is not answered.

        The answers before it are told: the CLI has no place for why another one is missing but the
        answer itself (2.1.332).
        """
        answers: dict[str, str] = {}
        missing: str | None = None
        for choice in await self._in_thread(lambda: list(choices_in(tool_input))):
            if missing is not None:
                answers[choice.text] = f"({missing})"
                continue
            answer = await self._ask(
                "choice",
                choice.title,
                choice.detail,
                choice.options,
                multiple=choice.multiple,
                free_text=True,
                tool_call_id=call,
                action=choice.action,
            )
            if answer.value == DENY:
                missing = answer.note or UNANSWERED
                if not answers:
                    return PermissionResultDeny(message=missing)
            answers[choice.text] = answer.value if missing is None else f"({missing})"
        return PermissionResultAllow(updated_input={**tool_input, "answers": answers})

    async def _read_before(self, tool: str, tool_input: Mapping[str, Any]) -> Before:
        """Return what a file holds that is to be edited, if its disk tells.

        Raises:
            Aborted: The run was stopped.
        """
        if tool not in EDITS:
            return Before()
        reading = asyncio.ensure_future(self._text_before(tool, tool_input))
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._context.signal.wait_or_abort(reading)
        except TimeoutError:
            return Before(why="its disk does not answer")

    async def _text_before(self, tool: str, tool_input: Mapping[str, Any]) -> Before:
        if self._tools is not None:
            text = await self._tools.looks.text_of(tool_input.get("file_path"))
            if text is not None:
                return shown_before(text)
        lane, folder = self._context.folder_lane, self._spec.launch.folder
        return await lane.read(before_of, tool, tool_input, folder)

    async def _follow_links(
        self, tool_input: Mapping[str, Any], suggestions: Iterable[PermissionUpdate]
    ) -> Destinations:
        """Return where a call's paths, and the folders that might be granted for it, lead.

        Raises:
            Aborted: The run was stopped.
        """
        paths = paths_in(tool_input)
        for update in suggestions:
            paths += map(Path, update.directories or ())
        following = disk.run(Destinations.follow, self._spec.launch.folder, paths)
        return await self._context.signal.wait_or_abort(asyncio.ensure_future(following))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do what takes the longer, the more the agent has written, beside the loop.

        Raises:
            Aborted: The run was stopped; the thread ends by itself.
        """
        return await self._context.signal.wait_or_abort(asyncio.ensure_future(parsing.run(work)))

    async def _ask(
        self,
        kind: QuestionKind,
        title: str,
        detail: str,
        options: list[QuestionOption] | tuple[QuestionOption, ...],
        **more: Any,
    ) -> Answer:
        """Ask, and notify the editor of the question and of its answer.

        Raises:
            Aborted: The run was stopped.
        """
        seconds = min(self._spec.launch.settings.question_timeout_seconds, LONGEST_QUESTION)
        question = Question(
            question_id=str(uuid.uuid4()),
            run_id=self._context.run_id,
            session_id=self._spec.session.session_id,
            kind=kind,
            title=title,
            detail=detail,
            options=tuple(options),
            deadline=datetime.now(UTC) + timedelta(seconds=seconds),
            **more,
        )
        answer = Answer(DENY, by=AnsweredBy.WITHDRAWN)
        asking = asyncio.create_task(self._ask_queue(question, seconds))
        try:
            answer = await self._context.signal.wait_or_abort(asking)
        finally:
            asking.cancel()
            self._context.emit(
                QuestionAnswered(
                    question.question_id,
                    answer.value,
                    answer.by.value,
                    answer.note,
                    answer.edits is not None or None,
                )
            )
        return answer

    async def _ask_queue(self, question: Question, seconds: float) -> Answer:
        # In one step of the loop: once it is announced, a client may show it, and soon answers.
        self._context.emit(QuestionAsked(question))
        return await self._context.questions.ask(question, seconds)

    def _is_saved(self, update: PermissionUpdate) -> bool:
        """Return whether a suggestion is written down, and read again by the next process."""
        source = (update.destination or "").removesuffix("Settings")
        return bool(update.rules) and source in self._spec.launch.settings.setting_sources


def _options(grants: Grants, *, for_ever: bool) -> list[QuestionOption]:
    """Return what can be answered to a question about a tool."""
    options = [QuestionOption(DENY, "Deny"), QuestionOption(ALLOW, "Allow once")]
    if grants.session:
        options.append(QuestionOption(ALLOW_SESSION, "Allow for this session"))
    if for_ever:
        options.append(QuestionOption(ALLOW_ALWAYS, f"Always allow {texts_of(grants.always)}"))
    return options


def _grants_of_call(tool: str, tool_input: Mapping[str, Any], reason: str | None) -> Grants:
    """Return what can be granted where no rule of the CLI's would mean this call alone."""
    return THIS_CALL if may_hold(tool, tool_input, reason) else Grants()
