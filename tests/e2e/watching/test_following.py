"""A session at work in one server is seen growing in another one."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.following.follower import MOST_FOLLOWED
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.loopback import call, reply, say, think
from tests.e2e.conversations.test_conversations import entries_of
from tests.e2e.faults.test_survival import HALF, half_said, killed
from tests.e2e.runs import allow_tools, begin, cancelled, data_of, eventually, remember, run_of
from tests.e2e.shown import as_read, as_shown
from tests.e2e.turns.test_own_turns import state_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

KNOWS = {"sessionEvents": True}


def gate(place: Path) -> str:
    """A command that ends once a file is there."""
    return f"until [ -e {place} ]; do sleep 0.05; done; echo open"


def token_of(run: dict[str, Any]) -> str:
    return f"claudeAgent/run/{run['runId']}"


def tokens_in(editor: Editor) -> list[Any]:
    """The tokens of all progress that has come."""
    return [params.token for _, method, params in editor.log if method == "$/progress"]


async def follow(editor: Editor, session: str) -> dict[str, Any]:
    found: dict[str, Any] = await editor.command("session.follow", {"sessionId": session})
    return found


async def follow_at_work(editor: Editor, session: str) -> tuple[dict[str, Any], str]:
    """Follows a session in which a run is at work; returns what is found, and its token."""
    found = await follow(editor, session)
    return found, token_of(found["run"])


async def test_a_run_is_seen_from_its_first_word_to_its_end(
    editor_with: Open, environment: dict[str, str], model: Loopback, tmp_path: Path
) -> None:
    allow_tools(environment)
    opened = tmp_path / "opened"
    model.add(
        reply(
            "work",
            [think("Let me see."), say("I look."), call("Bash", command=gate(opened))],
            [say("Two words."), call("Bash", command="false")],
            [say("Done.")],
        )
    )
    first = await editor_with()
    session = await remember(first)
    query = begin(first, "work", 1, session=session)
    await first.event("toolCall", query.events)
    second = await editor_with(profile="neovim", announces=KNOWS)
    earlier = await entries_of(second, session)
    found, token = await follow_at_work(second, session)
    run = await run_of(first, query)
    assert found["run"]["runId"] == run["runId"]
    assert found["run"]["prompt"] == "work"
    assert found["run"]["status"] == "running"
    assert found["run"]["heldBy"] == f"Visual Studio Code (process {first.pid})"
    # What was read before the run is all that stands before this entry.
    place = [message["messageId"] for message in earlier].index(found["firstMessageId"])
    assert earlier[place]["text"] == "work"
    await second.event("toolCall", token)
    assert "I look." in second.text(token)
    assert not second.events(token, "ended")
    opened.touch()
    ended = await query.asked
    told = (await second.event("ended", token))["run"]
    same = ("runId", "status", "text", "usage", "costUsd", "turns", "stopReason", "durationMs")
    assert {name: told[name] for name in same} == {name: ended[name] for name in same}
    # The same entries, in the same order, as they were shown there, and as they are read.
    seen = as_shown(second, ("work", token))
    assert seen == as_shown(first, ("work", query.events))
    assert as_read((await entries_of(second, session))[place:]) == seen
    states = [run["status"] for method, run in second.announced if method == "runChanged"]
    assert states == ["running", "completed"]


async def test_the_next_runs_are_seen_too_and_none_of_its_own(
    editor_with: Open, model: Loopback
) -> None:
    model.add(reply("quick", say("Quick.")))
    first = await editor_with()
    session = await remember(first)
    second = await editor_with(profile="neovim", announces=KNOWS)
    found = await follow(second, session)
    assert found.get("run") is None
    assert found["session"]["sessionId"] == session
    for number in (1, 2):
        run = await begin(first, "quick", number, session=session).asked
        ended = await second.event("ended", token_of(run))
        assert ended["run"]["text"] == "Quick."
        assert [e["text"] for e in second.events(token_of(run), "text")] == ["Quick."]
        assert second.events(token_of(run), "started")[0]["run"]["prompt"] == "quick"
    own = await begin(second, "quick", 3, session=session).asked
    # Its own comes on the token that was asked for, and is not told again.
    after = await begin(first, "quick", 4, session=session).asked
    await second.event("ended", token_of(after))
    assert not second.events(token_of(own))


async def test_nothing_comes_once_it_is_followed_no_longer(
    editor_with: Open, model: Loopback
) -> None:
    model.add(reply("quick", say("Quick.")))
    first = await editor_with()
    query, session = await half_said(first)
    second = await editor_with(profile="neovim", announces=KNOWS)
    _, token = await follow_at_work(second, session)
    await second.event("text", token)
    work_done = await second.until(
        lambda: next((each for each in tokens_in(second) if each != token), None)
    )
    assert await second.command("session.unfollow", {"sessionId": session}) == {"followed": True}
    # A display of progress is ended, though the run goes on.
    assert (await second.event("end", work_done))["message"] == "Followed no longer"
    assert await second.command("session.unfollow", {"sessionId": session}) == {"followed": False}
    await cancelled(first, query)
    other = await remember(first, session="new")
    await follow(second, other)
    run = await begin(first, "quick", 2, session=other).asked
    await second.event("ended", token_of(run))
    assert not second.events(token, "ended")


async def test_what_is_asked_for_right_behind_it_finds_it_followed(editor_with: Open) -> None:
    first = await editor_with()
    session = await remember(first)
    second = await editor_with(profile="neovim", announces=KNOWS)
    asked = second.command("session.follow", {"sessionId": session})
    assert await second.command("session.unfollow", {"sessionId": session}) == {"followed": True}
    await asked
    assert await second.command("session.unfollow", {"sessionId": session}) == {"followed": False}


async def test_a_stopped_one_is_told_as_stopped(editor_with: Open) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    second = await editor_with(profile="neovim", announces=KNOWS)
    _, token = await follow_at_work(second, session)
    await second.until(lambda: HALF in second.text(token))
    await cancelled(first, query)
    assert (await second.event("ended", token))["run"]["status"] == "cancelled"
    assert second.text(token) == first.text(query.events)


async def test_one_whose_server_is_killed_is_told_as_interrupted(editor_with: Open) -> None:
    first = await editor_with()
    _, session = await half_said(first)
    second = await editor_with(profile="neovim", announces=KNOWS)
    _, token = await follow_at_work(second, session)
    await second.until(lambda: HALF in second.text(token))
    await killed(first)
    run = (await second.event("ended", token))["run"]
    assert (run["status"], run["error"]["reason"]) == ("failed", "processDied")
    read = await second.command("session.read", {"sessionId": session})
    assert read["session"]["interrupted"] is True


async def test_one_whose_server_is_frozen_is_not_told_as_ended(editor_with: Open) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = await editor_with(profile="neovim", announces=KNOWS)
        _, token = await follow_at_work(second, session)
        await second.until(lambda: HALF in second.text(token))
        assert not second.events(token, "ended")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    await cancelled(first, query)
    assert (await second.event("ended", token))["run"]["status"] == "cancelled"


@pytest.mark.parametrize("damage", ["removed", "garbage", "link", "pipe", "directory"])
async def test_damaged_records_end_no_following(
    editor_with: Open, environment: dict[str, str], model: Loopback, tmp_path: Path, damage: str
) -> None:
    allow_tools(environment)
    opened = tmp_path / "opened"
    model.add(
        reply("work", [say("I look."), call("Bash", command=gate(opened))], [say("Seen at last.")])
    )
    first = await editor_with()
    session = await remember(first)
    query = begin(first, "work", 1, session=session)
    second = await editor_with(profile="neovim", announces=KNOWS)
    await first.event("toolCall", query.events)
    _, token = await follow_at_work(second, session)
    await second.event("toolCall", token)
    journal = state_of(environment) / "journal" / f"{session}.jsonl"
    if damage == "garbage":
        with journal.open("ab") as file:
            file.write(b'\xff\x00{"kind":"text","message":[[[[\n{"kind":7}\n[]\n{"kind":"te')
    else:
        journal.unlink()
    if damage == "link":
        journal.symlink_to("/dev/zero")
    elif damage == "pipe":
        os.mkfifo(journal)
    elif damage == "directory":
        journal.mkdir()
    opened.touch()
    run = await query.asked
    told = (await second.event("ended", token))["run"]
    assert (told["status"], told["text"]) == (run["status"], "Seen at last.")
    assert "Seen at last." in second.text(token)


async def test_a_client_that_knows_nothing_of_this_server_sees_it_by_progress(
    editor_with: Open,
) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    second = await editor_with(profile="neovim")
    await follow(second, session)
    token = await second.until(lambda: next(iter(tokens_in(second)), None))
    reports = await second.event("report", token)
    assert reports["message"] == "Answering"
    assert set(tokens_in(second)) == {token}
    await cancelled(first, query)


async def test_a_shown_document_grows_with_it(editor_with: Open) -> None:
    first = await editor_with()
    query, session = await half_said(first)
    second = await editor_with(profile="neovim")
    shown = await second.command("session.show", {"sessionId": session})
    await follow(second, session)
    place = path_of(shown["uri"])
    size = place.stat().st_size
    await eventually(lambda: place.stat().st_size > size)
    await cancelled(first, query)
    await eventually(lambda: "Stopped" in place.read_text())


async def test_only_so_many_are_followed(editor_with: Open, model: Loopback) -> None:
    model.add(reply("quick", say("Quick.")))
    first = await editor_with()
    second = await editor_with(profile="neovim", announces=KNOWS)
    session = await remember(first)
    await follow(second, session)
    copies = [
        (await second.command("session.fork", {"sessionId": session}))["sessionId"]
        for _ in range(MOST_FOLLOWED)
    ]
    for each in copies:
        await follow(second, each)
    followed = await second.command("session.unfollow", {"sessionId": session})
    assert followed == {"followed": False}
    last = await second.command("session.unfollow", {"sessionId": copies[-1]})
    assert last == {"followed": True}


async def test_a_session_that_is_not_there_is_not_followed(editor: Editor) -> None:
    session = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(JsonRpcException) as failed:
        await follow(editor, session)
    assert data_of(failed.value)["reason"] == "sessionNotFound"
