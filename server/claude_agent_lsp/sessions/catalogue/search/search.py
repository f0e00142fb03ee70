"""One search in all that was said: which sessions fit, how well, and by which lines.

Each word that is typed must stand in the session: in what the list shows of it, in a prompt, in the
path of a file that a tool was given, in an answer or in a tool's call. That is also how much it
counts, in this order; a word that was said often counts more than one that was said once. It reads
files: call it in a thread.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.catalogue.search.said import Match, matching_lines, words_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_agent_lsp.sessions.catalogue.search.words import Words
    from claude_agent_lsp.sessions.catalogue.selection import Entry

SHOWN: Final = 80
PROMPT: Final = 40
FILE: Final = 30
SAID: Final = 10
MOST_OFTEN: Final = 9


class Search:
    """One search.

    Args:
        typed: The words that the user has typed, casefolded.
        words: The words of all sessions.
    """

    def __init__(self, typed: Sequence[str], words: Words) -> None:
        parts = {word: words_in(word) for word in typed}
        self._said = list(dict.fromkeys(word for each in parts.values() for word in each))
        self._found = words.find(self._said)
        self._typed = [(word.encode(), self._often(each)) for word, each in parts.items()]

    def _often(self, words: Sequence[str]) -> Mapping[tuple[bytes, str], int]:
        """Return in how many parts of each session all of some words are."""
        first, *others = (self._found[word] for word in words) if words else ({},)
        return {
            key: min(len(parts), *(len(other[key]) for other in others)) if others else len(parts)
            for key, parts in first.items()
            if all(key in other for other in others)
        }

    def rank(
        self, project: bytes, session_id: str, shown: bytes, prompts: bytes, files: bytes
    ) -> int:
        """Return how well a session fits, 0 if it doesn't."""
        rank = 0
        for typed, often in self._typed:
            if typed in shown:
                rank += SHOWN
            elif typed in prompts:
                rank += PROMPT
            elif typed in files:
                rank += FILE
            elif parts := often.get((project, session_id), 0):
                rank += SAID + min(parts, MOST_OFTEN)
            else:
                return 0
        return rank

    @property
    def best(self) -> int:
        """How well one fits whose title holds all that was typed."""
        return SHOWN * len(self._typed)

    def lines(self, entry: Entry) -> tuple[Match, ...]:
        """Return the lines of a session that hold what was typed."""
        key = os.fsencode(entry.path.parent), entry.session_id
        held = Counter(part for word in self._said for part in self._found[word].get(key, ()))
        parts = sorted(held, key=lambda part: (-held[part], part))
        return matching_lines(entry.path, parts, self._said)
