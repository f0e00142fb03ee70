"""Documents that grow with their sessions: which are followed, and until when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.events import Ended, Run, RunStatus, Started, Text
from claude_agent_lsp.lsp.services import growing_documents as module
from claude_agent_lsp.lsp.services.growing_documents import MOST_FOLLOWED, GrowingDocuments

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.agent.events import Event

PLACE = Path("/state/transcripts")


class Documents(GrowingDocuments):
    """With a note of what was written, and of what is still followed."""

    def __init__(self) -> None:
        self.written: list[str] = []
        super().__init__(self.write)

    async def write(self, session: str) -> None:
        self.written.append(session)

    def show(self, session: str) -> None:
        self.add(session, PLACE / f"{session}.md")

    def run(self, session: str) -> Callable[[Event], None]:
        follow = self.follower()
        follow(Started(Run("run", session, Path("/folder"), RunStatus.RUNNING)))
        return follow

    async def rest(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    @property
    def held(self) -> int:
        return len(self._followed) + len(self._due) + len(self._tasks)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REWRITE_SECONDS", 0.0)


async def test_a_shown_session_is_written_anew_with_each_message() -> None:
    documents = Documents()
    documents.show("one")
    for number in range(3):
        documents.run("one")(Text(f"m{number}", "word"))
        await documents.rest()
    assert documents.written == ["one"] * 3
    documents.run("other")
    await documents.rest()
    assert set(documents.written) == {"one"}


async def test_an_event_at_the_very_end_of_a_rewrite_is_not_lost() -> None:
    documents = Documents()
    documents.show("one")
    follow = documents.run("one")
    await asyncio.sleep(0)
    task = documents._tasks["one"]
    # In the moment between the task's end and what is called at it.
    task.add_done_callback(lambda _: None)
    while not task.done():  # noqa: ASYNC110 - not a turn of the loop later
        await asyncio.sleep(0)
    before = len(documents.written)
    follow(Ended(Run("run", "one", Path("/folder"), RunStatus.COMPLETED)))
    while documents._tasks or documents._due:  # noqa: ASYNC110 - the same
        await asyncio.sleep(0)
    assert len(documents.written) == before + 1
    assert documents.held == 1


async def test_a_closed_document_is_not_written_any_more() -> None:
    documents = Documents()
    documents.show("one")
    documents.show("two")
    documents.closed(Path("/state/transcripts/elsewhere.md"))
    # The editor may have followed a link to where it is.
    documents.closed(Path("/private/state/transcripts/one.md"))
    for session in ("one", "two"):
        documents.run(session)(Ended(Run("run", session, Path("/folder"), RunStatus.COMPLETED)))
    await documents.rest()
    assert documents.written == ["two"]
    documents.show("one")
    documents.run("one")
    await documents.rest()
    assert documents.written == ["two", "one"]


async def test_a_deleted_session_is_not_written_even_if_it_was_due() -> None:
    documents = Documents()
    documents.show("one")
    documents.run("one")
    documents.remove("one")
    await documents.rest()
    assert documents.written == []
    assert documents.held == 0


async def test_only_the_newest_documents_are_followed() -> None:
    documents = Documents()
    sessions = [f"session-{number}" for number in range(500)]
    for session in sessions:
        documents.show(sessions[0])
        documents.show(session)
        documents.run(session)
        await documents.rest()
        assert documents.held <= MOST_FOLLOWED
    del documents.written[:]
    for session in sessions:
        documents.run(session)
    await documents.rest()
    assert documents.written == [sessions[0], *sessions[-MOST_FOLLOWED + 1 :]]
