"""What an editor was shown of runs and what the session has afterwards are the same entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, fail, hang, reply, say, think
from tests.e2e.conversations.test_conversations import entries_of
from tests.e2e.faults.test_survival import killed
from tests.e2e.hooks import answering, set_hooks
from tests.e2e.runs import allow_tools, begin, refusal
from tests.e2e.shown import as_read, as_shown

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

LONG = "seq 2000; printf '\\033[1mx'"


async def read(editor: Editor, session_id: str, **fields: Any) -> list[Any]:
    """All entries of a session."""
    return as_read(await entries_of(editor, session_id, **fields))


async def test_runs_of_all_kinds_are_read_as_they_were_shown(
    editor_with: Open, environment: dict[str, str], model: Loopback, folder: Path
) -> None:
    """Thoughts, words, tools, denials, hooks' words, plans, retries, slash commands, an error."""
    set_hooks(environment, Stop=answering(systemMessage="Stopping is fine."))
    notes = folder / "notes.txt"
    model.add(
        reply("think", think("Let me \x07see."), say("Two \x1b[1mwords.")),
        reply("edit", [call("Write", file_path=str(notes), content="a\n")], [say("Written.")]),
        reply("list", [say("I look."), call("Bash", command=LONG)], [say("Seen.")]),
        reply(
            "forbidden", [call("WebFetch", url="http://127.0.0.1/", prompt="x")], [say("Denied.")]
        ),
        reply("plan", [call("TodoWrite", todos=[])], [say("Planned.")]),
        reply("broken", fail(400)),
    )
    editor = await editor_with()
    prompts = ("think", "edit", "list", "forbidden", "plan", "broken", "think")
    session_id, asked = "new", []
    for number, prompt in enumerate(prompts):
        query = begin(editor, prompt, number, session=session_id, permissionMode="acceptEdits")
        if prompt == "forbidden":
            await editor.question()
            editor.answer("Deny")
        if prompt == "broken":
            await refusal(query)
        else:
            session_id = (await query.asked)["sessionId"]
        asked.append((prompt, query.events))
    shown = as_shown(editor, *asked)
    kinds = {entry[0] if isinstance(entry, tuple) else entry[0][0] for entry in shown}
    assert {"prompt", "text", "thinking", "call", "notice", "outcome"} <= kinds
    assert await read(editor, session_id) == shown
    other = await editor_with()
    assert await read(other, session_id) == shown
    await editor.query("/compact", session=session_id, partialResultToken="compact")
    await editor.query("/context", session=session_id, partialResultToken="context")
    shown += as_shown(editor, ("/compact", "compact"), ("/context", "context"))
    assert await read(editor, session_id) == shown
    await editor.quit()
    await other.quit()
    editor = await editor_with()
    assert await read(editor, session_id) == shown


async def test_run_that_was_stopped_is_read_as_stopped_once(editor: Editor) -> None:
    query = begin(editor, "count slowly")
    await editor.event("text", query.events, count=3)
    editor.cancel(query.asked)
    await refusal(query)
    (session,) = (await editor.command("session.list", {}))["sessions"]
    shown = as_shown(editor, ("count slowly", query.events))
    assert shown[-1][1]["status"] == "cancelled"
    assert await read(editor, session["sessionId"]) == shown


@pytest.mark.parametrize("by", ["command", "query"])
async def test_copy_tells_of_the_runs_that_it_has(
    editor_with: Open, environment: dict[str, str], folder: Path, model: Loopback, by: str
) -> None:
    allow_tools(environment)
    model.add(reply("look", [call("Bash", command="ls")], [say("Nothing there.")]))
    editor = await editor_with()
    where = {"textDocument": {"uri": (folder / "a.py").as_uri()}}
    prompts = ["look into it", "remember the code X-1", "count slowly"]
    queries = [begin(editor, prompts[0], context=where)]
    session_id = (await queries[0].asked)["sessionId"]
    at = [entry for entry in await entries_of(editor, session_id) if entry["role"] == "assistant"]
    queries.append(begin(editor, prompts[1], 1))
    await queries[1].asked
    queries.append(begin(editor, prompts[2], 2))
    await editor.event("text", queries[2].events, count=3)
    editor.cancel(queries[2].asked)
    await refusal(queries[2])
    shown = as_shown(editor, *zip(prompts, (query.events for query in queries), strict=True))

    async def copied(message_id: str | None) -> list[Any]:
        if by == "command":
            asked = {"sessionId": session_id, **({"at": message_id} if message_id else {})}
            copy = (await editor.command("session.fork", asked))["sessionId"]
            return await read(editor, copy)
        back = {"resumeAt": message_id} if message_id else {}
        run = await editor.query("which code?", session=session_id, fork=True, **back)
        entries = await read(editor, run["sessionId"])
        own = next(
            place for place, entry in enumerate(entries) if entry == ("prompt", "which code?")
        )
        return entries[:own]

    assert await copied(None) == shown
    first = shown[: shown.index(("prompt", prompts[1]))]
    assert await copied(at[-1]["messageId"]) == first
    outcome = next(each for each in await entries_of(editor, session_id) if each.get("run"))
    assert await copied(outcome["messageId"]) == first, "also behind what is no message"
    # In the middle of a run: it tells of none that it has not in whole.
    assert [entry[0] for entry in await copied(at[0]["messageId"]) if entry[0] == "outcome"] == []


