"""Times that others tell."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from claude_agent_lsp.base.texts.moments import EPOCH, moment_at, read_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first and the last zone.
ZONES = ("Etc/GMT-14", "UTC", "Etc/GMT+12")
TOLD: Final[tuple[object, ...]] = (
    *("9999-12-31T23:59:59Z", "9999-12-29T23:59:59Z", "9999-12-31T23:59:59-14:00"),
    *("9999-12-31T23:59:59", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("0001-01-01T00:00:00", "1970-01-01T00:00:00Z", "2026-01-02T03:04:05", "2026-01-02"),
    *("2026-01-02T03:04:05+23:59", "never", "", "2026-13-99", 5, None, True, [], {}),
)


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("told", TOLD)
def test_what_is_read_can_be_shown_and_compared_everywhere(told: object) -> None:
    moment = read_moment(told)
    if moment is not None:
        shown = moment.astimezone().isoformat(), moment.astimezone(UTC).isoformat()
        assert all(shown)
        assert moment >= EPOCH


def test_a_time_without_a_zone_is_utc() -> None:
    assert read_moment("2026-01-02T03:04:05") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert read_moment("2026-01-02T03:04:05.678Z") == moment_at(1767323045678)


@pytest.mark.parametrize(
    "milliseconds", [-1, -(10**17), 10**17, 10**30, float("inf"), float("nan"), 253402300799999]
)
def test_what_no_clock_shows_is_no_time(milliseconds: float) -> None:
    assert moment_at(milliseconds) is None


def test_what_clocks_show_is_one() -> None:
    assert moment_at(0) == EPOCH
    assert moment_at(1000) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
