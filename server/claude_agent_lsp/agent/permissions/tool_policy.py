"""Which tool calls are asked about or denied whatever the CLI thinks of them.

    the CLI is about to use a tool ──▶ rule_on ──┬─▶ nothing: the CLI's own rules decide
                                                 ├─▶ ask: the user decides, and sees why
                                                 └─▶ deny

The CLI runs many commands unasked, since they change nothing. But git runs programs that a
repository's configuration names, and so do other tools that read a folder's configuration: in a
folder that nobody trusts only what reads no configuration at all goes unasked. What acts on other
sessions, or later, reaches beyond the folder and the run: from such a folder it is denied,
elsewhere asked. A tool that is not known here is asked about (the lists are those of CLI 2.1.330).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

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

# Programs that read no configuration of the folder that they work in, and run no other program,
# with the options with which the CLI takes them for harmless.
PLAIN_PROGRAMS: Final = frozenset(
    {
        *("[", "basename", "cat", "cd", "cksum", "cmp", "column", "comm", "cut", "date", "df"),
        *("diff", "dirname", "du", "echo", "egrep", "expr", "false", "fgrep", "file", "find"),
        *("fold", "free", "grep", "groups", "head", "hostname", "id", "join", "ls", "md5sum"),
        *("nl", "nproc", "od", "paste", "printf", "ps", "pwd", "readlink", "realpath", "rev"),
        *("seq", "sha1sum", "sha256sum", "sleep", "sort", "stat", "strings", "tac", "tail"),
        *("test", "tr", "true", "tsort", "type", "uname", "uniq", "uptime", "wc", "which"),
        *("whoami", "xxd"),
    }
)
# With these words in a command it can't be seen from outside what it runs.
_UNCLEAR: Final = re.compile(r"[`$\n\r\\{}]|[<>]\(")
_OPERATORS: Final = frozenset({"|", "||", "&&", "&", ";", "|&", "(", ")"})
_REDIRECTS: Final = frozenset({"<", ">", ">>", "<<<", ">&", "<&", "&>", "&>>", ">|", "<>"})
LONGEST_COMMAND: Final = 2000

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
            what = f"{program} may run" if program else "It may run"
            return Ruling("ask", f"{what} what this folder names, and the folder is not trusted.")
    return None


def first_to_ask_about(command: str) -> str | None:
    """Return the first program of a command that may read a folder's configuration.

    Returns:
        Its name; empty if it can't be told; None if there is none.
    """
    # A shell whose command stands in another field is not looked into.
    if not command.strip() or len(command) > LONGEST_COMMAND or _UNCLEAR.search(command):
        return ""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return ""
    begins, skips = True, False
    for word in words:
        if word in _OPERATORS:
            begins, skips = True, False
        elif word in _REDIRECTS:
            skips = True
        elif set(word) <= set("();<>|&"):
            return ""
        elif skips:
            skips = False
        elif begins:
            if word not in PLAIN_PROGRAMS:
                return word if word.isidentifier() or word.replace("-", "").isalnum() else ""
            begins = False
    return None
