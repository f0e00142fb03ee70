"""Checks all that the server needs, and says what to do about each fault."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.terminal.checks import Finding, Verdict, examine
from claude_agent_lsp.terminal.ending import run
from claude_agent_lsp.terminal.screen import Signs, open_screen

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_NAMES_WIDTH = len("Transcripts")
_STYLES = {Verdict.GOOD: "green", Verdict.FAULT: "bold red", Verdict.NOTE: "dim"}


def doctor(settings: Path | None, *, as_json: bool) -> int:
    """Make all checks and write what they found on stdout.

    Args:
        settings: A file with settings as an editor would send them.
        as_json: For programs: `{"good": bool, "checks": [{about, verdict, text, hint}]}`.

    Returns:
        The exit status: 1 if anything is wrong.

    Raises:
        EndedBySignal: By Ctrl-C, for instance; nothing is left.
    """
    if as_json:
        found = run(_collect(settings))
        checks = [_plain(finding) for finding in found]
        sys.stdout.write(json.dumps({"good": not _faults(found), "checks": checks}, indent=2))
        sys.stdout.write("\n")
    else:
        found = run(_show(settings, open_screen()))
    return 1 if _faults(found) else 0


async def _collect(settings: Path | None) -> list[Finding]:
    return [finding async for finding in examine(settings)]


async def _show(settings: Path | None, console: Console) -> list[Finding]:
    signs = Signs.for_console(console)
    found = []
    with console.status(f"Checking{signs.ellipsis}", spinner="line"):
        async for finding in examine(settings):
            found.append(finding)
            _write(console, signs, finding)
    console.print()
    faults = _faults(found)
    if faults == 0:
        console.print(Text("No problems found.", "green"))
    else:
        many = f"{faults} problems" if faults > 1 else "1 problem"
        console.print(Text(f"{many} found.", "bold red"))
    return found


def _write(console: Console, signs: Signs, finding: Finding) -> None:
    sign = {Verdict.GOOD: signs.good, Verdict.FAULT: signs.bad, Verdict.NOTE: signs.note}
    mark = Text(sign[finding.verdict], _STYLES[finding.verdict])
    about = finding.about.ljust(_NAMES_WIDTH)
    # The folder, and what is in it, may be called anything.
    told, hint = (visible(text or "", lines=True) for text in (finding.text, finding.hint))
    if not console.is_terminal:
        # A line for a program to read is not broken.
        text = f"{about} {told}" + (f"\n  {hint}" if hint else "")
        console.print(mark, Text(text), soft_wrap=True)
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, Text(about), Text(told))
    if hint:
        grid.add_row("", "", Text(hint, "yellow"))
    console.print(grid)


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "about": finding.about,
        "verdict": finding.verdict.value,
        "text": finding.text,
        "hint": finding.hint,
    }


def _faults(found: list[Finding]) -> int:
    return sum(finding.verdict is Verdict.FAULT for finding in found)
