"""Documents that the server has the editor open, and how it learns that they are closed."""

from __future__ import annotations

import asyncio
import glob
import logging
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.uris import uri_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.lsp.editor import Editor

logger = logging.getLogger(__name__)

# An editor opens a document at once, or after its user has agreed; one that never answers is told
# where it is.
OPEN_SECONDS: Final = 60.0


def write_document(path: Path, text: str) -> None:
    """Write a document below the state directory; call it in a thread.

    Raises:
        OSError: It can't be written.
    """
    make_directory(path.parent)
    replace_file(path, text.encode(errors="replace"))


async def open_document(editor: Editor, path: Path, line: int) -> bool:
    """Open a file in the editor at a line, counted from 0; return whether the editor did."""
    if not editor.profile.show_document:
        return False
    place = types.Position(line, 0)
    params = types.ShowDocumentParams(
        uri=uri_of(path), take_focus=True, selection=types.Range(place, place)
    )
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            result = await editor.request(types.WINDOW_SHOW_DOCUMENT, params)
    except Exception:
        logger.exception("The editor did not open %s", path)
        return False
    return bool(getattr(result, "success", False))


async def ask_for_closing(editor: Editor, directory: Path) -> None:
    """Ask the editor to notify of each document below a directory that it closes, if it can."""
    if not editor.profile.dynamic_synchronization:
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
        await editor.request(
            types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams(registrations)
        )
    except Exception as error:  # noqa: BLE001 - the newest are followed, then
        logger.info("The editor does not report closed documents: %s", error)
