"""The commands of docs/protocol.md: one method, one argument type, each.

The table `COMMANDS` is made from the methods; what the server registers and checks, and what the
documentation's test compares, comes from it.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from lsprotocol import types

from claude_agent_lsp.agent.abort import AbortController, AbortReason, AbortSignal
from claude_agent_lsp.agent.agent import NEW, Query
from claude_agent_lsp.agent.events import Ended, Run, RunStatus
from claude_agent_lsp.agent.launch import Overrides
from claude_agent_lsp.agent.questions import Answer
from claude_agent_lsp.agent.titles import one_line
from claude_agent_lsp.errors import InvalidArgument, SessionNotFound
from claude_agent_lsp.lsp import arguments as given
from claude_agent_lsp.lsp.faults import fault_of
from claude_agent_lsp.lsp.results import sentence
from claude_agent_lsp.lsp.showing import show_transcript
from claude_agent_lsp.lsp.status import describe
from claude_agent_lsp.lsp.stream import EventStream
from claude_agent_lsp.workspace.settings import PermissionMode
from claude_agent_lsp.workspace.uris import uri_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.run import ActiveRun
    from claude_agent_lsp.lsp.server import AgentServer
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings

TITLE_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Request:
    """What came with a command besides its argument.

    Attributes:
        signal: Fires when the editor cancels the request.
        work_done_token: Where it wants to see progress.
    """

    signal: AbortSignal
    work_done_token: int | str | None


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table of commands."""

    name: str
    argument: type[given.Argument]
    run: Callable[[Commands, Any, Request], Awaitable[object]]


COMMANDS: Final[dict[str, Command]] = {}
A = TypeVar("A", bound=given.Argument)


def _command(
    name: str, argument: type[A]
) -> Callable[
    [Callable[[Commands, A, Request], Awaitable[object]]],
    Callable[[Commands, A, Request], Awaitable[object]],
]:
    def register(
        run: Callable[[Commands, A, Request], Awaitable[object]],
    ) -> Callable[[Commands, A, Request], Awaitable[object]]:
        COMMANDS[name] = Command(name, argument, run)
        return run

    return register


