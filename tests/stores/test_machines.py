"""Two machines, one store: two server processes with a home and a clone of their own each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from typing import TYPE_CHECKING, Any, cast

import pytest
from pygls.exceptions import JsonRpcException
from redis.asyncio import Redis

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.loopback import Loopback, call, reply, say
from claude_agent_lsp.sessions.sharing.stores.link import RefusedByStore, StoreLink
from tests.e2e.runs import eventually
from tests.e2e.shown import said_in

from .machines import (
    SECONDS,
    Machine,
    SessionIsBusy,
    asked_until_free,
    assert_mirrored,
    git,
    lines,
    shared,
    told,
    unless_busy,
    until_shared,
)

if TYPE_CHECKING:
    from tests.e2e.editor import Editor

    from .servers import Postgres, RedisServer


async def test_session_of_another_machine_is_listed_read_and_resumed(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, bert = machines
    here = await anna.open()
    run = await here.query("remember the code PINEAPPLE-42")
    there = await bert.open()
    (session,) = await until_shared(there)
    assert session["sessionId"] == run["sessionId"]
    assert session["workspace"] == bert.folder.as_uri()
    assert session["firstPrompt"] == "remember the code PINEAPPLE-42"
    read = await there.command("session.read", {"sessionId": run["sessionId"]})
    assert [message["text"] for message in said_in(read["messages"])] == [
        "remember the code PINEAPPLE-42",
        "I will remember it.",
    ]
    assert await shared(there) == []
    answer = await asked_until_free(there, "which code?", run["sessionId"])
    assert (answer["text"], answer["sessionId"]) == ("PINEAPPLE-42", run["sessionId"])
    assert answer["workspace"] == bert.folder.as_uri()
    assert {line["cwd"] for line in lines(bert, run["sessionId"]) if "cwd" in line} == {
        str(bert.folder)
    }
    await assert_mirrored(server, bert, run["sessionId"])
    # And back again: what was said there is known here, by the process that is warm here too.
    answer = await asked_until_free(here, "remember the code APPLE-1", run["sessionId"])
    assert answer["sessionId"] == run["sessionId"]
    read = await here.command("session.read", {"sessionId": run["sessionId"]})
    asked = [message["text"] for message in said_in(read["messages"])]
    assert asked[2:5] == ["which code?", "PINEAPPLE-42", "remember the code APPLE-1"]
    await assert_mirrored(server, anna, run["sessionId"])


@pytest.mark.parametrize("server", ["redis"], indirect=True)
async def test_a_session_of_another_machine_moves_no_agent_and_hides_no_cost(
    machines: tuple[Machine, Machine], model: Loopback
) -> None:
    anna, bert = machines
    model.add(reply("where are you", [call("Bash", command="pwd; cat secret.txt")], [say("Here.")]))
    private = bert.home / "private"
    await git("init", "-q", str(private))
    (private / "secret.txt").write_text("OPEN-SESAME")
    here = await anna.open()
    session = (await here.query("remember the code PINEAPPLE-42"))["sessionId"]
    await here.quit()
    moved = {
        "originalCwd": str(bert.folder),
        "worktreePath": str(private),
        "worktreeName": "w",
        "sessionId": session,
        "enteredExisting": True,
    }
    with anna.transcript(session).open("a") as file:
        for line in (
            {"type": "worktree-state", "worktreeSession": moved, "sessionId": session},
            {"type": "cost-state", "sessionId": session, "totalCostUSD": 50.0},
        ):
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    here = await anna.open()
    await asked_until_free(here, "which code?", session)
    await here.quit()
    there = await bert.open(dailyBudgetUsd=10)
    await until_shared(there)
    run = await asked_until_free(there, "where are you", session)
    assert "OPEN-SESAME" not in json.dumps([request.body for request in model.requests])
    assert run["costUsd"] > 0
    status = await there.command("status")
    assert status["spentTodayUsd"] == pytest.approx(run["costUsd"])
    assert any(
        message["text"] == "remember the code PINEAPPLE-42"
        for message in (await there.command("session.read", {"sessionId": session}))["messages"]
    )


async def test_however_many_lists_are_wanted_at_once_each_is_answered(
    machines: tuple[Machine, Machine],
) -> None:
    anna, bert = machines
    run = await (await anna.open()).query("remember the code PINEAPPLE-42")
    there = await bert.open()
    await until_shared(there)
    pages = await asyncio.gather(*(there.command("session.list") for _ in range(40)))
    for page in pages:
        assert [session["sessionId"] for session in page["sessions"]] == [run["sessionId"]]
    assert await there.quit() == 0


async def test_session_that_is_only_in_the_store_is_resumed_or_forked_without_being_read_first(
    machines: tuple[Machine, Machine],
) -> None:
    anna, bert = machines
    here = await anna.open()
    run = await here.query("remember the code PINEAPPLE-42")
    there = await bert.open()
    await until_shared(there)
    forked = await there.query("which code?", session=run["sessionId"], fork=True)
    assert forked["text"] == "PINEAPPLE-42"
    assert forked["sessionId"] != run["sessionId"]
    await here.query("remember the code APPLE-1", session="new")
    (second,) = await until_shared(there)
    answer = await asked_until_free(there, "which code?", second["sessionId"])
    assert (answer["text"], answer["sessionId"]) == ("APPLE-1", second["sessionId"])


async def test_of_two_machines_that_resume_a_session_at_once_one_runs(
    machines: tuple[Machine, Machine],
) -> None:
    anna, bert = machines
    here, there = await anna.open("neovim"), await bert.open()
    run = await here.query("remember the code PINEAPPLE-42")
    await until_shared(there)
    await asked_until_free(there, "which code?", run["sessionId"])
    await asked_until_free(here, "which code?", run["sessionId"])

    async def try_it(editor: Editor, token: str) -> str | None:
        """Who has the session, or None if this one has it."""
        asked = editor.query("count slowly", session=run["sessionId"], partialResultToken=token)
        answered = asyncio.ensure_future(unless_busy(asked))
        started = asyncio.ensure_future(editor.event("started", token))
        await asyncio.wait({started, answered}, return_when=asyncio.FIRST_COMPLETED)
        (answered if started.done() else started).cancel()
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await answered
            except SessionIsBusy as busy:
                return str(busy)
        return None

    # A session is given back a moment after its run: until then both may be refused.
    async with asyncio.timeout(SECONDS):
        number = 0
        while True:
            number += 1
            ends = await asyncio.gather(
                try_it(here, f"here-{number}"), try_it(there, f"there-{number}")
            )
            assert ends.count(None) <= 1
            if None in ends:
                break
    (refused,) = [end for end in ends if end is not None]
    winner, name = (here, "Neovim") if ends[0] is None else (there, "Visual Studio Code")
    assert f"{name} (process {winner.pid} on " in refused
    assert refused.endswith(f"has an active run in the session {run['sessionId']}.")


@pytest.mark.long
async def test_machine_goes_on_with_what_another_was_killed_in(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, bert = machines
    here = await anna.open()
    run = await here.query("remember the code PINEAPPLE-42")
    here.query("count slowly", session=run["sessionId"], partialResultToken="second")
    await here.event("text", "second", count=5)
    there = await bert.open()
    await until_shared(there)
    await anna.die()
    answer = await asked_until_free(there, "which code?", run["sessionId"])
    assert (answer["text"], answer["sessionId"]) == ("PINEAPPLE-42", run["sessionId"])
    await assert_mirrored(server, bert, run["sessionId"])


@pytest.mark.long
async def test_store_that_goes_in_the_middle_of_a_run_and_comes_back_misses_nothing(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, bert = machines
    here = await anna.open()
    run = await here.query("remember the code PINEAPPLE-42")
    await assert_mirrored(server, anna, run["sessionId"])
    counting = here.query("count a while", partialResultToken="events")
    await here.event("text", count=10)
    server.stop(signal.SIGKILL)
    try:
        answer = await counting
        assert answer["text"].count(" ") > 100
        # A whole run without the store: nobody waits for it.
        answer = await here.query("which code?", partialResultToken="more")
        assert answer["text"] == "PINEAPPLE-42"
        await here.until(lambda: told(here, "can't be used"))
        listed = (await here.command("session.list", {}))["sessions"]
        assert [one["sessionId"] for one in listed] == [run["sessionId"]]
        (store,) = (await here.command("status"))["stores"]
        assert store["available"] is False
    finally:
        await server.restart()
    await eventually(lambda: told(here, "reachable again and up to date"))
    await assert_mirrored(server, anna, run["sessionId"])
    assert len(told(here, "Sessions continue on this machine")) == 1
    assert len(told(here)) == 2
    (store,) = (await here.command("status"))["stores"]
    assert store["available"] is True
    there = await bert.open()
    await until_shared(there)
    answer = await asked_until_free(there, "which code?", run["sessionId"])
    assert answer["text"] == "PINEAPPLE-42"


@pytest.mark.parametrize("server", ["redis"], indirect=True)
async def test_store_that_hangs_holds_up_no_run(
    machines: tuple[Machine, Machine], server: RedisServer
) -> None:
    anna, _ = machines
    here = await anna.open()
    run = await here.query("remember the code PINEAPPLE-42")
    await assert_mirrored(server, anna, run["sessionId"])
    with server.hung():
        assert (await here.query("which code?"))["text"] == "PINEAPPLE-42"
        assert (await here.query("which code?", session="new"))["text"] == "I don't know."
        assert len(told(here, "Sessions continue on this machine")) == 1
    await assert_mirrored(server, anna, run["sessionId"])
    await eventually(lambda: told(here, "reachable again and up to date"))
    assert len(told(here)) == 2


async def test_what_a_server_could_not_send_the_next_one_sends(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, _ = machines
    server.stop(signal.SIGKILL)
    try:
        here = await anna.open()
        run = await here.query("remember the code PINEAPPLE-42")
        assert await here.quit() == 0
    finally:
        await server.restart()
    await anna.open()  # nothing is asked of it
    await assert_mirrored(server, anna, run["sessionId"])


async def test_nothing_is_deleted_while_the_store_is_away(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, _ = machines
    here = await anna.open()
    run = await here.query("remember the code PINEAPPLE-42")
    await assert_mirrored(server, anna, run["sessionId"])
    server.stop(signal.SIGKILL)
    try:
        with pytest.raises(JsonRpcException) as refused:
            await here.command("session.delete", {"sessionId": run["sessionId"]})
        data: Any = refused.value.data
        assert data["reason"] == "storeUnavailable"
        assert (await here.query("which code?"))["text"] == "PINEAPPLE-42"
    finally:
        await server.restart()
    await eventually(lambda: told(here, "reachable again and up to date"))
    await here.command("session.delete", {"sessionId": run["sessionId"]})
    listed = await here.command("session.list")
    assert listed["sessions"] == []


async def test_password_is_told_nowhere(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer
) -> None:
    anna, _ = machines
    here = await anna.open()
    await here.query("remember the code PINEAPPLE-42")
    server.stop(signal.SIGKILL)
    try:
        await here.query("which code?")
        await eventually(lambda: told(here))
        status = await here.command("status")
    finally:
        await server.restart()
    (store,) = status["stores"]
    assert store["url"].endswith(f":***@127.0.0.1:{server.port}/{server.url.rpartition('/')[2]}")
    state = [path.read_bytes() for path in anna.home.rglob("shared/*.json")]
    assert state
    said = json.dumps([status, told(here), repr(here.log)]).encode() + anna.log.read_bytes()
    assert b"s3cret" not in said + b"".join(state)
    assert b"can't be used" in said


@pytest.mark.parametrize("server", ["redis"], indirect=True)
async def test_session_that_the_store_refuses_takes_no_other_ones_fence_away(
    machines: tuple[Machine, Machine], server: RedisServer
) -> None:
    anna, bert = machines
    here, there = await anna.open(), await bert.open()
    good = (await here.query("remember the code", session="new", wait=True))["sessionId"]
    bad = (await here.query("remember the code", session="new", wait=True))["sessionId"]
    await assert_mirrored(server, anna, good)
    await assert_mirrored(server, anna, bad)
    async with Redis.from_url(server.url) as client:
        async for key in client.scan_iter(f"*{bad}*:digests"):
            await client.set(key, "not a list")
    await here.query("remember the code", session=bad, wait=True)
    await eventually(lambda: bool(told(here, "could not be shared")))
    (store,) = (await here.command("status"))["stores"]
    assert store["available"]
    assert store["sessionsBehind"] == 1
    working = here.query("count a while", session=good, wait=True)
    await here.event("text")
    with pytest.raises(SessionIsBusy):
        await unless_busy(there.query("which code", session=good, wait=True))
    await working
    assert not told(here, "reachable again")


async def test_only_a_store_that_answers_nothing_is_away() -> None:
    good = StoreUnavailable("It says no.", hint="h")

    class Store:
        """Refuses one thing, or all."""

        away = False

        async def claim(self, *_: Any) -> Any:
            if self.away:
                raise good
            raise SessionBusy("Somebody asks the same.")

        async def close(self) -> None:
            pass

    store = Store()
    news: list[str] = []
    link = StoreLink("redis://127.0.0.1:1", lambda _, text: news.append(text))
    opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    opened.set_result(store)
    link._store = cast("Any", opened)

    async def refuse(_: object) -> None:
        raise good

    with pytest.raises(RefusedByStore, match="It says no"):
        await link.attempt(refuse, seconds=1)
    link.throw_if_away()
    assert news == []
    store.away = True
    with pytest.raises(StoreUnavailable, match="It says no"):
        await link.attempt(refuse, seconds=1)
    assert link.fault is good
    assert len(news) == 1
