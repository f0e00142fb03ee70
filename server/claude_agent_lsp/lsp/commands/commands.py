"""The commands of docs/protocol.md, executed: checked, run, and answered or refused."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.base.abort import AbortController, Aborted, AbortSignal
from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.errors import Internal, InvalidArgument, RequestFailed, hint_for
from claude_agent_lsp.lsp.commands.arguments import given, parse
from claude_agent_lsp.lsp.commands.code.ask import AskCommands
from claude_agent_lsp.lsp.commands.code.commit import CommitCommands
from claude_agent_lsp.lsp.commands.code.review import CodeReviewCommands
from claude_agent_lsp.lsp.commands.control import ControlCommands
from claude_agent_lsp.lsp.commands.documents import DocumentCommands
from claude_agent_lsp.lsp.commands.folders import FolderCommands
from claude_agent_lsp.lsp.commands.order import Order
from claude_agent_lsp.lsp.commands.prompts.prompts import PromptCommands
from claude_agent_lsp.lsp.commands.registry import COMMANDS, Command, CommandGroup, Request
from claude_agent_lsp.lsp.commands.review.review import ReviewCommands
from claude_agent_lsp.lsp.commands.runs.beginning import Beginning
from claude_agent_lsp.lsp.commands.runs.following import FollowCommands
from claude_agent_lsp.lsp.commands.runs.query import QueryCommands
from claude_agent_lsp.lsp.commands.runs.questions import QuestionCommands
from claude_agent_lsp.lsp.commands.runs.queue import QueueCommands
from claude_agent_lsp.lsp.commands.runs.run_display import RunDisplay
from claude_agent_lsp.lsp.commands.runs.tasks import TaskCommands
from claude_agent_lsp.lsp.commands.runs.waiting_queries import WaitingQueries
from claude_agent_lsp.lsp.commands.sessions import SessionCommands
from claude_agent_lsp.lsp.convert.to_errors import (
    cancelled,
    failed,
    in_words,
    invalid,
    is_told_otherwise,
)
from claude_agent_lsp.lsp.convert.to_json import jsonable

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.services.services import Services

logger = logging.getLogger(__name__)

__all__ = ["COMMANDS", "GROUPS", "Command", "Commands", "Request"]

# How long the answer of a request that was cancelled is waited for, whatever holds it up: a disk.
CANCEL_SECONDS: Final = 2.0
GROUPS: Final[tuple[type[CommandGroup], ...]] = (
    QueryCommands,
    AskCommands,
    CodeReviewCommands,
    CommitCommands,
    PromptCommands,
    QueueCommands,
    SessionCommands,
    DocumentCommands,
    ReviewCommands,
    FollowCommands,
    QuestionCommands,
    TaskCommands,
    FolderCommands,
    ControlCommands,
)


class Commands:
    """Executes commands, each by the group that it belongs to.

    Args:
        services: What they work with.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        order = Order(services.agent, services.folders, services.sessions.folder_of)
        queries = WaitingQueries(services, Beginning(services, order), RunDisplay(services))
        queue, events = services.agent.queue, services.session_events
        queue.changed = lambda session_id: events.queue_changed(session_id, queue.of(session_id))
        self._groups = {group: group(services, order, queries) for group in GROUPS}

    async def execute(self, params: types.ExecuteCommandParams, signal: AbortSignal) -> object:
        """Execute a command.

        Raises:
            JsonRpcException: With the code, the message and the data of docs/protocol.md. Its user
                is told, if the editor may keep it to itself.
        """
        try:
            return await self._execute(params, signal)
        except JsonRpcException as error:
            if not self._services.editor.profile.shows_errors and not is_told_otherwise(error):
                self._services.editor.show_message(types.MessageType.Error, in_words(error))
            raise

    async def _execute(self, params: types.ExecuteCommandParams, signal: AbortSignal) -> object:
        command = COMMANDS.get(params.command)
        if command is None:
            raise invalid(InvalidArgument(f"Unknown command {shown(params.command)}."))
        try:
            argument = parse(command.argument, params.arguments)
            stop = AbortController()
            stopped = AbortSignal.any(signal, stop.signal)
            came = given(command.argument, params.arguments)
            request = Request(stopped, stop, params.work_done_token, came)
            group = self._groups[command.group]
            work = asyncio.ensure_future(command.run(group, argument, request))
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
            what = f"{params.command} failed: {type(error).__name__}: {error}"
            raise failed(Internal(what, hint=hint_for(error))) from error


async def _answer(work: asyncio.Future[object], request: Request) -> object:
    """Return the answer of a command, that it was cancelled if it was while a disk held it up.

    What is left to itself goes on as far as it gets: a run that comes of it is stopped at once.
    """
    try:
        return await request.signal.wait_or_abort(work)
    except Aborted:
        if work.done():
            return work.result()
    if not request.has_run.is_set():
        await asyncio.wait({work}, timeout=CANCEL_SECONDS)
    if work.done() or request.has_run.is_set():
        return await work
    work.add_done_callback(lambda done: done.cancelled() or done.exception())
    raise cancelled()
