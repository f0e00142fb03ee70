"""Each tool call has an id of its own."""

from __future__ import annotations

import time

from claude_agent_lsp.sessions.transcripts.call_ids import CallIds


def test_a_name_that_one_call_has_is_its_id() -> None:
    ids = CallIds()
    assert [ids.begin(name) for name in ("a", "b")] == ["a", "b"]
    assert [ids.of_result(name) for name in ("b", "a", "a", "c")] == ["b", "a", "a", None]
    assert not ids.is_shared("a")


def test_results_come_in_the_order_of_their_calls() -> None:
    ids = CallIds()
    assert [ids.begin("a") for _ in range(3)] == ["a", "a~2", "a~3"]
    assert [ids.of_result("a") for _ in range(4)] == ["a", "a~2", "a~3", "a~3"]
    assert ids.begin("a") == "a~4"
    assert ids.of_result("a") == "a~4"
    assert ids.is_shared("a")


def test_no_name_takes_an_id_that_was_given() -> None:
    ids = CallIds()
    names = ["a", "a~2", "a", "a~2", "a~3"]
    assert len({ids.begin(name) for name in names}) == len(names)


def test_however_many_have_one_name_each_takes_as_long() -> None:
    ids = CallIds()
    began = time.thread_time()
    for _ in range(100_000):
        ids.begin("a")
    assert time.thread_time() - began < 2