@pytest.mark.parametrize("by", ["stop", "kill"])
async def test_thoughts_that_were_cut_off_are_read_and_told_to_nobody(
    editor_with: Open, model: Loopback, by: str
) -> None:
    model.add(reply("think", think("Let me see. Firstly"), hang()))
    editor = await editor_with()
    query = begin(editor, "think")
    session_id = (await editor.event("started", query.events))["run"]["sessionId"]
    await editor.event("thinking", query.events)
    if by == "stop":
        editor.cancel(query.asked)
        await refusal(query)
    else:
        await killed(editor)
    shown = [entry for entry in as_shown(editor, ("think", query.events)) if entry[0] != "outcome"]
    other = await editor_with() if by == "kill" else editor
    for _ in range(2):
        entries = await read(other, session_id)
        kept = [entry for entry in entries if entry[0] not in ("interrupted", "outcome")]
        assert kept[: len(shown)] == shown
        run = await other.query("which code?", session=session_id)
        assert run["sessionId"] == session_id
        assert "Firstly" not in "".join(said.text for said in model.requests[-1].conversation)


async def test_words_that_were_retracted_are_read_as_such(
    editor_with: Open, model: Loopback
) -> None:
    editor = await editor_with(environment={"CLAUDE_CODE_MAX_RETRIES": "2"})
    model.add(
        reply("half", say("FIRST half "), fail(529, times=1), say("and the rest.")),
        reply("retry", fail(529, times=1), say("At last.")),
    )
    first, second = begin(editor, "half"), begin(editor, "retry", 1)
    session_id = (await first.asked)["sessionId"]
    await second.asked
    shown = as_shown(editor, ("half", first.events), ("retry", second.events))
    assert [entry[2] for entry in shown if entry[0] == "retracted"] == ["FIRST half "]
    assert await read(editor, session_id) == shown


async def test_prompts_that_waited_or_came_into_a_turn_are_read_where_they_were_shown(
    editor_with: Open, environment: dict[str, str], model: Loopback, folder: Path
) -> None:
    allow_tools(environment)
    waits = call("Bash", command="until test -e go; do sleep 0.05; done")
    model.add(reply("work on it", [say("I work."), waits], [say("Worked.")]))
    editor = await editor_with()
    first = begin(editor, "work on it")
    await editor.event("toolCall", first.events)
    session_id = (await editor.event("started", first.events))["run"]["sessionId"]
    steered = begin(editor, "mind the gap", 1, ifBusy="steer")
    await editor.event("queued", steered.events)
    queued = begin(editor, "and then this", 2)
    await editor.event("queued", queued.events)
    (folder / "go").touch()
    await first.asked
    await steered.asked
    await queued.asked
    shown = as_shown(editor, ("work on it", first.events), ("and then this", queued.events))
    assert ("prompt", "mind the gap") in shown
    assert await read(editor, session_id) == shown
    assert await read(await editor_with(), session_id) == shown


