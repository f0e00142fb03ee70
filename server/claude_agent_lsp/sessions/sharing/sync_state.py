"""How far each session has been mirrored, kept across restarts.

    <state>/shared/<session id>.json

A file says which place in each of a session's files a store has, and whether it may lack more. It
is a memory that saves work: where it is missing or wrong, the store is asked.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.sharing.line_codec import BEGIN, Place
from claude_agent_lsp.sessions.sharing.stores.store import Mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_sdk import SessionKey

logger = logging.getLogger(__name__)


@dataclass
class Mirrored:
    """What is known of a session's copy.

    Attributes:
        store: Which store it is in, without its password.
        project_key: Its folder's name there.
        folder: Its folder's real path here.
        pending: Whether the store may lack something.
        places: How far each file has come; the transcript's name is empty.
        token: The claim that it was last sent under; 0 if it never was from here.
    """

    session_id: str
    store: str
    project_key: str
    folder: str
    pending: bool = True
    places: dict[str, Place] = field(default_factory=dict)
    token: int = 0

    def key(self, subpath: str = "") -> SessionKey:
        """Return what one of its transcripts is called in the store."""
        key: SessionKey = {"project_key": self.project_key, "session_id": self.session_id}
        return {**key, "subpath": subpath} if subpath else key

    def place(self, subpath: str) -> Place:
        """Return how far a file has come."""
        return self.places.get(subpath, BEGIN)


class SyncState:
    """Reads and writes them. Its calls touch the disk: make them in a thread.

    Args:
        state_directory: Returns the state directory, which a setting may move.
    """

    def __init__(self, state_directory: Callable[[], Path]) -> None:
        self._state_directory = state_directory

    def read(self, session_id: str, store: str) -> Mirrored | None:
        """Return what is known of a session in this store."""
        found = self.find(session_id)
        return found if found is not None and found.store == store else None

    def find(self, session_id: str) -> Mirrored | None:
        """Return what is known of a session, whichever store it was sent to last."""
        try:
            return _parsed(read_regular(self._path(session_id)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s is ignored: %s", self._path(session_id), error)
            return None

    def throw_if_shared(self, session_id: str) -> None:
        """Refuse to delete a session here alone: its copy in a store would bring it back.

        Raises:
            StoreUnavailable: A store has something of it, or may have.
        """
        path = self._path(session_id)
        if os.path.lexists(path):
            raise StoreUnavailable(
                f"The session {session_id} is also in a shared store that is not set here.",
                hint=(
                    "Delete it in an editor in which that store is set, with the session's folder "
                    f"open. If the store is gone for good, remove {path} first."
                ),
            )

    def write(self, mirrored: Mirrored) -> None:
        """Keep it.

        Raises:
            StoreUnavailable: It could not be written.
        """
        path = self._path(mirrored.session_id)
        content = asdict(mirrored)
        try:
            make_directory(path.parent)
            replace_file(path, json.dumps(content).encode())
        except OSError as error:
            raise StoreUnavailable(f"{path} cannot be written: {error.strerror}.") from error

    def forget(self, session_id: str) -> None:
        """Keep nothing of a session any more."""
        with contextlib.suppress(OSError):
            self._path(session_id).unlink()

    def known(self, store: str) -> list[Mirrored]:
        """Return what is known of all sessions in a store."""
        paths = sorted((self._state_directory() / "shared").glob("*.json"))
        found = (self.read(path.stem, store) for path in paths)
        return [mirrored for mirrored in found if mirrored is not None]

    def _path(self, session_id: str) -> Path:
        return self._state_directory() / "shared" / f"{session_id}.json"


def _parsed(content: bytes) -> Mirrored:
    known = json.loads(content)
    places = {
        str(subpath): Place(
            int(place["offset"]),
            Mark(int(place["mark"]["lines"]), str(place["mark"]["digest"])),
            str(place["tail"]),
        )
        for subpath, place in known["places"].items()
    }
    return Mirrored(
        session_id=str(known["session_id"]),
        store=str(known["store"]),
        project_key=str(known["project_key"]),
        folder=str(known["folder"]),
        pending=bool(known["pending"]),
        places=places,
        token=int(known.get("token", 0)),
    )
