"""A session goes back to an earlier message in place; what it leaves is kept and reachable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import call, recall, reply, say
from tests.e2e.refusals import INVALID, refusal
from tests.e2e.runs import allow_tools

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def read(editor: Editor, session_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = await editor.command("session.read", {"sessionId": session_id})
    return answer


def said(answer: dict[str, Any]) -> list[str]:
    """What was said, without how runs have ended."""
    return [one["text"] for one in answer["messages"] if one.get("kind") != "outcome"]


async def talk(editor: Editor, model: Loopback) -> tuple[str, list[str]]:
    """Three questions and their answers; returns the session and the ids of all."""
    model.add(*(reply(f"number {word}", say(f"It is {word}.")) for word in ("one", "two", "three")))
    for word in ("one", "two", "three"):
        run = await editor.query(f"number {word}")
    messages = (await read(editor, run["sessionId"]))["messages"]
    return run["sessionId"], [one["messageId"] for one in messages if "kind" not in one]


async def test_a_prompt_is_asked_anew_under_the_same_id(editor_with: Open, model: Loopback) -> None:
    editor = await editor_with()
    session, ids = await talk(editor, model)
    model.add(reply("what was said", recall("It is (?:two|three)")), reply("and now", say("Yes.")))
    # Behind the first answer, instead of the second prompt.
    run = await editor.query("what was said", session=session, resumeAt=ids[1], inPlace=True)
    assert (run["sessionId"], run["text"]) == (session, "I don't know.")
    await editor.query("and now")
    wanted = ["number one", "It is one.", "what was said", "I don't know.", "and now", "Yes."]
    answer = await read(editor, session)
    assert said(answer) == wanted
    kinds = [one.get("kind") for one in answer["messages"]]
    assert kinds == [None, None, "outcome"] * 3
    # What was left is in a session of its own, which goes on as it was.
    (branch,) = answer["branches"]
    assert branch["messageId"] == answer["messages"][3]["messageId"]
    old = await read(editor, branch["sessionId"])
    whole = [f"{start}{word}{end}" for word in ("one", "two", "three") for start, end in ENDS]
    assert said(old) == whole
    listed = (await editor.command("session.list", {}))["sessions"]
    assert [one["sessionId"] for one in listed] == [session]
    everything = (await editor.command("session.list", {"archived": True}))["sessions"]
    assert {one["sessionId"] for one in everything} == {session, branch["sessionId"]}
    run = await editor.query("what was said", session=branch["sessionId"])
    assert run["text"] == "It is three"
    await editor.quit()
    # And so it is in the next server.
    editor = await editor_with()
    assert said(await read(editor, session)) == wanted
    run = await editor.query("what was said", session=session)
    assert run["text"] == "I don't know."


ENDS = (("number ", ""), ("It is ", "."))


async def test_before_the_first_prompt_a_new_session_takes_the_place_of_the_old(
    editor: Editor, model: Loopback
) -> None:
    session, _ = await talk(editor, model)
    run = await editor.query("number one", session=session, resumeAt="start", inPlace=True)
    assert run["sessionId"] != session
    answer = await read(editor, run["sessionId"])
    assert said(answer) == ["number one", "It is one."]
    assert [one["sessionId"] for one in answer["branches"]] == [session]
    listed = (await editor.command("session.list", {}))["sessions"]
    assert [one["sessionId"] for one in listed] == [run["sessionId"]]
    assert (await editor.query("number two"))["sessionId"] == run["sessionId"]


async def test_what_can_not_go_back_is_refused_and_stays_as_it_was(
    editor: Editor, model: Loopback
) -> None:
    session, ids = await talk(editor, model)
    for wrong in (
        {"resumeAt": "nothing", "inPlace": True},
        {"resumeAt": ids[1]},
        {"inPlace": True},
        {"resumeAt": ids[1], "inPlace": True, "fork": True},
        {"resumeAt": ids[1], "inPlace": True, "ifBusy": "steer"},
    ):
        refused = await refusal(editor.query("number one", session=session, **wrong))
        assert refused.code == INVALID
    assert len(said(await read(editor, session))) == 6
    assert (await editor.query("number one"))["sessionId"] == session


async def test_a_run_that_is_refused_before_it_goes_back_leaves_nothing(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    editor = await editor_with()
    session, ids = await talk(editor, model)
    before = await read(editor, session)
    await editor.quit()
    nowhere = {"cliPath": environment["HOME"] + "/nowhere"}
    editor = await editor_with(settings=nowhere, options={"settings": nowhere})
    refused = await refusal(
        editor.query("number one", session=session, resumeAt=ids[1], inPlace=True)
    )
    assert refused.reason == "cliNotFound"
    await editor.quit()
    editor = await editor_with()
    answer = await read(editor, session)
    assert answer["messages"][: len(before["messages"])] == before["messages"]


async def test_the_conversation_goes_back_with_the_files_or_without_them(
    editor_with: Open, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    editor = await editor_with()
    session, _ = await talk(editor, model)
    file = folder / "a.txt"
    model.add(reply("write", [call("Bash", command="echo 1 > a.txt")], [say("Done.")]))
    await editor.query("write")
    messages = (await read(editor, session))["messages"]
    prompt = next(one["messageId"] for one in messages if one["text"] == "write")
    back = {"sessionId": session, "messageId": prompt, "what": "both"}
    seen = await editor.command("session.rewind", {**back, "preview": True})
    assert (seen["messagesLeft"], seen["filesChanged"]) == (3, [file.as_uri()])
    assert file.exists()
    assert said(await read(editor, session))[-1] == "Done."
    done = await editor.command("session.rewind", back)
    assert (done["messagesLeft"], done["filesChanged"]) == (3, [file.as_uri()])
    assert not file.exists()
    answer = await read(editor, done["sessionId"])
    assert said(answer)[-1] == "It is three."
    assert [one["sessionId"] for one in answer["branches"]] == [session]
    listed = (await editor.command("session.list", {}))["sessions"]
    assert [one["sessionId"] for one in listed] == [done["sessionId"]]
    assert said(await read(editor, session))[-1] == "Done."
    await editor.command("session.redo", {"sessionId": session})
    assert file.read_text() == "1\n"
    # It is the current one, and before its first prompt nothing is.
    assert (await editor.query("number one"))["sessionId"] == done["sessionId"]
    first = (await read(editor, done["sessionId"]))["messages"][0]["messageId"]
    back = {"sessionId": done["sessionId"], "messageId": first, "what": "conversation"}
    assert "sessionId" not in await editor.command("session.rewind", back)
    assert (await editor.query("number two"))["sessionId"] not in (session, done["sessionId"])
    wrong = {**back, "sessionId": session, "messageId": "nothing", "what": "both"}
    assert (await refusal(editor.command("session.rewind", wrong))).code == INVALID


@pytest.mark.parametrize("written", [True, False], ids=["half an answer", "the prompt, too"])
async def test_what_was_lost_behind_the_message_is_told_to_nobody_and_kept_with_what_was_left(
    editor: Editor, model: Loopback, environment: dict[str, str], *, written: bool
) -> None:
    session_id = (await editor.query("remember the code APPLE-1"))["sessionId"]
    (said,) = {event["messageId"] for event in editor.events(kind="text")}
    asked = editor.query("count slowly")
    await editor.until(
        lambda: any(event["messageId"] != said for event in editor.events(kind="text"))
    )
    (transcript,) = Path(environment["CLAUDE_CONFIG_DIR"]).glob(f"projects/*/{session_id}.jsonl")
    if written:  # the CLI writes a prompt down a moment after it was sent
        prompts = b'"type":"user"'
        await editor.until(lambda: transcript.read_bytes().count(prompts) > 1)
    (process,) = (await editor.command("status"))["processes"]
    psutil.Process(process["pid"]).kill()
    await refusal(asked)
    lines = transcript.read_bytes().splitlines(keepends=True)
    if not written:  # as if it had been killed a moment before
        (last,) = (place for place, line in enumerate(lines) if said.encode() in line)
        transcript.write_bytes(b"".join(lines[: last + 1]))
    before = await editor.command("session.read", {"sessionId": session_id})
    lost = [each for each in before["messages"] if each.get("recovered")]
    assert lost
    again = await editor.query("which code?", resumeAt=said, inPlace=True)
    assert (again["sessionId"], again["text"]) == (session_id, "APPLE-1")
    sent = [part.text for part in model.requests[-1].conversation]
    assert not any("count slowly" in text or "word0" in text for text in sent)
    after = await editor.command("session.read", {"sessionId": session_id})
    assert not any(each.get("recovered") for each in after["messages"])
    (branch,) = after["branches"]
    kept = await editor.command("session.read", {"sessionId": branch["sessionId"]})
    assert [each for each in kept["messages"] if each.get("recovered")] == lost
