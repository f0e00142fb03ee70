"""The ACP adapter as a peer, with a stand-in for it that speaks its protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.peers import Place, Session, acp
from benchmarks.peers.acp import AcpPeer, NoAdapter, adapter

STAND_IN = """#!{python}
import json, sys
def tell(**message):
    print(json.dumps({{"jsonrpc": "2.0", **message}}), flush=True)
waiting = None
for line in sys.stdin:
    message = json.loads(line)
    match message["method"]:
        case "initialize":
            tell(id=message["id"], result={{"protocolVersion": 1}})
        case "session/new":
            tell(id=message["id"], result={{"sessionId": "one"}})
        case "session/prompt":
            content = {{"type": "text", "text": "hello"}}
            update = {{"sessionUpdate": "agent_message_chunk", "content": content}}
            tell(method="session/update", params={{"sessionId": "one", "update": update}})
            if message["params"]["prompt"][0]["text"] == "for ever":
                waiting = message["id"]
            else:
                tell(id=message["id"], result={{"stopReason": "end_turn"}})
        case "session/cancel":
            tell(id=waiting, result={{"stopReason": "cancelled"}})
        case "session/close":
            tell(id=message["id"], error={{"code": -32603, "message": "never"}})
"""


async def test_its_turns_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "adapter"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o700)
    monkeypatch.setattr(acp, "adapter", lambda: program)
    with (tmp_path / "log").open("wb") as log:
        place = Place(folder=tmp_path, environment={}, cli=Path("/claude"), log=log)
        peer = await AcpPeer.open(place)
        try:
            session = Session()
            turn = await peer.turn(session, "hi")
            assert (turn.text, session.begun, turn.cancelled) == ("hello", True, None)
            assert 0 < turn.to_first <= turn.seconds
            stopped = await peer.turn(session, "for ever", cancel=True)
            assert stopped.cancelled is not None
            assert stopped.ended >= stopped.cancelled
            with pytest.raises(RuntimeError, match="never"):
                await peer.rest()
        finally:
            await peer.close()


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_without_node_or_npm_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in {"node", "npm"} - {missing}:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoAdapter, match=f"there is no {missing}"):
        adapter()


def test_an_npm_that_fails_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(NoAdapter, match="could not install"):
        adapter()
