"""An agent that asks the editor, and an editor that has language servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call
from tests.e2e.buffers.conftest import uses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.editor import Editor

__all__ = ["uses"]

CODE = "def total(items):\n    return sum(items)\n\n\nprint(total([1]))\n"
ANNOUNCED = {
    "trust": True,
    "questions": True,
    "saveDocument": True,
    "diagnostics": True,
    "language": True,
    "visibleDocuments": True,
}


def ask(tool: str, **given: Any) -> Any:
    """Have the agent use one of the editor's tools."""
    return call(f"mcp__editor__{tool}", **given)


@pytest.fixture
def cart(folder: Path) -> Path:
    """A file with a function, which is used once."""
    path = folder / "cart.py"
    path.write_text(CODE)
    return path


def at(line: int, first: int, last: int) -> dict[str, Any]:
    """A range in a line, from 0."""
    return {
        "start": {"line": line, "character": first},
        "end": {"line": line, "character": last},
    }


def problem(line: int, message: str, **more: Any) -> dict[str, Any]:
    """A diagnostic of the first characters of a line, from 0."""
    return {"range": at(line, 0, 3), "message": message, **more}


def diagnose(editor: Editor, uri: str, version: int, *found: dict[str, Any]) -> None:
    """Tell what is wrong in a document, as a client does that knows this server."""
    params = {"uri": uri, "version": version, "diagnostics": list(found)}
    editor.protocol.notify("claudeAgent/diagnostics", params)


def answers(editor: Editor, method: str, answer: Callable[[Any], Any]) -> list[Any]:
    """Answer a request of the server's; returns the list of those that come."""
    asked: list[Any] = []

    def take(params: Any) -> Any:
        asked.append(params)
        return answer(params)

    editor.protocol.fm.features[f"claudeAgent/{method}"] = take
    return asked


def knows(editor: Editor, results: Mapping[str, Any]) -> list[Any]:
    """Have language servers that answer; returns what they were asked."""

    def answer(params: Any) -> Any:
        result = results.get(params.method)
        return {"answers": [] if result is None else [{"result": result}]}

    return answers(editor, "language", answer)


def offered(model: Loopback) -> list[str]:
    """Return the editor's tools of which the model was told with its last prompt."""
    names = [tool["name"] for tool in model.requests[-1].body.get("tools", [])]
    return sorted(n.removeprefix("mcp__editor__") for n in names if n.startswith("mcp__editor__"))


def said(text: str) -> dict[str, Any]:
    """Return what a tool has said."""
    found: dict[str, Any] = json.loads(text)
    return found
