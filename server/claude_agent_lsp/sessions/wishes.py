"""What one server on this machine wants of another one that has a session, and what that replies.

    <state>/locks/<session id>.wanted    who wants it, once its user has agreed, and what may end
    <state>/locks/<session id>.reply     that it is given, or what else would end with it

The first stands beside the session's lock as long as it is wanted; of a server that is gone it
counts no more. What another user has put there counts for nothing. Everything here touches the
disk: call it in a thread.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_own
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.lock import Holder, parse_holder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Wish:
    """That somebody wants a session.

    Attributes:
        holder: Who.
        stops: Whether a run at work in it may be stopped.
        ends_background: Whether what runs in its background may be ended.
        wish_id: An id of its own.
    """

    holder: Holder
    stops: bool = False
    ends_background: bool = True
    wish_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server that has it makes of a wish.

    Attributes:
        would_end: What runs in its background, and nobody has agreed to end; empty if it is given.
    """

    would_end: str = ""


class Wishes:
    """Which sessions others want.

    Args:
        state_directory: Gives the state directory, which a setting may move.
        me: Who this server is to others.
    """

    def __init__(self, state_directory: Callable[[], Path], me: Holder) -> None:
        self._state_directory = state_directory
        self._me = me

    def make(self, session_id: str, *, stops: bool = False, ends_background: bool = True) -> Wish:
        """Want a session.

        Args:
            session_id: The session.
            stops: Whether the user has agreed that a run at work there is stopped.
            ends_background: Whether they have agreed that what runs in its background is ended.

        Raises:
            OSError: It can't be written down.
        """
        wish = Wish(self._me, stops, ends_background)
        path = self._path(session_id, "wanted")
        make_directory(path.parent)
        more = {"stops": stops, "ends_background": ends_background, "wish": wish.wish_id}
        replace_file(path, json.dumps({**asdict(self._me), **more}).encode())
        return wish

    def withdraw(self, session_id: str) -> None:
        """Want it no longer."""
        wish = self._read(session_id)
        if wish is not None and wish.holder == self._me:
            self._path(session_id, "wanted").unlink(missing_ok=True)
            self._path(session_id, "reply").unlink(missing_ok=True)

    def of_others(self, session_id: str) -> Wish | None:
        """Return what another server that is there wants of a session; None if none does."""
        wish = self._read(session_id)
        theirs = wish is not None and wish.holder != self._me and wish.holder.alive
        return wish if theirs else None

    def reply(self, session_id: str, wish: Wish, would_end: str = "") -> None:
        """Tell who wants a session that it is given, or what would have to end for it.

        Raises:
            OSError: It can't be written down.
        """
        content = {"wish": wish.wish_id, "would_end": would_end}
        replace_file(self._path(session_id, "reply"), json.dumps(content).encode())

    def reply_to(self, session_id: str, wish: Wish) -> Reply | None:
        """Return what was replied to a wish; None as long as nothing was."""
        found = self._content(session_id, "reply")
        if found.get("wish") != wish.wish_id:
            return None
        return Reply(str(found.get("would_end", "")))

    def _read(self, session_id: str) -> Wish | None:
        found = self._content(session_id, "wanted")
        holder = parse_holder(json.dumps(found).encode())
        if holder is None:
            return None
        stops, ends = found.get("stops") is True, found.get("ends_background") is not False
        return Wish(holder, stops, ends, str(found.get("wish", "")))

    def _content(self, session_id: str, kind: str) -> dict[str, Any]:
        try:
            found = parse_json(read_own(self._path(session_id, kind), _MOST_BYTES))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _path(self, session_id: str, kind: str) -> Path:
        return self._state_directory() / "locks" / f"{session_id}.{kind}"
