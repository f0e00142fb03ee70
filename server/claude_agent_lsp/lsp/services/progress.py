"""Work-done progress: what an editor shows of a run without knowing this server."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.agent.events import (
    Compacted,
    Ended,
    Hook,
    HookStatus,
    Notice,
    QuestionAnswered,
    QuestionAsked,
    Queued,
    RunStatus,
    Started,
    Text,
    Thinking,
    ToolCall,
)
from claude_agent_lsp.agent.permissions.unnamed_answers import TITLE_LENGTH, why_named
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Event, Run
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.base.abort import AbortController
    from claude_agent_lsp.lsp.editor import Editor

logger = logging.getLogger(__name__)

LINE_LENGTH: Final = 120
# An editor answers at once. One that never does must not have the request kept for ever.
CREATE_SECONDS: Final = 60.0
# Most hooks take an instant.
SLOW_HOOK_SECONDS: Final = 2.0
WAITING: Final = "Waiting for you: "
WAITING_LENGTH: Final = len(WAITING) + TITLE_LENGTH
ANSWER: Final = "Answer with claudeAgent.question.answer"
NEEDS_ID: Final = "; all else needs the question's id"
READ_FIRST: Final = "Read it with claudeAgent.question.list."
# Helix shows a token to its user.
_own_tokens = (f"claude-{number}" for number in itertools.count(1))


class Progress:
    """Which token's cancel stops what."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._controllers: dict[int | str, AbortController] = {}
        self._shown: dict[int | str, WorkDone] = {}

    def cancel(self, token: int | str) -> None:
        """Stop the work of this token, as the user has asked."""
        controller = self._controllers.get(token)
        if controller is not None:
            controller.abort()

    def start(
        self, token: int | str | None, title: str, controller: AbortController
    ) -> WorkDone | None:
        """Be ready to show a run, on the request's token or else on one of our own.

        The token's cancel counts from now on; nothing is shown before the run has begun.

        Returns:
            None if the editor shows no progress.
        """
        if token is None and not self._editor.profile.work_done_progress:
            return None
        progress = WorkDone(self._editor, token, title)
        self._controllers[progress.token] = controller
        self._shown[progress.token] = progress
        return progress

    def show_question(self, question: Question, unread: bool) -> None:
        """Show the open question where its run is shown, and how to read and to answer it."""
        for progress in self._shown.values():
            if progress.run_id == question.run_id:
                progress.show_question(question, unread=unread)

    def close(self, progress: WorkDone, outcome: str) -> None:
        """End a display whose run goes on."""
        progress.close(outcome)
        self.end(progress)

    def end(self, progress: WorkDone) -> None:
        """Forget a run's token."""
        self._controllers.pop(progress.token, None)
        self._shown.pop(progress.token, None)


