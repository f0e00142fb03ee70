"""From the CLI's system messages to what a user is told of them.

The CLI says more with each version. A message that is known to be about its own machinery is left
out; whichever other one has words in it is told (CLI 2.1.330).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Level, Notice
from claude_agent_lsp.base.texts.redaction import mask_secrets
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LENGTH: Final = 2_000
HOOKS: Final = ("hook_started", "hook_response")
# Where words stand, in those that have some.
_WORDS: Final = ("content", "text", "message", "error")
# About the CLI's own machinery, told elsewhere, or meant for another kind of client.
_NOT_TOLD: Final = frozenset(
    {
        "background_tasks_changed",
        "code_change_published",
        "commands_changed",
        "control_request_progress",
        "files_persisted",
        "hook_progress",
        *HOOKS,
        "init",
        "memory_recall",
        "model_refusal_no_fallback",  # the answer says it
        "permission_denied",  # the result of its tool call says it
        "post_turn_summary",
        "session_metadata",
        "session_state_changed",
        "session_title_changed",
        "status",
        "task_notification",
        "task_progress",
        "task_started",
        "task_summary",
        "task_updated",
        "thinking",
        "thinking_tokens",
        "turn_duration",
        "vcs_state_changed",
    }
)
_KEYS_NOT_TOLD: Final = frozenset({"stop-hook-error"})  # the hook's own answer says more
_MACHINERY: Final = re.compile(r"(?:ui|remote|prompt)_")
# What a key of the terminal would show is nothing that an editor has.
_KEYS: Final = re.compile(r"\s*·\s*(?:ctrl|shift|alt|esc|tab)\b[^·]*$", re.IGNORECASE)
_LEVELS: Final = {"warning": Level.WARNING, "error": Level.ERROR}
_URGENT: Final = frozenset({"high", "immediate"})


class Notices:
    """Tells the user what the CLI says, each thing once.

    Args:
        emit: Takes what there is to tell.
    """

    def __init__(self, emit: Callable[[Notice], None]) -> None:
        self._emit = emit
        self._last = ""
        self._announced: set[str] = set()

    def read(self, subtype: str, data: Mapping[str, Any]) -> None:
        """Take in a system message."""
        notice = _notice_of(subtype, data)
        if notice is None:
            return
        if notice.text in self._announced:
            self._announced.discard(notice.text)
        # What it has just said for the transcript the CLI repeats as a notification.
        elif subtype != "notification" or notice.text != self._last:
            self.tell(notice.level, notice.text)

    def tell(self, level: Level, text: str) -> None:
        """Tell the user something of our own wording."""
        self._last = text
        self._emit(Notice(level, text))

    def tell_ahead(self, level: Level, text: str) -> None:
        """Tell the user what the CLI may yet say in the same words: then it is not told again."""
        self._announced.add(text)
        self.tell(level, text)


def is_for_user(subtype: str, data: Mapping[str, Any]) -> bool:
    """Return whether a system message has something to tell the user."""
    return subtype in HOOKS or _notice_of(subtype, data) is not None


def shown(text: str) -> str:
    """Return words of the CLI's, a hook's or a server's as a user may be shown them."""
    return visible(mask_secrets(text.strip(), LENGTH), lines=True)


def _notice_of(subtype: str, data: Mapping[str, Any]) -> Notice | None:
    told = _TOLD.get(subtype)
    if told is not None:
        return told(data)
    if subtype in _NOT_TOLD or _MACHINERY.match(subtype) or str(data.get("key")) in _KEYS_NOT_TOLD:
        return None
    words = next((w for name in _WORDS if isinstance(w := data.get(name), str) and w.strip()), "")
    return Notice(_level_of(data), shown(_KEYS.sub("", words))) if words else None


def _retry(data: Mapping[str, Any]) -> Notice:
    delay = data.get("retry_delay_ms")
    wait = delay / 1000 if isinstance(delay, int | float) else 0
    cause = data.get("error_status") or data.get("error") or "no connection"
    attempt, most = data.get("attempt", "?"), data.get("max_retries", "?")
    return Notice(
        Level.WARNING,
        f"The model could not answer ({cause}); trying again in {wait:.0f} s "
        f"({attempt} of {most}).",
    )


def _plugin(data: Mapping[str, Any]) -> Notice | None:
    if data.get("status") != "failed":
        return None
    name, why = shown(str(data.get("name") or "")), shown(str(data.get("error") or "no reason"))
    return Notice(Level.WARNING, f"The plugin marketplace “{name}” could not be installed: {why}")


_TOLD: Final[Mapping[str, Callable[[Mapping[str, Any]], Notice | None]]] = {
    "api_retry": _retry,
    "plugin_install": _plugin,
}


def _level_of(data: Mapping[str, Any]) -> Level:
    urgent = str(data.get("priority")) in _URGENT
    return _LEVELS.get(str(data.get("level")), Level.WARNING if urgent else Level.INFO)
