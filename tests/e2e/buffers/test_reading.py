"""The agent reads what the user sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.buffers.conftest import UNSAVED, read
from tests.e2e.buffers.documents import SAVES, Documents

if TYPE_CHECKING:
    from pathlib import Path

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
