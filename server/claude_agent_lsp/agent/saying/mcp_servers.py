"""The state of the MCP servers, as far as a user has to know it: whose tools are missing, and why.

    prompt sent ──▶ the CLI waits for servers ──▶ the turn begins ──▶ those that are late connect
                       told after 2 s               told what is missing     told that they have

The CLI (2.1.330) has a session's first prompt wait for its servers, and says nothing meanwhile. It
begins each turn with how they all are, without the reasons; these it tells when it is asked, also
while it waits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Level
from claude_agent_lsp.agent.saying.notices import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from claude_agent_lsp.agent.saying.notices import Notices

LOOK_SECONDS: Final = 2.0
CONNECTED: Final = "connected"
PENDING: Final = "pending"


class McpWatch:
    """Tells the user of servers that are late, gone, or there after all, for one turn.

    Args:
        ask: Asks the CLI how its servers are.
        told: What the user knows of the process's servers: the states of those that aren't there.
        notices: Takes what there is to tell.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[Any]], told: dict[str, str], notices: Notices
    ) -> None:
        self._ask = ask
        self._told = told
        self._notices = notices
        self._waited_for: set[str] = set()
        self._begun = self._stopped = False
        self._timer: asyncio.TimerHandle | None = None

    def expect(self) -> None:
        """Look for what the CLI waits for, if the turn has not begun soon."""
        self._look_later()

    def begin(self, servers: object) -> None:
        """Note that a turn begins, with these servers."""
        self._begun = True
        self._cancel_look()
        states = dict(_states_in(servers))
        if any(_tells(self._told.get(name), state) for name, state in states.items()):
            self._look()
        elif PENDING in states.values():
            self._look_later()

    def stop(self) -> None:
        """Tell nothing more."""
        self._stopped = True
        self._cancel_look()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _cancel_look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        asyncio.ensure_future(self._ask()).add_done_callback(self._take)

    def _take(self, asked: asyncio.Future[Any]) -> None:
        if asked.cancelled() or asked.exception() is not None or self._stopped:
            return  # whoever owns the process learns why
        answer = asked.result()
        servers = answer.get("mcpServers") if isinstance(answer, dict) else None
        states = dict(_states_in(servers))
        if self._begun:
            self._tell_states(states, dict(_errors_in(servers)))
        else:
            self._tell_wait([name for name, state in states.items() if state == PENDING])
        if PENDING in states.values() and self._timer is None:
            self._look_later()

    def _tell_wait(self, pending: list[str]) -> None:
        if new := [name for name in pending if name not in self._waited_for]:
            self._waited_for.update(new)
            self._notices.tell(Level.INFO, f"Waiting for {_named(new)} to connect.")

    def _tell_states(self, states: dict[str, str], errors: dict[str, str]) -> None:
        for name, state in states.items():
            if not _tells(self._told.get(name), state):
                continue
            if state == CONNECTED:
                del self._told[name]
                text = f"{_named([name])} has connected: its tools are there now."
                self._notices.tell(Level.INFO, _capital(text))
            else:
                self._told[name] = state
                text = f"{_named([name])} {_trouble(state, errors.get(name))}"
                self._notices.tell(Level.WARNING, _capital(text))


def _tells(known: str | None, state: str) -> bool:
    """Return whether a server's state is news to somebody who knows of another one, or of none."""
    if state == CONNECTED:
        return known is not None
    return state in _TROUBLES and known != state


def _states_in(servers: object) -> Iterable[tuple[str, str]]:
    for server in servers if isinstance(servers, list) else ():
        if isinstance(server, dict) and isinstance(server.get("name"), str):
            yield server["name"], str(server.get("status"))


def _errors_in(servers: object) -> Iterable[tuple[str, str]]:
    for server in servers if isinstance(servers, list) else ():
        if isinstance(server, dict) and isinstance(server.get("error"), str):
            yield str(server.get("name")), server["error"]


def _named(names: list[str]) -> str:
    quoted = ", ".join(f"“{shown(name)}”" for name in names)
    return f"the MCP server{'s' if len(names) > 1 else ''} {quoted}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_TROUBLES: Final = {
    PENDING: "has not connected yet{}: its tools are missing until it has.",
    "failed": "could not be connected to{}: its tools are missing.",
    "needs-auth": "needs you to log in{}: its tools are missing. Run `claude` in a terminal, and "
    "there /mcp.",
}


def _trouble(state: str, error: str | None) -> str:
    why = f" ({shown(error).rstrip('.')})" if error else ""
    return _TROUBLES[state].replace("{}", why)
