"""The transcript as a document, for editors that drop a command's result."""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.workspace.files import replace_file
from claude_agent_lsp.workspace.uris import uri_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.agent.events import Run
    from claude_agent_lsp.lsp.server import AgentServer
    from claude_agent_lsp.sessions.journal import Journal

logger = logging.getLogger(__name__)


async def show_transcript(server: AgentServer, run: Run, directory: Path) -> None:
    """Write the session of `run` as Markdown below `directory`, and open it in the editor.

    Each run has a file of its own: Helix shows a document that it has open as it is, whatever has
    become of the file. An editor that opens no documents is told where it is.
    """
    path = directory / "transcripts" / f"{run.session_id}-{run.run_id[:8]}.md"
    try:
        line = await asyncio.to_thread(_write, path, run, server.agent.journal)
    except OSError as error:
        text = f"The transcript could not be written ({error}). The agent says: {run.text}"
        server.tell(types.MessageType.Error, text)
        return
    if not await _opened(server, path, line):
        server.tell(types.MessageType.Info, f"The agent's answer is in {path}")


async def _opened(server: AgentServer, path: Path, line: int) -> bool:
    if not server.profile.show_document:
        return False
    place = types.Position(line, 0)
    params = types.ShowDocumentParams(
        uri=uri_of(path), take_focus=True, selection=types.Range(place, place)
    )
    try:
        result = await server.protocol.send_request_async(types.WINDOW_SHOW_DOCUMENT, params)
    except Exception:
        logger.exception("The editor did not open %s", path)
        return False
    return bool(getattr(result, "success", False))


def _write(path: Path, run: Run, journal: Journal) -> int:
    """Write the transcript; returns the line, from 0, where the last prompt stands."""
    reading = importlib.import_module("claude_agent_lsp.sessions.reading")
    markdown = importlib.import_module("claude_agent_lsp.sessions.markdown")
    text: str = markdown.as_markdown(
        run.session_id, run.workspace, reading.read_messages(run.session_id, journal)
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, text.encode(errors="replace"))
    for older in path.parent.glob(f"{run.session_id}-*.md"):
        if older != path:
            older.unlink(missing_ok=True)
    return text.count("\n", 0, text.rfind("\n## You ")) + 1