class WorkDone:
    """One run's progress: begin, reports, end, in this order and each at most as it should be.

    A token of our own has to be accepted by the editor first. Until then the latest report is
    kept back; if the editor refuses it, nothing is shown. One that was accepted is always ended,
    even if the run already has: Helix's spinner would turn for ever.

    Attributes:
        token: Where it is shown.
        run_id: The run's, once it has started.
    """

    def __init__(self, editor: Editor, token: int | str | None, title: str) -> None:
        self.token: int | str = token if token is not None else next(_own_tokens)
        self._editor = editor
        self._title = title
        self._line = ""
        self._outcome: str | None = None
        self._given = token is not None
        self._started = self._shown = False
        self._saying = ""
        self.run_id: str | None = None
        self._asking: str | None = None
        self._hooks: dict[str, asyncio.TimerHandle] = {}

    def show_question(self, question: Question, *, unread: bool) -> None:
        """Show the open question, which the editor does not, until it is settled.

        Args:
            question: The question.
            unread: Whether a part of it has to be read elsewhere.
        """
        self._asking = question.question_id
        profile = self._editor.profile
        shown = profile.questions or profile.show_document
        values = [option.value for option in question.options]
        taken = [v for v in values if why_named(question, v, cut=unread, plan_shown=shown) is None]
        opens = unread or (profile.message_box is not None and taken == values[:1])
        words = " or ".join(f'"{visible(value)}"' for value in (values if opens else taken))
        hint = f"{READ_FIRST} {ANSWER} {words}" if opens else f"{ANSWER} {words}"
        more = not opens and taken != values
        self._report(_waiting_line(question), f" {hint}{NEEDS_ID if more else ''}")

    def show_event(self, event: Event) -> None:
        """Show what the event means for somebody who waits."""
        if isinstance(event, Hook):
            self._follow_hook(event)
        elif self._asking is not None and not isinstance(event, Ended):
            self._wait(event)
        elif isinstance(event, Text | Thinking):
            line = "Thinking" if isinstance(event, Thinking) else "Answering"
            if self._saying != line:
                self._report(line)
            self._saying = line
        else:
            self._saying = ""
            self._show_step(event)

    def _wait(self, event: Event) -> None:
        if isinstance(event, QuestionAnswered) and event.question_id == self._asking:
            self._asking = None
            self._report("Continuing")

    def _follow_hook(self, hook: Hook) -> None:
        """Show a hook that takes its time, which the whole run waits for."""
        loop = asyncio.get_running_loop()
        timer = self._hooks.pop(hook.hook_id, None)
        if timer is not None:
            timer.cancel()
            if timer.when() <= loop.time() and self._asking is None:
                self._report("Continuing")
        if hook.status is HookStatus.STARTED and self._outcome is None:
            self._hooks[hook.hook_id] = loop.call_later(SLOW_HOOK_SECONDS, self._show_hook, hook)

    def _show_hook(self, hook: Hook) -> None:
        if self._asking is None and self._outcome is None:
            self._saying = ""
            self._report(f"Running the hook {hook.name}")

    def _show_step(self, event: Event) -> None:
        if isinstance(event, Queued):
            self._start()
            self._report("Waiting for the run before it")
        elif isinstance(event, Started):
            self.run_id = event.run.run_id
            self._start()
        elif isinstance(event, ToolCall):
            self._report(event.title)
        elif isinstance(event, QuestionAsked) and self._editor.profile.show_message_request:
            self._report(_waiting_line(event.question))
        elif isinstance(event, QuestionAnswered):
            self._report("Continuing")
        elif isinstance(event, Notice):
            self._report(event.text)
        elif isinstance(event, Compacted):
            self._report("The conversation was compacted")
        elif isinstance(event, Ended):
            self._end(outcome_of(event.run))

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        if self._given:
            self._begin()
            return
        self._editor.spawn(self._create())

    async def _create(self) -> None:
        params = types.WorkDoneProgressCreateParams(token=self.token)
        try:
            async with asyncio.timeout(CREATE_SECONDS):
                await self._editor.request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params)
        except Exception:  # noqa: BLE001 - whatever it is: nothing is shown there
            logger.info("The editor refused a progress token")
            return
        self._begin()
        if self._line:
            self._send_line()
        if self._outcome is not None:
            self._end(self._outcome)

    def _begin(self) -> None:
        self._shown = True
        self._send(types.WorkDoneProgressBegin(title=self._title, cancellable=True))

    def _report(self, line: str, hint: str = "") -> None:
        self._line = one_line(line, LINE_LENGTH if not hint else WAITING_LENGTH) + hint
        if self._shown:
            self._send_line()

    def _send_line(self) -> None:
        self._send(types.WorkDoneProgressReport(message=self._line, cancellable=True))

    def close(self, outcome: str) -> None:
        """Show nothing more of a run that goes on."""
        self._end(outcome)

    def _end(self, outcome: str) -> None:
        self._outcome = outcome
        for timer in self._hooks.values():
            timer.cancel()
        self._hooks.clear()
        if self._shown:
            self._send(types.WorkDoneProgressEnd(message=outcome))

    def _send(self, value: Any) -> None:
        self._editor.progress(self.token, value)


def _waiting_line(question: Question) -> str:
    return f"{WAITING}{one_line(question.title, TITLE_LENGTH)}"


def outcome_of(run: Run) -> str:
    """Return how a run ended, in one line: "Done, 2 files changed, $0.04"."""
    match run.status:
        case RunStatus.COMPLETED if run.blocked is not None:
            parts = [f"Blocked by a hook: {one_line(run.blocked.reason, LINE_LENGTH)}"]
        case RunStatus.COMPLETED:
            parts = ["Done"]
        case RunStatus.CANCELLED:
            parts = ["Stopped"]
        case RunStatus.TIMED_OUT:
            parts = ["Stopped: time limit reached"]
        case _:
            parts = [f"Failed: {one_line(str(run.error), LINE_LENGTH).removesuffix('.')}"]
    files = len(run.files_changed)
    if files:
        parts.append(f"{files} file{'s' if files > 1 else ''} changed")
    if run.cost_usd:
        parts.append(f"${run.cost_usd:.2f}")
    return ", ".join(parts)
