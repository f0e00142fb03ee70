"""A session's copy here and its copy in a store, whatever has become of either."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.sharing.line_codec import portable
from claude_agent_lsp.sessions.sharing.reconcile import Reconciler
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import Diverged, Owner
from claude_agent_lsp.sessions.sharing.sync_state import Mirrored
from tests.sessions.lines import Disk, Talk, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore

    from .servers import Postgres, RedisServer

PROJECT = str(uuid.uuid4())


@dataclass
class Side:
    """A machine: its folder, its Claude directory, what it knows of the session."""

    root: Path
    store: SharedStore
    session_id: str
    monkeypatch: pytest.MonkeyPatch
    mirrored: Mirrored = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root / "project"
        self.folder.mkdir(parents=True)
        self.mirrored = Mirrored(
            self.session_id, "s", PROJECT, os.path.realpath(self.folder), pending=False
        )

    @property
    def path(self) -> Path:
        return Disk(self.root / "config").path(self.session_id, self.folder)

    @property
    def said(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    @property
    def sent(self) -> list[Any]:
        """What it says, as it is in a store."""
        folder = os.path.realpath(self.folder)
        return [portable(line, folder) for line in self.path.read_bytes().splitlines()]

    def say(self, *entries: dict[str, Any], path: Path | None = None) -> None:
        """The CLI adds lines."""
        path = path or self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        common = {"sessionId": self.session_id, "cwd": os.path.realpath(self.folder)}
        with path.open("a") as file:
            for entry in entries:
                file.write(json.dumps(entry | common, separators=(",", ":")) + "\n")

    async def send(self, *, at_work: bool = False) -> bool:
        """Returns whether anything was sent."""
        self._here()
        before = dict(self.mirrored.places)
        claim = await self.store.claim(
            {"project_key": PROJECT, "session_id": self.session_id}, Owner("e", 1, "m")
        )
        try:
            reconciler = Reconciler(self.store, self.mirrored, Lane())
            await reconciler.send(claim.token, at_work=at_work)
        finally:
            await claim.release()
        return self.mirrored.places != before

    async def fetch(self) -> str | None:
        self._here()
        return await Reconciler(self.store, self.mirrored, Lane()).fetch()

    def _here(self) -> None:
        self.monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(self.root / "config"))


@pytest_asyncio.fixture
async def store(server: Postgres | RedisServer) -> AsyncIterator[SharedStore]:
    opened = open_store(server.url)
    yield opened
    await opened.close()


@pytest.fixture
def sides(tmp_path: Path, store: SharedStore, monkeypatch: pytest.MonkeyPatch) -> tuple[Side, Side]:
    session_id = str(uuid.uuid4())
    anna, bert = (
        Side(tmp_path / name, store, session_id, monkeypatch) for name in ("anna", "bert")
    )
    return anna, bert


def alike(one: Side, other: Side) -> bool:
    """Whether both have the same lines, each with its own folder."""
    for side in (one, other):
        said = [line for line in side.said if line["type"] != "claude-agent-lsp-kept"]
        assert {line["cwd"] for line in said} == {os.path.realpath(side.folder)}
    return one.sent == other.sent


async def test_copy_is_fetched_with_all_that_belongs_to_it(sides: tuple[Side, Side]) -> None:
    anna, bert = sides
    talk = Talk()
    anna.say(talk.user("hello"), talk.agent(text("hi"), message_id="m"))
    beside = anna.path.with_suffix("") / "subagents"
    anna.say({"type": "user", "uuid": "s1"}, path=beside / "agent-1.jsonl")
    (beside / "agent-1.meta.json").write_text('{"agentType": "general"}')
    assert await anna.send()
    assert not await anna.send()
    assert await bert.fetch() is None
    assert alike(anna, bert)
    there = bert.path.with_suffix("") / "subagents"
    (line,) = (there / "agent-1.jsonl").read_text().splitlines()
    assert json.loads(line)["cwd"] == os.path.realpath(bert.folder)
    assert json.loads((there / "agent-1.meta.json").read_text()) == {"agentType": "general"}
    # What came from the store is not sent to it again.
    assert not await bert.send()


async def test_copies_follow_each_other(sides: tuple[Side, Side]) -> None:
    anna, bert = sides
    talk = Talk()
    for side, other in ((anna, bert), (bert, anna), (anna, bert)) * 2:
        side.say(talk.user("more"), {"type": "mode", "mode": "default"})
        await side.send()
        assert await other.fetch() is None
        assert alike(side, other)
    assert len(anna.said) == 12


async def test_long_session_is_sent_and_fetched_in_parts(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bert = sides
    monkeypatch.setattr("claude_agent_lsp.sessions.sharing.reconcile.BATCH_BYTES", 2000)
    monkeypatch.setattr("claude_agent_lsp.sessions.sharing.reconcile.BATCH_LINES", 7)
    talk = Talk()
    anna.say(*(talk.user(f"line {n}") for n in range(100)))
    await anna.send()
    await bert.fetch()
    assert alike(anna, bert)


async def test_where_both_went_on_the_own_copy_is_kept_under_a_new_id(
    sides: tuple[Side, Side],
) -> None:
    anna, bert = sides
    talk = Talk()
    anna.say(talk.user("together"))
    await anna.send()
    await bert.fetch()
    bert.say(Talk().user("bert alone"))
    await bert.send()
    anna.say(Talk().user("anna alone"), {"type": "mode"})
    (anna.path.with_suffix("")).mkdir()
    (anna.path.with_suffix("") / "note").write_text("beside")
    before = anna.said
    with pytest.raises(Diverged):
        await anna.send()
    kept = await anna.fetch()
    assert kept is not None
    assert alike(anna, bert)
    copy = anna.path.with_name(f"{kept}.jsonl")
    lines = [json.loads(line) for line in copy.read_text().splitlines()]
    assert lines == [{**line, "sessionId": kept} for line in before]
    assert (copy.with_suffix("") / "note").read_text() == "beside"
    # From here on they go together again.
    anna.say(Talk().user("again"))
    await anna.send()
    assert await bert.fetch() is None
    assert alike(anna, bert)


async def test_what_the_cli_only_notes_makes_no_fork(sides: tuple[Side, Side]) -> None:
    anna, bert = sides
    anna.say(Talk().user("together"))
    await anna.send()
    await bert.fetch()
    bert.say(Talk().user("bert"))
    await bert.send()
    anna.say({"type": "last-prompt", "lastPrompt": "together"})
    assert await anna.fetch() is None
    assert alike(anna, bert)


async def test_file_that_the_cli_writes_anew_is_no_fork(sides: tuple[Side, Side]) -> None:
    anna, bert = sides
    talk = Talk()
    first, second, third = talk.user("1"), talk.user("2"), talk.user("3")
    anna.say(first, second)
    await anna.send()
    anna.path.unlink()
    anna.say(first, third)
    assert await anna.fetch() is None
    assert await anna.send()
    await bert.fetch()
    assert [line["uuid"] for line in bert.said] == [first["uuid"], third["uuid"]]


async def test_store_that_has_lost_lines_or_all_gets_them_again(
    sides: tuple[Side, Side], store: SharedStore
) -> None:
    anna, bert = sides
    talk = Talk()
    anna.say(talk.user("1"), {"type": "mode"}, talk.user("2"))
    await anna.send()
    await store.delete({"project_key": PROJECT, "session_id": anna.session_id})
    anna.say(talk.user("3"))
    assert await anna.send()
    await bert.fetch()
    assert alike(anna, bert)


async def test_session_whose_file_is_gone_here_is_fetched(sides: tuple[Side, Side]) -> None:
    anna, _ = sides
    anna.say(Talk().user("1"))
    await anna.send()
    before = anna.said
    anna.path.unlink()
    await anna.fetch()
    assert anna.said == before


async def test_name_that_leads_out_of_the_sessions_directory_is_ignored(
    sides: tuple[Side, Side], store: SharedStore, tmp_path: Path
) -> None:
    anna, _ = sides
    for subpath in ("../../../../evil", "/evil", "..", "subagents/../../../evil"):
        await store.append(
            {"project_key": PROJECT, "session_id": anna.session_id, "subpath": subpath},
            [{"type": "x"}],
        )
    await store.append({"project_key": PROJECT, "session_id": anna.session_id}, [{"type": "x"}])
    await anna.fetch()
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {f"{anna.session_id}.jsonl"}


async def test_copy_that_can_not_be_written_is_an_error_that_says_so(
    sides: tuple[Side, Side],
) -> None:
    anna, bert = sides
    anna.say(Talk().user("1"))
    await anna.send()
    bert.path.parent.parent.mkdir(parents=True)
    bert.path.parent.write_text("a file where the directory should be")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await bert.fetch()
