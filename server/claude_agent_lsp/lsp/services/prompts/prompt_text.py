"""A prompt document's text: what it is for, who says what in it, and what is still to be sent.

    <!-- claude: session=3f2a… mode=plan -->      the header, in the first line

    ## You                                        a prompt that was sent

    Fix @src/cart.py

    ## Claude                                     its answer

    <!-- claude working 8b1c… -->                 where it grows, while a run is at work

    ## You                                        what is below the last one is to be sent

A line is a heading here wherever it stands: what the agent says never begins with one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.lsp.services.prompts.escaping import unescaped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX: Final = ".claude.md"
KEYS: Final = ("session", "mode", "model", "effort")
_HEADER: Final = re.compile(
    r"\ufeff?<!--[ \t]*claude:(?P<fields>[^\r\n]*?)-->[ \t]*(?:\r\n|\r|\n|\Z)"
)
# A header that is longer is none.
MOST_HEADER: Final = 2000
_FIELD: Final = re.compile(rf"(?<![a-z])({'|'.join(KEYS)})[ \t]*[=:][ \t]*([^\s,;]+)")
_HEADING: Final = re.compile(r"^## (You|Claude)[ \t]*(?:\r\n|\r|\n|\Z)", re.MULTILINE)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_WORKING: Final = re.compile(r"^<!-- claude working ([0-9a-f-]{36}) -->[ \t]*", re.MULTILINE)


class Speaker(Enum):
    """Who says a part of a conversation."""

    YOU = "You"
    CLAUDE = "Claude"

    @property
    def heading(self) -> str:
        """The line above it."""
        return f"## {self.value}"


@dataclass(frozen=True, slots=True)
class Section:
    """What somebody says.

    Attributes:
        speaker: Who.
        start: Where its heading begins, in characters.
        body: Where what is said begins.
        end: Where the next heading begins, or the text ends.
    """

    speaker: Speaker
    start: int
    body: int
    end: int


@dataclass(frozen=True)
class PromptText:
    """A prompt document at one moment.

    Attributes:
        text: All of it.
        fields: What its header says, by the names in `KEYS`.
        header: Where the header ends; 0 if there is none.
        sections: Who says what.
        working: Where each answer grows, by the id of its run.
    """

    text: str = field(repr=False)
    fields: Mapping[str, str]
    header: int
    sections: tuple[Section, ...]
    working: Mapping[str, int]

    @classmethod
    def of(cls, path: Path, text: str) -> PromptText | None:
        """Read a document; None if it is none for prompts."""
        header = _HEADER.match(text, 0, MOST_HEADER)
        named = path.name.endswith(SUFFIX)
        if not named and (header is None or not cls.may_be(path)):
            return None
        found = dict(_FIELD.findall(header["fields"])) if header else {}
        fields = {key: found[key] for key in KEYS if key in found}
        return cls(text, fields, header.end() if header else 0, _sections(text), _working(text))

    @staticmethod
    def may_be(path: Path) -> bool:
        """Return whether a file of this name may be one."""
        return path.suffix.lower() in (".md", ".markdown")

    @property
    def draft(self) -> Section | None:
        """What is to be sent; None if the agent has the last word."""
        if not self.sections:
            return Section(Speaker.YOU, self.header, self.header, len(self.text))
        last = self.sections[-1]
        return last if last.speaker is Speaker.YOU else None

    @property
    def typed(self) -> str:
        """What is to be sent, in words; empty if nothing."""
        return "" if (draft := self.draft) is None else self.said(draft)

    @property
    def answered(self) -> bool:
        """Whether the agent says anything in it."""
        return any(section.speaker is Speaker.CLAUDE for section in self.sections)

    def said(self, section: Section) -> str:
        """Return what is said in a section, as it was meant."""
        return unescaped(self.text[section.body : section.end]).strip()

    def at(self, offset: int) -> Section | None:
        """Return the section that a place is in."""
        return next((s for s in reversed(self.sections) if s.start <= offset), None)

    def prompt_at(self, line: int) -> tuple[int, str] | None:
        """Return the prompt that a line stands in, or answers: its number, from 0, and its words.

        What is yet to be sent is none.
        """
        number = bisect_right(self.prompt_lines, line) - 1
        draft = self.draft
        if number < 0 or (draft is not None and line >= self.line_of(draft.start)):
            return None
        return number, self.said(self._sent[number])

    @property
    def prompts(self) -> list[str]:
        """All that was sent, in order."""
        return [self.said(section) for section in self._sent]

    @cached_property
    def prompt_lines(self) -> tuple[int, ...]:
        """The lines of the headings above all that was sent."""
        return tuple(self.line_of(section.start) for section in self._sent)

    def line_of(self, offset: int) -> int:
        """Return the number of the line, from 0, that a place is in."""
        return bisect_right(self._line_starts, offset) - 1

    @cached_property
    def _sent(self) -> tuple[Section, ...]:
        draft = self.draft
        return tuple(s for s in self.sections if s.speaker is Speaker.YOU and s is not draft)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]


def header_of(fields: Mapping[str, str]) -> str:
    """Return a header, without its line's end."""
    told = " ".join(f"{key}={fields[key]}" for key in KEYS if key in fields)
    return f"<!-- claude: {told} -->"


def working_line(run_id: str) -> str:
    """Return the line before which the answer of a run grows."""
    return f"<!-- claude working {run_id} -->"


def _sections(text: str) -> tuple[Section, ...]:
    found = list(_HEADING.finditer(text))
    ends = (*(match.start() for match in found[1:]), len(text))
    return tuple(
        Section(Speaker(match[1]), match.start(), match.end(), end)
        for match, end in zip(found, ends, strict=False)
    )


def _working(text: str) -> dict[str, int]:
    return {match[1]: match.start() for match in _WORKING.finditer(text)}
