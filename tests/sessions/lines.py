"""Sessions on disk, with lines as CLI 2.1.330 writes them."""

from __future__ import annotations

import json
import os
import re
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

STAMP = "2026-01-02T03:04:05.678Z"


class Disk:
    """The directory where Claude Code keeps its sessions."""

    def __init__(self, root: Path) -> None:
        self.projects = root / "projects"

    def path(self, session_id: str, folder: Path) -> Path:
        """Where the transcript of a session of `folder` is."""
        units = os.path.realpath(folder).encode("utf-16-le", "surrogatepass")
        # In UTF-16, as JavaScript counts.
        letters = re.sub(rb"(?:[a-zA-Z0-9]\0)|(?:..)", _letter, units, flags=re.DOTALL)
        name = letters.decode()
        # The CLI and the SDK make hashes of their own.
        name = name if len(name) <= 200 else f"{name[:200]}-a1b2c3"
        return self.projects / name / f"{session_id}.jsonl"

    def write(
        self, folder: Path, *entries: dict[str, Any] | str, at: int = 1000, session_id: str = ""
    ) -> str:
        """Write a session that was last changed `at` seconds; returns its id."""
        session_id = session_id or str(uuid.uuid4())
        path = self.path(session_id, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        common = {"sessionId": session_id, "cwd": os.path.realpath(folder), "timestamp": STAMP}
        lines = [
            entry if isinstance(entry, str) else json.dumps(entry | common, separators=(",", ":"))
            for entry in entries
        ]
        path.write_text("\n".join(lines) + "\n")
        self.touch(session_id, folder, at)
        return session_id

    def touch(self, session_id: str, folder: Path, at: int) -> None:
        """Let a session be changed `at` seconds."""
        os.utime(self.path(session_id, folder), (at, at))


def _letter(unit: re.Match[bytes]) -> bytes:
    return unit[0][:1] if unit[0].endswith(b"\0") and unit[0][:1].isalnum() else b"-"


class Talk:
    """Lines of a conversation, each behind the one before."""

    def __init__(self, entrypoint: str = "sdk-py") -> None:
        self._entrypoint = entrypoint
        self._last: str | None = None

    def user(self, content: object, **more: Any) -> dict[str, Any]:
        """What the user, or the CLI in the user's name, says."""
        return self._line("user", {"role": "user", "content": content}, more)

    def agent(self, *blocks: dict[str, Any], message_id: str, **more: Any) -> dict[str, Any]:
        """A line of an agent's message."""
        message = {
            "id": message_id,
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": list(blocks),
        }
        return self._line("assistant", message | more.pop("message", {}), more)

    def _line(self, kind: str, message: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        entry = {
            "parentUuid": self._last,
            "isSidechain": False,
            "type": kind,
            "message": message,
            "uuid": str(uuid.uuid4()),
            "entrypoint": self._entrypoint,
            **more,
        }
        self._last = entry["uuid"]
        return entry


def text(words: str) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": words}


def use(call_id: str, tool: str, **given: Any) -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_use", "id": call_id, "name": tool, "input": given}


def result(call_id: str, content: object, **more: Any) -> dict[str, Any]:
    """What came of a tool call."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def append(path: Path, content: bytes) -> None:
    """Append to a transcript, as the CLI does."""
    with path.open("ab") as file:
        file.write(content)


def replace(path: Path, content: bytes) -> None:
    """Put another file in its place."""
    beside = path.with_name("beside")
    beside.write_bytes(content)
    beside.replace(path)


def overwrite(path: Path, content: bytes) -> None:
    """Write it anew where it stands; the time is another one, as it is after a moment."""
    path.write_bytes(content)
    os.utime(path, (5000, 5000))
