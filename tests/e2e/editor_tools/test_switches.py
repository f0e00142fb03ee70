"""Each tool is switched by a setting, and a folder that is not trusted switches none on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.buffers.documents import Documents
from tests.e2e.editor_tools.conftest import ANNOUNCED, ask, offered, said

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open


async def told(
    editor_with: Open, cart: Path, uses: Uses, *calls: Any, trusted: bool, **launch: Any
) -> tuple[Any, list[str]]:
    options = {"trustedFolders": [cart.parent.as_uri()] if trusted else []}
    options |= launch.pop("options", {})
    editor = await editor_with(announces=ANNOUNCED, options=options, **launch)
    Documents(editor).open(cart)
    return editor, await uses(editor, *calls)


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_tool_that_is_switched_off_is_not_there(
    editor_with: Open, cart: Path, uses: Uses, model: Loopback, *, trusted: bool
) -> None:
    settings = {"editorTools": ["open_documents"]}
    _, (answer,) = await told(
        editor_with, cart, uses, ask("diagnostics"), trusted=trusted, settings=settings
    )
    assert "No such tool" in answer
    assert offered(model) == ["open_documents"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_folder_that_is_not_trusted_switches_none_on(
    editor_with: Open, cart: Path, uses: Uses, model: Loopback, *, trusted: bool
) -> None:
    settings = {"editorTools": ["open_documents", "reveal", "diagnostics"]}
    editor, (answer,) = await told(
        editor_with,
        cart,
        uses,
        ask("reveal", path="cart.py", line=2, end_line=3),
        trusted=trusted,
        settings=settings,
        options={"settings": {"editorTools": ["open_documents"]}},
    )
    wanted = ["diagnostics", "open_documents"] if trusted else ["open_documents"]
    assert offered(model) == wanted
    assert ("No such tool" in answer) is not trusted
    if trusted:
        (shown,) = editor.shown_documents
        assert (shown.uri, shown.take_focus) == (cart.as_uri(), False)
        assert (shown.selection.start.line, shown.selection.end.line) == (1, 2)
        assert said(answer) == {"shown": str(cart), "line": 2}


async def test_without_live_documents_there_are_none(
    editor_with: Open, cart: Path, uses: Uses, model: Loopback
) -> None:
    await told(
        editor_with, cart, uses, ask("diagnostics"), trusted=True, settings={"liveDocuments": False}
    )
    assert offered(model) == []
