"""What one run costs: as the CLI says with each result, and about what came since the last one."""

from __future__ import annotations

from claude_agent_lsp.agent.accounts.prices import Estimate


class RunCost:
    """The cost of a run, in US dollars. The CLI (2.1.330) counts that of a whole session.

    Args:
        before: What it says that the session had cost before the run.

    Attributes:
        before: The same.
        noted: What it says that the session has cost by now.
        told: What the run has cost by the last result.
        estimate: What came since.
    """

    def __init__(self, before: float) -> None:
        self.before = self.noted = before
        self.told = 0.0
        self.estimate = Estimate()
        self._left = False
        self._earlier = 0.0
        self._counts_from = before

    @property
    def usd(self) -> float:
        """What the run has cost: a run that was killed, as far as its messages tell."""
        return self.told + self.estimate.usd

    def settle(self, session_usd: float) -> None:
        """Take what the session has cost by a result."""
        self.told = self._earlier + max(0.0, session_usd - self._counts_from)
        self.estimate.settle()
        if not self._left:
            self.noted = session_usd

    def leave_session(self) -> None:
        """Go on in another conversation, for which the CLI counts from nothing."""
        self._earlier = self.told = self.usd
        self.estimate.settle()
        self._counts_from = 0.0
        self._left = True
