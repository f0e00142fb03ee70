"""Which tool calls are asked about or denied whatever the CLI thinks of them.

    the CLI is about to use a tool ──▶ rule_on ──┬─▶ nothing: the CLI's own rules decide
                                                 ├─▶ ask: the user decides, and sees why
                                                 └─▶ deny

The CLI runs many commands unasked, since they change nothing. But git runs programs that a
repository's configuration names, and so do other tools that read a folder's configuration: in a
folder that nobody trusts only what reads no configuration at all, and nothing outside of it, goes
unasked (`plain_programs.py`). What acts on other sessions, on other machines, or later, reaches
beyond the folder and the run: from such a folder it is denied, elsewhere asked. A tool that is not
known here is asked about (the lists are those of CLI 2.1.330).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from claude_agent_lsp.agent.permissions.policy.plain_programs import (
    PLAIN_PROGRAMS,
    first_to_ask_about,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# What works in the folder, and what the CLI itself asks about where it has to be asked.
IN_THE_FOLDER: Final = frozenset(
    {
        *("AskUserQuestion", "BashOutput", "Edit", "EnterPlanMode", "ExitPlanMode", "Glob"),
        *(
            "Grep",
            "KillShell",
            "LS",
            "LSP",
            "MultiEdit",
            "ListMcpResourcesTool",
            "NotebookEdit",
            "NotebookRead",
            "Read",
            "ReadMcpResourceTool",
        ),
        *("ReportFindings", "Skill", "StructuredOutput", "TaskCreate", "TaskGet", "TaskList"),
        *("TaskOutput", "TaskStop", "TaskUpdate", "TodoRead", "TodoWrite", "ToolSearch"),
        *("WebFetch", "WebSearch", "Write"),
    }
)
# What checks out a copy of the repository to work in, or deletes it.
WORKTREES: Final = frozenset({"EnterWorktree", "ExitWorktree"})
# What starts agents of its own: each of their calls is ruled on, as long as they work here.
DELEGATES: Final = frozenset({"Agent", "Task"})
# A value of their `isolation`. Of the others "remote" sends the folder to a machine in the cloud,
# and nobody here is asked about what is done there.
_IN_WORKTREE: Final = "worktree"
_CHECKS_OUT: Final = "It writes a copy of the repository, or deletes one, and it is not trusted."
# What runs commands of a shell.
SHELLS: Final = frozenset({"Bash", "Monitor"})
# What runs agents by a script of the model's.
SCRIPTS: Final = frozenset({"Workflow"})
# What only tells of other sessions, or of what was ordered for later.
LOOKS_BEYOND: Final = frozenset({"CronList", "ListAgents", "ListPeers"})
# What acts on other sessions, or goes on after the run.
REACHES_BEYOND: Final = frozenset(
    {
        *("CronCreate", "CronDelete", "PushNotification", "RemoteTrigger", "ScheduleWakeup"),
        *("SendMessage", "SendUserFile", "SendUserMessage", "TeamCreate", "TeamDelete"),
    }
)
# What writes the file that it names.
EDITS: Final = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
KNOWN: Final = (
    IN_THE_FOLDER | WORKTREES | DELEGATES | SHELLS | SCRIPTS | LOOKS_BEYOND | REACHES_BEYOND
)

# What changes no file itself; each call of an agent that it starts is one of its own.
NEVER_WRITES: Final = (IN_THE_FOLDER - EDITS) | DELEGATES | LOOKS_BEYOND | REACHES_BEYOND
MAY_WRITE: Final = rf"^(?!(?:{'|'.join(sorted(NEVER_WRITES))}|mcp__editor__.*)$)"
"""The tools that may change files, as the CLI matches them for a hook; the editor's own don't."""

IN_TRUSTED: Final = rf"^(?!(?:{'|'.join(sorted(KNOWN - REACHES_BEYOND - DELEGATES))})$)(?!mcp__)"
"""The tools that have to be ruled on in a trusted folder, as the CLI matches them for a hook."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is done about a call.

    Attributes:
        decision: Whether the user is asked, or it is denied.
        reason: Why, one sentence.
    """

    decision: Literal["ask", "deny"]
    reason: str


def rule_on(
    tool: str, tool_input: Mapping[str, Any], *, trusted: bool, folder: str = ""
) -> Ruling | None:
    """Rule on a call; None leaves it to the CLI's own rules.

    Args:
        tool: The tool's name.
        tool_input: Its input.
        trusted: Whether the user trusts the folder.
        folder: Its path.
    """
    if tool.startswith("mcp__"):
        # Servers of the user's own, and this one: a folder's are started once it is trusted.
        return None
    if tool not in KNOWN:
        return Ruling("ask", f"The tool {tool} is not known to claude-agent-lsp.")
    if tool in DELEGATES:
        return _on_delegating(tool_input.get("isolation"), trusted=trusted)
    return _in_trusted(tool) if trusted else _in_untrusted(tool, tool_input, folder)


def _on_delegating(isolation: object, *, trusted: bool) -> Ruling | None:
    if isolation is None:
        return None
    if isolation == _IN_WORKTREE:
        return None if trusted else Ruling("ask", _CHECKS_OUT)
    if trusted:
        return Ruling("ask", "It sends this folder to another machine, and works there.")
    return Ruling("deny", "The folder is not trusted, so its agent works on this machine alone.")


def _in_trusted(tool: str) -> Ruling | None:
    if tool in REACHES_BEYOND:
        return Ruling("ask", "It acts on other sessions, or after this run.")
    return None


def _in_untrusted(tool: str, tool_input: Mapping[str, Any], folder: str) -> Ruling | None:
    if tool in REACHES_BEYOND | LOOKS_BEYOND:
        return Ruling("deny", "The folder is not trusted, so its agent reaches no other session.")
    if tool in WORKTREES:
        return Ruling("ask", _CHECKS_OUT)
    if tool in SCRIPTS:
        return Ruling("ask", "It runs agents by a script, and the folder is not trusted.")
    if tool in SHELLS:
        program = first_to_ask_about(str(tool_input.get("command", "")), folder)
        if program is not None:
            what = "run what this folder names"
            if program in PLAIN_PROGRAMS:
                what = "reach what is not in this folder"
            who = program or "It"
            return Ruling("ask", f"{who} may {what}, and the folder is not trusted.")
    return None
