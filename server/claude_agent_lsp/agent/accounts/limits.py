"""The limits of the user's account, as a CLI has last told of each.

A CLI tells of a limit with an answer of the model, where that says something of it: of a login with
a subscription, not of an API key (CLI 2.1.332). Nobody is asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from claude_agent_sdk import Message, RateLimitInfo

# No clock of an account counts further.
_LATEST: Final = 2**40


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """One of the account's limits.

    Attributes:
        limit: Which: "five_hour", "seven_day", "seven_day_opus", "seven_day_sonnet", "overage", or
            what the CLI calls it else.
        status: "allowed", "allowed_warning" or "rejected".
        heard_at: When a CLI has told it.
        resets_at: When it is reset.
        utilization: How much of it is used, from 0 to 1.
    """

    limit: str
    status: str
    heard_at: datetime
    resets_at: datetime | None = None
    utilization: float | None = None


class Limits:
    """All that was heard of them, by any process of this server."""

    def __init__(self) -> None:
        self._heard: dict[str, AccountLimit] = {}

    @property
    def all(self) -> tuple[AccountLimit, ...]:
        """What was heard last of each."""
        return tuple(self._heard.values())

    def hear(self, message: Message) -> None:
        """Take note of what a CLI's message says of them."""
        # It is loaded by now: nothing is heard before.
        from claude_agent_sdk import RateLimitEvent

        if isinstance(message, RateLimitEvent):
            info = message.rate_limit_info
            self._note(info.rate_limit_type or "account", info.status, info.resets_at, info)
            if info.overage_status is not None:
                self._note("overage", info.overage_status, info.overage_resets_at, None)

    def _note(self, limit: str, status: str, resets_at: object, info: RateLimitInfo | None) -> None:
        used = None if info is None else info.utilization
        self._heard[str(limit)] = AccountLimit(
            limit=str(limit),
            status=str(status),
            heard_at=datetime.now(UTC),
            resets_at=_moment(resets_at),
            utilization=used if isinstance(used, int | float) else None,
        )


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int | float) or not 0 < seconds < _LATEST:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
