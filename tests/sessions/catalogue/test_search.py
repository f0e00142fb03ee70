"""Searching in all that was said: what is found, in which order, by which lines."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.index import Index
from claude_agent_lsp.sessions.catalogue.marks import Mark, Marks
from claude_agent_lsp.sessions.catalogue.search import words as words_module
from claude_agent_lsp.sessions.catalogue.search.said import MOST_LINES, Place, searched
from claude_agent_lsp.sessions.catalogue.search.words import FILE, Words, forget_words
from claude_agent_lsp.sessions.catalogue.wanted import Wanted
from tests.sessions.lines import Disk, Talk, append, overwrite, result, text, use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.catalogue import Page
    from claude_agent_lsp.sessions.catalogue.session import Session


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def catalogue(disk: Disk, state: Path) -> Catalogue:
    return Catalogue(Index(state))


def talk(prompt: str, *blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation of one prompt and its answer."""
    talk = Talk()
    return [talk.user(prompt), talk.agent(*blocks or (text("OK."),), message_id="m1")]


def find(catalogue: Catalogue, folder: Path, words: str, **more: Any) -> list[Session]:
    page = catalogue.page(folder, Wanted(search=words, matches=True, **more))
    assert page.searched is not None
    assert page.searched.done == page.searched.total
    return list(page.sessions)


def ids(page: Page) -> list[str]:
    return [session.session_id for session in page.sessions]


def lines(session: Session) -> list[tuple[Place, str]]:
    return [(match.place, match.line) for match in session.matches or ()]


def held(state: Path) -> bytes:
    """All that the state directory holds."""
    return b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())


