"""Whatever a file of the state directory has become: runs go on, or are refused for it by name.

`make torture` damages each file in each way; the suite damages all of them at once, in two.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e import damage
from tests.e2e.runs import SECONDS, allow_tools, begin, cancelled, data_of, remember, run_of
from tests.processes import all_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

    Inflict = Callable[[Path, damage.Elsewhere], None]

TORTURE = "TORTURE_DAMAGE" in os.environ
# What only a moment of a server's life, or a session of another kind, leaves there.
SELDOM = (
    *("audit/lock", "audit/audit.1.jsonl", "index.sqlite.lock", "index.sqlite-wal"),
    *("locks/{}.lock", "locks/{}.kept.lock", "plans/{}.md", "rewinds/{}.json"),
)
DIRECTORIES = ("audit", "folders", "journal", "kept", "locks", "plans", "rewinds", "transcripts")
QUIET = {"prewarm": False}


@dataclass
class Used:
    """The state directory of a user who has worked, as it was left and as it is now.

    Attributes:
        kept: A session that is tagged to be kept.
        lost: One whose server was killed in its first turn.
    """

    directory: Path
    saved: Path
    kept: str
    lost: str

    @property
    def files(self) -> list[str]:
        return sorted(
            str(file.relative_to(self.saved)) for file in self.saved.rglob("*") if file.is_file()
        )

    def restore(self) -> None:
        shutil.rmtree(self.directory)
        shutil.copytree(self.saved, self.directory)


@pytest_asyncio.fixture
async def used(
    editor_with: Open, model: Loopback, environment: dict[str, str], folder: Path, tmp_path: Path
) -> Used:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command="true")], [say("Ran.")]))
    editor = await editor_with(settings=QUIET)
    kept = await remember(editor)
    await editor.command("session.tag", {"sessionId": kept, "tag": "keep"})
    await editor.command("session.show", {"sessionId": kept})
    await begin(editor, "run it", 1, session=kept).asked
    await editor.command("trust", {"workspace": folder.as_uri(), "trusted": True})
    cut_off = begin(editor, "remember MANGO-7 and count slowly", 2, session="new")
    lost = (await run_of(editor, cut_off))["sessionId"]
    await editor.until(lambda: "word2" in editor.text(cut_off.events))
    os.kill(editor.pid, signal.SIGKILL)
    with contextlib.suppress(Exception):  # a message that was cut off
        await editor.gone()
    assert await all_gone(environment, SECONDS)
    directory = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp")
    for name in SELDOM:
        file = directory / name.format(kept)
        file.parent.mkdir(exist_ok=True)
        file.touch()
    shutil.copytree(directory, tmp_path / "saved")
    return Used(directory, tmp_path / "saved", kept, lost)


async def asked(editor: Editor, prompt: str, number: int, session: str) -> tuple[str, str]:
    """The answer, or else what a refusal says; and what the user was told beside it."""
    query = begin(editor, prompt, number, session=session)
    try:
        answer = (await query.asked)["text"]
    except JsonRpcException as error:
        assert data_of(error)["reason"] == "storeUnavailable"  # noqa: PT017
        answer = f"{error.message} {data_of(error)['hint']}"
    return answer, " ".join(event["text"] for event in editor.events(query.events, "notice"))


async def goes_on(editor: Editor, used: Used, damaged: set[str]) -> None:
    """The server does all of its work, but for sessions that nobody can lock."""
    await editor.command("status")
    listed = (await editor.command("session.list", {}))["sessions"]
    assert {used.kept, used.lost} <= {each["sessionId"] for each in listed}
    for number, (session, code) in enumerate(((used.kept, "PINEAPPLE-42"), (used.lost, "MANGO-7"))):
        read = await editor.command("session.read", {"sessionId": session})
        assert session == used.lost or code in str(read["messages"])
        answer, _ = await asked(editor, "which code?", number, session)
        lock = f"locks/{session}.lock"
        assert answer == code or (lock in damaged and lock in answer), answer
    answer, told = await asked(editor, "run it", 2, "new")
    assert answer == "Ran."
    assert ("audit log" in told) == bool(damaged & {"audit", "audit/audit.jsonl"}), told
    query = begin(editor, "count slowly", 3, session="new")
    await editor.event("text", query.events)
    await cancelled(editor, query)
    for name, argument in (
        ("session.show", {"sessionId": used.kept}),
        ("trust", {"workspace": "", "trusted": True}),
    ):
        with contextlib.suppress(JsonRpcException):  # told, where it can't be done
            await editor.command(name, argument)
    await editor.command("status")
    assert await editor.quit() == 0


@pytest.mark.skipif(TORTURE, reason="each file is damaged by itself")
async def test_a_directory_of_which_nothing_is_whole_lets_the_user_work(
    used: Used, editor_with: Open, tmp_path: Path
) -> None:
    ways: tuple[Inflict, ...] = (damage.a_link, damage.a_pipe)
    for way in ways:
        used.restore()
        elsewhere = damage.Elsewhere(tmp_path / f"elsewhere-{way.__name__}")
        for name in used.files:
            way(used.directory / name, elsewhere)
        await goes_on(await editor_with(settings=QUIET), used, set(used.files))
        assert elsewhere.untouched(), way.__name__


@pytest.mark.skipif(not TORTURE, reason="takes minutes: make torture")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "way",
    [*damage.OF_CONTENT, damage.a_directory, *damage.IN_ITS_PLACE],
    ids=lambda way: way.__name__,
)
async def test_each_file_alone_lets_the_user_work(
    used: Used, editor_with: Open, tmp_path: Path, way: Inflict
) -> None:
    elsewhere = damage.Elsewhere(tmp_path / "elsewhere")
    content = way in damage.OF_CONTENT
    for name in (*used.files, *(() if content else DIRECTORIES)):
        used.restore()
        inflict = damage.a_file if way is damage.a_directory and name in DIRECTORIES else way
        inflict(used.directory / name, elsewhere)
        print(way.__name__, name)  # noqa: T201
        await goes_on(await editor_with(settings=QUIET), used, set() if content else {name})
        assert elsewhere.untouched(), name
