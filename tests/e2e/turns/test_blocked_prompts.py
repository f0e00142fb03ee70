"""A prompt that a hook has blocked stays blocked, and the session goes on without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.faults.test_survival import HALF, killed
from tests.e2e.runs import SECONDS, assert_knows_code, begin, eventually, remember
from tests.processes import all_gone, processes_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

SECRET = "deploy with SECRET-1"
EXIT = "print('not here', file=sys.stderr); sys.exit(2)"
JSON = "print(json.dumps({'decision': 'block', 'reason': 'not here'}))"
CONTINUE = "print(json.dumps({'continue': False, 'stopReason': 'not here'}))"
HANG = "Path(__file__).with_name('at_work').touch(); time.sleep(1000)"


@pytest.fixture
def hook(environment: dict[str, str], tmp_path: Path) -> Path:
    """The user's hook for prompts, which lets all of them through."""
    script = tmp_path / "hook.py"
    script.write_text("")
    command = {"type": "command", "command": f"{sys.executable} {script}"}
    settings = Path(environment["CLAUDE_CONFIG_DIR"]) / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"hooks": {"UserPromptSubmit": [{"hooks": [command]}]}}))
    return script


def blocks(hook: Path, answer: str, words: str = "SECRET-1") -> None:
    """Let the hook answer so to each prompt with these words."""
    hook.write_text(
        "import json, sys, time\nfrom pathlib import Path\n"
        f"if {words!r} in json.load(sys.stdin)['prompt']:\n    {answer}\n"
    )


def told(model: Loopback) -> str:
    """All that the model was ever told."""
    return "\n".join(said.text for request in model.requests for said in request.conversation)


async def read(editor: Editor, session: str) -> list[dict[str, Any]]:
    answer = await editor.command("session.read", {"sessionId": session})
    return [message for message in answer["messages"] if message["role"] == "user"]


@pytest.mark.parametrize("answer", [EXIT, JSON], ids=["exit", "json"])
async def test_it_is_never_told_to_the_model(
    editor_with: Open, model: Loopback, hook: Path, answer: str
) -> None:
    blocks(hook, answer)
    editor = await editor_with()
    session = await remember(editor)
    query = begin(editor, SECRET, 1)
    run = await query.asked
    assert (run["status"], run["turns"]) == ("completed", 0)
    assert (run["blocked"]["reason"], run["blocked"]["kept"]) == ("not here", False)
    assert "hooks" in run["blocked"]["hint"]
    assert editor.events(query.own_token)[-1]["message"] == "Blocked by a hook: not here"
    # Nothing of it stands in the way of the next prompts, here and in the next server.
    await assert_knows_code(editor, 2)
    await editor.quit()
    second = await editor_with()
    await assert_knows_code(second)
    assert "SECRET-1" not in told(model)
    # The user has said it all the same.
    assert [message["text"] for message in await read(second, session)][1] == SECRET


async def test_one_that_is_kept_in_the_conversation_is_there_once(
    editor_with: Open, model: Loopback, hook: Path
) -> None:
    blocks(hook, CONTINUE)
    editor = await editor_with()
    session = await remember(editor)
    run = await begin(editor, SECRET, 1).asked
    assert run["blocked"]["kept"] is True
    await begin(editor, "go on", 2).asked
    conversation = "\n".join(said.text for said in model.requests[-1].conversation)
    assert (conversation.count(SECRET), "You were cut off" in conversation) == (1, False)
    assert [message["text"] for message in await read(editor, session)].count(SECRET) == 1


async def test_one_that_nobody_knows_to_have_passed_is_not_told(
    editor_with: Open, model: Loopback, hook: Path, environment: dict[str, str]
) -> None:
    blocks(hook, HANG)
    first = await editor_with()
    session = await remember(first)
    begin(first, SECRET, 1)
    await eventually(hook.with_name("at_work").exists)
    for process in processes_of(environment, "claude"):
        process.kill()
    await killed(first)
    assert await all_gone(environment, SECONDS)
    second = await editor_with()
    found = await second.command("session.read", {"sessionId": session})
    assert found["session"]["interrupted"] is True
    assert [m["text"] for m in found["messages"] if m.get("recovered")] == [SECRET]
    await assert_knows_code(second)
    assert "SECRET-1" not in told(model)


async def test_what_was_lost_is_told_behind_a_prompt_that_was_blocked(
    editor_with: Open, model: Loopback, hook: Path
) -> None:
    first = await editor_with()
    session = await remember(first)
    query = begin(first, "count slowly")
    await first.until(lambda: HALF in first.text(query.events))
    await killed(first)
    blocks(hook, EXIT)
    second = await editor_with()
    assert (await begin(second, SECRET, 1, session=session).asked)["blocked"]
    await assert_knows_code(second, 2)
    assert HALF in told(model)
    assert "SECRET-1" not in told(model)


async def test_what_is_lost_and_blocked_does_not_block_for_ever(
    editor_with: Open, hook: Path
) -> None:
    first = await editor_with()
    session = await remember(first)
    query = begin(first, "count slowly")
    await first.until(lambda: HALF in first.text(query.events))
    await killed(first)
    blocks(hook, EXIT, HALF)
    second = await editor_with()
    runs = [await begin(second, "go on", number, session=session).asked for number in range(3)]
    assert [run.get("blocked") is not None for run in runs] == [True, True, False]
    found = await second.command("session.read", {"sessionId": session})
    assert any(HALF in message["text"] for message in found["messages"])
