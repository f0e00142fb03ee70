"""What an agent finds wrong with code, read from what it reports, and where its text stands now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The CLI's own tool (2.1.330), which any agent has.
REPORT: Final = "ReportFindings"
# Of one report, of one finding's lines, words and places.
MOST_FINDINGS: Final = 200
MOST_LINES: Final = 20
MOST_CHARACTERS: Final = 2000
MOST_RELATED: Final = 10

_PLACE: Final = {"file": {"type": "string"}, "line": {"type": "integer"}}
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **_PLACE,
                    "end_line": {"type": "integer"},
                    "summary": {"type": "string"},
                    "failure_scenario": {"type": "string"},
                    "category": {"type": "string"},
                    "severity": {"enum": ["error", "warning", "information", "hint"]},
                    "related": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {**_PLACE, "summary": {"type": "string"}},
                            "required": ["file", "line", "summary"],
                        },
                    },
                },
                "required": ["file", "line", "summary", "severity"],
            },
        }
    },
    "required": ["findings"],
}
# LSP's numbers; the last three words are the tool's.
_SEVERITIES: Final = {
    "error": 1,
    "warning": 2,
    "information": 3,
    "hint": 4,
    "important": 1,
    "pre_existing": 2,
    "nit": 3,
}
_SETTLED: Final = ("fixed", "no_change_needed")


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that has to do with a finding; its line counts from 0."""

    uri: Path
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an agent finds wrong.

    Attributes:
        uri: The file.
        line: The first line that it is about, from 0.
        last_line: The last one.
        message: What is wrong, and what comes of it.
        severity: 1 is an error, 2 a warning, 3 information, 4 a hint.
        code: What kind it is, in a word.
        related: Other places.
    """

    uri: Path
    line: int
    last_line: int
    message: str
    severity: int
    code: str
    related: tuple[Related, ...] = ()


def findings_in(told: object, folder: Path) -> list[Finding]:
    """Return what stands in a report and is not settled, as far as it can be read.

    Args:
        told: The input of `ReportFindings`, or what `SCHEMA` has asked for.
        folder: What the files are relative to; what lies outside is left out.
    """
    entries = told.get("findings") if isinstance(told, Mapping) else None
    known = entries[:MOST_FINDINGS] if isinstance(entries, list) else []
    found = (_finding(each, folder) for each in known if isinstance(each, Mapping))
    return [each for each in found if each is not None]


def files_in(told: object, folder: Path) -> frozenset[Path]:
    """Return all files that a report names, settled or not."""
    entries = told.get("findings") if isinstance(told, Mapping) else None
    known = entries[:MOST_FINDINGS] if isinstance(entries, list) else []
    paths = (_path(each.get("file"), folder) for each in known if isinstance(each, Mapping))
    return frozenset(path for path in paths if path is not None)


def _finding(entry: Mapping[str, Any], folder: Path) -> Finding | None:
    path, summary = _path(entry.get("file"), folder), _words(entry.get("summary"))
    if path is None or not summary or entry.get("outcome") in _SETTLED:
        return None
    line = _line(entry.get("line"))
    last = max(line, min(_line(entry.get("end_line")), line + MOST_LINES - 1))
    more = _words(entry.get("failure_scenario"))
    return Finding(
        path,
        line,
        last,
        f"{summary}\n{more}" if more else summary,
        _SEVERITIES.get(str(entry.get("severity")), 2),
        _words(entry.get("category"))[:40] or "review",
        tuple(_related(entry.get("related"), folder)),
    )


def _related(told: object, folder: Path) -> Iterator[Related]:
    for each in told[:MOST_RELATED] if isinstance(told, list) else ():
        if isinstance(each, Mapping):
            path, words = _path(each.get("file"), folder), _words(each.get("summary"))
            if path is not None and words:
                yield Related(path, _line(each.get("line")), words)


def _path(told: object, folder: Path) -> Path | None:
    if not isinstance(told, str) or not told or "\0" in told:
        return None
    path = Path(os.path.normpath(folder / told))
    return path if path.is_relative_to(folder) and path != folder else None


def _line(told: object) -> int:
    """Return a line from 0, given it from 1; a file as a whole is its first line."""
    known = isinstance(told, int) and not isinstance(told, bool)
    return max(int(told) - 1, 0) if known else 0  # type: ignore[call-overload]


def _words(told: object) -> str:
    return visible(told[:MOST_CHARACTERS], lines=True).strip() if isinstance(told, str) else ""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as LSP counts them, without their ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def text_at(lines: Sequence[str], line: int, last_line: int) -> tuple[int, tuple[str, ...]]:
    """Return the lines that a finding is about, and where they begin.

    Where nothing stands there, it is about the line before that has something, else the next.
    """
    line = min(line, len(lines) - 1)
    found = tuple(lines[line : last_line + 1])
    if any(each.strip() for each in found):
        return line, found
    before = (n for n in range(line, -1, -1) if lines[n].strip())
    after = (n for n in range(line, len(lines)) if lines[n].strip())
    at = next(before, next(after, line))
    return at, (lines[at],)


def place_of(text: Sequence[str], lines: Sequence[str], near: int) -> int | None:
    """Return where some lines stand now, however indented: nearest to `near`; None if nowhere."""
    wanted, size = [line.strip() for line in text], len(text)
    found = (n for n, line in enumerate(lines) if line.strip() == wanted[0])
    whole = [n for n in found if [line.strip() for line in lines[n : n + size]] == wanted]
    return min(whole, key=lambda n: abs(n - near), default=None)
