"""What subagents say, for a client that has a place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.e2e.runs import allow_tools, begin

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


@pytest.fixture
def delegating(model: Loopback, environment: dict[str, str]) -> None:
    """An agent that has another one look."""
    allow_tools(environment)
    task = {"description": "look", "prompt": "LOOK around", "subagent_type": "general-purpose"}
    delegate = call("Agent", **task, run_in_background=False)
    look = call("Bash", command="echo seen")
    model.add(reply("go", [say("I delegate."), delegate], [say("All done.")]))
    model.add(reply("LOOK", [say("I look."), look], [say("I have seen.")]))


def said(editor: Editor) -> list[tuple[str, bool]]:
    """The texts of a run, and whether a subagent's."""
    texts: list[tuple[str, bool]] = []
    for event in editor.events(kind="text"):
        nested = "parentToolCallId" in event
        if texts and texts[-1][1] == nested and not nested:
            texts[-1] = texts[-1][0] + event["text"], nested
        else:
            texts.append((event["text"], nested))
    return texts


NESTED = [("I delegate.", False), ("I look.", True), ("I have seen.", True), ("All done.", False)]
OWN = [("I delegate.All done.", False)]


@pytest.mark.usefixtures("delegating")
@pytest.mark.parametrize(
    ("announces", "asks", "heard"),
    [
        ({}, {}, OWN),
        ({}, {"subagentText": True}, NESTED),
        ({"subagentText": True}, {}, NESTED),
        ({"subagentText": True}, {"subagentText": False}, OWN),
    ],
)
async def test_words_of_subagents_come_where_they_are_wanted(
    editor_with: Open, announces: dict[str, Any], asks: dict[str, Any], heard: list[Any]
) -> None:
    editor = await editor_with(announces=announces)
    run = await editor.query("go", **asks)
    assert said(editor) == heard
    assert run["text"] == "All done."
    agent, look = editor.events(kind="toolCall")
    assert look["parentToolCallId"] == agent["toolCallId"]
    nested = [event for event in editor.events(kind="text") if "parentToolCallId" in event]
    assert {event["parentToolCallId"] for event in nested} <= {agent["toolCallId"]}


@pytest.mark.usefixtures("delegating")
async def test_conversations_of_subagents_are_read_page_by_page(editor: Editor) -> None:
    run = await editor.query("go")
    agent = editor.events(kind="toolCall")[0]["toolCallId"]
    of_session = {"sessionId": run["sessionId"], "limit": 2}
    messages: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await editor.command("session.read", {**of_session, "subagentText": True, **cursor})
        messages += page["messages"]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    own = [message for message in messages if "parentToolCallId" not in message]
    nested = [message for message in messages if "parentToolCallId" in message]
    assert {message["parentToolCallId"] for message in nested} == {agent}
    assert [(message["role"], message["text"]) for message in nested] == [
        ("user", "LOOK around"),
        ("assistant", "I look."),
        ("assistant", "I have seen."),
    ]
    (look,) = nested[1]["toolCalls"]
    assert (look["tool"], look["status"], look["text"]) == ("Bash", "completed", "seen")
    assert messages.index(own[-1]) == len(messages) - 1
    alone = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert alone["messages"] == own


@pytest.mark.usefixtures("delegating")
@pytest.mark.parametrize(
    ("announces", "asks", "nested"),
    [
        ({}, {}, []),
        ({}, {"subagentText": True}, NESTED[1:3]),
        ({"subagentText": True}, {}, NESTED[1:3]),
    ],
)
async def test_so_they_do_in_a_run_that_has_waited_and_has_no_token_of_the_clients(
    editor_with: Open, model: Loopback, announces: dict[str, Any], asks: dict[str, Any], nested: Any
) -> None:
    model.add(reply("take a moment", [tokens(40, pace=0.02), say("Taken.")]))
    editor = await editor_with(announces={"sessionEvents": True, **announces})
    first = begin(editor, "take a moment", 1)
    await editor.event("text", first.events)
    run = await editor.command("query", {"prompt": "go", **asks})
    assert (run["status"], run["text"]) == ("completed", "All done.")
    texts = editor.events(f"claudeAgent/run/{run['runId']}", "text")
    told = [(each["text"], "parentToolCallId" in each) for each in texts]
    assert [each for each in told if each[1]] == nested
    assert "".join(text for text, own in told if not own) == "I delegate.All done."
