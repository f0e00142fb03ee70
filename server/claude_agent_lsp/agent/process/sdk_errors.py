"""From what the SDK and the CLI report to the errors that a user sees, and to what hooks block."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from claude_agent_sdk import CLIConnectionError, CLINotFoundError, ProcessError, ResultError

from claude_agent_lsp.agent.events import Blocked
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

    from claude_agent_sdk import ResultMessage, SystemMessage

WORDS_LENGTH = 500
# How the CLI begins where it can't say why a turn has no answer: figures for its makers.
DIAGNOSTIC = "[ede_diagnostic]"
# What helps in the CLI's own terminal alone (CLI 2.1.332).
_LOGIN: Final = re.compile(r"( · )?Please run /login( · )?")


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


def fault_of_result(result: ResultMessage, error: str | None = None) -> RequestFailed | None:
    """Return why a turn failed, or None if it did not.

    Args:
        result: Its result.
        error: What kind of error the agent's last message was, as the CLI calls it.

    A refused key and an overloaded model end with the subtype "success": `is_error`, the status
    and the terminal reason tell the truth (CLI 2.1.330).
    """
    if not result.is_error:
        return None
    if result.subtype == "error_max_turns":
        # `num_turns` counts the turn that was not allowed, too (CLI 2.1.332).
        return TurnLimit("The run reached its turn limit.")
    if result.subtype == "error_max_budget_usd":
        return BudgetExceeded("The run reached its cost limit.")
    diagnosed = any(each.startswith(DIAGNOSTIC) for each in result.errors or ())
    return _no_answer(result) if diagnosed else _fault_of_model(result, error)


def _fault_of_model(result: ResultMessage, error: str | None) -> RequestFailed:
    words = result.result or "; ".join(result.errors or ()) or result.subtype
    words = mask_secrets(words, WORDS_LENGTH)
    status = result.api_error_status
    if status in (401, 403) or "Invalid API key" in words or "/login" in words:
        return NotAuthenticated(_LOGIN.sub("", words))
    if status == 429:
        return RateLimited(words)
    return ModelError(words, hint=_hint_for_words(result, error, words) or _hint_for(status))


def _no_answer(result: ResultMessage) -> RequestFailed:
    """Return that there is no answer, and what else the CLI says beside its figures."""
    said = "; ".join(e for e in result.errors or () if not e.startswith(DIAGNOSTIC))
    why = f" (it stopped with `{result.stop_reason}`)" if result.stop_reason else ""
    return ModelError(
        "The turn ended without an answer" + _after_colon(mask_secrets(said, WORDS_LENGTH)),
        hint=f"The model sent nothing that is an answer{why}. Ask again, in other words if it "
        "happens again; the session is unchanged.",
    )


def _hint_for_words(result: ResultMessage, error: str | None, words: str) -> str | None:
    """Return what to do about an answer that was given and does not stand; None for others."""
    if result.stop_reason == "refusal":
        return (
            "The model refused. Ask in other words, best in a new session, or choose another "
            "`model`."
        )
    if error != "max_output_tokens":
        return None
    if "context window" in words:
        return "The session has become too long: send `/compact`, or start a new session."
    return "Ask for less at once, or for the rest in a further query; what was said is kept."


def block_in(message: SystemMessage) -> Blocked | None:
    """Return what hooks have made of a prompt instead of letting it through (CLI 2.1.330)."""
    outcome = message.data.get("prompt_submit_outcome")
    if message.subtype != "informational" or not isinstance(outcome, dict):
        return None
    # Without a reason of the hook's, the CLI's own words: they may repeat the prompt behind it.
    words = outcome.get("reason") or str(message.data.get("content") or "").split("\n", 1)[0]
    kept = outcome.get("prompt_kept") is True
    if outcome.get("kind") == "no_verdict":
        hint = "No hook for prompts has answered. Try again, or look at these hooks."
    else:
        hint = "Change the prompt, or the hooks for prompts in Claude Code's settings."
    if kept:
        hint += " The prompt stays in the conversation: the agent reads it with the next one."
    return Blocked(mask_secrets(str(words).strip(), WORDS_LENGTH), kept, hint)


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