async def test_what_subagents_said_is_read_where_it_was_shown(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    allow_tools(environment)
    task = {"description": "look", "prompt": "LOOK around", "subagent_type": "general-purpose"}
    delegate = call("Agent", **task, run_in_background=False)
    look = call("Bash", command="echo seen")
    model.add(reply("go", [say("I delegate."), delegate], [say("All done.")]))
    model.add(reply("LOOK", [say("I look."), look], [say("I have seen.")]))
    editor = await editor_with(announces={"subagentText": True})
    query = begin(editor, "go")
    session_id = (await query.asked)["sessionId"]
    shown = as_shown(editor, ("go", query.events))
    assert len([entry for entry in shown if isinstance(entry, list) and entry[1]]) == 3
    assert await read(editor, session_id, subagentText=True) == shown
    own = [entry for entry in shown if isinstance(entry, tuple) or entry[1] is None]
    assert await read(editor, session_id, subagentText=False) == own


async def test_run_of_a_server_that_was_killed_is_read_with_what_is_known(
    editor_with: Open, environment: dict[str, str], model: Loopback, folder: Path
) -> None:
    notes = folder / "notes.txt"
    model.add(
        reply("go", [call("Write", file_path=str(notes), content="a")], [say("Well, "), hang()])
    )
    editor = await editor_with()
    query = begin(editor, "go", permissionMode="acceptEdits")
    await editor.event("text", query.events)
    session_id = (await editor.event("started", query.events))["run"]["sessionId"]
    other = await editor_with()
    # What is at work is not said to have ended.
    assert all(entry[0] != "outcome" for entry in await read(other, session_id))
    await killed(editor)
    shown = as_shown(editor, ("go", query.events))
    entries = await read(other, session_id)
    assert entries[:-1] == shown
    kind, run = entries[-1]
    assert (kind, run["status"], run["filesChanged"]) == ("outcome", "failed", [notes.as_uri()])
    assert run["error"]["reason"] == "processDied"
    assert run["durationMs"] > 0
    again = begin(other, "remember the code APPLE-1", 1, session=session_id)
    await again.asked
    more = as_shown(other, ("remember the code APPLE-1", again.events))
    assert await read(other, session_id) == [*entries, *more]


async def test_what_went_with_a_prompt_is_read_with_it(editor: Editor, folder: Path) -> None:
    notes = folder / "notes.txt"
    notes.write_text("one\ntwo\n")
    selected = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    context = {"textDocument": {"uri": notes.as_uri()}, "range": selected}
    run = await editor.query(
        "what is this?", context=context, attachments=[notes.as_uri()], permissionMode="plan"
    )
    prompt, *_, outcome = await entries_of(editor, run["sessionId"])
    assert prompt["context"] == {"uri": notes.as_uri(), "range": selected}
    assert prompt["attachments"] == [notes.as_uri()]
    assert outcome["run"]["permissionMode"] == "plan"
    assert outcome["text"].startswith("Done")


async def test_long_result_is_read_whole_in_parts(
    editor_with: Open, environment: dict[str, str], model: Loopback, folder: Path
) -> None:
    allow_tools(environment)
    model.add(
        reply("go", [call("Bash", command="seq 4000; printf '\\033[1mx\\001y'")], [say("Done.")])
    )
    editor = await editor_with()
    session_id = (await editor.query("go"))["sessionId"]
    (shown,) = editor.events(kind="toolResult")
    (call_read,) = [
        one for each in await entries_of(editor, session_id) for one in each["toolCalls"]
    ]
    whole = "\n".join(map(str, range(1, 4001))) + "\nxy"
    assert (call_read["text"], call_read["truncated"]) == (shown["text"], True)
    assert call_read["length"] == len(whole)
    argument = {"sessionId": session_id, "toolCallId": call_read["toolCallId"], "limit": 5000}
    read, cursor = "", None
    while True:
        page = await editor.command(
            "session.result", argument | ({"cursor": cursor} if cursor else {})
        )
        assert (page["offset"], page["length"], page["status"]) == (
            len(read),
            len(whole),
            "completed",
        )
        read += page["text"]
        if (cursor := page.get("nextCursor")) is None:
            break
    assert read == whole
    for wrong in ({"toolCallId": "nothing"}, {"cursor": "x"}, {"cursor": "99999999"}):
        refused = await refusal_of(editor, argument | wrong)
        assert next(iter(wrong)) in refused


async def refusal_of(editor: Editor, argument: dict[str, Any]) -> str:
    with pytest.raises(JsonRpcException) as refused:
        await editor.command("session.result", argument)
    assert refused.value.code == -32602
    return refused.value.message


async def test_marks_that_the_cli_makes_for_the_model_are_not_shown(
    editor: Editor, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    file = folder / "notes.txt"
    file.write_text("one\n")
    marked = "<tool_use_error>mine</tool_use_error> and more"
    model.add(
        reply(
            "try",
            [call("Read", file_path=str(file))],
            [call("Edit", file_path=str(file), old_string="two", new_string="three")],
            [call("Bash", command=f"printf '%s' '{marked}'")],
            [call("Bash", command="yes long | head -c 200000")],
            [say("Tried.")],
        )
    )
    run = await editor.query("try", partialResultToken="events")
    told = [event["text"] for event in editor.events("events") if event["kind"] == "toolResult"]
    assert told[1].startswith("String to replace not found in file.")
    assert told[2] == marked
    assert told[3].startswith("Output too large")
    assert not any("persisted-output" in text for text in told)
    entries = await entries_of(editor, run["sessionId"])
    assert [given["text"] for entry in entries for given in entry["toolCalls"]] == told
