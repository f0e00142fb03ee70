"""From what the SDK and the CLI report to the errors that a user sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_sdk import CLIConnectionError, CLINotFoundError, ProcessError, ResultError

from claude_agent_lsp.base.texts.redaction import mask_secrets
from claude_agent_lsp.errors import (
    BudgetExceeded,
    CliFailedToStart,
    CliNotFound,
    ModelError,
    NotAuthenticated,
    ProcessDied,
    RateLimited,
    RequestFailed,
    SessionBusy,
    SessionNotFound,
    TurnLimit,
    WorkspaceNotFound,
    hint_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claude_agent_sdk import ResultMessage

WORDS_LENGTH = 500


def fault_at_start(error: BaseException, stderr: Iterable[str]) -> RequestFailed:
    """Return why a CLI did not start.

    The SDK's error names an exit status at best; the CLI's own words stand on stderr.
    """
    if isinstance(error, RequestFailed):
        return error
    words = _words(stderr) or str(error)
    if "No conversation found" in words or "No message found" in words:
        return SessionNotFound(f"The CLI can't resume this session: {words}.")
    if "already in use" in words:
        return SessionBusy(f"The CLI refused the session: {words}")
    if isinstance(error, CLINotFoundError):
        return CliNotFound(str(error).splitlines()[0])
    if isinstance(error, CLIConnectionError) and "Working directory" in str(error):
        return WorkspaceNotFound(str(error))
    return CliFailedToStart(f"The CLI did not start: {words}", hint=hint_for(error))


def fault_in_run(error: BaseException | None, stderr: Iterable[str]) -> RequestFailed:
    """Return why a CLI ended in the middle of a run."""
    if isinstance(error, RequestFailed):
        return error
    if isinstance(error, RecursionError):
        # The SDK's parser of JSON calls itself for each level.
        return ProcessDied(
            "A message of the CLI is nested too deep to be read.",
            hint="Ask the agent to give its tools less at once; the session can be resumed.",
        )
    code = getattr(error, "exit_code", None)
    status = f" with status {code}" if isinstance(error, ProcessError) and code is not None else ""
    words = _words(stderr)
    if not words and isinstance(error, ResultError):
        words = str(error)
    return ProcessDied(f"The CLI ended during the run{status}" + _after_colon(words))


def fault_of_result(result: ResultMessage) -> RequestFailed | None:
    """Return why a turn failed, or None if it did not.

    A refused key and an overloaded model end with the subtype "success": `is_error`, the status
    and the terminal reason tell the truth (CLI 2.1.330).
    """
    if not result.is_error:
        return None
    words = result.result or "; ".join(result.errors or ()) or result.subtype
    words = mask_secrets(words, WORDS_LENGTH)
    status = result.api_error_status
    if result.subtype == "error_max_turns":
        return TurnLimit(f"The run reached its turn limit after {result.num_turns} turns.")
    if result.subtype == "error_max_budget_usd":
        return BudgetExceeded("The run reached its cost limit.")
    if status in (401, 403) or "Invalid API key" in words or "/login" in words:
        return NotAuthenticated(words)
    if status == 429:
        return RateLimited(words)
    return ModelError(words, hint=_hint_for(status))


def _hint_for(status: int | None) -> str | None:
    """Return what to do about an error of the model; None to ask again."""
    match status:
        case None:  # it was never reached, or the connection broke
            return (
                "Check the network, the proxy and ANTHROPIC_BASE_URL, then try again; the "
                "session is unchanged."
            )
        case 404:
            return "Choose another `model`, or omit it to use the CLI's default."
        case 400 | 413:
            return (
                "Change the prompt or attach less; the same query would fail again. If the "
                "whole session is too large, start a new one."
            )
    return None


def _words(stderr: Iterable[str]) -> str:
    return " ".join(list(stderr)[-5:])[-WORDS_LENGTH:].removeprefix("Error: ").strip()


def _after_colon(words: str) -> str:
    return f": {words}" if words else "."
