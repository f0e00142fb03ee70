"""A process that stands ready for the next new session: who has it, and what is seen of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from lsprotocol import types

from tests.e2e.runs import (
    assert_knows_code,
    begin,
    cancelled,
    clis,
    eventually,
    remember,
    status,
    status_when,
)
from tests.told_secrets import LOG

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

SPARE = {"spareProcess": True}
DEBUG = ("--log-level", "debug")


@pytest_asyncio.fixture
async def editor(editor_with: Open) -> Editor:
    return await editor_with(settings=SPARE)


@pytest.fixture
def config(environment: dict[str, str]) -> Path:
    """Where the CLI keeps what it keeps."""
    return Path(environment["CLAUDE_CONFIG_DIR"])


def spares(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in told["processes"] if each["spare"] and each["state"] != "ending"]


async def standing(editor: Editor, but: str = "") -> dict[str, Any]:
    """The spare, once it stands ready."""

    def ready(told: dict[str, Any]) -> bool:
        return any(e["state"] == "idle" and e["sessionId"] != but for e in spares(told))

    told = await status_when(editor, ready)
    (spare,) = spares(told)
    return spare


def names_below(*places: Path) -> list[str]:
    return [
        name for place in places for _, below, files in os.walk(place) for name in below + files
    ]


def state_of(environment: dict[str, str]) -> Path:
    return Path(environment["HOME"])


async def listed(editor: Editor) -> set[str]:
    answer = await editor.command("session.list")
    return {session["sessionId"] for session in answer["sessions"]}


def logged(environment: dict[str, str], words: str) -> bool:
    log = Path(environment["HOME"], LOG)
    return log.exists() and words in log.read_text()


async def test_a_new_session_has_the_process_that_stood_ready(
    editor: Editor, model: Loopback
) -> None:
    first = await remember(editor)
    asked = len(model.requests)
    spare = await standing(editor)
    assert len(model.requests) == asked, "a process that nobody has asked asks the model"
    assert await listed(editor) == {first}
    answer = await begin(editor, "which code?", 1, session="new").asked
    assert (answer["sessionId"], answer["text"]) == (spare["sessionId"], "I don't know.")
    rows = (await status(editor))["processes"]
    (row,) = [each for each in rows if each["sessionId"] == spare["sessionId"]]
    assert (row["pid"], row["spare"]) == (spare["pid"], False)
    assert await listed(editor) == {first, spare["sessionId"]}
    again = await begin(editor, "which code?", 3, session=first).asked
    assert again["text"] == "PINEAPPLE-42"
    # And the next one has the next.
    assert (await standing(editor, spare["sessionId"]))["pid"] != spare["pid"]


async def test_nothing_is_left_of_one_that_nobody_has_had(
    editor: Editor, environment: dict[str, str]
) -> None:
    await remember(editor)
    spare = await standing(editor)
    home = state_of(environment)
    seen = [name for name in names_below(home) if spare["sessionId"] in name]
    assert seen in ([], [spare["sessionId"]]), "it has no lock, no journal and no transcript"
    await editor.quit()
    assert not [name for name in names_below(home) if spare["sessionId"] in name]


async def test_a_server_that_is_killed_leaves_none(
    editor: Editor, environment: dict[str, str], editor_with: Open
) -> None:
    first = await remember(editor)
    spare = await standing(editor)
    left = clis(editor)
    assert spare["pid"] in {process.pid for process in left}
    os.kill(editor.pid, signal.SIGKILL)
    await editor.gone()
    await eventually(lambda: not any(process.is_running() for process in left))
    second = await editor_with()
    assert await listed(second) == {first}
    assert not list(Path(environment["HOME"]).rglob(f"{spare['sessionId']}.*"))


async def test_its_session_goes_on_in_another_server(editor: Editor, editor_with: Open) -> None:
    await begin(editor, "hello").asked
    spare = await standing(editor)
    assert await remember(editor, session="new") == spare["sessionId"]
    await editor.quit()
    second = await editor_with()
    answer = await begin(second, "which code?", 1, session=spare["sessionId"]).asked
    assert answer["text"] == "PINEAPPLE-42"


async def test_a_run_that_is_stopped_at_once_has_had_it(editor: Editor) -> None:
    await remember(editor)
    spare = await standing(editor)
    query = begin(editor, "say 3000 tokens every 20 ms", 1, session="new")
    await editor.event("started", query.events)
    await cancelled(editor, query)
    answer = await begin(editor, "which code?", 2, session="new").asked
    assert answer["sessionId"] != spare["sessionId"]
    assert answer["text"] == "I don't know."
    gone_on = await begin(editor, "hello", 3, session=spare["sessionId"]).asked
    assert gone_on["sessionId"] == spare["sessionId"]


async def test_what_a_session_reads_at_its_start_is_as_it_is_then(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)

    git("init", "-q", "-b", "old-branch")
    (folder / "CLAUDE.md").write_text("See @more.md\n")
    (folder / "more.md").write_text("OLD-WORDS\n")
    git("add", ".")
    git("commit", "-q", "-m", "a commit")
    await remember(editor)
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: git("checkout", "-q", "-b", "new-branch"), "new-branch"),
        (lambda: (folder / "more.md").write_text("NEW-WORDS and more\n"), "NEW-WORDS"),
        (lambda: (folder / "untracked.txt").write_text("x"), "untracked.txt"),
    ]
    last = ""
    for number, (change, new) in enumerate(changes, 1):
        spare = await standing(editor, last)
        change()
        answer = await begin(editor, "hello", number, session="new").asked
        assert answer["sessionId"] != spare["sessionId"]
        assert new in json.dumps(model.requests[-1].body)
        last = spare["sessionId"]


async def test_one_is_ended_once_what_it_has_read_is_no_longer_so(
    editor: Editor, folder: Path
) -> None:
    await remember(editor)
    spare = await standing(editor)
    (folder / "CLAUDE.md").write_text("New.\n")
    await assert_knows_code(editor)
    assert (await standing(editor, spare["sessionId"]))["pid"] != spare["pid"]


async def test_other_settings_have_a_process_of_their_own(editor: Editor, model: Loopback) -> None:
    await remember(editor)
    spare = await standing(editor)
    one = await begin(editor, "hello", 1, session="new", effort="low").asked
    two = await begin(editor, "hello", 2, session="new", model="claude-haiku-4-5").asked
    editor.set_configuration({**SPARE, "appendSystemPrompt": "BE-BRIEF"}, section="claudeAgent")
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    three = await begin(editor, "hello", 3, session="new").asked
    assert spare["sessionId"] not in {one["sessionId"], two["sessionId"], three["sessionId"]}
    assert "BE-BRIEF" in json.dumps(model.requests[-1].body)


async def test_none_stands_ready_where_hooks_would_run(
    editor_with: Open, environment: dict[str, str], config: Path, canaries: Path
) -> None:
    hook = {"hooks": [{"type": "command", "command": f"touch {canaries}/$PPID-$$"}]}
    config.mkdir(exist_ok=True)
    (config / "settings.json").write_text(json.dumps({"hooks": {"SessionStart": [hook]}}))
    editor = await editor_with(settings=SPARE, arguments=DEBUG)
    await remember(editor)
    await eventually(lambda: logged(environment, "its hooks would run"))
    assert spares(await status(editor)) == []
    assert len(list(canaries.iterdir())) == 1


async def test_no_session_loses_its_process_to_one(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={**SPARE, "maxProcesses": 1}, arguments=DEBUG)
    await remember(editor)
    (row,) = (await status(editor))["processes"]
    await eventually(lambda: logged(environment, "as many processes as may be"))
    assert [each["pid"] for each in (await status(editor))["processes"]] == [row["pid"]]


async def test_it_goes_first_where_room_is_needed(editor_with: Open) -> None:
    earlier = await editor_with()
    old = await remember(earlier)
    await earlier.quit()
    editor = await editor_with(settings={**SPARE, "maxProcesses": 2, "prewarm": False})
    new = await remember(editor, session="new")
    spare = await standing(editor)
    answer = await begin(editor, "which code?", 1, session=old).asked
    assert answer["text"] == "PINEAPPLE-42"
    rows = {each["sessionId"] for each in (await status(editor))["processes"]}
    assert rows == {old, new}
    assert spare["pid"] not in {process.pid for process in clis(editor)}


async def test_none_is_left_in_a_folder_that_loses_its_trust(editor: Editor, folder: Path) -> None:
    await remember(editor)
    spare = await standing(editor)
    here = {"workspace": folder.as_uri()}
    await editor.command("trust", {**here, "trusted": False})
    await eventually(lambda: spare["pid"] not in {process.pid for process in clis(editor)})
    answer = await begin(editor, "hello", 1, session="new").asked
    assert answer["sessionId"] != spare["sessionId"]


async def test_none_stands_ready_if_it_is_not_wanted(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"spareProcess": False})
    first = await remember(editor)
    second = await remember(editor, session="new")
    assert first != second
    assert spares(await status(editor)) == []
