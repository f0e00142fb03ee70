"""The agent edits what the user sees, in each state that a document may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from tests.e2e.buffers.conftest import DISK, UNSAVED, edit, read, write
from tests.e2e.buffers.documents import SAVES, Documents

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open

PLAIN = {"trust": True}
"""What a client announces that saves nothing by itself."""


async def test_clean_document_is_edited_and_saved_in_the_editor(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    told = await uses(
        editor, read(file), edit(file, "two", "2"), edit(file, "2", "zwei"), write(file, "x\n")
    )
    assert all("has been updated successfully" in each for each in told[1:])
    assert (documents.texts[uri], file.read_text()) == ("x\n", "x\n")
    assert documents.saves == [uri] * 3
    # The smallest edit, of the version that the editor has, and named.
    made = documents.edits[0].edit
    (change,) = made.document_changes or []
    assert isinstance(change, types.TextDocumentEdit)
    assert change.text_document.version == 1
    (one,) = change.edits
    assert isinstance(one, types.AnnotatedTextEdit)
    assert (one.new_text, one.range.start.line, one.range.start.character) == ("2", 1, 0)
    assert made.change_annotations is not None
    assert made.change_annotations[one.annotation_id].needs_confirmation is False


async def test_clean_document_of_an_editor_that_does_not_save_is_edited_on_the_disk(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=PLAIN)
    documents = Documents(editor)
    uri = documents.open(file)
    await uses(editor, read(file), edit(file, "two", "2"))
    assert (documents.edits, file.read_text()) == ([], "one on disk\n2\n")
    # The editor has not loaded it again yet: the disk's text is the newer one.
    (told,) = await uses(editor, read(file))
    assert "2\t2" in told
    assert documents.texts[uri] == DISK


async def test_unsaved_document_is_edited_in_the_editor_and_stays_unsaved(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, UNSAVED)
    told = await uses(
        editor,
        read(file),
        edit(file, "ONE from buffer", "UNO"),
        edit(file, "UNO\ntwo", "UNO\nDUE"),
        read(file),
    )
    assert "has been updated successfully" in told[1]
    assert "has been updated successfully" in told[2]
    assert "1\tUNO\n2\tDUE\n3\tthree unsaved" in told[3]
    assert documents.texts[uri] == "UNO\nDUE\nthree unsaved\n"
    assert (documents.saves, file.read_text()) == ([], DISK)
    await uses(editor, write(file, "all new\n"))
    assert (documents.texts[uri], file.read_text()) == ("all new\n", DISK)


async def test_what_the_user_types_meanwhile_is_never_written_over(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, UNSAVED)
    (_,) = await uses(editor, read(file))
    # An edit of another place goes well: what was typed since it was asked for stays.
    typed = False

    def type_once() -> None:
        nonlocal typed
        if not typed:
            typed = True
            documents.insert(uri, 3, 0, "four, typed meanwhile\n")

    documents.before_edit = type_once
    (told,) = await uses(editor, edit(file, "two", "2"))
    assert "has been updated successfully" in told
    assert documents.texts[uri] == "ONE from buffer\n2\nthree unsaved\nfour, typed meanwhile\n"
    # A whole new text would lose it, since the agent has not seen it.
    documents.insert(uri, 0, 0, "typed since\n")
    (told,) = await uses(editor, write(file, "x\n"))
    assert "has changed" in told
    assert documents.texts[uri].startswith("typed since\nONE from buffer\n2\n")
    # It reads it again, and may.
    _, told = await uses(editor, read(file), write(file, "x\n"))
    assert "has been updated successfully" in told
    assert (documents.texts[uri], file.read_text()) == ("x\n", DISK)


async def test_text_that_is_nowhere_is_refused_and_so_is_one_that_is_there_twice(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, "same\nsame\n")
    none, twice, every = await uses(
        editor,
        edit(file, "one on disk", "x"),  # that is on the disk alone
        edit(file, "same", "x"),
        edit(file, "same", "x", replace_all=True),
    )
    assert "not found" in none
    assert "2 matches" in twice
    assert "success" in every
    assert (documents.texts[uri], file.read_text()) == ("x\nx\n", DISK)


async def test_disk_that_changed_beneath_unsaved_text_is_told_and_never_written_over(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    await uses(editor, read(file))
    documents.type(uri, UNSAVED)
    file.write_text("somebody else's\n")
    seen, refused, edited = await uses(
        editor, read(file), write(file, "x\n"), edit(file, "three unsaved", "3")
    )
    assert "ONE from buffer" in seen
    assert "changed on the disk" in refused
    assert "success" in edited
    assert documents.texts[uri] == "ONE from buffer\ntwo\n3\n"
    assert file.read_text() == "somebody else's\n"


async def test_disk_that_changed_beneath_what_is_saved_is_what_counts(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    await uses(editor, read(file))
    file.write_text("somebody else's\n")
    seen, _ = await uses(editor, read(file), edit(file, "somebody else's", "mine"))
    assert "somebody else's" in seen
    assert (documents.texts[uri], file.read_text()) == (DISK, "mine\n")


async def test_document_that_is_not_on_the_disk(editor_with: Open, file: Path, uses: Uses) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    await uses(editor, read(file))
    file.unlink()
    _, told = await uses(editor, read(file), edit(file, "two", "2"))
    assert "success" in told
    assert documents.texts[uri] == "one on disk\n2\n"
    assert not file.exists()


async def test_editor_that_checks_no_version_is_not_asked_to_change_what_is_unsaved(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    # What is typed meanwhile would move what the edit is about.
    editor = await editor_with(profile="neovim", announces=PLAIN)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, UNSAVED)
    _, told = await uses(editor, read(file), edit(file, "two", "2"))
    assert "Nothing was changed" in told
    assert (documents.edits, documents.texts[uri], file.read_text()) == ([], UNSAVED, DISK)


@pytest.mark.parametrize("unsaved", [True, False])
async def test_editor_that_applies_nothing(
    editor_with: Open, file: Path, uses: Uses, *, unsaved: bool
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    documents.refuse = True
    uri = documents.open(file)
    if unsaved:
        documents.type(uri, UNSAVED)
    _, told = await uses(editor, read(file), edit(file, "two", "2"))
    assert "Nothing was changed" in told
    assert (documents.texts[uri], file.read_text()) == (UNSAVED if unsaved else DISK, DISK)


@pytest.mark.parametrize(
    ("when", "unsaved", "saves"),
    [("never", False, 0), ("always", True, 1), ("ifClean", True, 0)],
)
async def test_when_an_edit_is_saved(
    editor_with: Open, file: Path, uses: Uses, when: str, saves: int, *, unsaved: bool
) -> None:
    editor = await editor_with(announces=SAVES, options={"settings": {"saveEdits": when}})
    documents = Documents(editor)
    uri = documents.open(file)
    if unsaved:
        documents.type(uri, UNSAVED)
    await uses(editor, read(file), edit(file, "two", "2"))
    assert "\n2\n" in documents.texts[uri]
    assert len(documents.saves) == saves
    assert (file.read_text() == documents.texts[uri]) is bool(saves)


async def test_what_a_formatter_makes_of_it_is_told(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    documents.format = lambda text: text.replace("two=2", "two = 2")
    uri = documents.open(file)
    await uses(editor, read(file), edit(file, "two", "two=2"))
    assert documents.texts[uri] == "one on disk\ntwo = 2\n"
    assert file.read_text() == documents.texts[uri]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_line_ends_stay_as_they_are(
    editor_with: Open, file: Path, uses: Uses, end: str
) -> None:
    text = f"one{end}two{end}three{end}four"
    file.write_bytes(text.encode())
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, f"{text} unsaved")
    await uses(editor, read(file), edit(file, "two\nthree", "2\n2½\n3 😀"))
    assert documents.texts[uri] == f"one{end}2{end}2½{end}3 😀{end}four unsaved"


async def test_switched_off_all_is_the_disks(editor_with: Open, file: Path, uses: Uses) -> None:
    editor = await editor_with(announces=SAVES, options={"settings": {"liveDocuments": False}})
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, UNSAVED)
    seen, _ = await uses(editor, read(file), edit(file, "two", "2"))
    assert "one on disk" in seen
    assert (documents.texts[uri], file.read_text()) == (UNSAVED, "one on disk\n2\n")


@pytest.mark.parametrize(
    ("content", "given", "wanted"),
    [
        (b"one\r\ntwo\nthree\r\n", ("two", "2\n2a"), b"one\r\n2\r\n2a\nthree\r\n"),
        (b"one\rtwo\nthree\rfour", ("two\nthree", "2\n3"), b"one\r2\n3\rfour"),
        (b"one\r\ntwo\r\n", ("one\ntwo\nthree\n",), b"one\r\ntwo\r\nthree\r\n"),
        (b"\xef\xbb\xbfone\r\ntwo\n", ("two", "2"), b"\xef\xbb\xbfone\r\n2\n"),
        (
            "\ufeffone\r\ntwo\nthree".encode("utf-16-le"),
            ("two", "2"),
            "\ufeffone\r\n2\nthree".encode("utf-16-le"),
        ),
    ],
)
async def test_closed_file_keeps_every_byte_outside_of_the_edit(
    editor_with: Open,
    folder: Path,
    file: Path,
    uses: Uses,
    content: bytes,
    given: tuple[str, ...],
    wanted: bytes,
) -> None:
    closed = folder / "closed.txt"
    closed.write_bytes(content)
    closed.chmod(0o751)
    editor = await editor_with(announces=SAVES)
    Documents(editor).open(file)
    change = edit(closed, *given) if len(given) > 1 else write(closed, *given)
    _, told = await uses(editor, read(closed), change)
    assert "success" in told
    assert closed.read_bytes() == wanted
    assert closed.stat().st_mode & 0o777 == 0o751
    # And so does the next one, though the CLI has not written this one itself.
    _, told = await uses(editor, edit(closed, "one", "uno"), read(closed))
    encoding = "utf-16-le" if b"\0" in content else "utf-8"
    assert closed.read_bytes() == wanted.replace("one".encode(encoding), "uno".encode(encoding))
