"""What others want of a process's client: a queue that the task which owns the client works off.

prompt, withdraw, interrupt, call, end ──▶ queue ──▶ serve(client) ──▶ the CLI
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from claude_agent_lsp.errors import RequestFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from claude_agent_sdk import ClaudeSDKClient

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class _Prompt:
    message: dict[str, Any]


@dataclass(frozen=True)
class _Interrupt:
    pass


@dataclass(frozen=True)
class _Call:
    ask: Callable[[ClaudeSDKClient], Awaitable[Any]]
    answer: asyncio.Future[Any]


@dataclass(frozen=True)
class _End:
    pass


class ClientQueue:
    """The orders to one client. Giving one returns at once."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[_Prompt | _Interrupt | _Call | _End] = asyncio.Queue()
        self._answers: set[asyncio.Future[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: RequestFailed | None = None

    def prompt(self, message: dict[str, Any]) -> None:
        """Send a user message."""
        self._queue.put_nowait(_Prompt(message))

    def withdraw(self, message_id: str) -> None:
        """Take a user message back. The answer comes to nobody (SDK 0.2.187)."""
        request = {"subtype": "cancel_async_message", "message_uuid": message_id}
        control = {"type": "control_request", "request_id": str(uuid.uuid4()), "request": request}
        self._queue.put_nowait(_Prompt(control))

    def interrupt(self) -> None:
        """Stop the turn at work."""
        self._queue.put_nowait(_Interrupt())

    def call(self, ask: Callable[[ClaudeSDKClient], Awaitable[T]]) -> asyncio.Future[T]:
        """Ask something beside the turns.

        Returns:
            The answer; fails with a `RequestFailed` if the CLI refuses or is gone.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._fault is not None:
            answer.set_exception(self._fault)
            return answer
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        self._queue.put_nowait(_Call(ask, answer))
        return answer

    def end(self) -> None:
        """Let `serve` return once what was ordered before is done."""
        self._queue.put_nowait(_End())

    async def serve(self, client: ClaudeSDKClient) -> None:
        """Do what is ordered, in order, until `end`."""
        while True:
            match await self._queue.get():
                case _Prompt(message):
                    await client.query(_stream_of(message))
                case _Interrupt():
                    self._run_in_task(_log_failure(client.interrupt()))
                case _Call(ask, answer):
                    self._run_in_task(_settle_call(ask, client, answer))
                case _End():
                    return

    def drop(self) -> None:
        """Wait no longer for what the CLI has not answered."""
        for task in self._tasks:
            task.cancel()

    def fail(self, fault: RequestFailed) -> None:
        """Fail all that waits for an answer, now or later, with an error."""
        self._fault = fault
        for answer in tuple(self._answers):
            if not answer.done():
                answer.set_exception(fault)

    def _run_in_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a task of its own: a CLI that is stuck must not keep later orders waiting."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _stream_of(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield message


async def _settle_call(
    ask: Callable[[ClaudeSDKClient], Awaitable[T]],
    client: ClaudeSDKClient,
    answer: asyncio.Future[T],
) -> None:
    try:
        result = await ask(client)
    except Exception as error:  # noqa: BLE001 - the SDK raises plain exceptions here
        if not answer.done():
            answer.set_exception(RequestFailed(f"The CLI refused the request: {error}"))
    else:
        if not answer.done():
            answer.set_result(result)


async def _log_failure(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        logger.debug("The CLI did not accept the interrupt", exc_info=True)
