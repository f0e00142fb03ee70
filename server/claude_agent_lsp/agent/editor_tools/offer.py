"""Which of the editor's tools a process has: those that are switched on and the editor can do.

    the setting `editorTools` ──┐
    what the editor announces ──┴─▶ tools, each asked about only where it changes something

The CLI has them of this server's own MCP server, beside what its mod asks (agent/buffers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.editor_tools.language import all_of
from claude_agent_lsp.agent.editor_tools.looking import Diagnostics, OpenDocuments, Reveal
from claude_agent_lsp.agent.editor_tools.means import Means
from claude_agent_lsp.agent.editor_tools.reach import Reach
from claude_agent_lsp.agent.editor_tools.renaming import RenameSymbol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools
    from claude_agent_lsp.agent.buffers.mcp_server import Tool
    from claude_agent_lsp.agent.editor_tools.renaming import Recorded


def offered(
    tools: BufferTools, folders: Iterable[Path], wanted: Collection[str], recorded: Recorded
) -> list[Tool]:
    """Return the tools of a process.

    Args:
        tools: Its work on open files.
        folders: Where it may work; the first is its own.
        wanted: The names of the tools that are switched on.
        recorded: Has its run record what is changed.
    """
    buffers = tools.buffers
    knowledge = buffers.knowledge
    if knowledge is None or not buffers.editor.synchronizes:
        return []
    folder, *others = folders
    reach = Reach(folder, others, tools.looks.disk)
    means = Means(buffers.documents, tools.looks, reach, knowledge)
    found = [OpenDocuments(means).tool(), Diagnostics(means).tool()]
    if knowledge.knows_language:
        found += [*all_of(means), RenameSymbol(means, tools, recorded).tool()]
    if knowledge.reveals:
        found.append(Reveal(means).tool())
    return [tool for tool in found if tool.name in wanted]
