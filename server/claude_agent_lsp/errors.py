"""What can go wrong, as one tree.

    AgentLspError
    ├── InvalidArgument            the request is wrong; nothing has been started
    └── RequestFailed              it failed while it ran; each has a `reason`
        ├── CliNotFound            cliNotFound
        ├── CliFailedToStart       cliFailedToStart
        ├── NotAuthenticated       notAuthenticated
        ├── WorkspaceNotFound      workspaceNotFound
        ├── SessionNotFound        sessionNotFound
        │   └── SessionMoved       sessionNotFound
        ├── SessionBusy            sessionBusy
        ├── Conflict               conflict
        ├── NoRepository           noRepository
        ├── NothingChanged         nothingChanged
        ├── ModelError             modelError
        ├── RateLimited            rateLimited
        ├── BudgetExceeded         budgetExceeded
        ├── TurnLimit              turnLimit
        ├── TimedOut               timedOut
        ├── ProcessDied            processDied
        ├── StoreUnavailable       storeUnavailable
        ├── UnsupportedByClient    unsupportedByClient
        └── Internal               internal

Every message is a sentence about what happened; every hint is a sentence that tells the user
what to do. Both are shown as they are.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from pathlib import Path

_NO_DESCRIPTORS: Final = {errno.EMFILE, errno.ENFILE}
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}
_NO_MEMORY: Final = {errno.ENOMEM, errno.EAGAIN}


class AgentLspError(Exception):
    """Base of every error that this project raises on purpose."""


class InvalidArgument(AgentLspError):
    """An argument is missing, unknown, of the wrong type or out of range.

    The message names the field and says what was expected.
    """


class RequestFailed(AgentLspError):
    """Something failed while it ran.

    Args:
        message: What happened, one sentence.
        hint: What the user can do about it, one sentence; left out, the class's own.
    """

    reason: ClassVar[str] = "internal"
    default_hint: ClassVar[str] = (
        "See the server's log, or start the server with --log-level debug."
    )

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint or self.default_hint


def hint_for(error: BaseException | None) -> str | None:
    """Return what to do about what the machine has run out of; None if it is nothing of the kind.

    Args:
        error: An error, which may have been caused by one of the system.
    """
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if number in _NO_DESCRIPTORS:
            return (
                "The server may open no more files: lower maxProcesses, or raise the limit "
                "(`ulimit -n`) where the editor is started."
            )
        if number in _NO_ROOM:
            return "The disk is full: make room on it, then try again."
        if number in _NO_MEMORY:
            return "The machine has no memory or no processes left: end some, then try again."
        error = error.__cause__ or error.__context__
    return None


class CliNotFound(RequestFailed):
    """There is no `claude` executable where the settings or the SDK look for it."""

    reason = "cliNotFound"
    default_hint = (
        "Correct the setting claudeAgent.cliPath, or unset it to use the CLI that comes with "
        "the server. `claude-agent-lsp doctor` shows which one is used."
    )


class CliFailedToStart(RequestFailed):
    """The executable is there, but it could not be run or does not speak the CLI's protocol."""

    reason = "cliFailedToStart"
    default_hint = "Run `claude-agent-lsp doctor` to see what is wrong with the CLI."


class NotAuthenticated(RequestFailed):
    """The API key or the login was refused."""

    reason = "notAuthenticated"
    default_hint = (
        "Run `claude-agent-lsp login`, or `claude`, in a terminal, or set ANTHROPIC_API_KEY to a "
        "valid key."
    )


class WorkspaceNotFound(RequestFailed):
    """The folder is not open in the editor or does not exist, or several may be meant."""

    reason = "workspaceNotFound"
    default_hint = "Open the folder in the editor, or pass an open folder as `workspace`."


class NotTrusted(RequestFailed):
    """It could run code that a folder brings along, and the user does not trust that folder."""

    reason = "notTrusted"
    default_hint = (
        "Trust the folder with claudeAgent.trust {trusted: true}, if you trust its authors."
    )


