"""What Claude Code reads of a folder when a session starts, and never again (CLI 2.1.330).

A process that was started ahead knows what these files said then: the instructions, agents, skills
and MCP servers. Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.claude_settings.settings_files import (
    MANAGED,
    read_settings,
    settings_files,
)
from claude_agent_lsp.sessions.transcripts.projects import project_directory
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# Hooks that only run in a turn. Those of any other event may run where nobody has asked anything.
OF_TURNS: Final = frozenset(
    {
        *("PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "PermissionRequest"),
        *("PermissionDenied", "UserPromptSubmit", "UserPromptExpansion", "Stop", "StopFailure"),
        *("SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "Notification"),
        *("TaskCreated", "TaskCompleted", "Elicitation", "ElicitationResult"),
    }
)
# A folder with more of them than this gets no process ahead.
MOST_FILES: Final = 2000
MOST_BYTES: Final = 2**20
MOST_IMPORTS: Final = 100
# The CLI's own record, which holds MCP servers beside much else; it grows with each folder.
MOST_RECORD_BYTES: Final = 8 * 2**20
_IMPORT: Final = re.compile(r"(?:^|\s)@((?:[^\s\\]|\\ )+)")
_IN_FOLDERS: Final = ("CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", ".mcp.json")
_IN_CLAUDE: Final = (
    *("CLAUDE.md", "settings.json", "settings.local.json", "plugins/installed_plugins.json"),
    *("agents", "commands", "output-styles", "rules", "skills"),
)
_INSTRUCTIONS: Final = frozenset({"CLAUDE.md", "CLAUDE.local.md", "AGENTS.md"})


def hooks_at_start(folder: Path, sources: Collection[str]) -> bool:
    """Return whether a session's mere start or end may run hooks, by its settings or a plugin.

    Args:
        folder: The folder that the CLI is started in.
        sources: Which settings files the CLI reads, beside the managed one.
    """
    for source, file in settings_files(folder).items():
        if source not in (*sources, MANAGED):
            continue
        try:
            read = read_settings(file)
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return True  # what it says nobody knows
        hooks, plugins = read.get("hooks") or {}, read.get("enabledPlugins") or {}
        if not isinstance(hooks, dict) or not OF_TURNS.issuperset(hooks):
            return True
        if not isinstance(plugins, dict) or any(plugins.values()):
            return True
    return False


def start_files(folder: Path) -> tuple[object, ...] | None:
    """Return what these files are now: equal as long as a session would start with the same.

    Returns:
        None if there are too many, or they can't be read.
    """
    try:
        files = list(islice(_files(folder), MOST_FILES + 1))
        found = {file: stamp for file in files if (stamp := _stamp(file))}
        record = _servers(folder)
    except (OSError, ValueError):
        return None
    if len(files) > MOST_FILES:
        return None
    # A session is told which day it is.
    return (time.strftime("%Y-%m-%d"), found, record)


def _files(folder: Path) -> Iterator[Path]:
    yield from settings_files(folder).values()
    roots = [*(above / ".claude" for above in (folder, *folder.parents)), config_directory()]
    found = [above / name for above in (folder, *folder.parents) for name in _IN_FOLDERS]
    found += [root / name for root in roots for name in _IN_CLAUDE]
    found.append(project_directory(folder) / "memory")
    for path in found:
        if path.is_dir():
            for directory, _, names in os.walk(path):
                yield from (Path(directory, name) for name in names)
        else:
            yield path
            if path.name in _INSTRUCTIONS:
                yield from _imported(path)


def _imported(file: Path) -> Iterator[Path]:
    """Yield what instructions name to be read with them, `@path`, and what these name in turn."""
    waiting, seen = [file], {file}
    while waiting and len(seen) < MOST_IMPORTS:
        here = waiting.pop()
        try:
            text = read_regular(here, MOST_BYTES).decode(errors="replace")
        except (OSError, ValueError):
            continue
        for word in _IMPORT.findall(text):
            with contextlib.suppress(RuntimeError):  # nobody's home
                there = here.parent / Path(word.replace("\\ ", " ")).expanduser()
                if there not in seen:
                    seen.add(there)
                    waiting.append(there)
                    yield there


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _servers(folder: Path) -> str:
    """Return what the CLI's own record says of MCP servers and tools, for all and this folder."""
    file = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json"
    record: Any = {}
    with contextlib.suppress(FileNotFoundError):
        record = parse_json(read_regular(file, MOST_RECORD_BYTES) or b"{}")
    if not isinstance(record, dict):
        raise ValueError("the record holds no JSON object")  # noqa: TRY004
    projects = record.get("projects")
    of_folder = projects.get(os.fspath(folder)) if isinstance(projects, dict) else None
    return repr([_named(each) for each in (record, of_folder)])


def _named(record: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if not isinstance(record, dict):
        return []
    # At its start the CLI fills in what is empty.
    names = ("Mcp", "mcp", "allowedTools")
    return sorted((k, repr(v)) for k, v in record.items() if v and any(n in k for n in names))
