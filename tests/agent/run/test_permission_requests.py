"""What the user is asked, and what asking costs everybody else."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from claude_agent_sdk import (
    PermissionResultAllow,
    PermissionResultDeny,
    PermissionUpdate,
    ToolPermissionContext,
)

from claude_agent_lsp.agent.events import QuestionAsked
from claude_agent_lsp.agent.permissions.destinations import UNKNOWN
from claude_agent_lsp.agent.permissions.queue import ALLOW, ALLOW_SESSION, Answer, QuestionQueue
from claude_agent_lsp.agent.permissions.session_grants import SessionGrants
from claude_agent_lsp.agent.run import permission_requests
from claude_agent_lsp.agent.run.permission_requests import STOPPED, TOO_MUCH, PermissionRequests
from claude_agent_lsp.base.abort import AbortController
from claude_agent_lsp.base.lanes import FolderLane

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.agent.question import Question

LINES = "".join(f"print('line {number}')  # Größe\n" for number in range(35_000))
LOOP_SECONDS = 0.05
_NESTED: Any = "innermost"
for _ in range(900):
    _NESTED = [_NESTED]
CHOICE = {"question": LINES, "header": "H", "options": [{"label": "A", "description": LINES}]}


class Turn:
    """One turn, the user of which answers each question at once."""

    def __init__(self, folder: Path, answer: str = ALLOW) -> None:
        self.asked: list[Question] = []
        self.controller = AbortController()
        self.lane = FolderLane()
        self.soon_after: list[tuple[Question, ...]] = []

        async def show(_: Question, __: bool) -> Answer:
            return Answer(answer)

        def emit(event: object) -> None:
            if isinstance(event, QuestionAsked):
                self.asked.append(event.question)
                asyncio.get_running_loop().call_soon(
                    lambda: self.soon_after.append(questions.pending)
                )

        questions = QuestionQueue(show)
        settings = SimpleNamespace(question_timeout_seconds=60.0, setting_sources=("local",))
        task = SimpleNamespace(
            launch=SimpleNamespace(folder=folder, settings=settings),
            session=SimpleNamespace(session_id="session"),
        )
        means = SimpleNamespace(
            run_id="run",
            signal=self.controller.signal,
            mode=lambda: "default",
            set_mode=lambda _: None,
            grants=SessionGrants(),
            emit=emit,
            questions=questions,
            folder_lane=self.lane,
        )
        self.decisions = PermissionRequests(
            cast("Any", task), cast("Any", means), lambda _, __: None
        )

    async def decide(self, tool: str, **tool_input: Any) -> object:
        return await self.decisions.decide(tool, tool_input, ToolPermissionContext())


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("Bash", {"command": f"cat > a.py <<'EOF'\n{LINES}EOF"}),
        ("Write", {"file_path": "a.py", "content": LINES}),
        ("Edit", {"file_path": "a.py", "old_string": "x", "new_string": LINES}),
        ("mcp__a__b", {"text": LINES}),
        ("WebFetch", {"url": LINES, "prompt": LINES}),
        ("ExitPlanMode", {"plan": LINES}),
        ("AskUserQuestion", {"questions": [CHOICE]}),
    ],
)
async def test_a_question_about_much_text_costs_the_loop_little(
    tool: str, tool_input: dict[str, Any], tmp_path: Path
) -> None:
    assert len(LINES) > 1_000_000
    turn = Turn(tmp_path)
    await turn.decide("Bash", command="ls")
    before = time.thread_time()
    assert isinstance(await turn.decide(tool, **tool_input), PermissionResultAllow)
    assert time.thread_time() - before < LOOP_SECONDS
    assert len(turn.asked) == 2


async def test_a_stop_does_not_wait_for_words(tmp_path: Path) -> None:
    turn = Turn(tmp_path)
    deciding = asyncio.ensure_future(turn.decide("Bash", command=LINES))
    await asyncio.sleep(0)
    turn.controller.abort()
    result = await deciding
    assert (getattr(result, "message", None), turn.asked) == (STOPPED, [])


async def test_what_is_announced_waits_for_its_answer_already(tmp_path: Path) -> None:
    turn = Turn(tmp_path)
    await turn.decide("Bash", command="ls")
    ((waiting,),) = turn.soon_after
    assert waiting.question_id == turn.asked[0].question_id


async def test_the_whole_command_is_in_the_question_and_its_start_in_the_detail(
    tmp_path: Path,
) -> None:
    turn = Turn(tmp_path)
    await turn.decide("Bash", command=LINES)
    (question,) = turn.asked
    assert question.action is not None
    assert question.action.command == LINES
    assert question.detail == f"{LINES[:500]}\n… ({len(LINES) - 500} more characters)"


async def test_a_file_whose_disk_hangs_keeps_no_question_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permission_requests, "READ_SECONDS", 0.05)
    hung = threading.Event()
    monkeypatch.setattr(permission_requests, "before_of", lambda *_: hung.wait())
    turns = [Turn(tmp_path) for _ in range(3)]
    try:
        async with asyncio.timeout(20):
            for turn in turns:
                await turn.decide("Write", file_path="a.py", content="x\n")
                assert turn.asked[0].diff is not None
                assert "its disk does not answer" in turn.asked[0].diff
    finally:
        hung.set()


@pytest.mark.parametrize("tool", ["Bash", "mcp__a__b", "AskUserQuestion", "ExitPlanMode", "Edit"])
@pytest.mark.parametrize("much", [[[]] * 330_000, {"a": _NESTED}], ids=["wide", "deep"])
async def test_of_what_nobody_could_look_through_nobody_is_asked(
    tool: str, much: Any, tmp_path: Path
) -> None:
    turn = Turn(tmp_path)
    before = time.thread_time()
    result = await turn.decide(tool, file_path="a.py", command="pwd", extra=much)
    assert time.thread_time() - before < LOOP_SECONDS
    assert isinstance(result, PermissionResultDeny)
    assert (result.message, result.interrupt, turn.asked) == (TOO_MUCH, False, [])


async def test_a_link_out_of_the_folder_is_told_and_its_folder_granted(tmp_path: Path) -> None:
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "docs").symlink_to(home)
    turn = Turn(folder, ALLOW_SESSION)
    suggested = PermissionUpdate("addDirectories", directories=[f"{folder}/docs", str(home)])
    result = await turn.decisions.decide(
        "Write",
        {"file_path": "docs/x.sh", "content": "x"},
        ToolPermissionContext(suggestions=[suggested]),
    )
    (question,) = turn.asked
    assert question.action is not None
    assert question.action.path == f"{home}/x.sh"
    assert "docs" not in question.title
    assert [grant.directory for grant in question.grants.session] == [str(home)]
    assert isinstance(result, PermissionResultAllow)
    granted = replace(suggested, directories=[str(home)], destination="session")
    assert result.updated_permissions == [granted]


async def test_a_disk_that_hangs_is_not_waited_for_to_follow_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    def follow(path: str) -> str:
        if "gone" in path:
            assert answers.wait(30)
        return path

    monkeypatch.setattr("os.path.realpath", follow)
    turn = Turn(tmp_path)
    try:
        await turn.decide("NotebookEdit", notebook_path="gone/a.ipynb", new_source="x")
    finally:
        answers.set()
    (question,) = turn.asked
    assert question.title_says_all is False
    assert question.notes[0] == UNKNOWN
