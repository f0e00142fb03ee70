"""Times as others tell them: what no clock shows is no time, and where no zone is told it is UTC.

One line of a conversation may say the year 1 in one zone, which is the year 0 in another: nobody
could show it, nor compare it with any other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A day before the end of all dates, so that each zone can show it.
_LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)


def read_moment(told: object) -> datetime | None:
    """Return the time that a text tells in ISO 8601; None if it tells none that can be shown."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if EPOCH <= moment <= _LATEST else None


def moment_at(milliseconds: float) -> datetime | None:
    """Return the time so long after 1970; None if it can't be shown."""
    try:
        moment = EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):
        return None
    return moment if EPOCH <= moment <= _LATEST else None
