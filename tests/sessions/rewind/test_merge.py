"""A change is taken back, and what others have done since stays: for any texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.rewind.merge import (
    CHANGED_SINCE,
    GONE_AND_BACK,
    NO_TEXT,
    SAME_LINES,
    ConflictError,
    merge,
    taken_back,
)

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"d", b"\n"]), max_size=12)
CONTENT = st.none() | LINES.map(b"".join)


@given(LINES, LINES)
def test_what_one_has_changed_alone_is_the_result(base: list[bytes], other: list[bytes]) -> None:
    assert merge(base, base, other) == other
    assert merge(base, other, base) == other
    assert merge(base, other, other) == other


@given(LINES, LINES, LINES)
def test_it_does_not_matter_who_is_called_ours(
    base: list[bytes], one: list[bytes], other: list[bytes]
) -> None:
    assert merge(base, one, other) == merge(base, other, one)


def edited(lines: list[bytes], edits: dict[int, bytes | None]) -> list[bytes]:
    """Lines with some of them replaced, or gone."""
    now = [edits.get(number, line) for number, line in enumerate(lines)]
    return [line for line in now if line is not None]


@given(st.data())
def test_edits_of_other_lines_both_stay(data: st.DataObject) -> None:
    """Where a line that occurs once, and that nobody has touched, stands between them."""
    base = [b"%d\n" % number for number in range(data.draw(st.integers(3, 30)))]
    owners = data.draw(st.lists(st.sampled_from("-ot"), min_size=len(base), max_size=len(base)))
    for number in range(1, len(owners)):
        if "-" not in owners[number - 1 : number + 1] and owners[number - 1] != owners[number]:
            owners[number] = "-"
    edits = {
        number: data.draw(st.sampled_from([None, b"new %d\n" % number]))
        for number in range(len(base))
    }
    ours = {number: edits[number] for number, owner in enumerate(owners) if owner == "o"}
    theirs = {number: edits[number] for number, owner in enumerate(owners) if owner == "t"}
    merged = merge(base, edited(base, ours), edited(base, theirs))
    assert merged == edited(base, ours | theirs)


@given(CONTENT, CONTENT, CONTENT)
def test_nothing_that_others_wrote_is_lost(
    now: bytes | None, before: bytes | None, after: bytes | None
) -> None:
    try:
        found = taken_back(now, before, after)
    except ConflictError:
        assert now not in (None, before, after)
        return
    if now is not None and after is not None and before is not None and now != after:
        kept = set(now.splitlines()) - set(after.splitlines())
        assert kept <= set((found or b"").splitlines())
    if now == after:
        assert found == before
        # And forward again.
        assert taken_back(found, after, before) == after


@pytest.mark.parametrize(
    ("now", "before", "after", "why"),
    [
        (b"x", b"1", None, GONE_AND_BACK),
        (b"x", None, b"1", CHANGED_SINCE),
        (b"x\n", b"1\n", b"2\n", SAME_LINES),
        (b"x\0", b"1\0", b"2\0", NO_TEXT),
    ],
)
def test_what_nobody_can_tell_is_left_alone(
    now: bytes, before: bytes | None, after: bytes | None, why: str
) -> None:
    with pytest.raises(ConflictError, match=why):
        taken_back(now, before, after)


def test_a_file_that_is_gone_comes_back() -> None:
    assert taken_back(None, b"1", b"2") == b"1"
    assert taken_back(None, None, b"2") is None
