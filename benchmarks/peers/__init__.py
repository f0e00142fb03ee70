"""What is compared: each peer takes turns of conversations, in its own way."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from benchmarks.processes import Weight

SERVER = "this server"
UNRECORDED = "without journal"
CLIENT = "ClaudeSDKClient"
QUERY = "query()"
HEADLESS = "claude -p"
ACP = "ACP adapter"
PYGLS = "bare pygls"
NEXT = "its next turn"
LISTING = "list_sessions()"

# A cancel comes in the midst of the answer.
CANCEL_AFTER_SECONDS = 0.05


@dataclass(frozen=True)
class Place:
    """Where the peers work.

    Attributes:
        folder: The project.
        environment: Of every process: it knows of one model and one home alone.
        cli: The executable.
        log: Takes what the processes say on stderr.
    """

    folder: Path
    environment: Mapping[str, str]
    cli: Path
    log: BinaryIO


@dataclass
class Session:
    """A conversation.

    Attributes:
        id: Known from the first turn on; the server chooses its own.
        begun: Whether it has had a turn.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    begun: bool = False


@dataclass(frozen=True)
class Turn:
    """What was seen of a turn; the times are those of the system's monotonic clock.

    Attributes:
        sent: When it was asked for.
        first: When the first text was there; None if none was seen.
        last: When the last text was there.
        cancelled: When it was cancelled, if it was.
        ended: When its end was told.
        text: All that was said.
        cli: What the CLI weighed at the end, if that was asked for.
    """

    sent: float
    ended: float
    first: float | None = None
    last: float | None = None
    cancelled: float | None = None
    text: str = ""
    cli: Weight | None = None

    @property
    def to_first(self) -> float:
        """Seconds to the first text."""
        assert self.first is not None
        return self.first - self.sent

    @property
    def seconds(self) -> float:
        """Seconds from the prompt to the end."""
        return self.ended - self.sent


class Peer(Protocol):
    """One of the compared, with its adapter process up, if it has one."""

    name: str

    @property
    def pid(self) -> int | None:
        """The adapter process."""

    async def turn(
        self,
        session: Session,
        prompt: str,
        *,
        cancel: bool = False,
        weigh: bool = False,
        streamed: bool = True,
    ) -> Turn:
        """Take a turn.

        Args:
            session: The conversation, which the turn begins or goes on with.
            prompt: What the user asks.
            cancel: Whether to stop it soon after its first text.
            weigh: Whether to weigh the CLI at its end.
            streamed: Whether the text is wanted as it comes, where there is a choice.
        """

    async def rest(self) -> None:
        """End all CLIs, in order; the adapter stays up."""

    async def close(self) -> None:
        """End everything, in order."""
