"""What the user has allowed for a session, beyond the process that it was allowed in.

    "Allow for this session" ──▶ kept here ──┬─▶ rules and folders: to the session's next process,
                                             │   whose CLI decides by them as the first one did
                                             └─▶ the very same call: allowed without a question

The CLI looks at each call anew, and asks although a rule allows it where it has a reason of its
own, such as a sensitive file. So a rule is never applied here. What is remembered is the call
itself, word by word, as it stood in the question; and it is asked again as soon as the CLI gives
a reason that it did not give then (CLI 2.1.330).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.permissions.spoof_guard import DETAIL_LENGTH
from claude_agent_lsp.agent.permissions.suggestions import rule_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_agent_sdk.types import PermissionUpdate

# The reasons of the CLI that are none: it asks since no rule allows it. Any other stands for
# something that the user has to see each time: a sensitive file, a hook's or a rule's word.
NO_REASONS: Final = (None, "", "This command requires approval")
# What a call is said to be for changes nothing in what it does.
_NOT_DONE: Final = frozenset({"description"})


class SessionGrants:
    """The grants of one session.

    Attributes:
        rules: The rules of the CLI, as "Bash(npm run *)".
        directories: The folders that the agent may work in beside its own.
    """

    def __init__(self) -> None:
        self.rules: frozenset[str] = frozenset()
        self.directories: frozenset[str] = frozenset()
        self._calls: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.rules or self.directories or self._calls)

    def add(
        self,
        tool: str,
        tool_input: Mapping[str, Any],
        reason: str | None,
        updates: Sequence[PermissionUpdate],
    ) -> None:
        """Take note that the user has allowed a call for the session.

        Args:
            tool: The tool.
            tool_input: Its input. What is too long for the question to show it all is forgotten.
            reason: Why the CLI asked.
            updates: What it was offered for beyond the call, as the question said.
        """
        for update in updates:
            if update.type == "addRules" and update.behavior == "allow":
                self.rules |= {rule_text(rule) for rule in update.rules or ()}
            elif update.type == "addDirectories":
                self.directories |= frozenset(update.directories or ())
        # A mode is the session's as long as nobody sets another: it is no grant.
        if may_hold(tool, tool_input, reason) and not any(update.mode for update in updates):
            self._calls.add(_words_of(tool, tool_input))

    def hold(self, tool: str, tool_input: Mapping[str, Any], reason: str | None) -> bool:
        """Return whether the user has allowed this very call, and has no new reason to look."""
        return reason in NO_REASONS and _words_of(tool, tool_input) in self._calls


def may_hold(tool: str, tool_input: Mapping[str, Any], reason: str | None) -> bool:
    """Return whether a call is one that can be allowed for a session, word by word."""
    return reason in NO_REASONS and len(_words_of(tool, tool_input)) <= DETAIL_LENGTH


def _words_of(tool: str, tool_input: Mapping[str, Any]) -> str:
    done = {name: value for name, value in tool_input.items() if name not in _NOT_DONE}
    return json.dumps([tool, done], sort_keys=True)
