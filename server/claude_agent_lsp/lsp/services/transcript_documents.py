"""The transcript as a document that the editor opens."""

from __future__ import annotations

import asyncio
import glob
import importlib
import logging
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.agent.events import Started, Text, Thinking
from claude_agent_lsp.base.files import replace_file
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event, Run
    from claude_agent_lsp.lsp.server import AgentServer
    from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue

logger = logging.getLogger(__name__)

# Between two looks of an editor at a document that grows.
REWRITE_SECONDS: Final = 1.0
# An editor opens a document at once, or after its user has agreed; one that never answers is told
# where it is.
OPEN_SECONDS: Final = 60.0
# How many documents are followed at the same time: more than anybody looks at.
MOST_FOLLOWED: Final = 16


async def show_transcript(
    server: AgentServer, run: Run, catalogue: Catalogue, directory: Path
) -> None:
    """Write the session of `run` as Markdown below `directory`, and open it in the editor.

    Each run has a file of its own: Helix shows a document that it has open as it is, whatever has
    become of the file. An editor that opens no documents is told where it is.
    """
    path = directory / "transcripts" / f"{run.session_id}-{run.run_id[:8]}.md"
    try:
        line = await disk.run(write_transcript, catalogue, run.session_id, path)
        await disk.run(_remove_others, path, run.session_id)
    except Exception as error:
        logger.exception("No transcript of %s", run.session_id)
        text = f"The transcript could not be written ({error}). The agent says: {run.text}"
        server.tell(types.MessageType.Error, text)
        return
    if not await open_document(server, path, line):
        server.tell(types.MessageType.Info, f"The agent's answer is in {path}")


async def open_document(server: AgentServer, path: Path, line: int) -> bool:
    """Open a file in the editor at a line, counted from 0; returns whether the editor did."""
    if not server.profile.show_document:
        return False
    place = types.Position(line, 0)
    params = types.ShowDocumentParams(
        uri=uri_of(path), take_focus=True, selection=types.Range(place, place)
    )
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            result = await server.protocol.ask(types.WINDOW_SHOW_DOCUMENT, params)
    except Exception:
        logger.exception("The editor did not open %s", path)
        return False
    return bool(getattr(result, "success", False))


async def ask_for_closing(server: AgentServer, directory: Path) -> None:
    """Ask the editor to tell when it closes a document below a directory, if it can be asked."""
    if not server.profile.dynamic_synchronization:
        return
    pattern = f"{glob.escape(str(directory))}/*.md"
    selector = [types.TextDocumentFilterPattern(scheme="file", pattern=pattern)]
    options = types.TextDocumentRegistrationOptions(document_selector=selector)
    registrations = [
        types.Registration(id=f"{method} {directory}", method=method, register_options=options)
        # One comes with the other, by the specification.
        for method in (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CLOSE)
    ]
    try:
        await server.protocol.send_request_async(
            types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams(registrations)
        )
    except Exception as error:  # noqa: BLE001 - the newest are followed, then
        logger.info("The editor will not tell of closed documents: %s", error)


def write_transcript(catalogue: Catalogue, session_id: str, path: Path) -> int:
    """Write a session as Markdown below the state directory; call it in a thread.

    Returns:
        The line, from 0, where the last prompt stands.

    Raises:
        OSError: It can't be written.
        SessionNotFound: There is no such session.
    """
    export = importlib.import_module("claude_agent_lsp.sessions.reading.export")
    content: bytes = export.exported(catalogue.session(session_id), "markdown", path.parent.parent)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, content)
    try:
        catalogue.session(session_id)
    except SessionNotFound:  # deleted meanwhile, and its documents with it
        path.unlink(missing_ok=True)
        raise
    return content.count(b"\n", 0, content.rfind(b"\n## You")) + 1


def _remove_others(path: Path, session_id: str) -> None:
    for older in path.parent.glob(f"{session_id}-*.md"):
        if older != path:
            older.unlink(missing_ok=True)


class GrowingDocuments:
    """Transcripts that the editor has open, written anew while runs go on with their sessions.

    One is written until the editor closes it or its session is deleted. Not every editor tells that
    it has closed a document, so only the newest are followed.

    Args:
        rewrite: Writes a session's document; it is called in a thread.
    """

    def __init__(self, rewrite: Callable[[str], object]) -> None:
        self._rewrite = rewrite
        # In the order in which they were shown; of each session, its document's name.
        self._shown: dict[str, str] = {}
        self._due: set[str] = set()
        self._at_work: dict[str, asyncio.Task[None]] = {}

    def add(self, session_id: str, path: Path) -> None:
        """The editor has just opened the document of this session."""
        self._shown.pop(session_id, None)
        self._shown[session_id] = path.name
        while len(self._shown) > MOST_FOLLOWED:
            self.remove(next(iter(self._shown)))

    def remove(self, session_id: str) -> None:
        """Follow a session no longer."""
        self._shown.pop(session_id, None)
        self._due.discard(session_id)

    def closed(self, path: Path) -> None:
        """The editor has closed a document, whichever it is."""
        # An editor may name its folder in another way, with links followed say.
        for session_id in [each for each, name in self._shown.items() if name == path.name]:
            self.remove(session_id)

    def follower(self) -> Callable[[Event], None]:
        """What a run's events are to be told to."""
        session_id = message_id = ""

        def follow(event: Event) -> None:
            nonlocal session_id, message_id
            if isinstance(event, Started):
                session_id = event.run.session_id
            if isinstance(event, Text | Thinking):
                if event.message_id == message_id:
                    return  # it is not over
                message_id = event.message_id
            if session_id in self._shown:
                self._has_grown(session_id)

        return follow

    def _has_grown(self, session_id: str) -> None:
        self._due.add(session_id)
        if session_id not in self._at_work:
            task = asyncio.create_task(self._keep_up(session_id))
            self._at_work[session_id] = task
            task.add_done_callback(lambda _: self._at_work.pop(session_id))

    async def _keep_up(self, session_id: str) -> None:
        while session_id in self._due:
            self._due.discard(session_id)
            try:
                await disk.run(self._rewrite, session_id)
            except (OSError, SessionNotFound) as error:
                logger.warning("The document of %s stays as it is: %s", session_id, error)
            await asyncio.sleep(REWRITE_SECONDS)
