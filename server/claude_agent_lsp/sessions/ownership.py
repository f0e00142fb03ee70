"""One run at a time works in a session."""

from __future__ import annotations

from claude_agent_lsp.errors import SessionBusy


class Ownership:
    """Which run of this server has which session."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def owner(self, session_id: str) -> str | None:
        """The id of the run at work in a session, or None."""
        return self._owners.get(session_id)

    def claim(self, session_id: str, run_id: str) -> None:
        """Give a session to a run until `release`.

        Raises:
            SessionBusy: Another run has it.
        """
        owner = self._owners.get(session_id)
        if owner is not None:
            raise SessionBusy(f"The run {owner} is at work in the session {session_id}.")
        self._owners[session_id] = run_id

    def release(self, session_id: str, run_id: str) -> None:
        """Give it back, if the run has it."""
        if self._owners.get(session_id) == run_id:
            del self._owners[session_id]
