"""The tools by which an agent asks the editor, by name: which there are, and which are on."""

from __future__ import annotations

from typing import Final, Literal, get_args

EditorTool = Literal[
    "open_documents",
    "diagnostics",
    "definition",
    "references",
    "symbols",
    "rename_symbol",
    "reveal",
]
EDITOR_TOOLS: Final[tuple[EditorTool, ...]] = get_args(EditorTool)
# The view is the user's.
USUAL_TOOLS: Final = tuple(name for name in EDITOR_TOOLS if name != "reveal")
