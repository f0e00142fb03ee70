"""A session that a server keeps for its background, and another server on the machine wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import (
    allow_tools,
    assert_knows_code,
    begin,
    cancelled,
    data_of,
    eventually,
    none_sleep,
    refusal,
    remember,
    sleepers,
    status,
)
from tests.e2e.turns.test_own_turns import state_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

TAKE = "End it, and go on here"
SERVES = "sleep 1000; true"


@pytest.fixture(autouse=True)
def wishes(environment: dict[str, str], model: Loopback) -> None:
    allow_tools(environment)
    serves = call("Bash", command=SERVES, run_in_background=True)
    model.add(reply("in the background", [serves], [say("It is running.")]))


@pytest.fixture
async def kept(editor_with: Open, environment: dict[str, str]) -> tuple[Editor, str]:
    """An editor whose server keeps a session, and the session."""
    editor = await editor_with(announces={"sessionEvents": True})
    session = await remember(editor)
    await begin(editor, "serve in the background", 1).asked
    await eventually(lambda: sleepers(environment))
    return editor, session


async def test_the_user_is_told_what_it_waits_for_and_takes_it_over(
    editor_with: Open, kept: tuple[Editor, str], environment: dict[str, str]
) -> None:
    first, session = kept
    second = await editor_with(profile="neovim")
    query = begin(second, "which code?", session=session)
    asked = await second.question()
    assert SERVES in asked.message
    assert "Visual Studio Code" in asked.message
    assert [action.title for action in asked.actions or ()] == ["Leave it running", TAKE]
    queued = (await second.event("queued", query.events))["run"]
    assert (queued["status"], queued["sessionId"]) == ("queued", session)
    # Nothing has ended, and nothing is asked of the first, before the user agrees.
    assert sleepers(environment)
    second.answer(TAKE)
    run = await query.asked
    assert (run["runId"], run["text"]) == (queued["runId"], "PINEAPPLE-42")
    await none_sleep(environment)
    states = [task["state"] for method, task in first.announced if method == "taskChanged"]
    assert states == ["running", "stopped"]
    (said,) = [message.message for message in first.messages if session in message.message]
    assert said.endswith(f"This has ended here: {SERVES}")
    locks = state_of(environment) / "locks"
    await eventually(lambda: not list(locks.iterdir()))
    # It goes back the same way, now that nothing runs there.
    await assert_knows_code(first)


@pytest.mark.parametrize("answer", ["Leave it running", None])
async def test_without_a_yes_it_stays_where_it_is(
    editor_with: Open, kept: tuple[Editor, str], environment: dict[str, str], answer: str | None
) -> None:
    first, session = kept
    second = await editor_with(profile="neovim")
    query = begin(second, "which code?", session=session)
    await second.question()
    second.answer(answer)
    error = await refusal(query)
    data = data_of(error)
    assert (data["reason"], data["keptFor"]) == ("sessionBusy", SERVES)
    assert data["keptBy"].startswith("Visual Studio Code (process ")
    assert sleepers(environment)
    assert not list((state_of(environment) / "locks").glob("*.wanted"))
    assert [task["state"] for task in (await status(first))["tasks"]] == ["running"]
    await assert_knows_code(first)


async def test_no_answer_in_time_is_no(
    editor_with: Open, kept: tuple[Editor, str], environment: dict[str, str]
) -> None:
    _, session = kept
    second = await editor_with(profile="neovim", settings={"questionTimeoutSeconds": 1})
    error = await refusal(begin(second, "which code?", session=session))
    assert data_of(error)["reason"] == "sessionBusy"
    assert sleepers(environment)


async def test_one_that_is_cancelled_takes_nothing(
    editor_with: Open, kept: tuple[Editor, str], environment: dict[str, str]
) -> None:
    _, session = kept
    second = await editor_with(profile="neovim")
    query = begin(second, "which code?", session=session)
    await second.question()
    await cancelled(second, query)
    assert sleepers(environment)
    assert (await status(second))["runs"] == []


@pytest.mark.parametrize("way", [{"profile": "helix"}, {"ifBusy": "refuse"}])
async def test_who_can_not_be_asked_is_refused_at_once(
    editor_with: Open, kept: tuple[Editor, str], way: dict[str, Any]
) -> None:
    _, session = kept
    second = await editor_with(profile=way.get("profile", "neovim"))
    fields = {name: value for name, value in way.items() if name != "profile"}
    error = await refusal(begin(second, "which code?", session=session, **fields))
    assert data_of(error)["keptFor"] == SERVES
    assert second.questions == []


async def test_whose_client_does_not_wait_is_answered_at_once_and_asked(
    editor_with: Open, kept: tuple[Editor, str], environment: dict[str, str]
) -> None:
    _, session = kept
    second = await editor_with(profile="neovim")
    run = await second.query("which code?", session=session, wait=False)
    assert (run["status"], run["queued"]) == ("queued", True)
    await second.question()
    second.answer(TAKE)
    ended = (await second.event("ended"))["run"]
    assert (ended["runId"], ended["text"]) == (run["runId"], "PINEAPPLE-42")
    await none_sleep(environment)
