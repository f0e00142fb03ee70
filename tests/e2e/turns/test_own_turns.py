"""Turns that the agent begins by itself: each has a run that owns it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.e2e.consent.test_audit import entries
from tests.e2e.runs import (
    allow_tools,
    begin,
    eventually,
    none_sleep,
    refusal,
    sleepers,
    status,
    status_when,
)
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback, Step
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

KNOWS = {"sessionEvents": True}
COMMAND = "until test -e go; do sleep 0.05; done"
BEGINS = call("Bash", command=COMMAND, run_in_background=True)


@pytest.fixture(autouse=True)
def tools_allowed(environment: dict[str, str]) -> None:
    allow_tools(environment)


def state_of(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_STATE_HOME"], "claude-agent-lsp")


class Woken:
    """An agent that has left a command in the background, which ends when it is told to."""

    def __init__(self, editor: Editor, folder: Path, model: Loopback) -> None:
        self.editor = editor
        self.session = ""
        self._folder = folder
        self._model = model

    async def begin(self, *steps: list[Step], calls: tuple[Step, ...] = (BEGINS,)) -> None:
        """Leave it there; woken, the agent takes these steps."""
        self._model.add(reply("in the background", list(calls), [say("It is running.")], *steps))
        run = await begin(self.editor, "run it in the background").asked
        self.session = run["sessionId"]

    def wake(self) -> None:
        (self._folder / "go").touch()

    def told(self) -> list[dict[str, Any]]:
        """Of the runs that the agent began, what was announced."""
        announced = [run for method, run in self.editor.announced if method == "runChanged"]
        return [run for run in announced if run["origin"] == "agent"]

    async def run(self, count: int = 1) -> dict[str, Any]:
        """The run, as it was announced."""
        await eventually(lambda: len(self.told()) >= count)
        return self.told()[count - 1]

    async def ended(self, run: dict[str, Any]) -> dict[str, Any]:
        token = f"claudeAgent/run/{run['runId']}"
        ended: dict[str, Any] = (await self.editor.event("ended", token))["run"]
        return ended

    def own_progress(self) -> list[dict[str, Any]]:
        """What the server shows by progress of its own."""
        return [
            value
            for token in self.editor.progress_reports
            if str(token).startswith("claude-")
            for value in self.editor.events(token)
        ]


@pytest.fixture
def woken(folder: Path, model: Loopback) -> type[Woken]:
    class Here(Woken):
        def __init__(self, editor: Editor) -> None:
            super().__init__(editor, folder, model)

    return Here


async def test_it_is_announced_shown_written_down_counted_and_ends(
    editor_with: Open, woken: Any, environment: dict[str, str], folder: Path
) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    write = call("Bash", command="echo x > made")
    await agent.begin([say("I see. "), write], [say("Now it is done.")])
    before = await status(editor)
    agent.wake()
    run = await agent.run()
    assert (run["status"], run["sessionId"]) == ("running", agent.session)
    assert run["cause"] == f"`{COMMAND}` has ended."
    ended = await agent.ended(run)
    assert (ended["status"], ended["text"]) == ("completed", "Now it is done.")
    assert (folder / "made").exists()
    token = f"claudeAgent/run/{run['runId']}"
    kinds = [event["kind"] for event in editor.events(token)]
    assert (kinds[0], kinds[-1]) == ("started", "ended")
    assert editor.text(token) == "I see. Now it is done."
    assert len({event["messageId"] for event in editor.events(token, "text")}) == 2
    told = await status_when(editor, lambda told: not told["runs"])
    shown = [value["kind"] for value in agent.own_progress()]
    assert (shown[0], shown[-1]) == ("begin", "end")
    assert agent.own_progress()[0]["title"].startswith("Claude: `until test -e go")
    assert ended["costUsd"] > 0
    assert told["spentTodayUsd"] == pytest.approx(before["spentTodayUsd"] + ended["costUsd"])
    read = await editor.command("session.read", {"sessionId": agent.session})
    assert said_in(read["messages"])[-1]["text"] == "Now it is done."
    await editor.quit()
    tools = [entry for entry in entries(environment) if entry["kind"] == "tool"]
    assert tools[-1]["runId"] == run["runId"]


async def test_what_it_wants_to_do_is_asked(editor_with: Open, woken: Any, folder: Path) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    await agent.begin([call("Write", file_path="made", content="x")], [say("Made.")])
    agent.wake()
    await editor.question()
    run = await agent.run()
    assert not (folder / "made").exists()
    editor.answer("Allow once")
    ended = await agent.ended(run)
    assert ended["permissionDenials"] == []
    assert (folder / "made").exists()


@pytest.mark.parametrize("way", ["session", "progress"])
async def test_it_is_stopped_as_any_other(editor_with: Open, woken: Any, way: str) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    await agent.begin([tokens(5000, pace=0.01)])
    agent.wake()
    run = await agent.run()
    await editor.event("text", f"claudeAgent/run/{run['runId']}")
    if way == "progress":
        (token,) = (t for t in editor.progress_reports if str(t).startswith("claude-"))
        editor.cancel_progress(str(token))
    else:
        answer = await editor.command("cancel", {"sessionId": agent.session})
        assert answer == {"cancelled": [run["runId"]]}
    assert (await agent.ended(run))["status"] == "cancelled"
    assert (await begin(editor, "say something", 1).asked)["status"] == "completed"


async def test_a_client_that_knows_nothing_of_it_sees_its_progress(
    editor_with: Open, woken: Any
) -> None:
    editor = await editor_with()
    agent = woken(editor)
    await agent.begin([say("Now it is done.")])
    agent.wake()
    await editor.until(lambda: [v for v in agent.own_progress() if v["kind"] == "end"])
    assert editor.announced == []
    assert not [p for _, _, p in editor.log if "claudeAgent/run" in str(getattr(p, "token", ""))]


async def test_nobody_else_gets_in_while_it_waits_or_works(
    editor_with: Open, woken: Any, environment: dict[str, str]
) -> None:
    first, second = await editor_with(announces=KNOWS), await editor_with(profile="neovim")
    agent = woken(first)
    await agent.begin([tokens(60, pace=0.02)])
    waits = await refusal(begin(second, "say something", session=agent.session, ifBusy="refuse"))
    assert f"keeps the session {agent.session} for what runs in its background" in waits.message
    assert COMMAND in waits.message
    agent.wake()
    run = await agent.run()
    works = await refusal(begin(second, "say something", session=agent.session))
    assert "has an active run" in works.message
    # It is given back once nothing of it goes on.
    await agent.ended(run)
    locks = state_of(environment) / "locks"
    await eventually(lambda: not list(locks.glob("*.lock")))
    assert (await begin(second, "go on", 2, session=agent.session).asked)["status"] == "completed"


async def test_its_own_editor_goes_on_while_it_waits(editor_with: Open, woken: Any) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    await agent.begin([say("Now it is done.")])
    await begin(editor, "say something", 1, session=agent.session).asked
    renamed = await editor.command("session.rename", {"sessionId": agent.session, "title": "It"})
    assert renamed["title"] == "It"
    second = await editor_with(profile="neovim")
    waits = await refusal(begin(second, "say something", session=agent.session, ifBusy="refuse"))
    assert "for what runs in its background" in waits.message
    agent.wake()
    assert (await agent.ended(await agent.run()))["status"] == "completed"


async def test_no_process_at_work_behind_its_turns_makes_room(
    editor_with: Open, woken: Any, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"maxProcesses": 1}, announces=KNOWS)
    agent = woken(editor)
    await agent.begin([say("Now it is done.")])
    other = begin(editor, "say something", 1, session="new")
    assert "this run waits" in (await editor.event("notice", other.events))["text"]
    # Between two of its sleeps it has none.
    await eventually(lambda: sleepers(environment))
    agent.wake()
    run = await agent.run()
    assert (await agent.ended(run))["text"] == "Now it is done."
    assert (await other.asked)["status"] == "completed"


async def test_a_days_budget_holds_for_it(
    editor_with: Open, woken: Any, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"dailyBudgetUsd": 1}, announces=KNOWS)
    agent = woken(editor)
    serves = call("Bash", command="sleep 1000", run_in_background=True)
    await agent.begin([tokens(500, pace=0.02)], calls=(BEGINS, serves))
    # Others have spent the rest of it.
    today = {datetime.now().astimezone().date().isoformat(): 1.0}
    (state_of(environment) / "spending.json").write_text(json.dumps({"days": today}))
    agent.wake()
    ended = await agent.ended(await agent.run())
    assert (ended["status"], ended["error"]["reason"]) == ("failed", "budgetExceeded")
    await none_sleep(environment)


async def test_what_it_said_before_its_server_was_killed_is_told_to_the_agent(
    editor_with: Open, woken: Any, model: Loopback
) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    await agent.begin([tokens(5000, pace=0.01)])
    agent.wake()
    token = f"claudeAgent/run/{(await agent.run())['runId']}"
    await editor.until(lambda: "word9 " in editor.text(token))
    assert editor._server is not None
    editor._server.kill()
    await editor.gone()
    second = await editor_with()
    await begin(second, "go on", session=agent.session).asked
    told = "\n".join(said.text for said in model.requests[-1].conversation)
    assert "word9 " in told
    assert "The user said:\n\n" not in told


async def test_two_that_end_one_after_the_other_are_one_run(
    editor_with: Open, woken: Any, folder: Path
) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    later = call("Bash", command=COMMAND.replace("go", "go2"), run_in_background=True)
    await agent.begin([tokens(30, pace=0.02)], [say("Both.")], calls=(BEGINS, later))
    agent.wake()
    run = await agent.run()
    await editor.event("text", f"claudeAgent/run/{run['runId']}")
    (folder / "go2").touch()
    assert (await agent.ended(run))["text"] == "Both."
    await status_when(editor, lambda told: not told["runs"])
    assert [told["runId"] for told in agent.told()] == [run["runId"]] * 2  # begun and ended


async def test_whoever_is_first_the_prompt_is_answered_and_what_the_agent_says_has_a_run(
    editor_with: Open, woken: Any
) -> None:
    editor = await editor_with(announces=KNOWS)
    agent = woken(editor)
    await agent.begin([say("Now it is done.")])
    agent.wake()
    answer = await begin(editor, "say something", 1, session=agent.session).asked
    assert answer["status"] == "completed"
    assert answer["text"] != "Now it is done."
    told = await status_when(editor, lambda told: not told["runs"])
    assert not told["processes"][0]["backgroundTasks"]
    for run in agent.told():
        await agent.ended(run)
