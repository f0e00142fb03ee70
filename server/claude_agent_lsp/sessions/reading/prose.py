"""What somebody said, as a part of a Markdown document that it can't break out of.

A text is left as it is as far as possible: people read the document as text, too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# Headings of a message stand below its own, which is of the second level.
BELOW: Final = 2
LOWEST: Final = 6
_ATTEMPTS: Final = 4
_END: Final = "the end of the message"
_MARKUP = re.compile(r"[\\`*\[\]<>#|~]|(?<!\w)_|_(?!\w)")
_TICKS = re.compile("`+")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


@lru_cache(maxsize=4096)
def prose(text: str) -> str:
    """Return a message as Markdown: without HTML, its headings lower, all that it opens closed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for _ in range(_ATTEMPTS):
        tokens = _parser().parse(f"{text}\n\n{_END}")
        changed = _without_html(text, tokens)
        if changed == text:
            changed = _closed(text, tokens)
        if changed == text:
            return _with_lower_headings(text, tokens)
        text = changed
    return fenced(text)


def fenced(text: str, language: str = "") -> str:
    """Return a code block whose fence is longer than any that the text holds."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def one_line(text: str) -> str:
    """Return a text in one line, in which no character is markup."""
    return _MARKUP.sub(r"\\\g<0>", _in_one_line(text))


def code(text: str) -> str:
    """Return a text in one line, as code."""
    line = _in_one_line(text)
    ticks = "`" * (_longest_run(line) + 1)
    return f"{ticks}{line}{ticks}" if ticks == "`" else f"{ticks} {line} {ticks}"


def _longest_run(text: str) -> int:
    """Return how many backticks stand side by side in a text, at most."""
    return max(map(len, _TICKS.findall(text)), default=0)


def _in_one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _without_html(text: str, tokens: list[Token]) -> str:
    lines = text.split("\n")
    for token in tokens:
        html = token.type == "html_block" or any(
            child.type == "html_inline" for child in token.children or ()
        )
        if html and token.map is not None:
            for at in range(token.map[0], min(token.map[1], len(lines))):
                lines[at] = _TAG.sub(r"\\<", lines[at])
    return "\n".join(lines)


def _closed(text: str, tokens: list[Token]) -> str:
    """Return the text with an end for a code block that has none."""
    match tokens[-3:]:
        case [opening, last, _] if opening.level == 0 and last.content == _END:
            return text
    open_block = next((t for t in reversed(tokens) if t.type == "fence" and t.level == 0), None)
    return fenced(text) if open_block is None else f"{text}\n{open_block.markup}"


def _with_lower_headings(text: str, tokens: list[Token]) -> str:
    lines = text.split("\n")
    for token in reversed(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            begin, end = token.map
            old = int(token.tag.removeprefix("h"))
            marks = "#" * min(old + BELOW, LOWEST)
            if token.markup.startswith("#"):
                lines[begin] = marks + lines[begin].lstrip()[old:]
            else:  # underlined
                said = " ".join(line.strip() for line in lines[begin : end - 1])
                lines[begin:end] = [f"{marks} {said}"]
    return "\n".join(lines)
