"""Which sessions a folder has.

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_sdk import get_session_info, list_sessions

from claude_agent_lsp.errors import InvalidArgument, SessionNotFound
from claude_agent_lsp.sessions.transcript import SYNTHETIC, find_transcript, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from claude_agent_sdk import SDKSessionInfo

# How much of a transcript's tail tells how it ended.
TAIL_BYTES: Final = 65_536
INTERRUPTED: Final = b"[Request interrupted by user"
# How the CLI (2.1.330) calls itself in a terminal: interactive, and with `-p`.
TERMINAL: Final = (b"cli", b"sdk-cli")
_ENTRYPOINT = re.compile(rb'"entrypoint":"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation in one folder, under one id that never changes."""

    session_id: str
    title: str
    first_prompt: str | None
    tag: str | None
    workspace: Path
    git_branch: str | None
    created_at: datetime | None
    last_modified: datetime
    running: bool
    current: bool
    interrupted: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a folder's sessions, newest first, and where the next ones begin."""

    sessions: tuple[Session, ...]
    next_cursor: str | None


class Catalogue:
    """The sessions of folders, as the CLI has them on disk.

    Args:
        running: Whether a run is at work in a session.
        current: A folder's current session.
        open_folders: The folders that are told as they are spelled here; the CLI follows links.
        shared_only: The sessions of a folder that are nowhere but in a shared store: it is given
            the ids of those that are here.
    """

    def __init__(
        self,
        running: Callable[[str], bool],
        current: Callable[[Path], str | None],
        open_folders: Iterable[Path] = (),
        shared_only: Callable[[Path, frozenset[str]], Iterable[Session]] | None = None,
    ) -> None:
        self._shared_only = shared_only
        self._running = running
        self._current = current
        self._open = {os.path.realpath(folder): folder for folder in open_folders}

    def page(
        self,
        folder: Path,
        *,
        search: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """List a folder's sessions and those of its repository's other worktrees.

        Args:
            folder: The folder.
            search: Words that title or first prompt must hold, whatever their case.
            tag: The tag they must have.
            limit: How many at most.
            cursor: `next_cursor` of the page before. It stays right while sessions come and go.

        Raises:
            InvalidArgument: The cursor is none of ours.
        """
        infos = list_sessions(str(folder))
        found: list[tuple[tuple[int, str], SDKSessionInfo | Session]] = [
            (_newest_first(info.last_modified, info.session_id), info) for info in infos
        ]
        if self._shared_only is not None:
            here = frozenset(info.session_id for info in infos)
            for one in self._shared_only(folder, here):
                modified = round(one.last_modified.timestamp() * 1000)
                found.append((_newest_first(modified, one.session_id), one))
        after = None if cursor is None else _read_cursor(cursor)
        words = (search or "").casefold().split()
        found = [
            (place, one)
            for place, one in sorted(found, key=lambda each: each[0])
            if (after is None or place > after)
            and tag in (None, one.tag)
            and _holds(_text_of(one), words)
        ]
        page = found[:limit]
        more = len(found) > limit
        return Page(
            tuple(
                one if isinstance(one, Session) else self._session(one, folder) for _, one in page
            ),
            _cursor(page[-1][0]) if more and page else None,
        )

    def session(self, session_id: str) -> Session:
        """One session, whatever its folder.

        Raises:
            SessionNotFound: The CLI has none under this id.
        """
        info = get_session_info(session_id)
        path = find_transcript(session_id)
        if info is None or path is None:
            raise SessionNotFound(f"There is no session {session_id}.")
        return self._session(info, folder_of(path) or path.parent)

    def belongs(self, session_id: str, folder: Path) -> bool:
        """Whether the CLI has this session, and it is one of `folder`.

        Raises:
            SessionNotFound: It has it in another folder. The CLI would resume it from anywhere
                and go on in this folder (2.1.330); but a session is a conversation in one folder.
        """
        path = find_transcript(session_id)
        if path is None:
            return False
        begun_in = folder_of(path)
        if begun_in is not None and begun_in.resolve() != folder.resolve():
            raise SessionNotFound(
                f"The session {session_id} is one of {begun_in}, not of {folder}.",
                hint="Open that folder, or name it as `workspace`.",
            )
        return True

    def _session(self, info: SDKSessionInfo, folder: Path) -> Session:
        workspace = Path(info.cwd or folder)
        workspace = self._open.get(os.path.realpath(workspace), workspace)
        path = find_transcript(info.session_id)
        return Session(
            session_id=info.session_id,
            title=info.custom_title or info.summary,
            first_prompt=info.first_prompt,
            tag=info.tag,
            workspace=workspace,
            git_branch=info.git_branch,
            created_at=_moment(info.created_at) if info.created_at else None,
            last_modified=_moment(info.last_modified),
            running=self._running(info.session_id),
            current=self._current(workspace) == info.session_id,
            interrupted=path is not None and _was_interrupted(path),
            origin="terminal" if path is not None and _entrypoint(path) in TERMINAL else "editor",
        )


def _newest_first(last_modified: int, session_id: str) -> tuple[int, str]:
    return (-last_modified, session_id)


def _text_of(one: SDKSessionInfo | Session) -> str:
    if isinstance(one, Session):
        return f"{one.title} {one.first_prompt or ''}"
    return f"{one.custom_title or ''} {one.summary} {one.first_prompt or ''}"


def _holds(text: str, words: Iterable[str]) -> bool:
    text = text.casefold()
    return all(word in text for word in words)


def _cursor(place: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        match json.loads(base64.urlsafe_b64decode(cursor.encode())):
            case [int(modified), str(session_id)]:
                return modified, session_id
    except (ValueError, RecursionError):
        pass
    raise InvalidArgument("cursor: expected `nextCursor` of an earlier answer.")


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _entrypoint(path: Path) -> bytes | None:
    """What the session was begun with, as its first turn tells."""
    with path.open("rb") as file:
        for line in file:
            if found := _ENTRYPOINT.search(line):
                return found[1]
    return None


def _was_interrupted(path: Path) -> bool:
    """Whether the last line of a turn says that the user stopped it."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read().splitlines()
    for line in reversed(lines):
        # A resume puts an answer of its own behind the mark.
        turn = b'"type":"user"' in line or b'"type":"assistant"' in line
        if turn and SYNTHETIC.encode() not in line:
            return INTERRUPTED in line
    return False
