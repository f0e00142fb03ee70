"""The lanes: order within each, and none that hangs in another's way."""

from __future__ import annotations

import ast
import asyncio
import gc
import re
import threading
import weakref
from pathlib import Path

import pytest

from claude_agent_lsp.base import lanes as lanes_module
from claude_agent_lsp.base.lanes import Executor, FolderLane, Lane, Lanes, SessionLane, disk


class Hung:
    """Stands for disks that hang until `free`."""

    def __init__(self) -> None:
        self.freed = threading.Event()
        self.begun = threading.Semaphore(0)

    def hang(self) -> None:
        self.begun.release()
        self.freed.wait()


async def test_a_lane_does_its_work_in_order_one_at_a_time() -> None:
    lane, done, at_work = Lane(), [], 0

    def work(number: int) -> None:
        nonlocal at_work
        at_work += 1
        assert at_work == 1
        done.append(number)
        at_work -= 1

    await asyncio.gather(*(lane.put(work, number) for number in range(200)))
    assert done == list(range(200))


async def test_however_many_lanes_hang_the_next_one_and_what_has_none_go_on() -> None:
    hung, others = Hung(), [Lane() for _ in range(100)]
    waiting = [lane.put(hung.hang) for lane in others for _ in range(3)]
    try:
        async with asyncio.timeout(10):
            assert await Lane().run(lambda: "a lane") == "a lane"
            assert await others[0].read(lambda: "its reader") == "its reader"
            assert await disk.run(lambda: "no lane") == "no lane"
        # One thread a lane, whatever waits in it.
        assert sum(thread.name == "disk" for thread in threading.enumerate()) <= 100 + 2 * 16
        assert not any(waiter.done() for waiter in waiting)
    finally:
        hung.freed.set()
    await asyncio.gather(*waiting)


async def test_an_executor_does_no_more_than_its_threads_at_a_time() -> None:
    executor, hung = Executor("few", 2), Hung()
    work = [asyncio.create_task(executor.run(hung.hang)) for _ in range(5)]
    await asyncio.sleep(0)
    for _ in range(2):
        hung.begun.acquire()
    assert not hung.begun.acquire(blocking=False)
    assert sum(thread.name == "few" for thread in threading.enumerate()) == 2
    hung.freed.set()
    await asyncio.gather(*work)


async def test_threads_end_with_their_executor() -> None:
    executor = Executor("ended", 2)
    assert await executor.run(threading.current_thread) in threading.enumerate()
    thread = await executor.run(threading.current_thread)
    executor.end()
    thread.join(10)
    assert not thread.is_alive()
    assert await executor.run(lambda: "anew") == "anew"
    executor.end()


async def test_what_work_raises_is_raised_and_the_lane_goes_on() -> None:
    lane = Lane()
    with pytest.raises(ZeroDivisionError):
        await lane.run(lambda: 1 / 0)
    assert await lane.run(dict, one=1) == {"one": 1}


async def test_what_has_not_begun_is_not_done_once_nobody_waits() -> None:
    lane, hung = Lane(), Hung()
    done: list[str] = []
    first = lane.put(hung.hang)
    second = lane.put(done.append, "never")
    second.cancel()
    await asyncio.sleep(0)
    hung.freed.set()
    await first
    await lane.run(done.append, "last")
    assert done == ["last"]


async def test_a_session_has_one_lane_as_long_as_there_is_work_in_it() -> None:
    lanes, hung = Lanes(), Hung()
    work = lanes.session("one").put(hung.hang)
    gc.collect()
    behind = lanes.session("one").put(hung.freed.is_set)
    hung.freed.set()
    await work
    assert await behind is True
    kept = lanes.session("one")
    assert isinstance(kept, SessionLane)
    assert lanes.session("one") is kept
    gone = weakref.ref(kept)
    del kept, work, behind
    await lanes.session("two").run(gc.collect)
    assert gone() is None