def test_answers_tool_calls_and_file_names_are_found_with_their_lines(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    answer = disk.write(folder, *talk("a", text("First.\nThe Heron stands\nin the reeds.")))
    tool = disk.write(folder, *talk("b", use("c", "Bash", command="ls\nmake heron")))
    file = disk.write(folder, *talk("c", use("c", "Edit", file_path="/x/heron.py", new="1")))
    disk.write(folder, *talk("d", text("Nothing of it.")))
    found = {each.session_id: each for each in find(catalogue, folder, "heron")}
    assert set(found) == {answer, tool, file}
    assert lines(found[answer]) == [(Place.ANSWER, "The Heron stands")]
    assert lines(found[tool]) == [(Place.TOOL, "Bash: make heron")]
    assert lines(found[file]) == [(Place.TOOL, "Edit: /x/heron.py")]
    (match,) = found[answer].matches or ()
    assert match.message_id == "m1"


def test_what_fits_best_comes_first_and_then_the_newest(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    title = {"type": "custom-title", "customTitle": "About an otter"}
    said = disk.write(folder, *talk("a", text("otter")), at=5000)
    many = Talk()
    parts = [many.agent(text("otter " + "word " * 3000), message_id=f"m{n}") for n in range(4)]
    often = disk.write(folder, many.user("a"), *parts, at=1)
    file = disk.write(folder, *talk("a", use("c", "Read", file_path="/otter")), at=2)
    prompt = disk.write(folder, *talk("b"), Talk().user("the otter"), at=3)
    old = disk.write(folder, *talk("c"), title, at=4)
    new = disk.write(folder, *talk("c"), title, at=5)
    found = [each.session_id for each in find(catalogue, folder, "otter")]
    assert found == [new, old, prompt, file, often, said]


def test_pages_of_a_search_hold_all_once(disk: Disk, folder: Path, catalogue: Catalogue) -> None:
    written = {disk.write(folder, *talk(f"n{n} newt"), at=n // 2 + 1) for n in range(7)}
    written |= {disk.write(folder, *talk("x", text("newt")), at=n + 1) for n in range(3)}
    found: list[str] = []
    cursor = None
    while True:
        wanted = Wanted(search="newt", matches=True, limit=3, cursor=cursor)
        page = catalogue.page(folder, wanted)
        found += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert (len(found), set(found)) == (10, written)


def test_all_words_must_stand_somewhere_in_it(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    both = disk.write(folder, *talk("the badger", text("one\nand a ferret")))
    disk.write(folder, *talk("the badger"))
    disk.write(folder, *talk("x", text("a ferret")))
    assert [each.session_id for each in find(catalogue, folder, "Ferret BADG")] == [both]
    assert find(catalogue, folder, "erret") == []  # a word that was said begins with it


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Änderung für Größe", "größe"),
        ("e\u0301clair", "éclair"),
        ("検索機能を追加", "機能"),
        ("snake_case_name", "case_name"),
        ("src/cart/main.py", "cart/main.py"),
        ("İstanbul", "istanbul"),
    ],
)
def test_words_of_every_script_are_found(
    disk: Disk, folder: Path, catalogue: Catalogue, said: str, typed: str
) -> None:
    session = disk.write(folder, *talk("x", text(said)))
    disk.write(folder, *talk("y", text("something else")))
    (found,) = find(catalogue, folder, typed)
    assert found.session_id == session
    assert len(found.matches or ()) == 1


@pytest.mark.parametrize("typed", ['"', "*", "a* OR b", "NEAR(x y)", "';--", "-zz", "{", "said:x"])
def test_what_means_something_to_sqlite_is_only_text(
    disk: Disk, folder: Path, catalogue: Catalogue, typed: str
) -> None:
    disk.write(folder, *talk("x", text("plain")))
    assert find(catalogue, folder, typed) == []


def test_what_tools_have_put_out_is_not_searched(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    talk = Talk()
    disk.write(
        folder,
        talk.user("x"),
        talk.agent(use("c", "Read", file_path="/a"), message_id="m"),
        talk.user([result("c", "a walrus")]),
    )
    assert find(catalogue, folder, "walrus") == []


def test_few_lines_are_told_each_short_the_best(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    long = "x " * 5000 + "heron" + " y" * 5000
    some = "\n".join(["a heron", *["heron"] * 5, "heron and reed", long])
    disk.write(folder, *talk("z", text(some)))
    (session,) = find(catalogue, folder, "heron reed")
    told = [line for _, line in lines(session)]
    assert len(told) == MOST_LINES
    assert "heron and reed" in told
    (session,) = find(catalogue, folder, "heron y")
    assert max(len(line) for _, line in lines(session)) <= 200
    assert any("heron" in line and line.startswith("…") for _, line in lines(session))


def test_lines_hide_nothing(disk: Disk, folder: Path, catalogue: Catalogue) -> None:
    disk.write(folder, *talk("z", text("heron \x1b[2J\u202e end")))
    (session,) = find(catalogue, folder, "heron")
    assert lines(session) == [(Place.ANSWER, "heron \\x1b[2J\\u202e end")]


def test_only_what_is_new_is_read(
    disk: Disk, folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = disk.write(folder, *talk("x", text("one heron")))
    read: list[bytes] = []

    def noted(line: bytes) -> str:
        read.append(line)
        return searched(line)

    monkeypatch.setattr(words_module, "searched", noted)
    find(catalogue, folder, "heron")
    assert len(read) == 2
    more = disk.path(session, folder).read_bytes().splitlines()[1].replace(b"heron", b"osprey")
    append(disk.path(session, folder), more + b"\n" + more[:50])
    assert [each.session_id for each in find(catalogue, folder, "osprey heron")] == [session]
    assert len(read) == 3
    append(disk.path(session, folder), more[50:].replace(b"osprey", b"kestrel") + b"\n")
    assert len(find(catalogue, folder, "kestrel heron")) == 1


def test_what_has_gone_or_was_written_anew_is_found_no_more(
    disk: Disk, folder: Path, catalogue: Catalogue, state: Path
) -> None:
    gone = disk.write(folder, *talk("x", text("the plantedheron")))
    anew = disk.write(folder, *talk("x", text("the plantedosprey")))
    kept = [disk.write(folder, *talk("x", text("the kestrel"))) for _ in range(40)]
    assert len(find(catalogue, folder, "planted")) == 2
    disk.path(gone, folder).unlink()
    path = disk.path(anew, folder)
    overwrite(path, path.read_bytes().replace(b"plantedosprey", b"wren and more"))
    assert find(catalogue, folder, "planted") == []
    assert [each.session_id for each in find(catalogue, folder, "wren")] == [anew]
    assert {each.session_id for each in find(catalogue, folder, "kestrel")} == set(kept)


def test_no_word_of_a_deleted_session_stays_on_disk(
    disk: Disk, folder: Path, catalogue: Catalogue, state: Path
) -> None:
    deleted = disk.write(folder, *talk("x", text("the plantedheron")))
    others = [disk.write(folder, *talk("x", text("a kestrel"))) for _ in range(40)]
    find(catalogue, folder, "plantedheron")
    assert b"plantedheron" in held(state)
    disk.path(deleted, folder).unlink()
    forget_words(deleted, state)
    assert b"plantedheron" not in held(state)
    assert {each.session_id for each in find(catalogue, folder, "kestrel")} == set(others)


def test_two_servers_read_each_part_once(disk: Disk, folder: Path, state: Path) -> None:
    session = disk.write(folder, *talk("x", text("one heron")))
    first, second = Catalogue(Index(state)), Catalogue(Index(state))
    assert len(find(first, folder, "heron")) == len(find(second, folder, "heron")) == 1
    with sqlite3.connect(state / FILE) as db:
        assert db.execute("SELECT count(*) FROM parts").fetchone() == (1,)
    db.close()
    assert find(second, folder, "heron")[0].session_id == session


def test_reading_is_bounded_in_time_and_goes_on(
    disk: Disk, folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        disk.write(folder, *talk("x", text("a heron")), at=n + 1)
    monkeypatch.setattr(words_module, "BATCH_BYTES", 1)
    assert catalogue.read_words(folder, 0).done == 0
    assert catalogue.read_words(folder, 60).done == 5


@pytest.fixture
def no_full_text(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(words_module, "_MAKE", "CREATE VIRTUAL TABLE {} USING fts99 (said)")
    words_module.throw_if_missing.cache_clear()
    yield
    words_module.throw_if_missing.cache_clear()


@pytest.mark.usefixtures("no_full_text")
def test_a_python_without_full_text_search_is_told_with_what_to_do(
    disk: Disk, folder: Path, catalogue: Catalogue, state: Path
) -> None:
    session = disk.write(folder, *talk("the heron"))
    with pytest.raises(StoreUnavailable, match="FTS5") as raised:
        find(catalogue, folder, "heron")
    assert "managed-python" in raised.value.hint
    assert ids(catalogue.page(folder, Wanted(search="heron"))) == [session]
    forget_words(session, state)  # a session is deleted all the same


def test_sessions_are_filtered_by_branch_time_and_file(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    talk_ = talk("x", use("c", "Edit", file_path="/p/Src/cart.py"), use("d", "Bash", command="ls"))
    cart = disk.write(folder, *talk_, at=1000)
    branch = disk.write(folder, *({**line, "gitBranch": "feature"} for line in talk("y")), at=2000)

    def those(**wanted: Any) -> list[str]:
        return ids(catalogue.page(folder, Wanted(**wanted)))

    assert those() == [branch, cart]
    assert those(branch="feature") == [branch]
    assert those(file="src/CART") == [cart]
    assert those(file="ls") == []
    assert those(since=datetime.fromtimestamp(1500, UTC)) == [branch]
    assert those(until=datetime.fromtimestamp(1000, UTC)) == [cart]
    assert [s.session_id for s in find(catalogue, folder, "edit", file="cart")] == [cart]


def test_pinned_sessions_stand_first_and_archived_ones_are_left_out(
    disk: Disk, folder: Path, catalogue: Catalogue, state: Path
) -> None:
    a, b, c, d = (disk.write(folder, *talk(f"heron {n}"), at=10 - n) for n in range(4))
    marks = Marks(state)
    marks.set(c, Mark.PINNED, on=True)
    marks.set(b, Mark.ARCHIVED, on=True)
    page = catalogue.page(folder)
    assert ids(page) == [c, a, d]
    assert [session.pinned for session in page.sessions] == [True, False, False]
    assert ids(catalogue.page(folder, Wanted(archived=True))) == [c, a, b, d]
    assert [s.session_id for s in find(catalogue, folder, "heron")] == [a, c, d]
    first = catalogue.page(folder, Wanted(limit=1))
    second = catalogue.page(folder, Wanted(limit=1, cursor=first.next_cursor))
    third = catalogue.page(folder, Wanted(limit=1, cursor=second.next_cursor))
    assert ids(first) + ids(second) + ids(third) == [c, a, d]
    assert third.next_cursor is None
    assert catalogue.session(b).archived
    marks.set(c, Mark.PINNED, on=False)
    marks.set(b, Mark.ARCHIVED, on=False)
    assert ids(catalogue.page(folder)) == [a, b, c, d]


def test_how_long_a_session_is_is_known_as_it_grows(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    session = disk.write(folder, *talk("one"))
    assert catalogue.session(session).prompts == 1
    lines = disk.path(session, folder).read_bytes()
    append(disk.path(session, folder), lines.splitlines()[0].replace(b"one", b"two") + b"\n")
    assert catalogue.session(session).prompts == 2


def test_words_of_a_file_that_can_not_be_read_are_left_out(
    disk: Disk, folder: Path, catalogue: Catalogue, state: Path
) -> None:
    session = disk.write(folder, *talk("x", text("a heron")))
    there = {disk.path(session, folder).parent: {"0" * 8 + session[8:]: (1, 1), session: (1, 1)}}
    assert Words(state).refresh(there, 60).total == 2
    assert len(find(catalogue, folder, "heron")) == 1


@pytest.mark.parametrize("half", ["\ud800", "\udc00\ud83d", "a\udfffb"])
def test_half_a_character_hides_neither_its_session_nor_the_others(
    disk: Disk, folder: Path, catalogue: Catalogue, half: str
) -> None:
    said = [
        disk.write(folder, *talk(f"a heron {half}")),
        disk.write(folder, *talk("b", text(f"A heron {half}"))),
        disk.write(folder, *talk("c", use("c", "Bash", command=f"{half} heron"))),
        disk.write(folder, *talk("d", text("Another heron."))),
    ]
    assert {each.session_id for each in find(catalogue, folder, "heron")} == set(said)
    assert {each.session_id for each in find(catalogue, folder, f"heron {half}")} <= set(said)


def test_a_file_of_a_time_to_come_hides_no_session(
    disk: Disk, folder: Path, catalogue: Catalogue
) -> None:
    said = {disk.write(folder, *talk("a heron"), at=at) for at in (0, 1000, 2**33, 2**34 - 1)}
    for _ in range(2):
        assert set(ids(catalogue.page(folder))) == said
        assert {each.session_id for each in find(catalogue, folder, "heron")} == said
