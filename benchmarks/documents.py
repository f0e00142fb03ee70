"""What the agent's tools cost with live documents, beside the same server without them."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figures import Bound, Measure
from benchmarks.measures import Values
from benchmarks.peers import SERVER, Session
from benchmarks.peers.editor import EXECUTABLE, Connection, ServerPeer
from benchmarks.processes import calm, cli_of, memory_of
from benchmarks.stage import KEPT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measures import Extent
    from benchmarks.stage import Stage

WITHOUT: Final = "without live documents"
CALLS: Final = 10
LINES: Final = 200
OPEN_SECONDS: Final = 0.015
CLOSED_SECONDS: Final = 0.005
MORE_MEMORY: Final = 40 * 2**20
_STATES: Final = ("closed", "clean", "unsaved")


async def documents(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure what live documents add to each Read and Edit, and to the CLI's memory."""
    values = Values()
    async with AsyncExitStack() as stack:
        peers = {}
        for name, live in ((SERVER, True), (WITHOUT, False)):
            peers[name] = _Peer(name, stage)
            stack.push_async_callback(peers[name].close)
            await peers[name].open(live=live)
        for number in extent.numbers(1):
            await _round(peers, number, values)
    added = [
        Measure(
            f"{tool} of {_words(state)}, more for each",
            "s",
            values[f"{tool} {state}"],
            SERVER,
            Bound(CLOSED_SECONDS if state == "closed" else OPEN_SECONDS),
        )
        for tool in ("Read", "Edit")
        for state in _STATES
    ]
    more = Measure("memory of its CLI, more", "B", values["more"], SERVER, Bound(MORE_MEMORY))
    return [*added, more]


def _words(state: str) -> str:
    return "a closed file" if state == "closed" else f"an open file, {state}"


async def _round(peers: dict[str, _Peer], number: int, values: Values) -> None:
    for tool in ("Read", "Edit"):
        for state in _STATES:
            seconds = {}
            for name, peer in peers.items():
                # Without, what is open makes no difference, and an unsaved text is not found.
                seconds[name] = await peer.use(tool, state if name == SERVER else "closed")
                await calm([peer.pid])
            values.note(f"{tool} {state}", number, SERVER, seconds[SERVER] - seconds[WITHOUT])
    more = peers[SERVER].memory() - peers[WITHOUT].memory()
    values.note("more", number, SERVER, more)


class _Peer:
    """A server, in an editor that has documents open."""

    def __init__(self, name: str, stage: Stage) -> None:
        self.name = name
        self._stage = stage
        self._session = Session()
        self._texts: dict[str, list[str]] = {}
        self._versions: dict[str, int] = {}

    async def open(self, *, live: bool) -> None:
        """Start it, and open two of three files."""
        self._folder = self._stage.place.folder / f"documents-{live}"
        self._folder.mkdir()
        self._connection = await Connection.open([str(EXECUTABLE)], self._stage.place)
        self._connection.settings = {**KEPT, "liveDocuments": live, "permissionMode": "acceptEdits"}
        self._connection.answers = {
            "workspace/applyEdit": self._apply,
            "claudeAgent/saveDocument": self._save,
        }
        self._connection.experimental = {"saveDocument": True}
        await self._connection.initialize(self._stage.place.folder)
        self._peer = ServerPeer(self._connection, self.name)
        for state in _STATES:
            text = "".join(f"line {n}\n" for n in range(LINES)) + "value 0\n"
            self._file(state).write_text(text)
            if state != "closed":
                self._open(state, text)
        await self._peer.turn(self._session, "say 3 tokens")
        for state in _STATES:
            await self.use("Read", state)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._peer.pid

    def memory(self) -> int:
        """Return the CLI's proportional set size, in bytes."""
        return memory_of(cli_of(self._session.id, self.pid))

    async def use(self, tool: str, state: str) -> float:
        """Have the agent use a tool on a file; return the seconds of each call."""
        given: dict[str, Any] = {"file_path": str(self._file(state))}
        if tool == "Read":
            given |= {"offset": "<n+1>", "limit": 20}
        else:
            given |= {"old_string": "value <n>\n", "new_string": "value <n+1>\n"}
        turn = await self._peer.turn(self._session, self._prompt(tool, given))
        if tool == "Edit":
            back = {**given, "old_string": f"value {CALLS}\n", "new_string": "value 0\n"}
            await self._peer.turn(self._session, self._prompt(tool, back, 1))
        bare = await self._peer.turn(self._session, "say 1 token")
        return (turn.seconds - bare.seconds) / CALLS

    def _prompt(self, tool: str, given: dict[str, Any], count: int = CALLS) -> str:
        told = json.dumps(given).replace('"<n+1>"', "<n+1>")
        return f"use {tool} {count} times {told}"

    async def close(self) -> None:
        """End it, in order."""
        await self._peer.close()

    def _file(self, state: str) -> Path:
        return self._folder / f"{state}.txt"

    def _open(self, state: str, text: str) -> None:
        uri = self._file(state).as_uri()
        text = text if state != "unsaved" else f"typed\n{text}"
        self._texts[uri], self._versions[uri] = text.splitlines(keepends=True), 1
        item = {"uri": uri, "languageId": "plaintext", "version": 1, "text": text}
        self._connection.notify("textDocument/didOpen", {"textDocument": item})

    def _apply(self, params: Any) -> dict[str, bool]:
        """Change whole lines of a document, and tell of it."""
        for each in params["edit"]["documentChanges"]:
            uri, lines = each["textDocument"]["uri"], self._texts[each["textDocument"]["uri"]]
            for edit in each["edits"]:
                _change(lines, edit)
            self._versions[uri] += 1
            named = {"uri": uri, "version": self._versions[uri]}
            change = {"textDocument": named, "contentChanges": [{"text": "".join(lines)}]}
            self._connection.notify("textDocument/didChange", change)
        return {"applied": True}

    def _save(self, params: Any) -> dict[str, bool]:
        uri = params["uri"]
        path = next(self._file(state) for state in _STATES if self._file(state).as_uri() == uri)
        path.write_text("".join(self._texts[uri]))
        self._connection.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        return {"saved": True}


def _change(lines: list[str], edit: Any) -> None:
    first, last = edit["range"]["start"], edit["range"]["end"]
    begin = "".join(lines[: first["line"]]) + _at(lines, first["line"])[: first["character"]]
    end = _at(lines, last["line"])[last["character"] :] + "".join(lines[last["line"] + 1 :])
    lines[:] = (begin + edit["newText"] + end).splitlines(keepends=True)


def _at(lines: list[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""
