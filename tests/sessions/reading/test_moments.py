"""A line that tells a time which no clock shows hides neither its session nor the others."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.index import Index
from claude_agent_lsp.sessions.journal.run_records import Begun, End, Outcome, RunRecords
from claude_agent_lsp.sessions.moving.export import exported
from claude_agent_lsp.sessions.reading.reading import read_messages
from tests.base.test_moments import TOLD, zone  # noqa: F401 - a fixture
from tests.sessions.lines import Disk, Talk, text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("zone")
def test_a_time_that_no_clock_shows_hides_nothing(disk: Disk, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    sessions = []
    for told in TOLD:
        talk, session_id = Talk(), str(uuid.uuid4())
        lines = [talk.user("hello"), talk.agent(text("Hi."), message_id="m1"), talk.user("more")]
        common = {"sessionId": session_id, "cwd": str(folder), "timestamp": told}
        disk.write(folder, *(json.dumps(line | common) for line in lines), session_id=session_id)
        begun = Begun("run", lines[0]["uuid"], datetime.now(UTC))
        end = End(datetime.now(UTC), None, Outcome("run", "cancelled"))
        RunRecords(lambda: state).append(session_id, "run", [begun, end])
        sessions.append(session_id)
    catalogue = Catalogue(Index(state))
    listed = jsonable(catalogue.page(folder).sessions)
    assert {one["sessionId"] for one in listed} == set(sessions)
    for session_id in sessions:
        entries = jsonable(list(read_messages(session_id, state)))
        said = [one["text"] for one in entries if one["role"] != "system"]
        assert said == ["hello", "Hi.", "more"]
        for form in ("markdown", "html"):
            assert b"Hi." in exported(catalogue.session(session_id), form, state)
