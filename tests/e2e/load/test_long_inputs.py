"""The loop stays free: nothing that grows with a text of the user or the agent is done on it."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from claude_agent_lsp.loopback import call, reply, say
from claude_agent_lsp.loopback.script import Call
from tests.e2e import editor as editor_module
from tests.e2e.runs import begin
from tests.e2e.shown import said_in
from tests.sessions.lines import Disk, Talk
from tests.sessions.lines import text as block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

LENGTH = 1_000_000
LONGEST_SECONDS = 0.05
# The server as it is installed, but for a clock at each callback of its loop. It takes the loop's
# own time on the processor: on a busy machine a callback is not to blame for what others do.
TIMED = """#!{python}
import asyncio, atexit, json, os, sys, time

slow = []
run = asyncio.events.Handle._run

def timed(handle):
    what, began = repr(handle._callback), time.thread_time()
    task = getattr(handle._callback, "__self__", None)
    coroutine = getattr(task, "get_coro", lambda: None)()
    run(handle)
    seconds = time.thread_time() - began
    if seconds > 0.02:
        with open(os.environ["AGENT_LSP_SLOW"], "a") as file:
            what = getattr(coroutine, "__qualname__", what)
            file.write(json.dumps([time.time(), what, seconds]) + chr(10))

asyncio.events.Handle._run = timed
from claude_agent_lsp.terminal.cli import main
sys.exit(main())
"""


class Clock:
    """What the loop of the server took long for."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def forget(self) -> None:
        """Start-up is not meant: the loop loads modules then."""
        self.file.write_text("")

    def slow(self) -> list[Any]:
        """Each callback that took longer than is allowed, with its seconds."""
        lines = map(json.loads, self.file.read_text().splitlines())
        return [(what, seconds) for _, what, seconds in lines if seconds > LONGEST_SECONDS]


