"""What is recorded of a request, and waiting for it."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback.conversation import Conversation, Json, Said

T = TypeVar("T")


class Changes:
    """Tells threads and event loops alike that something has changed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._listeners: list[Callable[[], None]] = []

    def tell(self) -> None:
        """Wake all who wait."""
        with self._changed:
            self._changed.notify_all()
            for listener in self._listeners:
                listener()

    def wait(self, look: Callable[[], T | None], timeout: float) -> T | None:
        """Block until `look` returns something, for at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: look() is not None, timeout)
        return look()

    async def until(self, look: Callable[[], T | None], timeout: float) -> T | None:
        """Do the same for a task, of any event loop."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def listener() -> None:
            # A loop may have been closed while one of its tasks was still waiting.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        with self._changed:
            self._listeners.append(listener)
        try:
            async with asyncio.timeout(timeout):
                while (found := look()) is None:
                    changed.clear()
                    await changed.wait()
                return found
        except TimeoutError:
            return look()
        finally:
            with self._changed:
                self._listeners.remove(listener)


class Request:
    """A request to /v1/messages. All times are `time.monotonic()`.

    Attributes:
        body: The JSON that was posted.
        started: When it had arrived.
        first_token: When the first delta left.
        finished: When the answer, or the error, was complete.
        hung_up: When the connection was closed before that, by the client or by `Loopback.stop`.
    """

    def __init__(self, body: Json, conversation: Conversation, changes: Changes) -> None:
        self.body = body
        self.started = time.monotonic()
        self.first_token: float | None = None
        self.finished: float | None = None
        self.hung_up: float | None = None
        self._read = conversation
        self._changes = changes
        self._sent: list[str] = []

    def __repr__(self) -> str:
        return f"<Request {self.prompt!r} turn {self._read.turn}>"

    @property
    def prompt(self) -> str:
        """The current prompt: no reminder, no tool result, no mark of an interrupt."""
        return self._read.prompt

    @property
    def turn(self) -> int:
        """How many turns the model had taken since the prompt."""
        return self._read.turn

    @property
    def own(self) -> bool:
        """Whether the CLI asked on its own account, as for a title or a summary."""
        return self._read.own

    @property
    def conversation(self) -> tuple[Said, ...]:
        """All text that it carried, tool calls and results too, the system prompt first."""
        return self._read.said

    @property
    def sent(self) -> str:
        """The text sent so far."""
        return "".join(self._sent)

    def wait_hung_up(self, timeout: float) -> float:
        """Wait until the client has hung up, and return when it did.

        Raises:
            TimeoutError: It has not within so many seconds.
        """
        return self._or_raise(self._changes.wait(lambda: self.hung_up, timeout), timeout)

    async def hang_up(self, timeout: float) -> float:
        """Do what `wait_hung_up` does, for a task.

        Raises:
            TimeoutError: It has not within so many seconds.
        """
        return self._or_raise(await self._changes.until(lambda: self.hung_up, timeout), timeout)

    def log(self) -> dict[str, str | float | None]:
        """Return the prompt and the times, for a benchmark in another process."""
        return {
            "prompt": self.prompt,
            "started": self.started,
            "first_token": self.first_token,
            "finished": self.finished,
            "hung_up": self.hung_up,
        }

    def mark_sent(self, texts: list[str]) -> None:
        """Record that deltas leave."""
        self._sent += texts
        if texts and self.first_token is None:
            self.first_token = time.monotonic()
            self._changes.tell()

    def mark_finished(self) -> None:
        """Record that the last of the answer leaves."""
        self.finished = time.monotonic()
        self._changes.tell()

    def mark_hung_up(self) -> None:
        """Record that the client has left, be it while it was sent the last of the answer."""
        self.finished = None
        self.hung_up = time.monotonic()
        self._changes.tell()

    def _or_raise(self, when: float | None, timeout: float) -> float:
        if when is not None:
            return when
        state = "the answer is complete" if self.finished else "it is still being answered"
        raise TimeoutError(f"{self!r} was not hung up within {timeout} s: {state}")
