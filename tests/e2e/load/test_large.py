"""Much of everything: a session of 200 MB, twenty thousand sessions, a hundred runs at once.

`make torture` has it; the suite the index alone, while another process holds it for some seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import recall, reply, say
from tests.conftest import TOLD
from tests.e2e.runs import begin, clis, remember, status
from tests.sessions.lines import Disk, Talk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

TORTURE = "TORTURE_LARGE" in os.environ
SCALE = float(os.environ.get("TORTURE_LARGE", "1"))
SECONDS_LOCKED = 60.0 * SCALE if TORTURE else 0.0
large = pytest.mark.skipif(not TORTURE, reason="takes minutes: make torture")


async def timed(work: Awaitable[Any]) -> tuple[float, Any]:
    began = time.monotonic()
    result = await work
    return time.monotonic() - began, result


async def shut(editor: Editor) -> int:
    """A quit that waits for nothing; by force it takes nine seconds."""
    took, left = await timed(editor.quit())
    assert took < 9
    return int(left)


@contextlib.contextmanager
def index_held(environment: dict[str, str]) -> Iterator[None]:
    """Nobody else reads or writes the index, inside."""
    file = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp", "index.sqlite")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("CREATE TABLE IF NOT EXISTS held (id)")
        yield
        db.execute("ROLLBACK")


async def test_an_index_that_another_process_holds_keeps_nobody_from_working(
    editor_with: Open, environment: dict[str, str], record_property: Callable[[str, object], None]
) -> None:
    editor = await editor_with()
    session = await remember(editor)
    await editor.command("session.list", {})
    with index_held(environment):
        until = time.monotonic() + SECONDS_LOCKED
        listing = editor.command("session.list", {})
        await status(editor)
        # It takes five seconds to do without the index; no query does.
        first = begin(editor, "which code?", 1, session=session)
        assert (await first.asked)["text"] == "PINEAPPLE-42"
        assert listing.answered_at is None
        number, slowest = 1, 0.0
        while time.monotonic() < until or not listing.done:
            number += 1
            query = begin(editor, "which code?", number, session=session)
            took, answer = await timed(query.asked)
            assert answer["text"] == "PINEAPPLE-42"
            slowest = max(slowest, took, (await timed(status(editor)))[0])
            if listing.done and TORTURE:
                listing = editor.command("session.list", {})
        listed = (await listing)["sessions"]
        assert [each["sessionId"] for each in listed] == [session]
        record_property(TOLD, f"{number} queries meanwhile, the slowest {slowest:.2f} s")
        assert await shut(editor) == 0


def bulk(megabytes: float) -> Iterator[dict[str, Any]]:
    """A conversation before the one that goes on, of messages of 20 kB."""
    talk = Talk()
    text = "lorem ipsum " * 1700
    for number in range(int(megabytes * 1e6 / 2 / len(text))):
        yield talk.user(f"{number} {text}")
        yield talk.agent({"type": "text", "text": f"{number} {text}"}, message_id=f"m{number}")


@large
@pytest.mark.timeout(900)
async def test_a_session_of_200_mb(
    editor_with: Open,
    environment: dict[str, str],
    folder: Path,
    record_property: Callable[[str, object], None],
) -> None:
    first = await editor_with()
    session = await remember(first)
    await first.quit()
    disk = Disk(Path(environment["CLAUDE_CONFIG_DIR"]))
    path = disk.path(session, folder)
    said = path.read_text()
    common = {"sessionId": session, "cwd": str(folder), "timestamp": "2026-01-02T03:04:05.678Z"}
    with path.open("w") as file:
        for line in bulk(200 * SCALE):
            file.write(json.dumps({**line, **common}, separators=(",", ":")) + "\n")
        file.write(said)
    editor = await editor_with(settings={"prewarm": False})
    server = psutil.Process(editor.pid)
    before = server.memory_info().rss
    listing, listed = await timed(editor.command("session.list", {}))
    assert [each["sessionId"] for each in listed["sessions"]] == [session]
    reading = editor.command("session.read", {"sessionId": session})
    status_took = (await timed(status(editor)))[0]
    page, read = await timed(reading)
    assert "PINEAPPLE-42" in str(read["messages"][-2:])
    again, _ = await timed(editor.command("session.read", {"sessionId": session}))
    resumed, answer = await timed(
        asyncio.shield(begin(editor, "which code?", 1, session=session).asked._answer)
    )
    assert (answer["text"], answer["sessionId"]) == ("PINEAPPLE-42", session)
    grown = (server.memory_info().rss - before) / 1e6
    record_property(
        TOLD,
        f"{path.stat().st_size / 1e6:.0f} MB: listed in {listing:.1f} s, read in {page:.1f} s, "
        f"then in {again:.2f} s, status meanwhile in {status_took:.2f} s, resumed in "
        f"{resumed:.1f} s; the server has grown by {grown:.0f} MB",
    )
    assert status_took < 3


@large
@pytest.mark.timeout(900)
async def test_twenty_thousand_sessions(
    editor_with: Open,
    environment: dict[str, str],
    folder: Path,
    record_property: Callable[[str, object], None],
) -> None:
    count = int(20_000 * SCALE)
    disk = Disk(Path(environment["CLAUDE_CONFIG_DIR"]))
    now = int(time.time())
    for number in range(count):
        talk = Talk()
        lines = (
            talk.user(f"prompt {number}"),
            talk.agent({"type": "text", "text": "Yes."}, message_id="m"),
        )
        disk.write(folder, *lines, at=now - number, session_id=str(uuid.uuid4()))
    editor = await editor_with(settings={"prewarm": False})
    server = psutil.Process(editor.pid)
    before = server.memory_info().rss
    listing = editor.command("session.list", {})
    query, answer = await timed(begin(editor, "say something", 1, session="new").asked)
    assert answer["text"] == "OK."
    status_took = (await timed(status(editor)))[0]
    first, listed = await timed(asyncio.shield(listing._answer))
    assert listed["sessions"]
    second, _ = await timed(editor.command("session.list", {}))
    found, searched = await timed(editor.command("session.list", {"search": "prompt 19"}))
    assert searched["sessions"]
    grown = (server.memory_info().rss - before) / 1e6
    record_property(
        TOLD,
        f"{count} sessions: a query meanwhile in {query:.1f} s, status in {status_took:.2f} s, the "
        f"list {first:.1f} s later, then in {second:.2f} s, a search in {found:.2f} s; the server "
        f"has grown by {grown:.0f} MB",
    )
    assert status_took < 3


@large
@pytest.mark.timeout(1800)
async def test_a_hundred_sessions_at_once_in_four_processes(
    editor_with: Open, model: Loopback, record_property: Callable[[str, object], None]
) -> None:
    count = max(8, int(100 * SCALE))
    model.add(reply("my code is", say("Good.")), reply("what is it", recall(r"CODE-\d+")))
    editor = await editor_with(settings={"maxProcesses": 4})
    began = time.monotonic()
    queries = [
        begin(editor, f"my code is CODE-{number}", number, session="new") for number in range(count)
    ]
    most, slowest = 0, 0.0
    while not all(query.asked.done for query in queries):
        most = max(most, len(clis(editor)))
        slowest = max(slowest, (await timed(status(editor)))[0])
        await asyncio.sleep(0.2)
    sessions = [(await query.asked)["sessionId"] for query in queries]
    assert len(set(sessions)) == count
    took = time.monotonic() - began
    for number in (0, count // 2, count - 1):
        again = await begin(editor, "what is it?", count + number, session=sessions[number]).asked
        assert again["text"] == f"CODE-{number}"
    record_property(
        TOLD,
        f"{count} sessions in {took:.0f} s, at most {most} CLIs, status after {slowest:.2f} s",
    )
    assert most <= 5  # one may be ending
    assert await shut(editor) == 0
