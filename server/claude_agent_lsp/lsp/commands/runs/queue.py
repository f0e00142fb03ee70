"""The commands about what waits for a session: to look at it, change it, and send it on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands import control_arguments as arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.convert.to_json import waiting_json

if TYPE_CHECKING:
    from claude_agent_lsp.agent.ownership.session_queue import Waiting
    from claude_agent_lsp.lsp.commands.registry import Request


class QueueCommands(CommandGroup):
    """Works on the queries that wait, those included that servers have left which are gone.

    None of these waits for a place in a folder: what waits there may be the run at work.
    """

    @command("claudeAgent.queue.list", arguments.QueueListArgument)
    async def list_queue(self, argument: arguments.QueueListArgument, _: Request) -> object:
        """List what waits, each session's in its order."""
        queue = self._services.agent.queue
        if argument.session_id is not None:
            await self._queries.adopt(argument.session_id)
            return {"queue": [waiting_json(each) for each in queue.of(argument.session_id)]}
        await self._adopt_all()
        return {"queue": [waiting_json(each) for each in queue]}

    @command("claudeAgent.queue.edit", arguments.QueueEditArgument)
    async def edit(self, argument: arguments.QueueEditArgument, _: Request) -> object:
        """Change the prompt of one that waits."""
        waiting = await self._find(argument.session_id, argument.run_id)
        sending = waiting.steer
        if sending is not None and (sending.handed or await self._recalled(waiting)):
            raise _gone(argument.run_id)
        asked = {**waiting.asked, "prompt": argument.prompt}
        await self._services.agent.queue.edit(waiting, asked)
        if sending is not None:
            await self._queries.send(waiting)
        return waiting_json(waiting)

    @command("claudeAgent.queue.remove", arguments.QueueRemoveArgument)
    async def remove(self, argument: arguments.QueueRemoveArgument, _: Request) -> object:
        """Take one out."""
        waiting = await self._find(argument.session_id, argument.run_id)
        if await self._recalled(waiting):
            raise _gone(argument.run_id)
        waiting.stop.abort()
        return {"removed": True}

    @command("claudeAgent.queue.sendNow", arguments.QueueSendNowArgument)
    async def send_now(self, argument: arguments.QueueSendNowArgument, _: Request) -> object:
        """Send one on at once, or all of a session."""
        agent = self._services.agent
        if argument.run_id is not None:
            waiting = await self._find(argument.session_id, argument.run_id)
            if waiting.steer is None:
                await self._queries.send(waiting)
            return {"queue": [waiting_json(each) for each in agent.queue.of(waiting.session_id)]}
        assert argument.session_id is not None
        await self._queries.adopt(argument.session_id)
        agent.queue.release(argument.session_id)
        agent.advance(argument.session_id)
        return {"queue": [waiting_json(each) for each in agent.queue.of(argument.session_id)]}

    async def _find(self, session_id: str | None, run_id: str) -> Waiting:
        """Return the query that waits under an id.

        Raises:
            InvalidArgument: There is none, or it is its turn.
        """
        queue = self._services.agent.queue
        if queue.find(run_id) is None:
            await (self._adopt_all() if session_id is None else self._queries.adopt(session_id))
        waiting = queue.find(run_id)
        if waiting is None or waiting.turn.done() or session_id not in (None, waiting.session_id):
            raise _gone(run_id)
        return waiting

    async def _adopt_all(self) -> None:
        """Take over what was left in the open folders; in others, somebody else will."""
        folders = [folder.path for folder in self._services.folders]
        sessions = await self._services.agent.queue.sessions_left(folders)
        await asyncio.gather(*map(self._queries.adopt, sessions))

    async def _recalled(self, waiting: Waiting) -> bool:
        """Take its prompt back, if it is on its way into a turn; return whether it is there."""
        return await self._services.agent.steers.recall(waiting) is not None


def _gone(run_id: str) -> InvalidArgument:
    return InvalidArgument(f"runId: expected a query that waits; {run_id} does not, or no longer.")
