"""The queries that wait for their sessions: given a place, begun in their turn, taken over.

a session at work ──▶ a place in its queue ──▶ its turn ──▶ its run ──▶ its end
a server that is gone ──▶ what it has left, held ──▶ sent on ──▶ likewise
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.agent.events import Ended, Queued, RunStatus
from claude_agent_lsp.agent.ownership.session_queue import Waiting
from claude_agent_lsp.agent.process.launch import Overrides
from claude_agent_lsp.base.abort import AbortController, Aborted, AbortReason, AbortSignal
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import (
    Internal,
    InvalidArgument,
    RequestFailed,
    SessionAtWork,
    SessionKept,
    sentence,
)
from claude_agent_lsp.lsp.commands.arguments import QueryArgument, parse
from claude_agent_lsp.lsp.commands.registry import Request
from claude_agent_lsp.lsp.commands.runs.beginning import query_of
from claude_agent_lsp.lsp.commands.runs.run_display import RunDisplay, queued_run
from claude_agent_lsp.lsp.commands.runs.takeover import take_over
from claude_agent_lsp.sessions.journal.journal import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.agent.events import Emit, Run
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.lsp.commands.runs.beginning import Beginning
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.sessions.journal.kept_queries import KeptQuery
    from claude_agent_lsp.workspace.folders import Folder

logger = logging.getLogger(__name__)

# What of a query is about its request, and not about what is asked.
_OF_THE_REQUEST: Final = ("partialResultToken", "wait", "ifBusy", "session", "workspace")


@dataclass(frozen=True)
class WaitingQueries:
    """Those of one server.

    Args:
        services: What they work with.
        beginning: Begins their runs.
        display: Shows them.
    """

    services: Services
    beginning: Beginning
    display: RunDisplay

    async def queue_up(
        self,
        folder: Folder,
        busy: SessionAtWork | SessionKept,
        request: Request,
        to_editor: Emit,
        run_id: str | None = None,
    ) -> Waiting:
        """Give a query its place behind all others, those included that a server has left.

        Where another server keeps the session, its user is asked whether it is to be taken over.

        Args:
            folder: Where it works.
            busy: Why it has to wait.
            request: Its request.
            to_editor: Takes its events.
            run_id: Its run's id, if that is shown on a token of its own already.
        """
        agent, session_id = self.services.agent, busy.session_id
        settings = await self.services.configuration.settings_in(folder, request.signal)
        await self.adopt(session_id)
        asked = _asked(request.given, session_id, folder)
        if run_id is None and request.given.get("partialResultToken") is None:
            run_id = str(uuid.uuid4())
            wanted = request.given.get("subagentText")
            to_editor = self.display.on_own_token(run_id, to_editor, subagent_text=wanted)
        waiting = Waiting(
            run_id=run_id or str(uuid.uuid4()),
            session_id=session_id,
            folder=folder.path,
            asked=asked,
            stop=request.stop,
            to_editor=to_editor,
            clears=settings.on_stop == "clear",
            at=now(),
        )
        await agent.queue.join(waiting)
        to_editor(Queued(queued_run(waiting), agent.queue.position(waiting)))
        if isinstance(busy, SessionKept):
            seconds = settings.question_timeout_seconds
            asking = take_over(self.services, busy, request.signal, seconds)
            waiting.agreed = asyncio.ensure_future(asking)
        else:
            agent.advance(session_id)
        return waiting

    async def adopt(self, session_id: str) -> None:
        """Give what a server has left that is gone its place, held until somebody goes on."""
        for query in await self.services.agent.queue.orphans(session_id):
            stop = AbortController()
            waiting = Waiting(
                run_id=query.run_id,
                message_id=query.message_id,
                session_id=session_id,
                folder=query.folder,
                asked=query.asked,
                stop=stop,
                to_editor=self.display.unasked(query.run_id, _prompt_of(query), stop),
                clears=False,
                at=query.at,
                adopted=True,
                held=True,
            )
            self.services.agent.queue.adopt(waiting)
            request = Request(stop.signal, stop, None, query.asked)
            self.services.editor.spawn(self._show_end(waiting, request))

    async def send(self, waiting: Waiting) -> None:
        """Have the turn at work take it in; where it can't, it comes next.

        Raises:
            InvalidArgument: An attachment can't be read, or a turn can't change what it asks for.
        """
        agent = self.services.agent
        # At once: a stop that comes now holds it back with the others.
        agent.queue.promote(waiting)
        argument = argument_of(waiting)
        run = next((run for run in agent.runs if run.session_id == waiting.session_id), None)
        # The CLI carries out its own commands between turns.
        if run is None or argument.prompt.startswith("/") or _wants_its_own(argument, run):
            agent.advance(waiting.session_id)
            return
        folder = self.services.folders.spelled(waiting.folder)
        if folder is None:
            raise InvalidArgument(f"runId: expected a query of an open folder: {waiting.folder}")
        settings = await self.services.configuration.settings_in(folder)
        query = query_of(argument, folder, settings, trusted=False, place=None)
        await agent.steers.send(waiting, query)

    async def in_its_turn(self, waiting: Waiting, request: Request) -> Run:
        """Return how the run of a query has ended that had to wait for its session."""
        fault: RequestFailed | None = None
        status, keep = RunStatus.FAILED, False
        stop = AbortSignal.any(request.signal, self.services.agent.shutdown)
        request = replace(request, signal=stop)
        try:
            run, own = await self._after_waiting(waiting, request)
            if not own:  # who stops it now stops what it has become a part of
                stop.listen(partial(self._stop, run))
            ended = await asyncio.shield(run.ended)
            return ended if own else self._steered(waiting, ended)
        except Aborted as aborted:
            # The next server finds it.
            status, keep = RunStatus.CANCELLED, aborted.reason is AbortReason.SHUTDOWN
        except RequestFailed as failed:
            fault = failed
        except InvalidArgument as error:
            fault = Internal(str(error))
        except Exception as error:
            # Whatever it is, its end is told: it may have nobody who waits for an answer.
            logger.exception("The queued run %s could not begin", waiting.run_id)
            fault = Internal(f"The server failed: {type(error).__name__}: {error}")
        finally:
            self.services.agent.queue.leave(waiting, keep=keep)
            self.services.agent.advance(waiting.session_id)
            stop.release()
        queued = True if keep else None
        ended = replace(queued_run(waiting), status=status, error=fault, queued=queued)
        waiting.to_editor(Ended(ended))
        return ended

    async def _after_waiting(self, waiting: Waiting, request: Request) -> tuple[ActiveRun, bool]:
        """Return the run that answers it, and whether that is its own."""
        agent = self.services.agent
        if waiting.agreed is not None:
            await waiting.agreed
            agent.advance(waiting.session_id)
        while True:
            try:
                taken_by = await request.signal.wait_or_abort(waiting.turn)
            except Aborted:
                taken_by = await agent.steers.recall(waiting)
                if taken_by is None:
                    raise
                agent.cancel(run_id=taken_by.run_id)
            if taken_by is not None:
                return taken_by, False
            try:
                argument = argument_of(waiting)
                run = await self.beginning.in_order(argument, request, waiting.to_editor, waiting)
            except SessionAtWork:
                waiting.wait_again()
                agent.advance(waiting.session_id)
            except (RequestFailed, InvalidArgument) as failed:
                if not waiting.adopted:
                    raise
                # Nobody would get it back.
                self._tell(failed)
                waiting.held = True
                waiting.wait_again()
                agent.queue.changed(waiting.session_id)
            else:
                assert not isinstance(run, Waiting)
                agent.queue.leave(waiting)
                return run, True

    async def _show_end(self, waiting: Waiting, request: Request) -> None:
        shows = self.services.editor.profile.shows_results
        ended = await self.in_its_turn(waiting, request)
        await self.display.report_end(ended, shows=shows, waits=False)

    def _stop(self, run: ActiveRun, _: AbortReason) -> None:
        self.services.agent.cancel(run_id=run.run_id)

    def _steered(self, waiting: Waiting, ended: Run) -> Run:
        """Tell the end of one whose prompt another run's turn has taken in, and answered."""
        run = replace(
            queued_run(waiting),
            status=ended.status,
            error=ended.error,
            text=ended.text,
            queued=None,
            steered_into=ended.run_id,
        )
        waiting.to_editor(Ended(run))
        return run

    def _tell(self, failed: RequestFailed | InvalidArgument) -> None:
        hint = failed.hint if isinstance(failed, RequestFailed) else ""
        text = f"A prompt that waits can't be sent: {sentence(failed)} {hint}".rstrip()
        self.services.editor.show_message(types.MessageType.Error, text)


def argument_of(waiting: Waiting) -> QueryArgument:
    """Return what a query asks that waits."""
    # What was cleared meanwhile is another session now.
    return parse(QueryArgument, [{**waiting.asked, "session": waiting.session_id}])


def _asked(given: Mapping[str, Any], session_id: str, folder: Folder) -> dict[str, Any]:
    asked = {name: value for name, value in given.items() if name not in _OF_THE_REQUEST}
    return {**asked, "session": session_id, "workspace": uri_of(folder.path)}


def _prompt_of(query: KeptQuery) -> str:
    return str(query.asked.get("prompt", ""))


def _wants_its_own(argument: QueryArgument, run: ActiveRun) -> bool:
    """Return whether a query asks for what the turn at work does not have."""
    launch = run.spec.launch
    has = {each.name: getattr(launch, each.name) for each in fields(Overrides)}
    has["permission_mode"] = run.permission_mode
    wanted = {name: getattr(argument, name) for name in (*has, "timeout_seconds")}
    return any(value is not None and value != has.get(name) for name, value in wanted.items())
