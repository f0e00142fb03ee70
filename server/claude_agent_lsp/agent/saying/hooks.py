"""The user's hooks, as the CLI reports them: what they say, block and fail at (CLI 2.1.330).

A hook is the user's own program, which the CLI runs before a tool, at a turn's end and so on. Its
answer is told in words only of some events, and never with the tool call that it was about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Hook, HookStatus, Level
from claude_agent_lsp.agent.saying.notices import shown
from claude_agent_lsp.base.texts.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from claude_agent_lsp.agent.saying.notices import Notices

# An answer is a few words; what is longer is a program's output.
LONGEST: Final = 2**18
BLOCKS: Final = 2  # the exit status by which a hook says no
_NO: Final = ("deny", "block")
# How the result of a tool call begins that a hook has denied.
_DENIED: Final = "PreToolUse:{} hook error: "


class Hooks:
    """Tells of hooks that begin and end, and why they say no.

    Args:
        emit: Takes the events.
        notices: Takes what the user has to be told in words.
    """

    def __init__(self, emit: Callable[[Hook], None], notices: Notices) -> None:
        self._emit = emit
        self._notices = notices
        self._denials: dict[str, list[str]] = {}

    def read(self, subtype: str, data: Mapping[str, Any]) -> None:
        """Take in a hook's beginning or its end."""
        name = shown(str(data.get("hook_name") or data.get("hook_event") or ""))
        event, hook_id = str(data.get("hook_event") or ""), str(data.get("hook_id") or "")
        if subtype == "hook_started":
            self._emit(Hook(hook_id, name, event, HookStatus.STARTED))
            return
        answer = _answer_in(data.get("stdout"))
        status, words = _outcome(data, answer)
        self._emit(Hook(hook_id, name, event, status, words or None))
        if status is HookStatus.BLOCKED:
            self._denials.setdefault(name, []).append(words)
        if isinstance(said := answer.get("systemMessage"), str) and said.strip():
            self._notices.tell_ahead(Level.INFO, shown(f"{name} says: {said}"))
        if (text := _told(name, status, words)) is not None:
            self._notices.tell(Level.WARNING, text)

    def take_denial(self, tool: str, result: str) -> str | None:
        """Return why a hook has denied a tool call, by the call's result; None if none has.

        What reads like a denial may be a tool's own words: there has to be a hook that has said no
        to that tool.
        """
        prefix = _DENIED.format(tool)
        if self._denials.get(f"PreToolUse:{tool}") and result.startswith(prefix):
            self._denials[f"PreToolUse:{tool}"].pop(0)
            return shown(result.removeprefix(prefix)) or "A hook has denied it."
        words = shown(result)
        asked = self._denials.get(f"PermissionRequest:{tool}", [])
        if words in asked:
            asked.remove(words)
            return words
        return None


def _answer_in(stdout: object) -> dict[str, Any]:
    """Return what a hook has answered as JSON, nothing if it has said something else."""
    if not isinstance(stdout, str) or len(stdout) > LONGEST or not stdout.lstrip().startswith("{"):
        return {}
    try:
        answer = parse_json(stdout.encode(errors="surrogatepass"))
    except ValueError:
        return {}
    return _object(answer)


def _outcome(data: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[HookStatus, str]:
    """Return how a hook has ended, and its words about that."""
    if data.get("outcome") == "cancelled":
        return HookStatus.CANCELLED, ""
    if data.get("outcome") == "error":
        blocks = data.get("exit_code") == BLOCKS
        words = shown(str(data.get("stderr") or data.get("output") or ""))
        return HookStatus.BLOCKED if blocks else HookStatus.FAILED, words
    no = _no_in(answer)
    return (HookStatus.COMPLETED, "") if no is None else (HookStatus.BLOCKED, shown(no))


def _no_in(answer: Mapping[str, Any]) -> str | None:
    """Return why a hook's answer says no; None if it doesn't."""
    specific = _object(answer.get("hookSpecificOutput"))
    decision = _object(specific.get("decision"))
    for says_no, why in (
        (answer.get("continue") is False, answer.get("stopReason")),
        (specific.get("permissionDecision") in _NO, specific.get("permissionDecisionReason")),
        (decision.get("behavior") in _NO, decision.get("message")),
        (answer.get("decision") in _NO, answer.get("reason")),
    ):
        if says_no:
            return str(why or "")
    return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _told(name: str, status: HookStatus, words: str) -> str | None:
    """Return what the user is told of a hook's end; None if there is nothing to tell."""
    behind = f": {words}" if words else "."
    match status:
        case HookStatus.BLOCKED:
            return f"The hook {name} said no{behind}"
        case HookStatus.FAILED:
            return f"The hook {name} failed{behind}"
        case HookStatus.CANCELLED:
            return f"The hook {name} did not finish: it timed out or was stopped."
    return None