@pytest.fixture
def clock(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Clock:
    server = tmp_path / "timed-server"
    server.write_text(TIMED.format(python=sys.executable))
    server.chmod(0o755)
    monkeypatch.setattr(editor_module, "EXECUTABLE", server)
    clock = Clock(tmp_path / "slow.jsonl")
    clock.forget()
    environment["AGENT_LSP_SLOW"] = str(clock.file)
    environment["BASH_MAX_OUTPUT_LENGTH"] = str(2 * LENGTH)
    return clock


def words(length: int = LENGTH) -> str:
    """Text as people write it, in lines."""
    line = "The quick brown fox — naïve, 素早い — jumps over the lazy dog, and it sleeps on.\n"
    return (line * (length // len(line.encode()) + 1))[:length]


async def opened(
    editor_with: Open, announces: dict[str, Any] | None = None, **settings: Any
) -> Editor:
    """An editor whose server has loaded all that a run needs."""
    editor = await editor_with(settings=settings, announces=announces)
    await begin(editor, "remember the code PINEAPPLE-42", 99).asked
    return editor


async def test_of_a_long_prompt(editor_with: Open, model: Loopback, clock: Clock) -> None:
    model.add(reply("the lazy dog", say("Yes.")))
    editor = await opened(editor_with)
    clock.forget()
    answer = await begin(editor, words()).asked
    assert answer["text"] == "Yes."
    assert clock.slow() == []


async def test_of_a_long_tool_result(
    editor_with: Open, model: Loopback, clock: Clock, folder: Path
) -> None:
    (folder / "long.txt").write_text(words())
    model.add(reply("print it", [call("Bash", command="cat long.txt")], [say("Printed.")]))
    editor = await opened(editor_with, permissionMode="acceptEdits", allowedTools=["Bash(cat:*)"])
    clock.forget()
    answer = await begin(editor, "print it").asked
    assert answer["text"] == "Printed."
    assert clock.slow() == []


async def test_of_a_long_tool_input(
    editor_with: Open, model: Loopback, clock: Clock, folder: Path
) -> None:
    file = str(folder / "new.txt")
    model.add(
        reply("write it", [call("Write", file_path=file, content=words())], [say("Written.")])
    )
    editor = await opened(editor_with, permissionMode="acceptEdits")
    clock.forget()
    answer = await begin(editor, "write it").asked
    assert answer["text"] == "Written."
    assert (folder / "new.txt").stat().st_size >= LENGTH
    assert clock.slow() == []


async def test_of_a_long_question(editor_with: Open, model: Loopback, clock: Clock) -> None:
    command = f"cat > /dev/null <<'END'\n{words()}\nEND"
    model.add(reply("run it", [call("Bash", command=command)], [say("Run.")]))
    editor = await opened(editor_with)
    clock.forget()
    query = begin(editor, "run it")
    await editor.question()
    editor.answer("Allow once")
    assert (await query.asked)["text"] == "Run."
    assert clock.slow() == []


def write_anew(model: Loopback, file: Path) -> None:
    """Let the agent change each line of a long file when it is told to "change it"."""
    file.write_text(words())
    changed = words().replace("fox", "wolf")
    model.add(
        reply("change it", [call("Write", file_path=str(file), content=changed)], [say("Changed.")])
    )


async def test_of_a_long_diff(
    editor_with: Open, model: Loopback, clock: Clock, folder: Path
) -> None:
    write_anew(model, folder / "old.txt")
    editor = await opened(editor_with)
    clock.forget()
    query = begin(editor, "change it")
    await editor.question()
    editor.answer("Deny")
    await query.asked
    assert clock.slow() == []


async def test_of_a_long_diff_in_an_editor_that_shows_it(
    editor_with: Open, model: Loopback, clock: Clock, folder: Path
) -> None:
    write_anew(model, folder / "old.txt")
    editor = await opened(editor_with, {"questions": True})
    clock.forget()
    query = begin(editor, "change it")
    await editor.until(lambda: editor.requests)
    question, answer = editor.requests[0]
    assert "wolf" in question["diff"]
    answer.set_result({"answer": "deny"})
    await query.asked
    assert clock.slow() == []


async def test_of_a_long_plan(editor_with: Open, model: Loopback, clock: Clock) -> None:
    editor = await opened(editor_with, permissionMode="plan")
    first = await begin(editor, "hello").asked
    # The CLI takes a plan from the file that it names, and not from the call.
    place = re.search(r"/\S*?plans/\S*?\.md", str(model.requests[-1].body))
    assert place is not None
    written = call("Write", file_path=place[0], content=words())
    model.add(reply("plan it", [written], [call("ExitPlanMode")], [say("Planned.")]))
    clock.forget()
    query = begin(editor, "plan it", 1, session=first["sessionId"])
    question = (await editor.event("question", query.events))["question"]
    assert len(question["document"].encode()) >= LENGTH - 100
    await editor.question()
    editor.answer("Keep planning")
    await query.asked
    assert clock.slow() == []


async def test_of_long_choices(editor_with: Open, model: Loopback, clock: Clock) -> None:
    options = [{"label": "yes", "description": words()}, {"label": "no", "description": "No."}]
    asked = {"question": "Which?", "header": "Which", "multiSelect": False, "options": options}
    model.add(reply("ask me", [call("AskUserQuestion", questions=[asked])], [say("Asked.")]))
    editor = await opened(editor_with)
    clock.forget()
    query = begin(editor, "ask me")
    await editor.question()
    editor.answer("yes")
    await query.asked
    assert clock.slow() == []


def long_session(environment: dict[str, str], folder: Path, mib: int) -> str:
    """A session of so many messages of 1 MiB each; returns its id."""
    talk = Talk()
    said = words(1 << 20)
    lines = [talk.user("go on")]
    lines += [talk.agent(block(said), message_id=f"m{number}") for number in range(mib)]
    # Of now: the CLI that runs beside it deletes what is a month old.
    disk = Disk(Path(environment["CLAUDE_CONFIG_DIR"]))
    return disk.write(folder, *lines, at=int(time.time()))


async def test_of_a_long_session_that_is_read(
    editor_with: Open, clock: Clock, folder: Path, environment: dict[str, str]
) -> None:
    argument = {"sessionId": long_session(environment, folder, 40), "limit": 1000}
    editor = await opened(editor_with)
    clock.forget()
    page = await editor.command("session.read", argument)
    messages = page["messages"]
    while cursor := page.get("nextCursor"):
        page = await editor.command("session.read", {**argument, "cursor": cursor})
        messages += page["messages"]
    assert [message["messageId"] for message in messages[1:]] == [f"m{n}" for n in range(40)]
    assert {message["text"] for message in messages[1:]} == {words(1 << 20)}
    assert clock.slow() == []


@pytest.mark.parametrize("form", ["markdown", "jsonl"])
async def test_of_a_long_session_that_is_exported(
    editor_with: Open, clock: Clock, folder: Path, environment: dict[str, str], form: str
) -> None:
    short, long = (long_session(environment, folder, mib) for mib in (6, 40))
    editor = await opened(editor_with)
    clock.forget()
    answer = await editor.command("session.export", {"sessionId": short, "format": form})
    assert len(answer["text"]) > 4 << 20
    argument = {"sessionId": long, "format": form}
    with pytest.raises(JsonRpcException, match="uri") as refused:
        await editor.command("session.export", argument)
    assert refused.value.code == JsonRpcInvalidParams.CODE
    file = folder / "session"
    await editor.command("session.export", {**argument, "uri": file.as_uri()})
    assert file.stat().st_size > 30 << 20
    assert clock.slow() == []


@pytest.fixture
def _deep_requests() -> Iterator[None]:
    """The model, which is in this process, reads what is nested deep."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("_deep_requests")
async def test_of_a_wide_and_a_deep_tool_input(
    editor_with: Open, model: Loopback, clock: Clock
) -> None:
    wide = '{"command":"pwd","extra":[' + ",".join(["[]"] * 100_000) + "]}"
    deep = '{"command":"pwd","extra":' + "[" * 2_000 + "]" * 2_000 + "}"
    model.add(
        reply("go wide", [Call("Bash", wide)], [Call("Bash", '["ls"]')], [say("Gone wide.")]),
        reply("go deep", [Call("Bash", deep)], [say("Gone deep.")]),
    )
    editor = await opened(editor_with)
    clock.forget()
    query = begin(editor, "go wide", 1)
    answer = await query.asked
    assert answer["text"] == "Gone wide."
    asked, no_object = editor.events(query.events, "toolCall")
    assert no_object["input"] == {"input": ["ls"]}
    assert asked["input"]["extra"][-1].endswith("more, left out")
    session = {"sessionId": answer["sessionId"]}
    before = said_in((await editor.command("session.read", session))["messages"])
    assert [message["text"] for message in before][-1] == "Gone wide."
    # Where the SDK can't read what is nested so deep the run fails; the session goes on.
    try:
        outcome = (await begin(editor, "go deep", 2, session=session["sessionId"]).asked)["text"]
    except JsonRpcException as failed:
        outcome = f"{cast('Any', failed.data)['reason']}: {failed.message}"
    reads_it = sys.version_info >= (3, 12)
    assert outcome.startswith("Gone deep." if reads_it else "processDied: A message of the CLI is")
    again = await begin(editor, "hello", 3, session=session["sessionId"]).asked
    assert again["sessionId"] == session["sessionId"]
    after = said_in((await editor.command("session.read", session))["messages"])
    assert after[: len(before)] == before
    assert after[-1]["text"] == again["text"]
    assert clock.slow() == []
