"""LSP messages in short form, as the demo shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

CODES: Final = {
    -32800: "RequestCancelled",
    -32803: "RequestFailed",
    -32602: "InvalidParams",
    -32601: "MethodNotFound",
}


@dataclass
class Line:
    """One message, or progress notifications that follow one another.

    Attributes:
        sent: By the editor, not by the server.
        text: Without the arrow.
        progress: How often each kind of event came; empty for other messages.
    """

    sent: bool
    text: str = ""
    progress: dict[str, int] = field(default_factory=dict)

    def shown(self, times: str) -> str:
        """Return it in words; `times` is the sign before a count."""
        if not self.progress:
            return self.text
        kinds = (
            kind if count == 1 else f"{kind} {times}{count}"
            for kind, count in tuple(self.progress.items())
        )
        return f"$/progress {', '.join(kinds)}"


def add(lines: list[Line], message: dict[str, Any], *, sent: bool) -> None:
    """Append a message to the lines that are shown."""
    if message.get("method") != "$/progress":
        lines.append(Line(sent, _short(message)))
        return
    if not lines or not lines[-1].progress:
        lines.append(Line(sent))
    kind = str(message["params"]["value"].get("kind"))
    progress = lines[-1].progress
    progress[kind] = progress.get(kind, 0) + 1


def _short(message: dict[str, Any]) -> str:
    words: tuple[object, ...]
    match message:
        case {"method": "workspace/executeCommand" as method, "params": {"command": command}}:
            words = (method, command)
        case {"method": method}:
            words = (method,)
        case {"error": {"code": code}}:
            words = ("error", code, CODES.get(code, ""))
        case {"result": {"serverInfo": {"name": name, "version": version}}}:
            words = ("result", name, version)
        case {"result": {"status": status}}:
            words = ("result", status)
        case {"result": None}:
            words = ("result", "null")
        case _:
            words = ("result",)
    return " ".join(str(word) for word in words if word != "")
