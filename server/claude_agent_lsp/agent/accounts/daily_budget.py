"""What the user's runs have cost today, on this machine, and what is left of the day's budget.

One small file for all servers of the user. A day is the user's own: it ends at their midnight. The
last days are kept: for a server elsewhere, or with another clock, it is another day.
What a run costs is what the CLI says at its end (`total_cost_usd`, CLI 2.1.330).
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.files import locked, replace_file
from claude_agent_lsp.errors import BudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.agent.process.launch import Launch
    from claude_agent_lsp.errors import RequestFailed

logger = logging.getLogger(__name__)

DAYS_KEPT: Final = 7
HINT: Final = "Raise dailyBudgetUsd, or ask again after that; the session is resumable."


class Spending:
    """The user's ledger. All of it touches the disk: call it in a thread.

    Args:
        directory: The state directory of this user. Never one that a setting names: a repository's
            own settings could name an empty one.
        clock: Tells the time at the user's place.
    """

    def __init__(self, directory: Path, clock: Callable[[], datetime] = datetime.now) -> None:
        self._directory = directory
        self._clock = clock

    def today(self) -> float:
        """Returns what today's runs have cost, in US dollars."""
        return self._days().get(self._day(), 0.0)

    def check(self, daily_budget_usd: float | None) -> None:
        """Raise `BudgetExceeded` if nothing is left of the day's budget."""
        if daily_budget_usd is not None and (spent := self.today()) >= daily_budget_usd:
            raise self._exceeded(spent, daily_budget_usd)

    def within(self, launch: Launch) -> Launch:
        """Returns a launch that can't spend more than is left of the day's budget, if there is one.

        Runs side by side have what was left when each of them began.
        """
        budget = launch.settings.daily_budget_usd
        if budget is None:
            return launch
        left = max(budget - self.today(), 1e-6)  # zero would be no limit
        own = launch.max_budget_usd
        return replace(launch, max_budget_usd=left if own is None else min(own, left))

    def charge(
        self, cost_usd: float, daily_budget_usd: float | None, fault: RequestFailed | None
    ) -> RequestFailed | None:
        """Count what a run has cost.

        Args:
            cost_usd: The cost.
            daily_budget_usd: What its settings allow a day.
            fault: Why it failed.

        Returns:
            The fault; if the run was stopped by a budget and it was the day's, one that says so.
        """
        spent = self._add(cost_usd)
        day = daily_budget_usd is not None and spent >= daily_budget_usd
        if day and isinstance(fault, BudgetExceeded):
            assert daily_budget_usd is not None
            return self._exceeded(spent, daily_budget_usd)
        return fault

    def _add(self, cost_usd: float) -> float:
        """One that can't be written is told to the log, and costs nothing else."""
        if cost_usd <= 0:
            return self.today()
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._directory / "spending.lock"):
                days, day = self._days(), self._day()
                spent = days.pop(day, 0.0) + cost_usd
                # The last that were charged, not the latest: no clock that was wrong once, however
                # far ahead, drops today.
                kept = dict([*days.items(), (day, spent)][-DAYS_KEPT:])
                content = json.dumps({"days": kept})
                replace_file(self._directory / "spending.json", content.encode())
        except OSError as error:
            logger.warning("What was spent today can't be kept: %s", error)
            return self.today() + cost_usd
        return spent

    def _days(self) -> dict[str, float]:
        """What each day has cost; the day that was charged last stands last."""
        try:
            ledger = json.loads((self._directory / "spending.json").read_bytes())
            # Of one day only, as it was written first.
            days = ledger["days"] if "days" in ledger else {ledger["day"]: ledger["usd"]}
            costs = {str(day): float(usd) for day, usd in days.items()}
        except FileNotFoundError:
            return {}
        except (
            *(OSError, ValueError, KeyError, TypeError),
            *(AttributeError, OverflowError, RecursionError),
        ) as error:
            logger.warning("What was spent can't be read: %s", error)
            return {}
        return {day: usd for day, usd in costs.items() if math.isfinite(usd)}

    def _day(self) -> str:
        return self._clock().date().isoformat()

    def _exceeded(self, spent: float, budget: float) -> BudgetExceeded:
        tomorrow = self._clock().date() + timedelta(days=1)
        return BudgetExceeded(
            f"Today's runs have cost ${spent:.2f}, and ${budget:.2f} is what a day may cost. "
            f"It is reset at {tomorrow} 00:00.",
            hint=HINT,
        )