async def test_who_comes_to_a_folder_first_enters_it_first() -> None:
    lane, entered = FolderLane(), list[int]()
    go_on, inside = asyncio.Event(), asyncio.Event()

    async def enter(number: int) -> None:
        async with lane.place():
            entered.append(number)
            if number == 0:
                inside.set()
                await go_on.wait()

    tasks = [asyncio.create_task(enter(number)) for number in range(5)]
    await inside.wait()
    assert entered == [0]
    go_on.set()
    await asyncio.gather(*tasks)
    assert entered == list(range(5))


async def test_leaving_a_folder_is_told_to_those_on_their_way_alone() -> None:
    lane = Lanes().folder(Path("/somewhere"))
    before = lane.revoked
    lane.revoke()
    assert before.done()
    assert not lane.revoked.done()
    lane.revoked.cancel()


def test_nothing_else_uses_a_thread_of_the_loop() -> None:
    """What ruff can't see: methods of a loop."""
    server = Path(lanes_module.__file__).parents[1]
    using = [
        file.relative_to(server)
        for file in server.rglob("*.py")
        if re.search(r"run_in_executor|set_default_executor", file.read_text())
    ]
    assert using == []


# What the server does on the threads that all share, and why it needs no lane. All else works in a
# folder or in a session, and goes through the lane of that one.
WITHOUT_LANE = {
    "self._questions.of_others": "what all other servers ask, whatever the session",
    "self._store.of_others": "the same",
    "store.of_others": "the same",
    "questions.give": "a question of another server, in a session that may be none of this one's",
    "questions.withdraw": "the same, and from a terminal, which has no lanes",
    "questions.is_settled": "the same",
    "questions.verdict_on": "the same",
    "importlib.import_module": "the server's own modules",
    "_load_adapter": "the modules of a database",
    "locate": "the CLI that comes with the SDK",
    "known.known": "all sessions that a store has or lacks, when it is opened",
    "self._states.known": "the same, now and then",
    "self.copies.all_copies": "the names of all copies that are kept, now and then",
    "self._plan": "which of them are made and which go: all sessions of all folders",
    "self._room": "how much room they take",
    "self._kept.sessions": "the queues of all sessions, when all are asked for",
    "self.opened_catalogue": "the one index of all sessions",
    "self._opened_index": "the one index of all sessions",
    "cleanup.clean_up": "the whole state directory, once",
    "scratch.remove_abandoned": "the temporary directory, once",
    "keep_private": "the whole state directory, once",
    "self._trust.stamp": "one file of the CLI, on which trust of all folders rests",
    "partial(_follow, name, look[0])": "a thread for each path, waited for only so long",
    "find_program": "the user's own programs",
    "git_outside": "the same",
    "Destinations.follow": "the same",
    "_end_by_force": "the one that ends the server where all else hangs",
}


def test_what_works_in_a_folder_or_in_a_session_does_so_in_its_lane() -> None:
    server = Path(lanes_module.__file__).parents[1]
    without = {
        f"{file.relative_to(server)}:{call.lineno}": ast.unparse(call.args[0])
        for file in sorted(server.rglob("*.py"))
        if file.relative_to(server).parts[0] != "terminal"  # each command is a process of its own
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and re.fullmatch(
            r"(lanes\.)?(disk\.run|(disk|parsing|processes)\.begin)", ast.unparse(call.func)
        )
    }
    assert {at: what for at, what in without.items() if what not in WITHOUT_LANE} == {}
    # And no reason stands for what is not done any more.
    assert set(without.values()) == WITHOUT_LANE.keys()


async def test_a_system_without_a_thread_left_breaks_no_lane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane, done = Lane(), list[str]()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    disk.end()  # no thread is idle
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            lane.put(done.append, "never")
    async with asyncio.timeout(10):
        await lane.run(done.append, "later")
    assert done == ["later"]


async def test_a_system_with_few_threads_left_does_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executor, hung = Executor("few", 2), Hung()
    first = asyncio.create_task(executor.run(hung.hang))
    await asyncio.sleep(0)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    second = asyncio.create_task(executor.run(lambda: "done"))
    await asyncio.sleep(0)
    hung.freed.set()
    async with asyncio.timeout(10):
        assert await second == "done"
        await first
