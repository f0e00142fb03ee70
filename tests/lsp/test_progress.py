"""Work-done progress: begin, reports, end, in whatever order the editor answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from claude_agent_lsp.agent.events import (
    Change,
    Ended,
    Event,
    FileChanged,
    Level,
    Notice,
    QuestionAnswered,
    QuestionAsked,
    Run,
    RunStatus,
    Started,
    Text,
    Thinking,
    ToolCall,
)
from claude_agent_lsp.agent.permissions.unnamed_answers import TITLE_LENGTH
from claude_agent_lsp.agent.question import Question, QuestionOption
from claude_agent_lsp.base.abort import AbortController, AbortReason
from claude_agent_lsp.errors import ModelError
from claude_agent_lsp.lsp.client_profile import HELIX_BOX, ClientProfile
from claude_agent_lsp.lsp.services import progress as module
from claude_agent_lsp.lsp.services.progress import Progress, WorkDone, outcome_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from claude_agent_lsp.lsp.editor import Editor

RUN = Run("r1", "s1", Path("/work"), RunStatus.RUNNING)
DONE = Ended(replace(RUN, status=RunStatus.COMPLETED))
CALL = ToolCall("c1", "Read", "Reading a.py", {})
QUESTION = Question(
    *("q1", "r1", "s1", "permission", "Run `rm`?", "rm", ()),
    datetime(2026, 1, 2, tzinfo=UTC),
    title_says_all=True,
)


class Server:
    """An editor as progress sees it, and what it has been told."""

    def __init__(self, *, work_done_progress: bool = True) -> None:
        self.profile = ClientProfile(work_done_progress=work_done_progress, message_box=None)
        self.created: dict[str, asyncio.Future[None]] = {}
        self.told: list[tuple[int | str, str, str]] = []
        self.tokens = Progress(cast("Editor", self))
        self.tasks: set[asyncio.Task[None]] = set()
        self.asked = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.add(asyncio.create_task(work))

    async def request(self, method: str, params: Any) -> None:
        assert method == "window/workDoneProgress/create"
        self.created[params.token] = asyncio.get_running_loop().create_future()
        self.asked.set()
        await self.created[params.token]

    def progress(self, token: int | str, value: Any) -> None:
        words = value.title if value.kind == "begin" else value.message
        self.told.append((token, value.kind, words))

    async def answer(self, error: Exception | None = None) -> str:
        """Let the editor accept the newest token, or refuse it; returns the token."""
        await self.asked.wait()
        self.asked.clear()
        token, created = list(self.created.items())[-1]
        if error is None:
            created.set_result(None)
        else:
            created.set_exception(error)
        await asyncio.wait(self.tasks)
        return token


@pytest_asyncio.fixture
async def server() -> Server:
    return Server()


def start(server: Server, token: int | str | None) -> WorkDone:
    progress = server.tokens.start(token, "Claude: fix it", AbortController())
    assert progress is not None
    return progress


def tell(progress: WorkDone, *events: Event) -> None:
    for event in events:
        progress.show_event(event)


@pytest.mark.parametrize("token", ["t", "", 0, 7])
async def test_run_is_shown_on_the_clients_token(server: Server, token: int | str) -> None:
    progress = start(server, token)
    assert server.told == [], "shown before there is a run"
    tell(progress, Started(RUN), CALL, DONE)
    assert server.told == [
        (token, "begin", "Claude: fix it"),
        (token, "report", "Reading a.py"),
        (token, "end", "Done"),
    ]
    assert server.created == {}


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ([Thinking("m", "a"), Thinking("m", "b"), Text("m", "c"), Text("m", "d")], 2),
        ([Text("m", "c"), CALL, Text("m", "d")], 3),
    ],
)
async def test_words_are_reported_once(server: Server, events: list[Event], lines: int) -> None:
    progress = start(server, "t")
    tell(progress, Started(RUN), *events)
    assert len(server.told) == 1 + lines


async def test_answers_of_an_open_question_hide_nothing(server: Server) -> None:
    progress = start(server, "t")
    tell(progress, Started(RUN))
    option = QuestionOption("a\x1b[2J\nClaude: Done\u202e\u200b", "a")
    server.tokens.show_question(replace(QUESTION, options=(option,)), unread=False)
    told = server.told[-1][2]
    assert told.endswith('question.answer "a\\x1b[2J\\nClaude: Done\\u202e\\u200b"')


async def test_a_waiting_line_is_whole_and_offers_what_is_taken(server: Server) -> None:
    progress = start(server, "t")
    tell(progress, Started(RUN))
    values = ("deny", "allow", "allowSession")
    title = f"Run `{'x' * (TITLE_LENGTH - 7)}`?"
    asked = replace(QUESTION, title=title, options=tuple(QuestionOption(v, v) for v in values))
    server.tokens.show_question(replace(asked, title_says_all=True), unread=False)
    way = "Answer with claudeAgent.question.answer"
    line = f'Waiting for you: {title} {way} "deny" or "allow"; all else needs the question\'s id'
    assert server.told[-1][2] == line
    unsaid = replace(asked, title_says_all=False)
    server.tokens.show_question(unsaid, unread=False)
    assert server.told[-1][2].endswith(f'{way} "deny"; all else needs the question\'s id')
    server.profile = replace(server.profile, message_box=HELIX_BOX)
    server.tokens.show_question(unsaid, unread=False)
    read = f'Read it with claudeAgent.question.list. {way} "deny" or "allow" or "allowSession"'
    assert server.told[-1][2].endswith(read)


async def test_open_question_stays_until_it_is_settled_where_the_editor_shows_none(
    server: Server,
) -> None:
    server.profile = replace(server.profile, show_message_request=False)
    progress = start(server, "t")
    other = start(server, "u")
    tell(progress, Started(RUN))
    tell(other, Started(replace(RUN, run_id="r2")))
    server.told.clear()
    question = replace(QUESTION, options=(QuestionOption("deny", "Deny"),))
    tell(progress, QuestionAsked(question), QuestionAsked(replace(question, question_id="q2")))
    assert server.told == [], "a question that waits for another one can't be answered yet"
    server.tokens.show_question(question, unread=False)
    tell(progress, CALL, Text("m", "Hi"), QuestionAnswered("q2", "deny", "editor"))
    line = 'Waiting for you: Run `rm`? Answer with claudeAgent.question.answer "deny"'
    assert server.told == [("t", "report", line)]
    tell(progress, QuestionAnswered("q1", "deny", "editor"), CALL)
    assert [words for _, _, words in server.told[1:]] == ["Continuing", "Reading a.py"]
    server.tokens.show_question(question, unread=True)
    line = line.replace("Answer with", "Read it with claudeAgent.question.list. Answer with")
    assert server.told[-1] == ("t", "report", line)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Text("m", "Hi"), "Answering"),
        (Thinking("m", "Hm"), "Thinking"),
        (CALL, "Reading a.py"),
        (QuestionAsked(QUESTION), "Waiting for you: Run `rm`?"),
        (QuestionAnswered("q1", "deny", "editor"), "Continuing"),
        (Notice(Level.WARNING, "The model\nwaits."), "The model waits."),
        (Notice(Level.INFO, "x" * 500), "x" * 119 + "…"),
    ],
)
async def test_each_event_has_its_line(server: Server, event: Event, line: str) -> None:
    progress = start(server, "t")
    tell(progress, Started(RUN), event)
    assert server.told[1:] == [("t", "report", line)]


async def test_what_is_of_no_use_to_who_waits_is_not_reported(server: Server) -> None:
    progress = start(server, "t")
    tell(progress, Started(RUN), FileChanged(Path("/a"), Change.CREATED))
    assert len(server.told) == 1


async def test_latest_report_waits_until_the_editor_takes_the_token(server: Server) -> None:
    progress = start(server, None)
    assert server.created == {}
    tell(progress, Started(RUN), CALL, Text("m", "Hi"))
    assert server.told == []
    token = await server.answer()
    assert token.startswith("claude-")
    assert server.told == [
        (token, "begin", "Claude: fix it"),
        (token, "report", "Answering"),
    ]
    tell(progress, CALL, DONE)
    assert [kind for _, kind, _ in server.told[2:]] == ["report", "end"]


async def test_token_that_is_taken_after_the_end_is_ended(server: Server) -> None:
    progress = start(server, None)
    tell(progress, Started(RUN), CALL, DONE)
    await server.answer()
    assert [kind for _, kind, _ in server.told] == ["begin", "report", "end"]


async def test_nothing_is_shown_on_a_token_that_is_refused(server: Server) -> None:
    progress = start(server, None)
    tell(progress, Started(RUN))
    await server.answer(RuntimeError("no"))
    tell(progress, CALL, DONE)
    assert server.told == []


async def test_editor_without_progress_gets_none_of_ours() -> None:
    server = Server(work_done_progress=False)
    assert server.tokens.start(None, "t", AbortController()) is None
    assert server.tokens.start("its own", "t", AbortController()) is not None


async def test_tokens_differ(server: Server) -> None:
    assert len({start(server, None).token for _ in range(10)}) == 10


async def test_cancel_of_a_token_stops_its_run_until_it_has_ended(server: Server) -> None:
    controllers = [AbortController(), AbortController()]
    first, _ = (server.tokens.start(n, "t", each) for n, each in enumerate(controllers))
    assert first is not None
    server.tokens.cancel("another")
    server.tokens.cancel(1)
    assert [each.signal.reason for each in controllers] == [None, AbortReason.CANCELLED]
    server.tokens.end(first)
    server.tokens.cancel(0)
    assert not controllers[0].signal.aborted


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (replace(RUN, status=RunStatus.COMPLETED), "Done"),
        (
            replace(
                RUN,
                status=RunStatus.COMPLETED,
                files_changed=(Path("/a"), Path("/b")),
                cost_usd=0.0449,
            ),
            "Done, 2 files changed, $0.04",
        ),
        (
            replace(RUN, status=RunStatus.CANCELLED, files_changed=(Path("/a"),)),
            "Stopped, 1 file changed",
        ),
        (replace(RUN, status=RunStatus.TIMED_OUT), "Stopped: time limit reached"),
        (
            replace(RUN, status=RunStatus.FAILED, error=ModelError("It is\nbusy."), cost_usd=1.0),
            "Failed: It is busy, $1.00",
        ),
    ],
)
def test_outcome_is_one_line(run: Run, outcome: str) -> None:
    assert outcome_of(run) == outcome


async def test_token_that_the_editor_never_answers_for_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CREATE_SECONDS", 0.0)
    progress = start(server, None)
    tell(progress, Started(RUN), DONE)
    await asyncio.wait(server.tasks)
    assert server.told == []
