"""Changes to a session as a whole: its title, its tag, a copy of it, its end.

The SDK writes titles, tags and copies, as lines that the CLI's own lists read. Everything here
writes files: call it in a thread.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

import claude_agent_sdk as sdk

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.errors import InvalidArgument, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.catalogue.search.words import forget_words
from claude_agent_lsp.sessions.journal import transcript_facts
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.run_records import RunRecords
from claude_agent_lsp.sessions.reading.prose import prose
from claude_agent_lsp.sessions.reading.reading import line_of, said_behind
from claude_agent_lsp.sessions.session_files import remove_files_of
from claude_agent_lsp.sessions.sharing.sync_state import SyncState
from claude_agent_lsp.sessions.transcripts.sdk_view import entries_in
from claude_agent_lsp.sessions.transcripts.transcript import config_directory, find_transcript

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.workspace.state import State

T = TypeVar("T")


def rename(session_id: str, title: str) -> None:
    """Set a session's title.

    Raises:
        SessionNotFound: There is no such session.
        StoreUnavailable: Its transcript can't be written.
    """
    _changed(session_id, lambda: sdk.rename_session(session_id, title))


def tag(session_id: str, word: str | None) -> None:
    """Set a session's tag; None clears it.

    Raises:
        InvalidArgument: Nothing of the tag can be seen.
        SessionNotFound: There is no such session.
        StoreUnavailable: Its transcript can't be written.
    """
    try:
        _changed(session_id, lambda: sdk.tag_session(session_id, word))
    except ValueError:
        raise InvalidArgument("tag: expected visible text, or null.") from None


def fork(session_id: str, state: Path, at: str | None = None, title: str | None = None) -> str:
    """Copy a session.

    Args:
        session_id: The session.
        state: The state directory: the copy tells of what its runs knew, too.
        at: Its last message that the copy has; None copies them all.
        title: The copy's title; left out, that of the session with "(fork)" behind it.

    Returns:
        The id of the copy.

    Raises:
        InvalidArgument: It has no message `at`, or holds what the SDK can't read.
        SessionNotFound: There is no such session, or nothing was said in it yet.
        StoreUnavailable: The copy can't be written.
    """
    line = None if at is None else line_of(session_id, at, state, "at")
    try:
        copy = _changed(
            session_id,
            lambda: sdk.fork_session(session_id, up_to_message_id=line, title=title),
        )
    except RecursionError:
        # The SDK's parser of JSON calls itself for each level.
        raise InvalidArgument(
            f"sessionId: expected a session that can be copied, and {session_id} holds what is "
            "nested too deep. It can be exported."
        ) from None
    except ValueError as error:
        raise SessionNotFound(
            f"The session {session_id} can't be copied: {error}.",
            hint="Send a query in it first.",
        ) from error
    with contextlib.suppress(OSError):  # a disk without room costs what runs knew, and no copy
        until = None if line is None else said_behind(session_id, line)
        runs = RunRecords(lambda: state)
        runs.copy(session_id, copy.session_id, until, names_in(copy.session_id))
    return copy.session_id


def names_in(copy_id: str) -> dict[str, str]:
    """Return under which ids a copy has the lines of the session."""
    transcript = find_transcript(copy_id)
    entries = [] if transcript is None else entries_in(read_regular(transcript, None))
    return {
        source["messageUuid"]: entry["uuid"]
        for entry in entries
        if isinstance(source := entry.get("forkedFrom"), dict)
    }


def delete(session_id: str, state: State, index: Index) -> None:
    """Remove a session, with everything that it has on disk but for its lock, which the caller has.

    Args:
        session_id: The session.
        state: Knows it as a folder's current one, or as one that was begun.
        index: Has its title and its prompts.

    Raises:
        SessionNotFound: There is no such session.
        StoreUnavailable: Some of it can't be removed, or it is still in a shared store.
    """
    _changed(session_id, lambda: _delete(session_id, state, index))


def _delete(session_id: str, state: State, index: Index) -> None:
    kept = KeptCopies(state.directory)
    if (
        find_transcript(session_id) is None
        and kept.find(session_id) is None
        and not Journal(lambda: state.directory).read(session_id).turns
    ):
        raise FileNotFoundError(session_id)
    SyncState(lambda: state.directory).throw_if_shared(session_id)
    with kept.excluded(session_id), contextlib.ExitStack() as forgetting:
        # Each of them, whatever becomes of the others.
        for forget in what_knows(state, index):
            forgetting.callback(forget, session_id)
        remove_files_of(session_id, state.directory)


def what_knows(state: State, index: Index) -> tuple[Callable[[str], object], ...]:
    """Return how to forget what is known of a session and has no file of its own.

    Whatever is added to what a session has is named here, or in `session_files`.
    """
    return (
        state.forget,
        index.forget,
        lambda session_id: forget_words(session_id, state.directory),
        transcript_facts.forget,
        lambda _: prose.cache_clear(),
    )


def _changed(session_id: str, change: Callable[[], T]) -> T:
    try:
        return change()
    except FileNotFoundError:
        raise SessionNotFound(f"There is no session {session_id}.") from None
    except OSError as error:
        raise StoreUnavailable(
            f"The session {session_id} can't be changed: {error.strerror or error}.",
            hint=f"Check the permissions of {config_directory() / 'projects'}.",
        ) from error
