"""Where a run takes place: a home and a project of its own, the model, the peers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import tempfile
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.model import Model
from benchmarks.peers import ACP, CLIENT, HEADLESS, QUERY, SERVER, UNRECORDED, Peer, Place, Session
from benchmarks.peers.acp import AcpPeer, NoAdapter, adapter
from benchmarks.peers.editor import ServerPeer
from benchmarks.peers.headless import HeadlessPeer
from benchmarks.peers.workers import WorkerPeer
from benchmarks.processes import MARK, marked
from claude_agent_lsp.agent.cli import locate
from claude_agent_lsp.loopback.environment import environment
from claude_agent_lsp.workspace.state import ENVIRONMENT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import BinaryIO

ALL = (SERVER, CLIENT, QUERY, HEADLESS)
# Between runs, a CLI of the server is to be gone as soon as those of its peers.
ALONE = {"prewarm": False, "spareProcess": False}
AT_ONCE = {**ALONE, "idleProcessSeconds": 0.1, "maxProcesses": 8}
KEPT = {**ALONE, "maxProcesses": 8}
AHEAD = {"prewarm": True, "spareProcess": False}
STANDING = {"prewarm": False, "maxProcesses": 8}
LOG_LENGTH = 4000
_WARM_UP = "say 3 tokens"


class Stage:
    """A home, a project, the model.

    Attributes:
        place: Where the peers work.
        model: What answers them.
        all: Who is compared by the turn, with the ACP adapter where it can be had.
        without: Why it can't; empty if it can.
    """

    def __init__(self, home: Path, model: Model, mark: str, log: BinaryIO, without: str) -> None:
        self.without = without
        self.all = ALL if without else (*ALL, ACP)
        folder = home / "project"
        folder.mkdir()
        trusted = home / ".claude" / ".claude.json"
        trusted.parent.mkdir()
        record = {"projects": {str(folder): {"hasTrustDialogAccepted": True}}}
        trusted.write_text(json.dumps(record))
        self.model = model
        self.place = Place(
            folder=folder,
            environment={
                **environment(model.url, home),
                MARK: mark,
                "CLAUDE_CODE_MAX_RETRIES": "0",
            },
            cli=locate(None),
            log=log,
        )
        self._transcripts = home / ".claude" / "projects"

    @asynccontextmanager
    async def peers(
        self, *names: str, settings: Mapping[str, object]
    ) -> AsyncIterator[dict[str, Peer]]:
        """Brings peers up, the SDK loaded and no CLI started; ends them afterwards.

        Args:
            names: Whom.
            settings: The server's.
        """
        async with AsyncExitStack() as stack:
            peers: dict[str, Peer] = {}
            for name in names:
                peers[name] = peer = await self._peer(name, settings)
                stack.push_async_callback(peer.close)
            if SERVER in peers and "idleProcessSeconds" in settings:
                # Only a query makes it load the SDK.
                await peers[SERVER].turn(Session(), _WARM_UP)
                await peers[SERVER].rest()
            yield peers

    async def _peer(self, name: str, settings: Mapping[str, object]) -> Peer:
        if name == SERVER:
            return await self.server(settings)
        if name == UNRECORDED:
            return await self._unrecorded(settings)
        if name == HEADLESS:
            return HeadlessPeer(self.place)
        if name == ACP:
            return await AcpPeer.open(self.place)
        return await WorkerPeer.open(name, self.place)

    async def server(self, settings: Mapping[str, object]) -> ServerPeer:
        """Start this server alone."""
        return await ServerPeer.open(self.place, settings)

    async def _unrecorded(self, settings: Mapping[str, object]) -> ServerPeer:
        """Return this server where it can't write its journal: it goes on without."""
        nowhere = self.place.folder.with_name("a file, no directory")
        nowhere.touch()
        environment = {**self.place.environment, ENVIRONMENT_VARIABLE: str(nowhere)}
        place = replace(self.place, environment=environment)
        return await ServerPeer.open(place, settings, name=UNRECORDED)

    async def conversation(self, turns: int) -> str:
        """Make a session of so many turns, all of them real, and return its id.

        Raises:
            RuntimeError: What the model is sent when it is resumed is not the whole of it.
        """
        session = Session()
        async with self.peers(CLIENT, settings=KEPT) as peers:
            for turn in range(turns):
                await peers[CLIENT].turn(session, f"say 60 tokens (turn CODE-{turn})")
        written = self._transcript(session.id).read_text()
        prompts = set(re.findall(r'"content":"say 60 tokens \(turn CODE-(\d+)\)"', written))
        headless = HeadlessPeer(self.place)
        again = await headless.turn(self.copy(session.id), r"recall CODE-0\b")
        if len(prompts) != turns or again.text != "CODE-0":
            raise RuntimeError(f"a session of {turns} turns was not kept as a whole")
        return session.id

    def copy(self, session_id: str) -> Session:
        """Return a session that is the same under another id, for a single resume."""
        source = self._transcript(session_id)
        session = Session(begun=True)
        content = source.read_text().replace(session_id, session.id)
        source.with_stem(session.id).write_text(content)
        return session

    def _transcript(self, session_id: str) -> Path:
        return next(self._transcripts.glob(f"*/{session_id}.jsonl"))


@asynccontextmanager
async def stage(*, acp: bool = False) -> AsyncIterator[Stage]:
    """Set the stage; nothing is left of it afterwards.

    Args:
        acp: Whether the ACP adapter takes part; it is installed if it isn't yet.

    Raises:
        RuntimeError: A process was left. It has been killed.
    """
    mark, without = str(uuid.uuid4()), "" if acp else "it was not asked for"
    if acp:
        try:
            await asyncio.get_running_loop().run_in_executor(None, adapter)
        except NoAdapter as error:
            without = str(error)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        tempfile.TemporaryFile() as log,
    ):
        try:
            model = await Model.open({**os.environ, MARK: mark})
            try:
                yield Stage(Path(home), model, mark, log, without)
            finally:
                await model.close()
        except Exception as error:
            log.seek(0)
            said = log.read().decode(errors="replace")[-LOG_LENGTH:]
            error.add_note(f"The processes said:\n{said}")
            raise
        finally:
            left = _end(marked(mark))
        if left:
            raise RuntimeError(f"these processes were left: {left}")


def _end(processes: list[psutil.Process]) -> list[str]:
    """Kills what should not be there any more; returns what it was."""
    left = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            left.append(" ".join(process.cmdline()[:4]))
            process.kill()
    return left
