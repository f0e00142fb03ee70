"""What of a text is the agent's is known whatever anybody does to it: for any steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.review.three_texts import with_both
from claude_agent_lsp.sessions.review.traced_file import Hunk, TracedFile
from claude_agent_lsp.sessions.rewind.merge import CHANGED_SINCE, SAME_LINES, taken_back

if TYPE_CHECKING:
    from collections.abc import Sequence

ANY_LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"d", b"\n"]), max_size=12)


@dataclass(frozen=True)
class Step:
    """Somebody's edit: some lines go from a place, others come there."""

    by: str | None
    place: float
    gone: int
    come: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([None, "r1", "r2"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=12,
)


def lines(*names: str) -> list[bytes]:
    return [f"{name}\n".encode() for name in names]


def edited(text: Sequence[bytes], step: Step, number: int) -> list[bytes]:
    """A text after a step; each line that comes is one of its kind and tells whose it is."""
    at = int(step.place * (len(text) + 1))
    new = lines(*(f"{step.by or 'user'} {number} {each}" for each in range(step.come)))
    return [*text[:at], *new, *text[at + step.gone :]]


def take(file: TracedFile, step: Step, text: Sequence[bytes]) -> None:
    if step.by is None:
        file.by_others(text)
    else:
        file.by_run(text, step.by)


def is_of_run(line: bytes) -> bool:
    return line.startswith((b"r1", b"r2"))


@given(STEPS)
def test_the_users_lines_stay_and_the_agents_go(steps: list[Step]) -> None:
    text = lines(*"abcdefgh")
    file, mixed = TracedFile("x", text), set[bytes]()
    for number, step in enumerate(steps):
        text = edited(text, step, number)
        take(file, step, text)
        assert file.text == text
        hunks = file.hunks()
        mixed |= {line for hunk in hunks if hunk.reason for line in hunk.new or ()}
    hunks = file.hunks()
    left = file.without([hunk for hunk in hunks if hunk.reason is None])
    assert {line for line in text if line.startswith(b"user")} <= set(left)
    assert {line for line in left if is_of_run(line)} <= mixed
    # What is still there of the agent's is seen, under the run that wrote it.
    for hunk in hunks:
        written = {line.split()[0].decode() for line in hunk.new or () if is_of_run(line)}
        assert written <= set(hunk.runs)
        assert hunk.runs
    # And forward again.
    before, after = b"".join(text), b"".join(left)
    assert taken_back(after, before, after) == before


@given(st.data())
def test_undoing_all_leaves_the_text_without_the_agents_work(data: st.DataObject) -> None:
    """Where each works in places of its own: exactly that."""
    with_agent = [lines(f"a{zone}", f"b{zone}") for zone in range(6)]
    without = [list(zone) for zone in with_agent]

    def text(zones: list[list[bytes]]) -> list[bytes]:
        return [line for number, zone in enumerate(zones) for line in (b"-%d\n" % number, *zone)]

    file = TracedFile("x", text(with_agent))
    for number in range(data.draw(st.integers(0, 10))):
        zone = data.draw(st.integers(0, 5))
        step = Step(
            None if zone % 2 else data.draw(st.sampled_from(["r1", "r2"])),
            *data.draw(st.tuples(st.floats(0, 1), st.integers(0, 3), st.integers(0, 3))),
        )
        with_agent[zone] = edited(with_agent[zone], step, number)
        if step.by is None:
            without[zone] = with_agent[zone]
        take(file, step, text(with_agent))
    hunks = file.hunks()
    assert all(hunk.reason is None for hunk in hunks)
    assert file.without(hunks) == text(without)
    # Piece by piece, in any order, by the ids of the first look.
    for wanted in data.draw(st.permutations([hunk.hunk_id for hunk in hunks])):
        hunk = next(each for each in file.hunks() if wanted in each.names)
        file.restore(file.without([hunk]))
    assert file.text == text(without)
    assert file.hunks() == []


def test_what_is_as_it_was_has_no_hunk() -> None:
    file = TracedFile("x", lines("a"))
    file.by_run(lines("b"), "r")
    file.restore(lines("a"))
    assert file.hunks() == []


@given(ANY_LINES, ANY_LINES, ANY_LINES)
def test_of_any_lines_those_of_others_are_kept(
    base: list[bytes], run: list[bytes], others: list[bytes]
) -> None:
    file = TracedFile("x", base)
    file.by_run(run, "r")
    file.by_others(others)
    assert file.text == others
    kept = file.snapshot()
    kept.accept(None)
    assert kept.hunks() == []
    names = [hunk.hunk_id for hunk in file.hunks()]
    assert len(set(names)) == len(names)
    if others == base:
        assert file.without(h for h in file.hunks() if not h.reason) == base


@given(ANY_LINES, ANY_LINES)
def test_a_change_alone_is_taken_on_as_it_is(text: list[bytes], other: list[bytes]) -> None:
    assert with_both(text, text, other) == (other, [])
    assert with_both(text, other, text) == (other, [])
    assert with_both(text, other, other) == (other, [])


def hunks_of(*steps: tuple[str | None, list[bytes] | None]) -> list[Hunk]:
    (_, first), *others = steps
    file = TracedFile("x", first)
    for by, text in others:
        file.by_others(text) if by is None else file.by_run(text, by)
    return file.hunks()


def test_an_edit_of_the_agents_own_lines_is_told_and_can_not_be_taken_back() -> None:
    (hunk,) = hunks_of(
        (None, lines("one", "two", "three")),
        ("r", lines("one", "2", "2a", "three")),
        (None, lines("one", "2", "mine", "three")),
    )
    assert (hunk.start, hunk.end, hunk.reason) == (1, 3, SAME_LINES)
    assert hunk.old == tuple(lines("two"))
    assert hunk.runs == ("r",)


def test_an_edit_beside_the_agents_lines_is_none_of_them() -> None:
    (hunk,) = hunks_of(
        (None, lines("one", "two", "three")),
        ("r", lines("one", "2", "three")),
        (None, lines("one", "2", "mine", "drei")),
    )
    assert (hunk.start, hunk.end, hunk.reason) == (1, 2, None)


def test_a_file_that_was_created_and_changed_since_stays() -> None:
    created, both = (None, None), ("r", lines("one"))
    (hunk,) = hunks_of(created, both)
    assert (hunk.old, hunk.new, hunk.reason) == (None, (b"one\n",), None)
    (hunk,) = hunks_of(created, both, (None, lines("one", "mine")))
    assert hunk.reason == CHANGED_SINCE
    assert hunks_of(created, both, (None, None)) == []


def test_a_file_that_was_deleted_comes_back_unless_there_is_another() -> None:
    deleted = ((None, lines("one")), ("r", None))
    (hunk,) = hunks_of(*deleted)
    assert (hunk.old, hunk.new, hunk.runs) == ((b"one\n",), None, ("r",))
    (hunk,) = hunks_of(*deleted, (None, lines("another")))
    assert (hunk.reason, hunk.old) == (SAME_LINES, (b"one\n",))
    assert hunks_of(*deleted, (None, lines("one"))) == []


def test_hunks_that_are_alike_have_names_of_their_own_and_keep_them() -> None:
    text = lines("a", "x", "b", "x", "c")
    file = TracedFile("f", text)
    file.by_run(lines("a", "y", "b", "y", "c"), "r")
    first, second = file.hunks()
    assert first.hunk_id != second.hunk_id
    file.restore(file.without([first]))
    (left,) = file.hunks()
    assert second.hunk_id in left.names
    assert first.hunk_id not in left.names


def test_what_is_accepted_is_no_hunk_any_more_and_others_are() -> None:
    file = TracedFile("f", lines(*"abcde"))
    file.by_run(lines(*"aBcDe"), "r")
    first, second = file.hunks()
    file.accept([(first.start, first.end)])
    assert [hunk.hunk_id for hunk in file.hunks()] == [second.hunk_id]
    assert file.without(file.hunks()) == lines(*"aBcde")
