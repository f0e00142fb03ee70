"""`claude-agent-lsp audit`: what was asked, answered and changed, for people and for programs."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from claude_agent_lsp.agent.accounts.audit_log import AuditLog
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.terminal.screen import open_screen
from claude_agent_lsp.workspace.state import state_directory

if TYPE_CHECKING:
    from argparse import Namespace


def audit(options: Namespace) -> int:
    """Show the newest lines.

    Args:
        options: What `cli.py` has read of the command line.

    Returns:
        The exit status: 0.
    """
    wanted = (entry for entry in AuditLog(state_directory()).read() if _is_wanted(entry, options))
    entries = deque(wanted, maxlen=options.limit)
    try:
        if options.json:
            for entry in entries:
                sys.stdout.write(json.dumps(entry) + "\n")
        elif not entries:
            print("The audit log has no matching entries.")  # noqa: T201
        else:
            _print(entries)
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _is_wanted(entry: dict[str, Any], options: Namespace) -> bool:
    session = str(entry.get("sessionId", ""))
    return options.session is None or session.startswith(options.session)


def _print(entries: deque[dict[str, Any]]) -> None:
    console = open_screen()
    if console.is_terminal:
        console.print(_table(entries))
        return
    for entry in entries:
        console.print(Text("  ".join(_cells(entry))), soft_wrap=True)


def _table(entries: deque[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("When", no_wrap=True, style="dim")
    table.add_column("Session", no_wrap=True)
    table.add_column("What", overflow="fold", ratio=1)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("By", max_width=14, style="cyan")
    for entry in entries:
        table.add_row(*map(Text, _cells(entry)))
    table.expand = True
    return table


def _cells(entry: dict[str, Any]) -> list[str]:
    outcome = entry.get("status") or entry.get("answer") or ""
    by = entry.get("by", "")
    who = f"{by}, {entry['editor']}" if by == "editor" and entry.get("editor") else by
    session = str(entry.get("sessionId", ""))[:8]
    cells = (_when(entry), session, entry.get("title", ""), outcome, who)
    return [visible(str(cell)) for cell in cells]


def _when(entry: dict[str, Any]) -> str:
    try:
        return f"{datetime.fromisoformat(str(entry['at'])).astimezone():%Y-%m-%d %H:%M:%S}"
    except (KeyError, ValueError):
        return ""
