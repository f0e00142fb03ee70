"""What somebody says, so that no line of it is taken for a part of a prompt document."""

from __future__ import annotations

import re
from typing import Final

from claude_agent_lsp.base.texts.visible import visible

# A heading, a comment, and a question's beginning.
_PART: Final = r"#{1,6}[ \t]+(?:You|Claude)\b|<!--|>[ \t]*\*\*"
_FORGED: Final = re.compile(rf"^([ \t]{{0,3}})({_PART})", re.MULTILINE)
_ESCAPED: Final = re.compile(rf"^([ \t]{{0,3}})\\({_PART})", re.MULTILINE)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# The start of a line that may yet become one.
_HELD_BACK: Final = re.compile(r"[ \t]{0,3}(?:#{1,6}[ \t]*\w{0,6}|<!?-?-?|>[ \t]*\*?)?")


def escaped(text: str) -> str:
    """Return a text that begins a line, without characters that an editor would act on."""
    return _FORGED.sub(r"\1\\\2", _plain(text))


def unescaped(text: str) -> str:
    """Return what the user has meant."""
    return _ESCAPED.sub(r"\1\2", text)


class EscapedText:
    """A text that comes piece by piece, whose lines may begin in one and end in another."""

    def __init__(self) -> None:
        self._held = ""
        self._begins_line = True

    def feed(self, piece: str) -> str:
        """Return what can be shown by now: no line end that nothing has followed yet."""
        text = self._held + piece
        # A line end of which the second half may be yet to come.
        half = "\r" if text.endswith("\r") else ""
        text = _plain(text.removesuffix(half) if half else text)
        last = text.rpartition("\n")[2]
        starts = self._begins_line or "\n" in text
        kept = len(last) if starts and _HELD_BACK.fullmatch(last) else 0
        return self._shown(text, text[: len(text) - kept].rstrip("\n"), half)

    def rest(self) -> str:
        """Return what was held back, at the end."""
        return self._shown("", _plain(self._held).rstrip("\n"))

    def _shown(self, text: str, out: str, half: str = "") -> str:
        self._held = text[len(out) :] + half
        if not out:
            return ""
        begins, self._begins_line = self._begins_line, False
        if begins:
            return escaped(out.lstrip("\n"))
        first, end, more = out.partition("\n")
        return first + end + escaped(more)


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(lambda found: visible(found[0]), text)
