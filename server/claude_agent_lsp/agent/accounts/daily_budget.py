"""What the user's runs have cost today, on this machine, and what is left of the day's budget.

One small file for all servers of the user. A day is the user's own: it ends at their midnight. The
last days are kept: for a server elsewhere, or with another clock, it is another day.

    within(launch) ──▶ Meter.update(cost so far) … ──▶ Meter.close(cost)

What a run costs is what the CLI says with each result (`total_cost_usd`, CLI 2.1.330); until then
it is estimated (`prices.py`). It is counted as it grows, so that a run whose server is killed has
cost what it had cost by then. **A budget fails closed**: where nobody can tell what today has cost,
or keep it, a run with a daily budget is refused, unless it is set that it begins and says so.
Without a budget the log has a warning, once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from claude_agent_lsp.base.disk.files import locked, replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.errors import BudgetExceeded, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.agent.process.launch import Launch
    from claude_agent_lsp.errors import RequestFailed

logger = logging.getLogger(__name__)

OnUnknown: TypeAlias = Literal["refuse", "warn"]

DAYS_KEPT: Final = 7
# Each write takes some ms of the interpreter, in which the first word would wait. A server that is
# killed has not counted what its runs have cost in the last moment.
COUNT_SECONDS: Final = 0.1
# How long a cost waits for another server that is just counting. A run that ends waits for what it
# has cost on its way, and then for the rest, and the run's end waits for both: see `END_SECONDS`.
LOCK_SECONDS: Final = 0.75
HINT: Final = "Raise dailyBudgetUsd, or try again after that time; the session can be resumed."


@dataclass
class _Ledger:
    """What the file holds.

    Attributes:
        days: What each day has cost; the day that was charged last stands last.
        unknown: The days of which some costs are lost, since the file was damaged.
    """

    days: dict[str, float] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


class DailyBudget:
    """The user's ledger. All of it touches the disk: call it in a thread.

    Args:
        directory: The state directory of this user. Never one that a setting names: a repository's
            own settings could name an empty one.
        clock: Tells the time at the user's place.

    Attributes:
        lane: What waits for the ledger's disk, which may hang.
    """

    def __init__(self, directory: Path, clock: Callable[[], datetime] = datetime.now) -> None:
        self.lane = Lane()
        self._directory = directory
        self._clock = clock
        self._warned = False
        # What could not be written, by its day: it holds, and is written with what comes next.
        # Several threads change it.
        self._unwritten: dict[str, float] = {}
        self._changing = threading.Lock()

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return self._directory / "spending.json"

    def today(self) -> float:
        """Return what today's runs have cost, in US dollars, as far as is known."""
        day = self._day()
        try:
            known = self._read().days.get(day, 0.0)
        except (OSError, ValueError) as error:
            self._warn(error)
            known = 0.0
        return max(0.0, known + self._unwritten.get(day, 0.0))

    def known_today(self) -> float | None:
        """Return what today's runs have cost, in US dollars, or None if some of it is not known."""
        day = self._day()
        try:
            ledger = self._read()
        except (OSError, ValueError) as error:
            self._warn(error)
            return None
        held = self._unwritten.get(day, 0.0)
        return None if day in ledger.unknown else max(0.0, ledger.days.get(day, 0.0) + held)

    def check(self, daily_budget_usd: float | None, on_unknown: OnUnknown = "refuse") -> str | None:
        """Let a run begin.

        Args:
            daily_budget_usd: What its settings allow a day.
            on_unknown: Whether it begins where nobody can tell what is left.

        Returns:
            What the user has to know of that.

        Raises:
            BudgetExceeded: Nothing is left of the day's budget.
            StoreUnavailable: There is a budget, and nobody can tell what is left of it, or count
                what the run will cost.
        """
        if daily_budget_usd is None:
            return None
        spent, unknown = self._spending(on_unknown)
        if spent >= daily_budget_usd:
            raise self._exceeded(spent, daily_budget_usd)
        return None if unknown is None else f"{unknown} The run begins all the same: onUnknownCost."

    def within(self, launch: Launch) -> Launch:
        """Return a launch that can't spend more than is left of the day's budget, if there is one.

        Runs side by side have what was left when each of them began.

        Raises:
            StoreUnavailable: As for `check`.
        """
        budget = launch.settings.daily_budget_usd
        if budget is None:
            return launch
        spent, _ = self._spending(launch.settings.on_unknown_cost)
        left = max(budget - spent, 1e-6)  # zero would be no limit
        own = launch.max_budget_usd
        return replace(launch, max_budget_usd=left if own is None else min(own, left))

    def charge(
        self, cost_usd: float, daily_budget_usd: float | None, fault: RequestFailed | None
    ) -> RequestFailed | None:
        """Count what a run has cost.

        Args:
            cost_usd: The cost, without what was counted before; less than nothing if that was too
                much.
            daily_budget_usd: What its settings allow a day.
            fault: Why it failed.

        Returns:
            The fault; if the run was stopped by a budget and it was the day's, one that says so.
        """
        spent = self.add(cost_usd)
        day = daily_budget_usd is not None and spent >= daily_budget_usd
        if day and isinstance(fault, BudgetExceeded):
            assert daily_budget_usd is not None
            return self._exceeded(spent, daily_budget_usd)
        return fault

    def add(self, cost_usd: float) -> float:
        """Count a cost; one that can't be written is told to the log, and held by this server.

        Returns:
            What today has cost with it.
        """
        if cost_usd == 0:
            return self.today()
        try:
            return self._write(cost_usd, LOCK_SECONDS)
        except OSError as error:
            self._warn(error)
            self._hold(self._day(), cost_usd)
        return self.today()

    def hold(self, cost_usd: float) -> None:
        """Count a cost in memory alone, without the disk; it is written with what comes next."""
        self._hold(self._day(), cost_usd)

    def _spending(self, on_unknown: OnUnknown) -> tuple[float, str | None]:
        """Return what today has cost, and why not all of that is known."""
        try:
            return self._known_spending(), None
        except StoreUnavailable as unknown:
            if on_unknown == "refuse":
                raise
            return self.today(), str(unknown)

    def _known_spending(self) -> float:
        """Return what today has cost, if that is known and more can be written down."""
        try:
            ledger = self._read()
            spent = self._write(0.0)
        except ValueError as error:
            raise self._unknown_spending(f"{self.file} can't be read: {error}") from error
        except OSError as error:
            why = error.strerror or error
            raise self._unknown_spending(f"{self.file} can't be read or written: {why}") from error
        if self._day() in ledger.unknown:
            raise self._unknown_spending(f"{self.file} was damaged today")
        return spent

    def _hold(self, day: str, cost_usd: float) -> None:
        """Hold a cost in memory, or, if it is less than nothing, so much less of it."""
        with self._changing:
            self._unwritten[day] = self._unwritten.get(day, 0.0) + cost_usd

    def _write(self, cost_usd: float, patience_seconds: float = 5.0) -> float:
        """Add a cost to today's, with what could not be written of today before.

        Args:
            cost_usd: The cost.
            patience_seconds: How long to wait for another server that is just writing.

        Returns:
            What today has cost with it.

        Raises:
            OSError: It can't be written.
        """
        make_directory(self._directory)
        with locked(self._directory / "spending.lock", patience_seconds=patience_seconds):
            day = self._day()
            held = self._unwritten.get(day, 0.0)
            try:
                ledger = self._read()
            except ValueError as error:
                self._warn(error)
                ledger = _Ledger(unknown=frozenset({day}))
            spent = max(0.0, ledger.days.pop(day, 0.0) + held + cost_usd)
            # The last that were charged, not the latest: no clock that was wrong once, however
            # far ahead, drops today.
            kept = dict([*ledger.days.items(), (day, spent)][-DAYS_KEPT:])
            content: dict[str, Any] = {"days": kept}
            if unknown := sorted(ledger.unknown & kept.keys()):
                content["unknown"] = unknown
            replace_file(self.file, json.dumps(content).encode())
            self._hold(day, -held)
        return spent

    def _read(self) -> _Ledger:
        """Return what the file holds; nothing if there is none.

        Raises:
            OSError: It can't be read.
            ValueError: It is damaged.
        """
        try:
            content = read_regular(self.file)
        except FileNotFoundError:
            return _Ledger()
        try:
            ledger = json.loads(content)
            # Of one day only, as it was written first.
            days = ledger["days"] if "days" in ledger else {ledger["day"]: ledger["usd"]}
            costs = {str(day): float(usd) for day, usd in days.items()}
            unknown = frozenset(map(str, ledger.get("unknown", ())))
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"it is not a ledger ({type(error).__name__})") from error
        if not all(math.isfinite(usd) for usd in costs.values()):
            raise ValueError("a cost in it is not a number")
        return _Ledger(costs, unknown)

    def _warn(self, error: Exception) -> None:
        """Tell it to the log, once loudly."""
        level = logging.DEBUG if self._warned else logging.WARNING
        self._warned = True
        logger.log(level, "The cost of runs can't be saved in %s: %s", self.file, error)

    def _day(self) -> str:
        return self._clock().date().isoformat()

    def _exceeded(self, spent: float, budget: float) -> BudgetExceeded:
        return BudgetExceeded(
            f"Today's runs have cost ${spent:.2f}; dailyBudgetUsd allows ${budget:.2f}. The "
            f"budget is reset at {self._tomorrow()} 00:00.",
            hint=HINT,
        )

    def _unknown_spending(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"dailyBudgetUsd is set, but the cost of today's runs is unknown: {why}.",
            hint=(
                f"Repair or remove {self.file} (today's cost then starts at $0), unset "
                f'dailyBudgetUsd, set onUnknownCost to "warn", or try again after '
                f"{self._tomorrow()} 00:00."
            ),
        )

    def _tomorrow(self) -> str:
        return (self._clock().date() + timedelta(days=1)).isoformat()


