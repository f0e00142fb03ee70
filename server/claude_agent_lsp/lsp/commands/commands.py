"""The commands of docs/protocol.md: one method, one argument type, each."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, get_args

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.events import Ended, Run, RunStatus
from claude_agent_lsp.agent.permissions.queue import By, answer_to
from claude_agent_lsp.agent.process.launch import BYPASS, Overrides
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.base.abort import AbortController, Aborted, AbortReason, AbortSignal
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.base.text import one_line
from claude_agent_lsp.errors import Internal, InvalidArgument, NotTrusted, RequestFailed
from claude_agent_lsp.lsp.commands import arguments as given
from claude_agent_lsp.lsp.commands.registry import COMMANDS, Command, Request, command
from claude_agent_lsp.lsp.commands.sessions import SessionCommands
from claude_agent_lsp.lsp.commands.status import describe
from claude_agent_lsp.lsp.convert.to_errors import cancelled, failed, fault_of, invalid
from claude_agent_lsp.lsp.convert.to_json import jsonable, sentence
from claude_agent_lsp.lsp.services.transcript_documents import show_transcript
from claude_agent_lsp.workspace.modes import PermissionMode

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.lsp.server import AgentServer
    from claude_agent_lsp.workspace.folders import Folder

logger = logging.getLogger(__name__)

__all__ = ["COMMANDS", "Command", "Commands", "Request"]

# How long the answer of a request that was cancelled is waited for, whatever holds it up: a disk.
CANCEL_SECONDS: Final = 2.0
# Helix has one line for it and for what the agent does, and asks.
TITLE_LENGTH: Final = 30
# How much of a prompt is looked at for it: a long one must not be cleaned from end to end.
TITLE_READ: Final = 1_000


@dataclass(eq=False)
class _Beginning:
    """A query on its way to its run.

    Attributes:
        stop: Stops it.
        over: Done with the run once it is there; with None if there is none.
        cancels: Which runs were to be cancelled meanwhile, as `Agent.cancel` has it.
    """

    stop: AbortController
    over: asyncio.Future[ActiveRun | None]
    cancels: list[dict[str, str | None]] = field(default_factory=list)


class Commands(SessionCommands):
    """What the commands do.

    What an editor sends takes effect in each folder in the order in which it was sent: of two
    queries for one session the second is refused, "new" holds for the query behind it, and a cancel
    finds the query before it. No folder waits for another one, and a cancel for none.

    Args:
        server: The server that they belong to.
    """

    def __init__(self, server: AgentServer) -> None:
        super().__init__(server)
        self._beginning: set[_Beginning] = set()

    async def execute(self, params: types.ExecuteCommandParams, signal: AbortSignal) -> object:
        """Execute a command.

        Raises:
            JsonRpcException: With the code, the message and the data of docs/protocol.md.
        """
        command = COMMANDS.get(params.command)
        if command is None:
            raise invalid(InvalidArgument(f"There is no command {shown(params.command)}."))
        try:
            argument = given.parse(command.argument, params.arguments)
            stop = AbortController()
            request = Request(AbortSignal.any(signal, stop.signal), stop, params.work_done_token)
            work = asyncio.ensure_future(command.run(self, argument, request))
            return jsonable(await _answer(work, request))
        except InvalidArgument as error:
            raise invalid(error) from error
        except RequestFailed as error:
            raise failed(error) from error
        except Aborted as aborted:
            raise cancelled() from aborted
        except JsonRpcException:
            raise
        except Exception as error:
            logger.exception("%s failed", params.command)
            name = type(error).__name__
            raise failed(Internal(f"{params.command} failed: {name}: {error}")) from error

    @command("claudeAgent.query", given.QueryArgument)
    async def query(self, argument: given.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        run = await self._begin_in_order(argument, request)
        request.has_run.set()
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

    async def _begin_in_order(self, argument: given.QueryArgument, request: Request) -> ActiveRun:
        over = asyncio.get_running_loop().create_future()
        beginning = _Beginning(request.stop, over)
        self._beginning.add(beginning)
        document = argument.context.document if argument.context else None
        run = None
        try:
            async with self._order.in_folder(argument.workspace, document) as folder:
                run = await self._begin(folder, argument, request)
                if any(run.meant(**which) for which in beginning.cancels):
                    self._server.agent.cancel(run_id=run.run_id)
        finally:
            self._beginning.discard(beginning)
            beginning.over.set_result(run)
        return run

    async def _begin(
        self, folder: Folder, argument: given.QueryArgument, request: Request
    ) -> ActiveRun:
        signal = request.signal
        await self._server.trust.look_again()
        stay = self._server.agent.lanes.folder(folder.path).left
        settings = await self._server.configuration.of(folder, signal)
        trusted = await self._server.trust.of(folder.path)
        self._server.move_state()
        if argument.permission_mode == BYPASS and not trusted:
            raise NotTrusted(f"{folder.path} is not trusted: nothing runs there unasked.")
        progress = self._server.tokens.start(
            request.work_done_token,
            f"Claude: {one_line(argument.prompt.lstrip()[:TITLE_READ], TITLE_LENGTH)}",
            request.stop,
        )
        token = argument.partial_result_token

        follow = self._documents.follower()

        def to_editor(event: Event) -> None:
            follow(event)
            if token is not None:
                self._server.report(token, jsonable(event))
            if progress is not None:
                progress.tell(event)
                if isinstance(event, Ended):
                    self._server.tokens.end(progress)
            self._announcements.follow(event)

        try:
            run = await self._server.agent.ask(
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
                    trusted=trusted,
                ),
                signal=signal,
                to_editor=to_editor,
                channel=self._server.outbox,
            )
        except BaseException:
            if progress is not None:
                self._server.tokens.end(progress)
            raise
        if stay.done():  # it has lost the trust that these settings were read with
            self._server.agent.cancel(run_id=run.run_id)
        if not trusted:
            self._server.start(self._offer_trust(folder, run, signal))
        return run

    async def _offer_trust(self, folder: Folder, run: ActiveRun, signal: AbortSignal) -> None:
        every = await self._server.configuration.given(folder, signal)
        await self._server.trust.offer(folder, every, run)

    @command("claudeAgent.cancel", given.CancelArgument)
    async def cancel(self, argument: given.CancelArgument, _: Request) -> object:
        """Stop runs."""
        which = {"run_id": argument.run_id, "session_id": argument.session_id}
        stopped = self._server.agent.cancel(**which)
        # A query from before may be on its way to its run. It is stopped as soon as that is there;
        # the answer does not wait for a folder whose disk hangs.
        before = tuple(self._beginning)
        for query in before:
            query.cancels.append(which)
            if not any(which.values()):
                query.stop.abort()
        if before:
            await asyncio.wait([query.over for query in before], timeout=CANCEL_SECONDS)
        runs = [query.over.result() for query in before if query.over.done()]
        stopped += [run.run_id for run in runs if run is not None and run.meant(**which)]
        return {"cancelled": list(dict.fromkeys(stopped))}

    @command("claudeAgent.status", given.StatusArgument)
    async def status(self, _: given.StatusArgument, __: Request) -> object:
        """Tell what goes on."""
        return await describe(self._server, await disk.run(self._opened_index))

    @command("claudeAgent.capabilities", given.CapabilitiesArgument)
    async def capabilities(self, argument: given.CapabilitiesArgument, request: Request) -> object:
        """Tell what the CLI offers in a folder."""
        agent = self._server.agent
        folder = await self._folder(argument.workspace, None)
        await self._server.trust.look_again()
        stay = AbortSignal.when(agent.lanes.folder(folder.path).left)
        settings = await self._server.configuration.of(folder)
        trusted = await self._server.trust.of(folder.path)
        signal = AbortSignal.any(request.signal, stay)
        try:
            process = await agent.process_in(folder.path, settings, signal, trusted=trusted)
        except Aborted:
            request.signal.throw_if_aborted()
            raise NotTrusted(f"{folder.path} is trusted no longer.") from None
        finally:
            signal.release()
            stay.release()
        asked = asyncio.ensure_future(process.call(lambda client: client.get_mcp_status()))
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())
        servers = await request.signal.unless(asked)
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

    @command("claudeAgent.mode", given.ModeArgument)
    async def mode(self, argument: given.ModeArgument, _: Request) -> object:
        """Change a session's permission mode, at once."""
        if argument.permission_mode == BYPASS:
            await self._refuse_bypass(argument.session_id)
        async with self._order.in_session(argument.session_id):
            taken = await self._server.agent.set_mode(argument.session_id, argument.permission_mode)
        await taken
        return {"sessionId": argument.session_id, "permissionMode": argument.permission_mode}

    @command("claudeAgent.question.list", given.QuestionListArgument)
    async def list_questions(self, _: given.QuestionListArgument, __: Request) -> object:
        """List the questions that wait for the user."""
        return {"questions": self._server.agent.questions.pending}

    @command("claudeAgent.question.answer", given.QuestionAnswerArgument)
    async def answer_question(self, argument: given.QuestionAnswerArgument, _: Request) -> object:
        """Answer a question."""
        questions = self._server.agent.questions
        wanted = argument.question_id
        # The open one is the first.
        question = next((q for q in questions.pending if wanted in (None, q.question_id)), None)
        if question is None:
            raise InvalidArgument("questionId: expected the id of a question that waits.")
        if wanted is None and (question.kind == "trust" or questions.unread):
            raise InvalidArgument(f"questionId: expected {question.question_id}, to be sure.")
        answer = answer_to(question, argument.answer, argument.note, by=By.COMMAND)
        answered = questions.answer(question.question_id, answer)
        return {"answered": answered}

    @command("claudeAgent.trust", given.TrustArgument)
    async def trust(self, argument: given.TrustArgument, _: Request) -> object:
        """Trust a folder, or trust it no longer."""
        async with self._order.in_folder(argument.workspace) as folder:
            await self._server.trust.decide(folder.path, trusted=argument.trusted)
        return {"workspace": folder.path, "trusted": argument.trusted}

    async def _refuse_bypass(self, session_id: str) -> None:
        """Raise `NotTrusted` if the session's folder isn't trusted."""
        folder = await self._lane(session_id).read(self._server.agent.folder_of, session_id)
        if folder is not None and not await self._server.trust.of(folder):
            raise NotTrusted(f"{folder} is not trusted: nothing runs there unasked.")

    def _follow(self, run: ActiveRun, *, waits: bool) -> None:
        self._server.start(self._tell_the_end(run, waits=waits))

    async def _tell_the_end(self, run: ActiveRun, *, waits: bool) -> None:
        """Show how a run ended to somebody who gets no answer any more, or can't see it."""
        ended: Run = await asyncio.shield(run.ended)
        shows = self._server.profile.shows_results
        if ended.error is not None and not (waits and shows):
            text = f"{sentence(ended.error)} {ended.error.hint}"
            self._server.tell(types.MessageType.Error, text)
        stopped = self._server.agent.stopped is AbortReason.SHUTDOWN
        if not shows and ended.status is not RunStatus.FAILED and not stopped:
            catalogue = await self._catalogue()
            directory = self._server.agent.state.directory
            await show_transcript(self._server, ended, catalogue, directory)


async def _answer(work: asyncio.Future[object], request: Request) -> object:
    """The answer of a command; of one that is cancelled while a disk holds it up, that it was.

    What is left to itself goes on as far as it gets: a run that comes of it is stopped at once.
    """
    try:
        return await request.signal.unless(work)
    except Aborted:
        if work.done():
            return work.result()
    if not request.has_run.is_set():
        await asyncio.wait({work}, timeout=CANCEL_SECONDS)
    if work.done() or request.has_run.is_set():
        return await work
    work.add_done_callback(lambda done: done.cancelled() or done.exception())
    raise cancelled()
