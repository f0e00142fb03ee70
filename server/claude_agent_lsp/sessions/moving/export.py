"""A session as a document: made, and written where the user wants it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.errors import InvalidArgument, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.moving.page import as_page
from claude_agent_lsp.sessions.reading.markdown import as_markdown
from claude_agent_lsp.sessions.reading.reading import read_messages
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.session import Session

# How long a text may be in an answer.
TEXT_BYTES: Final = 8 << 20


def exported(session: Session, form: str, state: Path) -> bytes:
    """Return a session as a document.

    Args:
        session: The session.
        form: "markdown" or "html", to be read, or "jsonl", byte for byte as the CLI wrote it.
        state: The state directory, for what the CLI has no longer.

    Raises:
        SessionNotFound: It has just gone.
    """
    if form == "jsonl":
        path = find_transcript(session.session_id) or KeptCopies(state).find(session.session_id)
        try:
            if path is None:
                return b""
            with open_transcript(path) as file:
                return file.read()
        except FileNotFoundError:
            raise SessionNotFound(f"There is no session {session.session_id}.") from None
    messages = read_messages(session.session_id, state)
    write = as_page if form == "html" else as_markdown
    return write(session, messages).encode(errors="replace")


def text_of(content: bytes) -> str:
    """Return a document as it stands in an answer; call it in a thread.

    Raises:
        InvalidArgument: It is too long for that.
    """
    if len(content) > TEXT_BYTES:
        raise InvalidArgument(
            f"uri: expected a file to write, since the session is longer than {TEXT_BYTES >> 20} "
            "MiB, which no answer holds."
        )
    return content.decode(errors="replace")


def write_export(path: Path, content: bytes) -> None:
    """Write a file in one step. Only a regular file is ever replaced: no link, no device.

    Raises:
        InvalidArgument: Something else is there, or there is no directory for it.
        StoreUnavailable: It can't be written.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise InvalidArgument(
                f"uri: expected a file in an existing folder, and {path.parent} is not one."
            ) from None
    except OSError as error:
        raise _refusal(path, error) from error
    else:
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InvalidArgument(f"uri: expected a file to write, {path} is {what}.")
    try:
        replace_file(path, content)
    except OSError as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path} can't be written: {error.strerror or error}.",
        hint="Choose another file, or omit `uri` to get the text.",
    )
