"""Prompts that go into a turn at work.

    wanted ──▶ a tool is ahead: handed to the CLI ──┬─▶ taken at the tool's end
                                                    └─▶ not taken ──▶ given back
          └──▶ the turn ends without one ───────────────────────────▶ given back

The CLI takes in at the end of a tool what has come by then, and its next request to the model says
so. Of what comes later it would make a turn of its own (CLI 2.1.330): so a prompt is handed to it
only while a tool is ahead. What is handed and not taken, as in a turn that is stopped, is withdrawn
from the CLI first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.events import Steered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from claude_agent_sdk import StreamEvent

    from claude_agent_lsp.agent.events import Emit


@dataclass(eq=False)
class Steer:
    """A prompt for the turn at work.

    Attributes:
        run_id: That of the run that it would have.
        prompt: What the user has written.
        message: All that is sent for it.
        handed: Whether the CLI has it.
        taken: Done once it is settled: whether the turn has taken it.
    """

    run_id: str
    prompt: str
    message: Mapping[str, Any]
    handed: bool = False
    taken: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def message_id(self) -> str:
        """The prompt's id, in the session too."""
        return str(self.message["uuid"])

    def settle(self, taken: bool) -> None:
        """Say what has become of it; the first word stands."""
        if not self.taken.done():
            self.taken.set_result(taken)


class Steering:
    """The prompts for one run's turn.

    Args:
        into: The run.
        emit: Takes the run's events.
    """

    def __init__(self, into: str, emit: Emit) -> None:
        self._into = into
        self._emit = emit
        self._steers: list[Steer] = []
        self._send: Callable[[Mapping[str, Any]], None] = lambda _: None
        self._withdraw: Callable[[str], None] = lambda _: None
        self._tool_ahead = self._closed = False

    def attach(
        self, send: Callable[[Mapping[str, Any]], None], withdraw: Callable[[str], None]
    ) -> None:
        """Have the ways to the CLI: one that sends a message, and one that takes it back."""
        self._send, self._withdraw = send, withdraw

    def add(self, steer: Steer) -> bool:
        """Take a prompt; return whether the turn can still take any."""
        if self._closed:
            return False
        self._steers.append(steer)
        self._hand_over()
        return True

    def remove(self, steer: Steer) -> None:
        """Take a prompt back. One that the CLI has is settled by what it says of it next."""
        if steer.handed:
            self._withdraw(steer.message_id)
        elif steer in self._steers:
            self._steers.remove(steer)
            steer.settle(taken=False)

    def follow(self, message: StreamEvent) -> None:
        """Read an event of an answer, as the Messages API streams it; a subagent's is none."""
        event = message.event if message.parent_tool_use_id is None else {}
        if event.get("type") == "message_start":
            self._tool_ahead = False
        elif event.get("type") == "content_block_start":
            block = event.get("content_block")
            if isinstance(block, dict) and block.get("type") == "tool_use":
                self._tool_ahead = True
                self._hand_over()

    def take(self, message_ids: Collection[str]) -> None:
        """Be told for which messages the CLI asks the model, or has been answered."""
        for steer in [each for each in self._steers if each.message_id in message_ids]:
            self._steers.remove(steer)
            self._emit(Steered(steer.run_id, self._into, steer.message_id, steer.prompt))
            steer.settle(taken=True)

    def recall(self) -> None:
        """Have the CLI drop what it has not taken: the turn is about to be stopped."""
        self._closed = True
        for steer in self._steers:
            if steer.handed:
                self._withdraw(steer.message_id)

    def close(self) -> None:
        """Give back what the turn has not taken: it is over."""
        self.recall()
        steers, self._steers = self._steers, []
        for steer in steers:
            steer.settle(taken=False)

    def _hand_over(self) -> None:
        if not self._tool_ahead:
            return
        for steer in self._steers:
            if not steer.handed:
                steer.handed = True
                self._send(steer.message)
