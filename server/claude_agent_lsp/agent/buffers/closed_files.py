"""Edits of files that are not open, where the CLI's tools would change more than they are asked.

A Write over lines that end with CRLF makes them end with LF, and an Edit of a file whose lines end
in several ways makes them all end alike (CLI 2.1.330). Here every byte outside of the edit stays.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers import tool_texts
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError, plain
from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.workspace.documents.disk_text import DiskText, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from claude_agent_lsp.base.lanes import Lane

# What the CLI's tools write.
WRITABLE: Final = ("utf-8", "utf-16-le")


class ClosedFiles:
    """Those that one process edits.

    Args:
        lane: Of what it reads and writes.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        # The digest of each file's text as it was left here, or found.
        self._left: dict[Path, bytes] = {}

    async def claim(self, path: Path, tool: str) -> bool:
        """Return whether a tool's edit of a file is to be made here."""
        digest = await self._lane.read(_digest_if_touchy, path, tool)
        if digest is None:
            self._left.pop(path, None)
            return False
        self._left.setdefault(path, digest)
        return True

    def has(self, path: Path) -> bool:
        """Return whether a file was claimed."""
        return path in self._left

    async def unchanged(self, path: Path) -> bool:
        """Return whether a file is as it was left here."""
        return await self._lane.read(_digest_of, path) == self._left.get(path)

    async def edit(self, path: Path, call: Mapping[str, Any]) -> dict[str, Any]:
        """Edit a file, and return what the mod makes of it."""
        try:
            result, digest = await self._lane.run(_edit, path, call)
        except ToolRefusedError as refused:
            return {"deny": str(refused)}
        except OSError as error:
            return {"deny": f"{path} can't be written: {error.strerror or error}."}
        self._left[path] = digest
        return {"result": result}


def write_over(path: Path, content: bytes) -> None:
    """Have a file hold something else, whole or not at all. It touches the disk.

    Raises:
        OSError: It can't be written.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    real = path.resolve()
    replace_file(real, content)
    real.chmod(mode)


def _digest_if_touchy(path: Path, tool: str) -> bytes | None:
    disk = _read(path)
    if disk is None or disk.encoding not in WRITABLE:
        return None
    pairs, returns, feeds = (disk.text.count(end) for end in ("\r\n", "\r", "\n"))
    kinds = [kind for kind in (pairs, returns - pairs, feeds - pairs) if kind]
    if len(kinds) > 1 or (returns and tool == "Write"):
        return digest_of(disk.text)
    return None


def _digest_of(path: Path) -> bytes | None:
    disk = _read(path)
    return None if disk is None else digest_of(disk.text)


def _read(path: Path) -> DiskText | None:
    try:
        return DiskText.read(path)
    except (OSError, ValueError):
        return None


def _edit(path: Path, call: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    disk = DiskText.read(path)
    if disk is None:
        raise ToolRefusedError("File does not exist.")
    before = plain(disk.text)
    after = tool_texts.after(before, call)
    text = disk.text
    for edit in reversed(tool_texts.edits_for(text, after)):
        text = text[: edit.start] + edit.new + text[edit.end :]
    write_over(path, disk.encode(text))
    named = str(call["file_path"])
    if call.get("tool") == "Edit":
        return tool_texts.result_of_edit(named, before, after, call), digest_of(text)
    return tool_texts.result_of_write(named, before, after), digest_of(text)