class SessionNotFound(RequestFailed):
    """There is no such session in this folder."""

    reason = "sessionNotFound"
    default_hint = "List the sessions of a folder with claudeAgent.session.list."


class SessionMoved(SessionNotFound):
    """Its folder is gone: it may go on in another one, if the user agrees.

    Args:
        message: What happened.
        session_id: The session.
        begun_in: The folder that is gone.
    """

    default_hint = "Go on with it in this folder: name it in a query, or select it, and agree."

    def __init__(self, message: str, session_id: str, begun_in: Path) -> None:
        super().__init__(message)
        self.session_id = session_id
        self.begun_in = begun_in


class SessionBusy(RequestFailed):
    """Another run is at work in the session."""

    reason = "sessionBusy"
    default_hint = "Wait until that run has ended, stop it, or go on in a fork of the session."


class SessionAtWork(SessionBusy):
    """It is a run of this very server, or one that waits for the session: one can wait for it."""

    def __init__(self, message: str, session_id: str) -> None:
        super().__init__(message)
        self.session_id = session_id


class SessionKept(SessionBusy):
    """Another server keeps it for what runs in its background, and may give it.

    Args:
        message: What happened.
        session_id: The session.
        keeper: Who keeps it: an editor, and its server's process.
        waits_for: What it waits for.
    """

    def __init__(self, message: str, session_id: str, *, keeper: str, waits_for: str) -> None:
        super().__init__(message)
        self.session_id = session_id
        self.keeper = keeper
        self.waits_for = waits_for


class Conflict(RequestFailed):
    """A file is not as the agent left it; nothing was touched."""

    reason = "conflict"
    default_hint = (
        "Restore the file yourself or move it away, then rewind again; nothing was changed."
    )


class NoRepository(RequestFailed):
    """The folder is in no git repository."""

    reason = "noRepository"
    default_hint = "Open a folder of a git repository, or make one of it: git init."


class NothingChanged(RequestFailed):
    """There is nothing that a commit's message, or a review, could be about."""

    reason = "nothingChanged"
    default_hint = "Change something first."


class ModelError(RequestFailed):
    """The Messages API answered with an error, or could not be reached."""

    reason = "modelError"
    default_hint = "Try again in a moment; the session is unchanged."


class RateLimited(RequestFailed):
    """The account's rate limit is reached."""

    reason = "rateLimited"
    default_hint = "Wait until the limit is reset, then continue in the same session."


class BudgetExceeded(RequestFailed):
    """The run cost as much as it was allowed to."""

    reason = "budgetExceeded"
    default_hint = "Raise maxBudgetUsd and ask the agent to continue; the session can be resumed."


class TurnLimit(RequestFailed):
    """The run took as many turns as it was allowed to."""

    reason = "turnLimit"
    default_hint = "Raise maxTurns and ask the agent to continue; the session can be resumed."


class TimedOut(RequestFailed):
    """The run's time limit passed; it was stopped."""

    reason = "timedOut"
    default_hint = "Raise timeoutSeconds and ask the agent to continue; the session can be resumed."


class ProcessDied(RequestFailed):
    """The CLI ended in the middle of a run."""

    reason = "processDied"
    default_hint = "Send the query again; the session is resumed in a new process."


class StoreUnavailable(RequestFailed):
    """State could not be read from, or written to, where it is kept."""

    reason = "storeUnavailable"
    default_hint = "Check the state directory; `claude-agent-lsp doctor` shows where it is."


class UnsupportedByClient(RequestFailed):
    """The editor can't do what the command needs it for."""

    reason = "unsupportedByClient"
    default_hint = "Use another editor, or the corresponding command in a terminal."


class Internal(RequestFailed):
    """A fault of this server."""


def sentence(error: Exception) -> str:
    """Return an error's message with a full stop: some are the words of the CLI, or of a parser."""
    text = str(error).strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
