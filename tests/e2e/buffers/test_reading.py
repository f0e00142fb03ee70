"""The agent reads what the user sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call
from tests.e2e.buffers.conftest import UNSAVED, read
from tests.e2e.buffers.documents import SAVES, Documents

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open


async def test_unsaved_text_is_what_the_agent_reads(
    editor_with: Open, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    (clean,) = await uses(editor, read(file))
    documents.type(uri, UNSAVED)
    (unsaved,) = await uses(editor, read(file))
    documents.close(uri)
    (closed,) = await uses(editor, read(file))
    assert "one on disk" in clean
    assert "one on disk" in closed
    assert "1\tONE from buffer\n2\ttwo\n3\tthree unsaved\n4\t" in unsaved


async def test_command_is_told_which_files_it_does_not_see_as_the_user_does(
    editor_with: Open, folder: Path, file: Path, uses: Uses, model: Loopback
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    look = call("Bash", command="cat a.txt", description="Look")

    def told() -> int:
        sent = "\n".join(part.text for part in model.requests[-1].conversation)
        return sent.count("unsaved changes in the user's editor")

    await uses(editor, look)
    assert told() == 0
    documents.type(uri, UNSAVED)
    await uses(editor, look, look)
    assert told() == 1
    documents.save(file)
    await uses(editor, look)
    assert "All open files are saved now." in str(model.requests[-1].conversation)


async def test_file_is_found_by_whatever_name_the_agent_calls_it(
    editor_with: Open, folder: Path, file: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file)
    documents.type(uri, UNSAVED)
    (folder / "below").mkdir()
    (folder / "link").symlink_to(folder, target_is_directory=True)
    names = [folder / "below" / ".." / "a.txt", folder / "link" / "a.txt", Path("a.txt")]
    for told in await uses(editor, *(read(name) for name in names)):
        assert "ONE from buffer" in told


async def test_selection_is_quoted_as_the_editor_has_it(
    editor_with: Open, file: Path, model: Loopback
) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    uri = documents.open(file, "\fä😀ö\x0cü unsaved\r\nrest\n")
    start, end = {"line": 0, "character": 1}, {"line": 0, "character": 6}
    marked = {"textDocument": {"uri": uri}, "range": {"start": start, "end": end}}
    await editor.query("hello", context=marked)
    sent = "\n".join(part.text for part in model.requests[-1].conversation)
    assert f"from {file}:\nä😀ö\x0c\n" in sent


async def test_large_text_is_read_in_pieces_only(editor_with: Open, file: Path, uses: Uses) -> None:
    editor = await editor_with(announces=SAVES)
    documents = Documents(editor)
    documents.open(file, "".join(f"line {number} unsaved\n" for number in range(40_000)))
    whole, piece = await uses(editor, read(file), read(file, offset=39_999, limit=1))
    assert "exceeds maximum allowed size" in whole
    assert "39999\tline 39998 unsaved" in piece
