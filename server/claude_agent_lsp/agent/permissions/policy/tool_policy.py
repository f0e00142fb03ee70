"""Which tool calls are asked about or denied whatever the CLI thinks of them.

    the CLI is about to use a tool ──▶ rule_on ──┬─▶ nothing: the CLI's own rules decide
                                                 ├─▶ ask: the user decides, and sees why
                                                 └─▶ deny

The CLI runs many commands unasked, since they change nothing. But git runs programs that a
repository's configuration names, and so do other tools that read a folder's configuration: in a
folder that nobody trusts only what reads no configuration at all, and nothing outside of it, goes
unasked (`plain_programs.py`). What acts on other
sessions, or later, reaches beyond the folder and the run: from such a folder it is denied,
elsewhere asked. A tool that is not known here is asked about (the lists are those of CLI 2.1.330).
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
        *("Agent", "AskUserQuestion", "BashOutput", "Edit", "EnterPlanMode", "EnterWorktree"),
        *("ExitPlanMode", "ExitWorktree", "Glob", "Grep", "KillShell", "LS", "LSP", "MultiEdit"),
        *("ListMcpResourcesTool", "NotebookEdit", "NotebookRead", "Read", "ReadMcpResourceTool"),
        *("ReportFindings", "Skill", "StructuredOutput", "Task", "TaskCreate", "TaskGet"),
        *("TaskList", "TaskOutput", "TaskStop", "TaskUpdate", "TodoRead", "TodoWrite"),
        *("ToolSearch", "WebFetch", "WebSearch", "Write"),
    }
)
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
KNOWN: Final = IN_THE_FOLDER | SHELLS | SCRIPTS | LOOKS_BEYOND | REACHES_BEYOND

IN_TRUSTED: Final = rf"^(?!(?:{'|'.join(sorted(KNOWN - REACHES_BEYOND))})$)(?!mcp__)"
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


def rule_on(tool: str, tool_input: Mapping[str, Any], *, trusted: bool) -> Ruling | None:
    """Rule on a call; None leaves it to the CLI's own rules.

    Args:
        tool: The tool's name.
        tool_input: Its input.
        trusted: Whether the user trusts the folder.
    """
    if tool.startswith("mcp__"):
        # Servers of the user's own: a folder's are started once it is trusted.
        return None
    if tool not in KNOWN:
        return Ruling("ask", f"The tool {tool} is not known to claude-agent-lsp.")
    return _in_trusted(tool) if trusted else _in_untrusted(tool, tool_input)


def _in_trusted(tool: str) -> Ruling | None:
    if tool in REACHES_BEYOND:
        return Ruling("ask", "It acts on other sessions, or after this run.")
    return None


def _in_untrusted(tool: str, tool_input: Mapping[str, Any]) -> Ruling | None:
    if tool in REACHES_BEYOND | LOOKS_BEYOND:
        return Ruling("deny", "The folder is not trusted, so its agent reaches no other session.")
    if tool in SCRIPTS:
        return Ruling("ask", "It runs agents by a script, and the folder is not trusted.")
    if tool in SHELLS:
        program = first_to_ask_about(str(tool_input.get("command", "")))
        if program is not None:
            what = "run what this folder names"
            if program in PLAIN_PROGRAMS:
                what = "read what is not in this folder"
            who = program or "It"
            return Ruling("ask", f"{who} may {what}, and the folder is not trusted.")
    return None
