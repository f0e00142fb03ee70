r"""What the CLI suggests to allow beyond a call, and which of that is offered to the user.

    the CLI's suggestions ──▶ each means what its text says? ──┬─▶ all are offered
                                                               └─▶ none is

A suggestion is often made of the call: its command, its path, its host. But the CLI (2.1.330) reads
a rule as a pattern: a `*` in a command stands for anything, and so does one in a host, which may
have spelled it `%2A`. Who allows `python3 -c 'print(2*3)'`, and reads just that in the question,
would allow every program between `print(2` and `3)`. So a rule is offered if none of it is a
pattern by accident: it has no `*`, or one at its end that can only be the CLI's, as in
`npm run *`. There is no other spelling to hand back instead: where nothing is a pattern, the CLI
takes `\*` for two characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate

_TOOL: Final = re.compile(r"[\w.-]+")
# Words that a shell takes as they are, and what the CLI adds to say "and whatever follows".
_PREFIX: Final = re.compile(r"[\w./@%+=,:-]+(?: [\w./@%+=,:-]+)*?(?: \*|:\*)")
# The CLI escapes what is special in a path, but for the question mark, and then it takes a `\*` for
# a star all the same.
_PATH: Final = re.compile(r"(?:[^\\*?\[\]{}!]|\\[^*?])+?(?:/\*\*)?")
_PATH_TOOLS: Final = frozenset({"Edit", "Read"})
_PREFIX_TOOLS: Final = frozenset({"Bash", "Skill"})
LONGEST_PATTERN: Final = 4096


def offered(
    suggestions: Sequence[PermissionUpdate], tool_input: Mapping[str, Any]
) -> list[PermissionUpdate]:
    """Return the suggestions that the user is offered: all of them, or none.

    Args:
        suggestions: What the CLI suggests.
        tool_input: What the tool is given.
    """
    has_star = _has_star(tool_input)
    return list(suggestions) if all(_is_plain(each, has_star) for each in suggestions) else []


def rule_text(rule: PermissionRuleValue) -> str:
    """Return a rule as the CLI reads it in settings: "Bash(npm run *)"."""
    if not rule.rule_content:
        return rule.tool_name
    content = re.sub(r"[\\()]", r"\\\g<0>", rule.rule_content)
    return f"{rule.tool_name}({content})"


def _is_plain(update: PermissionUpdate, has_star: bool) -> bool:
    """Return whether all that a suggestion does is what its text says."""
    match update.type:
        case "addRules" if update.behavior == "allow":
            return all(_means_its_text(rule, has_star) for rule in update.rules or ())
        case "addDirectories" | "setMode":
            return True
    return False


def _means_its_text(rule: PermissionRuleValue, has_star: bool) -> bool:
    content = rule.rule_content
    if not _TOOL.fullmatch(rule.tool_name):
        return False
    if not content:
        return True
    if rule.tool_name in _PATH_TOOLS:
        return len(content) <= LONGEST_PATTERN and _PATH.fullmatch(content) is not None
    return "*" not in content or (
        not has_star
        and rule.tool_name in _PREFIX_TOOLS
        and len(content) <= LONGEST_PATTERN
        and _PREFIX.fullmatch(content) is not None
    )


def _has_star(value: object) -> bool:
    """Return whether a `*` is anywhere in what a tool is given."""
    match value:
        case str():
            return "*" in value
        case dict():
            return any(_has_star(each) for each in value.values())
        case list():
            return any(map(_has_star, value))
    return False
