"""The stores that a server has open."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.sharing.sharing import MOST_UNUSED, SharedSessions

if TYPE_CHECKING:
    from pathlib import Path


def _url(number: int) -> str:
    """A store at a port at which nobody listens."""
    return f"redis://127.0.0.1:9/{number}"


async def test_stores_that_no_setting_names_any_more_are_closed(tmp_path: Path) -> None:
    sharing = SharedSessions(lambda: tmp_path / "state", "an editor", lambda *_: None, Lanes())
    session = str(uuid.uuid4())
    await sharing.began(_url(0), tmp_path, session)
    for number in range(1, 3 * MOST_UNUSED):
        await sharing.watch(_url(number))
    urls = [store["url"] for store in sharing.status()]
    # One in which a run is at work stays.
    assert urls == [_url(0), *(_url(n) for n in range(2 * MOST_UNUSED, 3 * MOST_UNUSED))]
    sharing.turn_ended(session)
    await sharing.close()
