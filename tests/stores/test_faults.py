"""Two machines whose store is restored, or whom the network parts.

`make torture` does it with each kind of store; the suite with one.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.runs import eventually

from .machines import asked_until_free, assert_mirrored, in_store, lines, told, until_shared
from .proxy import proxy_of

if TYPE_CHECKING:
    from .machines import Machine
    from .servers import Postgres, RedisServer

EACH = ["postgres", "redis"]
TORTURE = "TORTURE_STORE_KILLS" in os.environ


@pytest.mark.long
@pytest.mark.parametrize("server", EACH if TORTURE else ["postgres"], indirect=True)
async def test_restored_store_gets_again_what_it_lacks_and_nothing_that_was_deleted(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, bert = machines
    here, there = await anna.open(), await bert.open()
    first = (await here.query("remember the code PINEAPPLE-42"))["sessionId"]
    gone = (await here.query("remember the code APPLE-1", session="new"))["sessionId"]
    await until_shared(there, 2)
    await there.command("session.read", {"sessionId": gone})
    (state,) = bert.home.rglob(f"shared/{gone}.json")
    await there.quit()
    await here.command("session.delete", {"sessionId": gone})
    await assert_mirrored(server, anna, first)
    older = await asyncio.to_thread(server.back_up)
    await server.restart()
    await here.query("which code?", session=first)
    later = (await here.query("remember the code PEAR-7", session="new"))["sessionId"]
    for session in (first, later):
        await assert_mirrored(server, anna, session)
    server.stop(signal.SIGKILL)
    server.restore(older)
    await here.query("which code?", session="new")  # nothing of the others is asked for
    before = len(told(here, "up to date"))
    assert told(here, "can't be used")
    await server.restart()
    await eventually(lambda: len(told(here, "up to date")) > before)
    for session in (first, later):
        assert len(await in_store(server, anna, session)) == len(lines(anna, session))
        await assert_mirrored(server, anna, session)
    there = await bert.open()
    await eventually(lambda: not state.exists())
    assert bert.transcript(gone).exists()
    assert await in_store(server, bert, gone) == []


@pytest.mark.long
@pytest.mark.parametrize("server", EACH if TORTURE else ["redis"], indirect=True)
async def test_machine_that_was_cut_off_is_told_under_which_id_its_own_words_are_kept(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, bert = machines
    async with proxy_of(server) as wire:
        anna.store = wire.url
        here, there = await anna.open(), await bert.open()
        session = (await here.query("remember the code PINEAPPLE-42"))["sessionId"]
        await until_shared(there)
        counting = here.query("count a while", session=session, partialResultToken="events")
        await here.event("text", "events", count=5)
        wire.cut()
        # Whoever is there takes over as soon as the store notices.
        answer = await asked_until_free(there, "which code?", session)
        assert answer["text"] == "PINEAPPLE-42"
        await assert_mirrored(server, bert, session)
        assert (await counting)["text"].count(" ") > 100
        await here.query("remember the code APPLE-1", session=session)
        wire.mend()
        await eventually(lambda: told(here, "also continued on another machine"))
    (notice,) = told(here, "also continued on another machine")
    ids = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", notice)
    assert ids[0] == session
    kept = [str(line) for line in lines(anna, ids[1])]
    for words in ("PINEAPPLE-42", "count a while", "APPLE-1"):
        assert any(words in line for line in kept)
    for machine in machines:
        await assert_mirrored(server, machine, session)
    assert not any("APPLE-1" in str(line) for line in lines(bert, session))
    assert any("which code?" in str(line) for line in lines(anna, session))
