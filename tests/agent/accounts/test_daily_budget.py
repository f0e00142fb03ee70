"""The ledger of what the user's runs have cost today."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.accounts import daily_budget as module
from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget, Meter
from claude_agent_lsp.agent.process.launch import Launch
from claude_agent_lsp.agent.run.run import END_SECONDS
from claude_agent_lsp.base.disk.files import locked
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import BudgetExceeded, ModelError, StoreUnavailable
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

EVENING = datetime(2026, 3, 31, 23, 59)  # noqa: DTZ001 - the user's own time
NEXT_MORNING = datetime(2026, 4, 1, 0, 0)  # noqa: DTZ001
FILE = "spending.json"


def at(now: datetime, directory: Path) -> DailyBudget:
    """The ledger as a server at this time has it."""
    return DailyBudget(directory, lambda: now)


def test_servers_count_together(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: DailyBudget(tmp_path).charge(0.01, None, None), range(50)))
    assert DailyBudget(tmp_path).today() == pytest.approx(0.5)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_day_ends_at_midnight(tmp_path: Path) -> None:
    spending = at(EVENING, tmp_path)
    spending.charge(2.0, None, None)
    with pytest.raises(BudgetExceeded, match=r"cost \$2\.00.*\$1\.50.*2026-04-01 00:00"):
        spending.check(1.5)
    morning = at(NEXT_MORNING, tmp_path)
    morning.check(1.5)
    assert morning.today() == 0
    morning.charge(0.25, None, None)
    assert morning.today() == 0.25


def test_a_server_whose_clock_is_ahead_forgets_nothing_of_today(tmp_path: Path) -> None:
    here = at(EVENING, tmp_path)
    here.charge(9.0, None, None)
    for clock in (NEXT_MORNING, EVENING.replace(year=2099)):
        at(clock, tmp_path).charge(0.25, None, None)
    assert here.today() == 9.0
    with pytest.raises(BudgetExceeded):
        here.check(5.0)
    here.charge(0.5, None, None)
    assert here.today() == 9.5
    assert at(NEXT_MORNING, tmp_path).today() == 0.25


def test_only_the_last_days_are_kept(tmp_path: Path) -> None:
    for day in range(1, 20):
        at(EVENING.replace(day=day), tmp_path).charge(1.0, None, None)
    days = json.loads((tmp_path / FILE).read_bytes())["days"]
    assert list(days) == [f"2026-03-{day}" for day in range(13, 20)]


def test_a_ledger_of_one_day_is_read_and_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"day": "2026-03-31", "usd": 2.5}')
    at(NEXT_MORNING, tmp_path).charge(1.0, None, None)
    assert at(EVENING, tmp_path).today() == 2.5


def test_a_budget_is_checked_only_where_there_is_one(tmp_path: Path) -> None:
    spending = DailyBudget(tmp_path)
    spending.charge(100, None, None)
    spending.check(None)
    spending.check(100.5)
    with pytest.raises(BudgetExceeded):
        spending.check(100)


@pytest.mark.parametrize(
    ("own", "daily", "given"),
    [
        (None, None, None),
        (3.0, None, 3.0),
        (None, 5.0, 4.0),
        (3.0, 5.0, 3.0),
        (4.5, 5.0, 4.0),
        (None, 1.0, 1e-6),
    ],
)
def test_a_run_gets_what_is_left(
    tmp_path: Path, own: float | None, daily: float | None, given: float | None
) -> None:
    spending = DailyBudget(tmp_path)
    spending.charge(1.0, None, None)
    launch = Launch(tmp_path, Settings(daily_budget_usd=daily), max_budget_usd=own)
    assert spending.within(launch).max_budget_usd == given


def test_the_fault_names_the_budget_that_was_reached(tmp_path: Path) -> None:
    spending, own = DailyBudget(tmp_path), BudgetExceeded("Its own.")
    assert spending.charge(1.0, 5.0, own) is own
    days = spending.charge(4.5, 5.0, own)
    assert isinstance(days, BudgetExceeded)
    assert "$5.50" in str(days)
    assert "dailyBudgetUsd" in days.hint
    # One that failed otherwise did not fail of the budget.
    other = ModelError("No.")
    assert spending.charge(1.0, 5.0, other) is other
    assert spending.charge(0.0, None, None) is None


DAMAGED = pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"1", b'{"day": "2026-03-31"}', b"[" * 5000),
        *(b'{"days": []}', b'{"days": {"2026-03-31": []}}', b'{"days": {"2026-03-31": NaN}}'),
        b'{"days": {"2026-03-31": 1%s}}' % (b"0" * 400),
    ],
)


@DAMAGED
def test_what_is_damaged_lets_no_run_begin_that_has_a_budget(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    spending = at(EVENING, tmp_path)
    launch = Launch(tmp_path, Settings(daily_budget_usd=5.0))
    for begin in (lambda: spending.check(5.0), lambda: spending.within(launch)):
        with pytest.raises(StoreUnavailable, match="is unknown") as refused:
            begin()
        assert str(tmp_path / FILE) in refused.value.hint
        assert "dailyBudgetUsd" in refused.value.hint
    # It is left as it is, to be repaired.
    assert (tmp_path / FILE).read_bytes() == content
    (tmp_path / FILE).unlink()
    spending.check(5.0)


@DAMAGED
def test_without_a_budget_what_is_damaged_is_told_once_and_replaced(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(content)
    spending = at(EVENING, tmp_path)
    spending.check(None)
    assert spending.today() == 0
    spending.charge(1.0, None, None)
    assert spending.today() == 1.0
    assert [record.levelname for record in caplog.records if record.levelno > 10] == ["WARNING"]
    # What was lost is not taken for nothing by a run that has a budget.
    with pytest.raises(StoreUnavailable, match="damaged today"):
        spending.check(5.0)
    at(NEXT_MORNING, tmp_path).check(5.0)


@DAMAGED
def test_where_the_user_wants_it_a_run_begins_and_says_what_is_unknown(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    spending = at(EVENING, tmp_path)
    assert spending.known_today() is None
    assert "is unknown" in str(spending.check(5.0, "warn"))
    spending.add(1.0)
    # What is known counts, but it is not all.
    assert spending.known_today() is None
    launch = Launch(tmp_path, Settings(daily_budget_usd=5.0, on_unknown_cost="warn"))
    assert spending.within(launch).max_budget_usd == 4.0
    with pytest.raises(BudgetExceeded):
        spending.check(1.0, "warn")
    morning = at(NEXT_MORNING, tmp_path)
    assert (morning.check(5.0, "warn"), morning.known_today()) == (None, 0.0)


def test_what_can_not_be_kept_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    spending = DailyBudget(tmp_path / "file" / "state")
    fault = spending.charge(2.0, 1.0, BudgetExceeded("It."))
    assert "$2.00" in str(fault)
    spending.charge(1.0, None, None)
    assert spending.today() == 3.0
    assert [record.levelname for record in caplog.records if record.levelno > 10] == ["WARNING"]


def test_what_can_not_be_kept_lets_no_run_begin_that_has_a_budget(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spending = DailyBudget(tmp_path / "file" / "state")
    spending.check(None)
    with pytest.raises(StoreUnavailable, match="can't be read or written"):
        spending.check(5.0)
    in_its_place = DailyBudget(tmp_path / "other")
    (tmp_path / "other" / FILE).mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match="can't be read or written"):
        in_its_place.check(5.0)


async def test_a_run_is_charged_as_it_goes(tmp_path: Path) -> None:
    spending = DailyBudget(tmp_path)
    spending.add(1.0)
    meter = Meter(spending)
    meter.update(0.25)
    meter.update(0.5)
    while spending.today() < 1.5:  # noqa: ASYNC110
        await asyncio.sleep(0)
    # What was estimated too high is given back at the end, and nothing is counted twice.
    own = BudgetExceeded("Its own.")
    assert await meter.close(0.375, 5.0, own) is own
    assert spending.today() == 1.375
    assert DailyBudget(tmp_path).today() == 1.375


async def test_a_run_that_says_nothing_costs_nothing(tmp_path: Path) -> None:
    meter = Meter(DailyBudget(tmp_path))
    meter.update(0.0)
    assert await meter.close(0.0, None, None) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_cost_is_counted_although_nobody_waits_for_it(tmp_path: Path) -> None:
    spending = DailyBudget(tmp_path)
    meter = Meter(spending)
    with locked(tmp_path / "spending.lock"):
        meter.update(0.25)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await meter.close(0.75, None, None)
    while spending.today() < 0.75:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert spending.today() == 0.75


def test_what_could_not_be_written_is_held_whole_and_written_later(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()  # in its place
    spending = at(EVENING, tmp_path)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: spending.add(0.01), range(400)))
    finally:
        sys.setswitchinterval(interval)
    assert spending.today() == pytest.approx(4.0)
    (tmp_path / FILE).rmdir()
    assert spending.add(1.0) == pytest.approx(5.0)
    # Other servers know it now, and it is counted once.
    assert at(EVENING, tmp_path).today() == pytest.approx(5.0)
    assert spending.today() == pytest.approx(5.0)


async def test_a_ledger_that_another_server_holds_takes_no_answer_from_a_run_that_ends(
    tmp_path: Path,
) -> None:
    spending = DailyBudget(tmp_path)
    meter = Meter(spending)
    with locked(tmp_path / "spending.lock"):
        meter.update(4.0)
        while meter._counting is None:  # noqa: ASYNC110 - it has begun to count what it knows
            await asyncio.sleep(0.01)
        async with asyncio.timeout(END_SECONDS):
            fault = await meter.close(5.5, 5.0, BudgetExceeded("Its own."))
    assert isinstance(fault, BudgetExceeded)
    assert "$5.50" in str(fault)
    spending.check(6.0)
    assert DailyBudget(tmp_path).today() == 5.5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
async def test_a_ledger_whose_disk_hangs_takes_no_thread_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(module, "read_regular", lambda file: answers.wait() and read_regular(file))
    spending = DailyBudget(tmp_path)
    meters = [Meter(spending) for _ in range(40)]
    closing = [asyncio.ensure_future(meter.close(0.25, None, None)) for meter in meters]
    try:
        async with asyncio.timeout(10):
            while not all(meter._closing for meter in meters):  # noqa: ASYNC110
                await asyncio.sleep(0)
            await asyncio.sleep(0)  # each has begun to count
            assert await disk.run(lambda: "no lane") == "no lane"
    finally:
        answers.set()
    await asyncio.gather(*closing)
    assert spending.today() == pytest.approx(10.0)


async def test_a_system_without_a_thread_left_loses_no_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    spending = DailyBudget(tmp_path)
    running, ending = Meter(spending), Meter(spending)
    disk.end()  # no thread is idle
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        running.update(0.25)
        while running._counting is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.wait({running._counting})
        own = BudgetExceeded("Its own.")
        assert await ending.close(1.0, 5.0, own) is own
    await running.close(0.5, None, None)
    assert spending.today() == DailyBudget(tmp_path).today() == 1.5
