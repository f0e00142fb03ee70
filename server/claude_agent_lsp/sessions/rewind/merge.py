"""Takes one change of a file back from what the file has become since.

    as the change left it ─┬─▶ as it is now      what others have done since
                           └─▶ as it was before  what taking the change back does

Both are done to the lines that the change left. Where they touch the same lines, nobody can tell
what is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.line_diff import LineDiff

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GONE_AND_BACK: Final = "it was deleted, and there is another one now"
CHANGED_SINCE: Final = "it has changed since it was made"
SAME_LINES: Final = "the same lines have changed since"
NO_TEXT: Final = "it is no text, and has changed since"


class KeptError(Exception):
    """A file is left as it is; the message says why."""


class ConflictError(KeptError):
    """Others have changed it since such that nobody can tell what is wanted."""


def taken_back(now: bytes | None, before: bytes | None, after: bytes | None) -> bytes | None:
    """Return a file's content without a change; None if there is no file then.

    Args:
        now: What the file holds; None if there is none.
        before: What it held before the change.
        after: What it held after it.

    Raises:
        ConflictError: It can't be told, since others have changed it since.
    """
    if now in (after, before):
        return before
    if after is None:
        raise ConflictError(GONE_AND_BACK)
    if before is None:
        raise ConflictError(CHANGED_SINCE)
    if now is None:
        return before
    if any(b"\0" in content for content in (now, before, after)):
        raise ConflictError(NO_TEXT)
    merged = merge(_lines(after), _lines(now), _lines(before))
    if merged is None:
        raise ConflictError(SAME_LINES)
    return b"".join(merged)


def merge(
    base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]
) -> list[bytes] | None:
    """Return what comes of both changes of some lines; None if they touch the same ones.

    Changes without a line between them touch the same ones.
    """
    merged: list[bytes] = []
    at = (0, 0, 0)
    for start, size, in_ours, in_theirs in (*_common(base, ours, theirs), _end(base, ours, theirs)):
        was = base[at[0] : start]
        one, other = ours[at[1] : in_ours], theirs[at[2] : in_theirs]
        if one in (was, other):
            merged += other
        elif other == was:
            merged += one
        else:
            return None
        merged += base[start : start + size]
        at = start + size, in_ours + size, in_theirs + size
    return merged


def _end(
    base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]
) -> tuple[int, int, int, int]:
    return len(base), 0, len(ours), len(theirs)


def _common(
    base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]
) -> Iterator[tuple[int, int, int, int]]:
    """Return the stretches of the lines that both have kept: start, size, start in each."""
    one = LineDiff(base, ours).get_matching_blocks()
    other = LineDiff(base, theirs).get_matching_blocks()
    i = j = 0
    while i < len(one) and j < len(other):
        a, b = one[i], other[j]
        start, end = max(a.a, b.a), min(a.a + a.size, b.a + b.size)
        if start < end:
            yield start, end - start, a.b + start - a.a, b.b + start - b.a
        if a.a + a.size < b.a + b.size:
            i += 1
        else:
            j += 1


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)
