from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.base.abort import AbortController, Aborted, AbortReason, AbortSignal


def fired(reason: AbortReason = AbortReason.CANCELLED) -> AbortSignal:
    controller = AbortController()
    controller.abort(reason)
    return controller.signal


def test_a_new_signal_has_not_fired() -> None:
    signal = AbortController().signal
    assert not signal.aborted
    assert signal.reason is None
    signal.throw_if_aborted()


def test_a_fired_signal_throws_its_reason() -> None:
    signal = fired(AbortReason.SHUTDOWN)
    assert signal.aborted
    with pytest.raises(Aborted) as stopped:
        signal.throw_if_aborted()
    assert stopped.value.reason is AbortReason.SHUTDOWN


def test_the_first_reason_stays() -> None:
    controller = AbortController()
    controller.abort(AbortReason.TIMED_OUT)
    controller.abort(AbortReason.CANCELLED)
    assert controller.signal.reason is AbortReason.TIMED_OUT


def test_a_listener_hears_once() -> None:
    controller, heard = AbortController(), list[AbortReason]()
    controller.signal.listen(heard.append)
    controller.abort()
    controller.abort()
    assert heard == [AbortReason.CANCELLED]


def test_a_late_listener_hears_at_once() -> None:
    heard = list[AbortReason]()
    fired().listen(heard.append)
    assert heard == [AbortReason.CANCELLED]


def test_a_listener_taken_off_hears_nothing() -> None:
    controller, heard = AbortController(), list[AbortReason]()
    remove = controller.signal.listen(heard.append)
    remove()
    remove()
    controller.abort()
    assert heard == []


def test_a_listener_may_take_another_off() -> None:
    controller, heard = AbortController(), list[str]()
    controller.signal.listen(lambda _: remove())
    remove = controller.signal.listen(lambda _: heard.append("second"))
    controller.abort()
    assert heard == ["second"]


async def test_waiting_ends_with_the_reason() -> None:
    controller = AbortController()
    waiting = asyncio.create_task(controller.signal.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    controller.abort(AbortReason.SHUTDOWN)
    assert await waiting is AbortReason.SHUTDOWN
    assert await controller.signal.wait() is AbortReason.SHUTDOWN


async def test_unless_gives_the_result_of_the_work() -> None:
    work = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(AbortSignal().wait_or_abort(work))
    await asyncio.sleep(0)
    work.set_result("done")
    assert await waiting == "done"


async def test_unless_raises_what_the_work_raises() -> None:
    work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    work.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await AbortSignal().wait_or_abort(work)


async def test_unless_ends_when_the_signal_fires_and_lets_the_work_go_on() -> None:
    controller = AbortController()
    work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(controller.signal.wait_or_abort(work))
    await asyncio.sleep(0)
    controller.abort()
    with pytest.raises(Aborted):
        await waiting
    assert not work.done()


async def test_unless_prefers_work_that_is_done_in_the_same_moment() -> None:
    controller = AbortController()
    work: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(controller.signal.wait_or_abort(work))
    await asyncio.sleep(0)
    controller.abort()
    work.set_result("done")
    assert await waiting == "done"


async def test_unless_leaves_no_listener_behind() -> None:
    signal = AbortSignal()
    for _ in range(3):
        work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work.set_result(None)
        await signal.wait_or_abort(work)
    assert not signal._listeners


async def test_a_timeout_fires_with_its_reason() -> None:
    assert await AbortSignal.timeout(0.001).wait() is AbortReason.TIMED_OUT


async def test_a_released_timeout_never_fires() -> None:
    released = AbortSignal.timeout(0.001)
    released.release()
    await AbortSignal.timeout(0.01).wait()
    assert not released.aborted


def test_any_of_none_never_fires() -> None:
    assert not AbortSignal.any().aborted


def test_any_fires_at_once_if_one_has_fired() -> None:
    first = AbortSignal()
    joined = AbortSignal.any(first, fired(AbortReason.TIMED_OUT), fired(AbortReason.SHUTDOWN))
    assert joined.reason is AbortReason.TIMED_OUT


def test_any_takes_the_reason_of_the_first_to_fire() -> None:
    one, other = AbortController(), AbortController()
    joined = AbortSignal.any(one.signal, other.signal)
    other.abort(AbortReason.SHUTDOWN)
    one.abort(AbortReason.CANCELLED)
    assert joined.reason is AbortReason.SHUTDOWN


def test_any_follows_a_signal_that_follows_others() -> None:
    deep = AbortController()
    joined = AbortSignal.any(AbortSignal(), AbortSignal.any(deep.signal))
    deep.abort()
    assert joined.aborted


def test_a_released_signal_does_not_follow_and_is_not_held() -> None:
    long_lived = AbortController()
    joined = AbortSignal.any(long_lived.signal)
    joined.release()
    gone = weakref.ref(joined)
    del joined
    gc.collect()
    assert gone() is None
    long_lived.abort()
    assert not long_lived.signal._listeners


def test_a_fired_signal_lets_go_of_the_others() -> None:
    one, other = AbortController(), AbortController()
    AbortSignal.any(one.signal, other.signal)
    one.abort()
    assert not other.signal._listeners


@given(st.lists(st.sampled_from(range(4)), max_size=8))
def test_any_has_the_reason_of_whoever_was_first(order: list[int]) -> None:
    reasons = [*AbortReason, AbortReason.CANCELLED]
    controllers = [AbortController() for _ in reasons]
    joined = AbortSignal.any(*(controller.signal for controller in controllers))
    for place in order:
        controllers[place].abort(reasons[place])
    assert joined.reason is (reasons[order[0]] if order else None)
