"""LSP as this server speaks it, in one process and without an agent."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from claude_agent_lsp.base.abort import AbortController, AbortReason
from claude_agent_lsp.errors import InvalidArgument, SessionBusy
from claude_agent_lsp.lsp.commands import commands
from claude_agent_lsp.lsp.commands.arguments import Argument
from claude_agent_lsp.lsp.commands.runs.query import QueryCommands
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.server import AgentServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from claude_agent_lsp.lsp.commands.commands import Request
    from claude_agent_lsp.lsp.wire.writer import MessageWriter

SECONDS = 10.0
EXECUTE = "workspace/executeCommand"


class Editor:
    """Takes what the server writes, and says what it takes."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self._news = asyncio.Event()

    def write(self, data: bytes) -> None:
        _, _, body = data.partition(b"\r\n\r\n")
        self.received.append(json.loads(body))
        self._news.set()

    async def answer(self, message_id: int | str) -> Any:
        """The answer to a request."""
        async with asyncio.timeout(SECONDS):
            while not (found := self.answers(message_id)):
                self._news.clear()
                await self._news.wait()
        return found[0]

    def answers(self, message_id: int | str) -> list[Any]:
        return [each for each in self.received if each.get("id") == message_id]


@dataclass
class Session:
    """A server and its editor."""

    server: AgentServer
    editor: Editor

    def request(self, message_id: int | str, method: str, **params: Any) -> None:
        self.server.protocol.deliver(
            {"jsonrpc": "2.0", "id": message_id, "method": method, "params": params or None}
        )

    def notify(self, method: str, **params: Any) -> None:
        self.server.protocol.deliver({"jsonrpc": "2.0", "method": method, "params": params})

    def cancel(self, message_id: int | str) -> None:
        self.notify("$/cancelRequest", id=message_id)


