"""What a background task has started, to be ended with it.

The CLI gives a task a shell in a session of its own, whose output it has written to a file; it ends
that shell with all below it (CLI 2.1.332). What the shell has detached has lost its parent, but
not its output, or its session.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.os_processes.tree import (
    Process,
    ProcessTree,
    below,
    in_process_thread,
    outside_group_of,
    try_psutil,
)
from claude_agent_lsp.base.system.processes import session_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TaskProcesses:
    """What a task may have started, as it was at one moment.

    Attributes:
        own: What is known to be the task's.
        shells: Where that is nothing, each shell below the CLI, with all that is below it.
    """

    own: frozenset[Process]
    shells: Mapping[Process, frozenset[Process]]

    @classmethod
    async def look(cls, cli: int, file: str) -> TaskProcesses:
        """Look at it, while the task is still at work.

        Args:
            cli: The CLI's process id.
            file: How the path of the file ends that its output goes to.
        """
        return await in_process_thread(cls._look, cli, file)

    @classmethod
    def _look(cls, cli: int, file: str) -> TaskProcesses:
        tree = ProcessTree.scan(cli)
        # What has lost its parent is this process's child on Linux.
        known = {*tree.descendants, *ProcessTree.scan(os.getpid()).descendants}
        outside = {process for process in known if outside_group_of(cli, process)}
        writers = {process for process in outside if _writes(process, file)}
        if not writers:
            # What is watched for the agent writes into no file, and an agent has several shells.
            return cls(frozenset(), {shell: below(shell) for shell in tree.tool_shells()})
        sessions = {session_of(process.pid) for process in writers}
        own = {process for process in outside if session_of(process.pid) in sessions}
        return cls(frozenset(own.union(*map(below, own))), {})

    async def left(self) -> frozenset[Process]:
        """Return what may be left of it, once the CLI has ended the task."""
        return await in_process_thread(self._left)

    def _left(self) -> frozenset[Process]:
        # Nothing says which shell was the task's but that it has ended with it.
        ended = [shell for shell in self.shells if not try_psutil(shell.is_running, True)]
        return self.own.union(*(self.shells[shell] for shell in ended))


def _writes(process: Process, file: str) -> bool:
    return try_psutil(lambda: any(f.path.endswith(file) for f in process.open_files()), False)
