"""The permission modes that were set for sessions: by command, or by what the user has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.process.launch import BYPASS
from claude_agent_lsp.errors import RequestFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.run import ActiveRun


class PermissionModes:
    """Each holds for all later runs of its session, as long as this server lives."""

    def __init__(self) -> None:
        self._modes: dict[str, str] = {}

    def chosen_for(self, session_id: str, *, trusted: bool) -> str | None:
        """Return a session's mode, if one was set that holds in its folder."""
        mode = self._modes.get(session_id)
        return None if mode == BYPASS and not trusted else mode

    def remember(self, session_id: str, mode: str) -> None:
        """Remember what the run at work has by now."""
        self._modes[session_id] = mode

    def forget(self, session_id: str) -> None:
        """Remember nothing of a session that is deleted."""
        self._modes.pop(session_id, None)

    def change(
        self,
        session_id: str,
        mode: str,
        run: ActiveRun | None,
        process: AgentProcess | None,
        *,
        lent: bool,
    ) -> Coroutine[None, None, None]:
        """Set a session's mode from now on.

        Args:
            session_id: The session.
            mode: The mode.
            run: Its run at work.
            process: Its process.
            lent: Whether the run has the process.

        Returns:
            What sends it to the CLI. If that refuses, it fails with a `RequestFailed`, and all is
                as it was.
        """
        before = self._modes.get(session_id)
        runs = None if run is None else run.permission_mode
        self._modes[session_id] = mode
        if run is not None:
            run.change_mode(mode)

        async def tell() -> None:
            # A process that wasn't started for it can't bypass: the next run gets a fresh one.
            able = mode != BYPASS or (process is not None and process.launch.may_bypass)
            if process is None or not process.ready or not (able or lent):
                return
            try:
                await process.change(model=process.launch.model, permission_mode=mode)
            except RequestFailed:
                if before is None:
                    self._modes.pop(session_id, None)
                else:
                    self._modes[session_id] = before
                if run is not None and runs is not None:
                    run.change_mode(runs)
                raise

        return tell()