@pytest_asyncio.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A server that is initialized."""
    monkeypatch.setenv("CLAUDE_AGENT_LSP_STATE_DIRECTORY", str(tmp_path))
    editor = Editor()
    session = Session(AgentServer(cast("MessageWriter", editor)), editor)
    session.request(0, "initialize", capabilities={}, processId=None)
    assert "result" in await editor.answer(0)
    return session


@dataclass
class Work:
    """A command of the test, as often as it is begun."""

    requests: list[Request]
    begun: asyncio.Event
    go_on: asyncio.Event
    outcome: Any = None

    async def run(self, _: commands.Commands, __: Argument, request: Request) -> object:
        self.requests.append(request)
        self.begun.set()
        await self.go_on.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """The command "work"."""
    work = Work([], asyncio.Event(), asyncio.Event(), "done")
    run = cast("Callable[[commands.Commands, Any, Request], Awaitable[object]]", work.run)
    monkeypatch.setitem(
        commands.COMMANDS, "work", commands.Command("work", Argument, QueryCommands, run)
    )
    return work


async def test_command_sees_its_token_and_is_answered_with_what_it_returns(
    session: Session, work: Work
) -> None:
    session.request(1, EXECUTE, command="work", workDoneToken="t")
    work.go_on.set()
    assert await session.editor.answer(1) == {"jsonrpc": "2.0", "id": 1, "result": "done"}
    assert [request.work_done_token for request in work.requests] == ["t"]
    assert session.server.protocol.controllers == {}


async def test_cancelled_command_is_told_and_answered_once_it_has_ended(
    session: Session, work: Work
) -> None:
    session.request("a", EXECUTE, command="work")
    await work.begun.wait()
    session.cancel("a")
    assert work.requests[0].signal.reason is AbortReason.CANCELLED
    assert session.editor.answers("a") == []
    work.go_on.set()
    await session.editor.answer("a")
    session.cancel("a")
    assert len(session.editor.answers("a")) == 1


async def test_cancel_right_behind_a_command_is_not_lost(session: Session, work: Work) -> None:
    session.request(1, EXECUTE, command="work")
    session.cancel(1)
    await work.begun.wait()
    assert work.requests[0].signal.aborted
    work.go_on.set()
    await session.editor.answer(1)


async def test_cancel_is_for_its_request_alone(session: Session, work: Work) -> None:
    for message_id in (1, "1", 2):
        session.request(message_id, EXECUTE, command="work")
    session.cancel("1")
    session.cancel("nobody's")
    work.go_on.set()
    for message_id in (1, "1", 2):
        await session.editor.answer(message_id)
    assert [request.signal.aborted for request in work.requests] == [False, True, False]


async def test_progress_cancel_stops_what_its_token_stands_for(session: Session) -> None:
    controller = AbortController()
    session.server.services.progress.start("t", "title", controller)
    session.notify("window/workDoneProgress/cancel", token="other")
    assert not controller.signal.aborted
    session.notify("window/workDoneProgress/cancel", token="t")
    assert controller.signal.aborted


@pytest.mark.parametrize(
    ("outcome", "code", "message", "data"),
    [
        (InvalidArgument("prompt: no"), -32602, "prompt: no.", None),
        (
            SessionBusy("It is at work.", hint="Wait."),
            -32803,
            "It is at work.",
            {"reason": "sessionBusy", "hint": "Wait."},
        ),
        (
            ZeroDivisionError("by zero"),
            -32803,
            "work failed: ZeroDivisionError: by zero.",
            {
                "reason": "internal",
                "hint": "See the server's log, or start the server with --log-level debug.",
            },
        ),
    ],
)
async def test_error_of_a_command_has_its_code_and_data(
    session: Session, work: Work, outcome: Exception, code: int, message: str, data: object
) -> None:
    work.outcome = outcome
    work.go_on.set()
    session.request(1, EXECUTE, command="work")
    error = (await session.editor.answer(1))["error"]
    assert (error["code"], error["message"], error.get("data")) == (code, message, data)


async def test_shutdown_waits_for_the_commands_at_work_and_answers_last(
    session: Session, work: Work
) -> None:
    session.request(1, EXECUTE, command="work")
    await work.begun.wait()
    session.request(2, "shutdown")
    assert await work.requests[0].signal.wait() is AbortReason.SHUTDOWN
    await session.server.close()
    for _ in range(10):  # turns of the loop, in which it could be answered
        await asyncio.sleep(0)
    assert session.editor.answers(2) == []
    work.go_on.set()
    await session.editor.answer(2)
    assert [each["id"] for each in session.editor.received[-2:]] == [1, 2]


async def test_command_right_behind_a_shutdown_is_refused(session: Session, work: Work) -> None:
    session.request(1, "shutdown")
    session.request(2, EXECUTE, command="work")
    assert (await session.editor.answer(2))["error"]["code"] == -32600
    await session.editor.answer(1)
    assert work.requests == []


@pytest.mark.parametrize(("shut_down", "status"), [(False, 1), (True, 0)])
async def test_exit_ends_the_process(session: Session, shut_down: bool, status: int) -> None:
    if shut_down:
        session.request(1, "shutdown")
        await session.editor.answer(1)
    session.notify("exit")
    assert session.server.left.result() == status


class TestPygls:
    """What is overridden because of pygls 2.1.1. Fails an upgrade that makes it unnecessary."""

    @pytest_asyncio.fixture
    async def editor(self) -> Editor:
        return Editor()

    async def test_it_answers_a_cancelled_command_at_once_and_lets_it_run_on(
        self, editor: Editor
    ) -> None:
        server = LanguageServer("plain", "1")
        server.protocol.set_writer(cast("Any", editor))
        begun, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

        @server.command("work")
        async def work(*_: Any) -> None:
            begun.set()
            await go_on.wait()
            finished.set()

        def deliver(method: str, **more: Any) -> None:
            message = {"jsonrpc": "2.0", "method": method, **more}
            server.protocol.handle_message(server.protocol.structure_message(message))

        deliver("initialize", id=0, params={"capabilities": {}, "processId": None})
        deliver(EXECUTE, id=1, params={"command": "work"})
        await begun.wait()
        deliver("$/cancelRequest", params={"id": 1})
        assert (await editor.answer(1))["error"]["code"] == -32800
        assert not finished.is_set()
        go_on.set()
        async with asyncio.timeout(SECONDS):
            await finished.wait()


async def test_nothing_is_kept_for_the_answer_to_a_question_that_is_withdrawn(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    protocol, method = session.server.protocol, types.WINDOW_SHOW_MESSAGE_REQUEST
    params = types.ShowMessageRequestParams(types.MessageType.Info, "Go on?")
    for number in range(20):
        asking = asyncio.create_task(protocol.ask(method, params))
        await asyncio.sleep(0)
        asked = session.editor.received[-1]
        assert asked["method"] == method
        asking.cancel()
        await asyncio.wait({asking})
        withdrawn = session.editor.received[-1]
        assert withdrawn["method"] == "$/cancelRequest"
        assert withdrawn["params"] == {"id": asked["id"]}
        if number % 2:  # some editors answer late, others never
            protocol.deliver({"jsonrpc": "2.0", "id": asked["id"], "result": None})
    assert protocol._request_futures == protocol._result_types == {}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_documents_are_kept_while_they_are_open(session: Session) -> None:
    for number in range(20):
        document = {"uri": f"file:///{number}.md", "languageId": "", "version": 1, "text": "x"}
        session.notify("textDocument/didOpen", textDocument=document)
        if number:
            session.notify("textDocument/didClose", textDocument={"uri": document["uri"]})
    changes = [{"text": "y"}]
    for uri in ("file:///0.md", "file:///1.md"):  # the second is open no more
        changed = {"uri": uri, "version": 2}
        session.notify("textDocument/didChange", textDocument=changed, contentChanges=changes)
    documents = session.server.services.open_documents
    assert {document.uri: document.text for document in documents} == {"file:///0.md": "y"}


@pytest.mark.parametrize(
    "answer",
    [
        {"result": {"success": "perhaps"}},
        {"result": "yes"},
        {"error": "no"},
        {"error": {"code": "none"}},
        {},
    ],
)
async def test_an_answer_that_can_not_be_read_is_an_error_for_who_has_asked(
    session: Session, answer: dict[str, Any]
) -> None:
    protocol = session.server.protocol
    params = types.ShowDocumentParams(uri="file:///a.md")
    asking = asyncio.create_task(protocol.ask(types.WINDOW_SHOW_DOCUMENT, params))
    await asyncio.sleep(0)
    message_id = session.editor.received[-1]["id"]
    protocol.deliver({"jsonrpc": "2.0", "id": message_id, **answer})
    async with asyncio.timeout(SECONDS):
        await asyncio.wait({asking})
    assert asking.done()
    assert isinstance(asking.exception(), JsonRpcException | None)


async def test_nothing_is_announced_that_the_editor_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_AGENT_LSP_STATE_DIRECTORY", str(tmp_path))
    providers = {"hover", "codeAction", "codeLens"}
    variants: tuple[dict[str, Any], ...] = ({}, {"hover": {}}, {"codeAction": {}, "codeLens": {}})
    for known in variants:
        session = Session(AgentServer(cast("MessageWriter", editor := Editor())), editor)
        capabilities = {"textDocument": known}
        session.request(0, "initialize", capabilities=capabilities, processId=None)
        announced = (await editor.answer(0))["result"]["capabilities"]
        assert {name for name in providers if f"{name}Provider" in announced} == set(known)


async def test_look_that_is_cancelled_is_answered_at_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = asyncio.Event()

    class Slow(Feature):
        async def code_actions(self, _: types.CodeActionParams) -> Sequence[types.CodeAction]:
            """Never return."""
            looking.set()
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr(session.server, "_features", [Slow(session.server.services)])
    method = types.TEXT_DOCUMENT_CODE_ACTION
    place = {"line": 0, "character": 0}
    session.request(
        1,
        method,
        textDocument={"uri": "file:///a.py"},
        range={"start": place, "end": place},
        context={"diagnostics": []},
    )
    await looking.wait()
    session.cancel(1)
    assert (await session.editor.answer(1))["error"]["code"] == -32800
    assert session.server.protocol._looking == set()