class Commands:
    """What the commands do.

    What an editor sends takes effect in the order in which it was sent: of two queries for one
    session the second is refused, "new" holds for the query behind it, and a cancel finds the
    query before it.

    Args:
        server: The server that they belong to.
    """

    def __init__(self, server: AgentServer) -> None:
        self._server = server
        self._in_order = asyncio.Lock()
        self._after: set[asyncio.Task[None]] = set()

    @_command("claudeAgent.query", given.QueryArgument)
    async def query(self, argument: given.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        async with self._in_order:
            run = await self._begin(argument, request)
        waits = self._server.profile.waits if argument.wait is None else argument.wait
        if not waits or not self._server.profile.shows_results:
            self._follow(run, waits=waits)
        if not waits:
            return run.picture()
        ended = await asyncio.shield(run.ended)
        fault = fault_of(ended)
        if fault is not None:
            raise fault
        return ended

    async def _begin(self, argument: given.QueryArgument, request: Request) -> ActiveRun:
        folder, settings = await self._place(
            argument.workspace, argument.context.document if argument.context else None
        )
        stopped = AbortController()
        progress = self._server.tokens.start(
            request.work_done_token, f"Claude: {one_line(argument.prompt, TITLE_LENGTH)}", stopped
        )
        stream = (
            EventStream(lambda value: self._server.report(token, value))
            if (token := argument.partial_result_token) is not None
            else None
        )

        def to_editor(event: Event) -> None:
            if stream is not None:
                stream.put(event)
            if progress is not None:
                progress.tell(event)
                if isinstance(event, Ended):
                    self._server.tokens.end(progress)

        try:
            return await self._server.agent.ask(
                Query(
                    prompt=argument.prompt,
                    folder=folder.path,
                    settings=settings,
                    session=argument.session,
                    fork=argument.fork,
                    resume_at=argument.resume_at,
                    context=argument.context,
                    attachments=argument.attachments,
                    wanted=Overrides(
                        model=argument.model,
                        effort=argument.effort,
                        permission_mode=argument.permission_mode,
                        max_turns=argument.max_turns,
                        max_budget_usd=argument.max_budget_usd,
                        output_schema=argument.output_schema,
                    ),
                    timeout_seconds=argument.timeout_seconds or settings.timeout_seconds,
                ),
                signal=AbortSignal.any(request.signal, stopped.signal),
                to_editor=to_editor,
                channel=self._server.outbox,
            )
        except BaseException:
            if progress is not None:
                self._server.tokens.end(progress)
            raise

    @_command("claudeAgent.cancel", given.CancelArgument)
    async def cancel(self, argument: given.CancelArgument, _: Request) -> object:
        """Stop runs."""
        agent = self._server.agent
        which = {"run_id": argument.run_id, "session_id": argument.session_id}
        stopped = agent.cancel(**which)
        async with self._in_order:  # a query from before may have been on its way to its run
            stopped += agent.cancel(**which)
        return {"cancelled": list(dict.fromkeys(stopped))}

    @_command("claudeAgent.status", given.StatusArgument)
    async def status(self, _: given.StatusArgument, __: Request) -> object:
        """Tell what goes on."""
        return await describe(self._server)

    @_command("claudeAgent.capabilities", given.CapabilitiesArgument)
    async def capabilities(self, argument: given.CapabilitiesArgument, request: Request) -> object:
        """Tell what the CLI offers in a folder."""
        folder, settings = await self._place(argument.workspace)
        process = await self._server.agent.process_in(folder.path, settings, request.signal)
        servers = await process.call(lambda client: client.get_mcp_status())
        return {
            "models": process.info.get("models", []),
            "modes": list(get_args(PermissionMode)),
            "slashCommands": process.info.get("commands", []),
            "agents": process.info.get("agents", []),
            "mcpServers": [
                {"name": server["name"], "status": server["status"]}
                for server in servers.get("mcpServers", [])
            ],
        }

    @_command("claudeAgent.mode", given.ModeArgument)
    async def mode(self, argument: given.ModeArgument, _: Request) -> object:
        """Change a session's permission mode, at once."""
        async with self._in_order:
            taken = await self._server.agent.set_mode(argument.session_id, argument.permission_mode)
        await taken
        return {"sessionId": argument.session_id, "permissionMode": argument.permission_mode}

    @_command("claudeAgent.session.list", given.SessionListArgument)
    async def list_sessions(self, argument: given.SessionListArgument, _: Request) -> object:
        """List a folder's sessions."""
        folder, settings = await self._place(argument.workspace)
        catalogue = await self._catalogue(settings.session_store)
        return await asyncio.to_thread(
            catalogue.page,
            folder.path,
            search=argument.search,
            tag=argument.tag,
            limit=argument.limit,
            cursor=argument.cursor,
        )

    @_command("claudeAgent.session.read", given.SessionReadArgument)
    async def read_session(self, argument: given.SessionReadArgument, _: Request) -> object:
        """Read what was said in a session."""
        await self._fetch(argument.session_id)
        catalogue = await self._catalogue()
        session = await asyncio.to_thread(catalogue.session, argument.session_id)
        reading = importlib.import_module("claude_agent_lsp.sessions.reading")
        messages = await asyncio.to_thread(reading.read_messages, argument.session_id)
        page, cursor = reading.page_of(messages, argument.limit, argument.cursor)
        answer = {"session": session, "messages": page}
        return answer if cursor is None else {**answer, "nextCursor": cursor}

    @_command("claudeAgent.session.select", given.SessionSelectArgument)
    async def select_session(self, argument: given.SessionSelectArgument, _: Request) -> object:
        """Set what "last" means from now on."""
        async with self._in_order:
            folder, settings = await self._place(argument.workspace)
            if argument.session_id == NEW:
                await self._server.agent.select(folder.path, None)
                return None
            sharing = self._server.agent.sharing
            await sharing.fetch(settings.session_store, folder.path, argument.session_id)
            catalogue = await self._catalogue()
            if not await asyncio.to_thread(catalogue.belongs, argument.session_id, folder.path):
                raise SessionNotFound(
                    f"There is no session {argument.session_id} in {folder.path}."
                )
            await self._server.agent.select(folder.path, argument.session_id)
        self._server.prewarm(folder)
        return await asyncio.to_thread(catalogue.session, argument.session_id)

    @_command("claudeAgent.question.list", given.QuestionListArgument)
    async def list_questions(self, _: given.QuestionListArgument, __: Request) -> object:
        """List the questions that wait for the user."""
        return {"questions": self._server.agent.questions.pending}

    @_command("claudeAgent.question.answer", given.QuestionAnswerArgument)
    async def answer_question(self, argument: given.QuestionAnswerArgument, _: Request) -> object:
        """Answer a question."""
        questions = self._server.agent.questions
        question = next(
            (q for q in questions.pending if q.question_id == argument.question_id), None
        )
        if question is None:
            raise InvalidArgument("questionId: expected the id of a question that waits.")
        values = [option.value for option in question.options]
        if argument.answer not in values:
            raise InvalidArgument(f"answer: expected one of {', '.join(values)}.")
        answered = questions.answer(argument.question_id, Answer(argument.answer, argument.note))
        return {"answered": answered}

    async def _place(
        self, workspace: Path | None, document: Path | None = None
    ) -> tuple[Folder, Settings]:
        """The folder that a command is for, and what is set there."""
        folder = await asyncio.to_thread(
            self._server.folders.choose,
            uri_of(workspace) if workspace else None,
            uri_of(document) if document else None,
        )
        return folder, await self._server.configuration.of(folder)

    async def _fetch(self, session_id: str) -> None:
        """Bring a session here that is only in the store of one of the open folders."""
        for folder in self._server.folders:
            settings = await self._server.configuration.of(folder)
            sharing = self._server.agent.sharing
            await sharing.fetch(settings.session_store, folder.path, session_id)

    async def _catalogue(self, store: str | None = None) -> Any:
        module = await asyncio.to_thread(
            importlib.import_module, "claude_agent_lsp.sessions.catalogue"
        )
        agent = self._server.agent
        return await asyncio.to_thread(
            module.Catalogue,
            lambda session_id: agent.ownership.owner(session_id) is not None,
            agent.current,
            [folder.path for folder in self._server.folders],
            shared_only=agent.sharing.lister(store) if store is not None else None,
        )

    def _follow(self, run: ActiveRun, *, waits: bool) -> None:
        task = asyncio.create_task(self._tell_the_end(run, waits=waits))
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    async def _tell_the_end(self, run: ActiveRun, *, waits: bool) -> None:
        """Show how a run ended to somebody who gets no answer any more, or can't see it."""
        ended: Run = await asyncio.shield(run.ended)
        shows = self._server.profile.shows_results
        if ended.error is not None and not (waits and shows):
            text = f"{sentence(ended.error)} {ended.error.hint}"
            self._server.tell(types.MessageType.Error, text)
        stopped = self._server.agent.stopped is AbortReason.SHUTDOWN
        if not shows and ended.status is not RunStatus.FAILED and not stopped:
            await show_transcript(self._server, ended, self._server.agent.state.directory)