class Meter:
    """Counts one run's cost while it goes on, in a thread: the loop never waits for the disk.

    Args:
        spending: The ledger.
        on_count: Called whenever it is counted.
    """

    def __init__(self, spending: DailyBudget, on_count: Callable[[], None] = lambda: None) -> None:
        self._daily_budget = spending
        self._on_count = on_count
        self._cost = self._counted = 0.0
        self._counting: asyncio.Task[None] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[RequestFailed | None] | None = None

    async def check(self, daily_budget_usd: float | None, on_unknown: OnUnknown) -> None:
        """Let the run go on; raises as `DailyBudget.check`."""
        if daily_budget_usd is not None:
            budget = self._daily_budget
            await budget.lane.run(budget.check, daily_budget_usd, on_unknown)

    def update(self, cost_usd: float) -> None:
        """Take note of what the run has cost so far, in all."""
        self._cost = cost_usd
        if self._next is None and cost_usd > self._counted and self._closing is None:
            loop = asyncio.get_running_loop()
            self._next = loop.call_later(COUNT_SECONDS, self._begin_count)

    async def close(
        self, cost_usd: float, daily_budget_usd: float | None, fault: RequestFailed | None
    ) -> RequestFailed | None:
        """Count what the run has cost in all; the rest as for `DailyBudget.charge`.

        It is counted, as soon as the disk lets it be, even if the wait for that is given up.
        """
        self._closing = asyncio.ensure_future(self._close(cost_usd, daily_budget_usd, fault))
        self._closing.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._closing)

    async def _close(
        self, cost_usd: float, daily_budget_usd: float | None, fault: RequestFailed | None
    ) -> RequestFailed | None:
        self._on_count()
        if self._next is not None:
            self._next.cancel()
        if self._counting is not None:
            await asyncio.wait({self._counting})
        budget, rest = self._daily_budget, cost_usd - self._counted
        try:
            charging = budget.lane.put(budget.charge, rest, daily_budget_usd, fault)
        except RuntimeError as error:  # the system has no thread left
            logger.warning("The cost of a run is not written yet: %s", error)
            budget.hold(rest)
            return fault
        return await charging

    def _begin_count(self) -> None:
        self._next = None
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count())
        else:  # the disk is slow
            self.update(self._cost)

    async def _count(self) -> None:
        cost = self._cost
        self._on_count()
        try:
            await self._daily_budget.lane.run(self._daily_budget.add, cost - self._counted)
        except RuntimeError as error:  # the system has no thread left
            logger.warning("The cost of a run is not written yet: %s", error)
        else:
            self._counted = cost
