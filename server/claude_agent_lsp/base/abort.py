"""Stopping work: `AbortController` and `AbortSignal`, after the web standard of these names.

A cancel is never a `CancelledError` thrown into somebody's clean-up. It is a signal that the
work's owner looks at and acts on. https://dom.spec.whatwg.org/#aborting-ongoing-activities
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class AbortReason(Enum):
    """Why work was stopped."""

    CANCELLED = "cancelled"
    """The user asked for it."""
    TIMED_OUT = "timedOut"
    """Its time limit passed."""
    SHUTDOWN = "shutdown"
    """The server ends, by the editor's wish or because the editor is gone."""


class Aborted(Exception):
    """The work was stopped by its signal.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: AbortReason) -> None:
        super().__init__(f"aborted: {reason.value}")
        self.reason = reason


class AbortSignal:
    """Tells work that it should stop. It fires at most once and never goes back."""

    def __init__(self) -> None:
        self._reason: AbortReason | None = None
        self._listeners: dict[object, Callable[[AbortReason], None]] = {}
        self._detach: list[Callable[[], None]] = []

    @property
    def aborted(self) -> bool:
        """Whether it has fired."""
        return self._reason is not None

    @property
    def reason(self) -> AbortReason | None:
        """Why it has fired, or None while it has not."""
        return self._reason

    def throw_if_aborted(self) -> None:
        """Raise `Aborted` if it has fired."""
        if self._reason is not None:
            raise Aborted(self._reason)

    def listen(self, listener: Callable[[AbortReason], None]) -> Callable[[], None]:
        """Call `listener` with the reason when it fires; at once if it has fired already.

        Returns:
            A function that takes the listener off again.
        """
        if self._reason is not None:
            listener(self._reason)
            return lambda: None
        key = object()
        self._listeners[key] = listener
        return lambda: (self._listeners.pop(key, None), None)[1]

    async def wait(self) -> AbortReason:
        """Wait until it fires and return why."""
        if self._reason is not None:
            return self._reason
        fired: asyncio.Future[AbortReason] = asyncio.get_running_loop().create_future()
        remove = self.listen(lambda reason: _settle(fired, reason))
        try:
            return await fired
        finally:
            remove()

    async def wait_or_abort(self, work: asyncio.Future[T]) -> T:
        """Wait for `work`, which goes on by itself if the signal fires first.

        Raises:
            Aborted: The signal fired before `work` was done.
        """
        fired: asyncio.Future[AbortReason] = asyncio.get_running_loop().create_future()
        remove = self.listen(lambda reason: _settle(fired, reason))
        either: set[asyncio.Future[Any]] = {work, fired}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            remove()
        if work.done():
            return work.result()
        raise Aborted(fired.result())

    def release(self) -> None:
        """Release timers and the signals it follows, once its work has ended."""
        for detach in self._detach:
            detach()
        self._detach.clear()

    @classmethod
    def any(cls, *signals: AbortSignal) -> AbortSignal:
        """Return a signal that fires as soon as one of `signals` does, with that one's reason."""
        joined = cls()
        for signal in signals:
            joined._detach.append(signal.listen(joined._fire))
        return joined

    @classmethod
    def when(cls, happens: asyncio.Future[None]) -> AbortSignal:
        """Return a signal that fires as cancelled when something happens, unless released first."""
        signal = cls()

        def fire(_: object) -> None:
            signal._fire(AbortReason.CANCELLED)

        happens.add_done_callback(fire)
        signal._detach.append(lambda: (happens.remove_done_callback(fire), None)[1])
        return signal

    @classmethod
    def timeout(cls, seconds: float) -> AbortSignal:
        """Return a signal that fires with `TIMED_OUT` after `seconds`, unless released before."""
        timed = cls()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds, timed._fire, AbortReason.TIMED_OUT)
        timed._detach.append(timer.cancel)
        return timed

    def _fire(self, reason: AbortReason) -> None:
        if self._reason is not None:
            return
        self._reason = reason
        self.release()
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            listener(reason)


class AbortController:
    """Owns a signal and can fire it."""

    def __init__(self) -> None:
        self.signal = AbortSignal()

    def abort(self, reason: AbortReason = AbortReason.CANCELLED) -> None:
        """Fire the signal; the first reason stays, further calls do nothing."""
        self.signal._fire(reason)  # noqa: SLF001 - only the controller may fire


def _settle(fired: asyncio.Future[AbortReason], reason: AbortReason) -> None:
    if not fired.done():
        fired.set_result(reason)
