"""A conversation that the user clears, or has compacted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import reply, say, tokens
from claude_agent_lsp.sessions.transcripts.terminal_commands import INSTEAD
from tests.e2e.runs import begin, remember, status

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def current(editor: Editor) -> str | None:
    (folder,) = (await status(editor))["folders"]
    session: str | None = folder["currentSession"]
    return session


async def listed(editor: Editor) -> list[tuple[str, str]]:
    sessions = (await editor.command("session.list"))["sessions"]
    return [(session["sessionId"], session["title"]) for session in sessions]


def heard(model: Loopback) -> str:
    """What the model was told last."""
    return "\n".join(said.text for said in model.requests[-1].conversation)


@pytest.mark.parametrize("word", ["/clear", "/new"])
async def test_it_goes_on_in_a_new_session_whose_id_the_run_tells(
    editor_with: Open, model: Loopback, word: str
) -> None:
    editor = await editor_with()
    session = await remember(editor)
    run = await begin(editor, word, 1).asked
    following = run["nextSessionId"]
    assert (run["sessionId"], following != session) == (session, True)
    assert await current(editor) == following
    # What nobody has said anything in is no session yet.
    assert [session_id for session_id, _ in await listed(editor)] == [session]
    # It holds in the next server, too.
    await editor.quit()
    second = await editor_with()
    answer = await begin(second, "hello", 2).asked
    assert (answer["sessionId"], "PINEAPPLE-42" in heard(model)) == (following, False)
    assert [title for _, title in await listed(second)] == [
        "hello",
        "remember the code PINEAPPLE-42",
    ]
    # The old one is there for whoever names it, and they are told, once.
    for number, notices in ((3, 1), (4, 0)):
        query = begin(second, "which code?", number, session=session)
        assert (await query.asked)["text"] == "PINEAPPLE-42"
        told = [event["text"] for event in second.events(query.events, "notice")]
        assert [following in text for text in told] == [True] * notices
    assert "/clear" not in heard(model)


async def test_what_waits_for_a_session_that_is_cleared_goes_on_in_the_new_one(
    editor: Editor, model: Loopback
) -> None:
    model.add(reply("take a moment", [tokens(40, pace=0.01), say("Taken.")]))
    session = await remember(editor)
    first = begin(editor, "take a moment", 1)
    await editor.event("text", first.events)
    clear = begin(editor, "/clear", 2)
    waiting = [begin(editor, "hello", 3), begin(editor, "go on", 4, session=session)]
    following = (await clear.asked)["nextSessionId"]
    runs = [await query.asked for query in waiting]
    assert [run["sessionId"] for run in runs] == [following, following]
    assert "PINEAPPLE-42" not in heard(model)
    assert heard(model).index("hello") < heard(model).index("go on")


async def test_a_compaction_is_an_event_and_costs_what_it_costs(editor: Editor) -> None:
    session = await remember(editor)
    before = (await editor.command("session.read", {"sessionId": session}))["session"]["costUsd"]
    query = begin(editor, "/compact", 1)
    run = await query.asked
    (compacted,) = editor.events(query.events, "compacted")
    assert compacted["trigger"] == "manual"
    assert compacted["tokensBefore"] > 0
    assert compacted["tokensAfter"] > 0
    assert run["costUsd"] > 0
    (told,) = (await editor.command("session.list"))["sessions"]
    assert told["costUsd"] == pytest.approx(before + run["costUsd"])


async def test_what_a_command_can_not_do_here_it_says_and_what_does_the_same(
    editor: Editor, model: Loopback
) -> None:
    session = await remember(editor)
    asked = len(model.requests)
    told = {}
    for number, name in enumerate(("vim", *INSTEAD), start=1):
        run: dict[str, Any] = await begin(editor, f"/{name}", number).asked
        assert (run["sessionId"], run["status"]) == (session, "completed")
        told[name] = run["text"]
    assert len(model.requests) == asked, "no word of it is for the model"
    other = "It needs a terminal: run `claude` there for it."
    for name, text in told.items():
        said = f"/{name} isn't available in this environment. "
        assert text.startswith(said + INSTEAD.get(name, other))
    assert "`claudeAgent.session.list`" in told["resume"]
    # It is read so, too.
    argument = {"sessionId": session, "limit": 1000}
    read = (await editor.command("session.read", argument))["messages"]
    outputs = [each["text"] for each in read if each.get("kind") == "command"]
    assert outputs == list(told.values())
