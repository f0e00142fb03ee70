"""What is no LSP, or not in its order, is answered as JSON-RPC wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.e2e.wire import open_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.e2e.wire import Wire


@pytest_asyncio.fixture
async def wire(environment: dict[str, str], folder: Path) -> AsyncIterator[Wire]:
    """A server that nobody has said anything to."""
    async with open_wire(environment, folder) as opened:
        yield opened


def error_of(answer: Any) -> tuple[int, str]:
    assert answer["jsonrpc"] == "2.0"
    return answer["error"]["code"], answer["error"]["message"]


STATUS = {"command": "claudeAgent.status"}


async def test_what_comes_before_initialize_is_refused_or_ignored(wire: Wire) -> None:
    wire.notify("initialized", {})
    wire.notify("textDocument/didOpen", {})
    wire.request(1, "workspace/executeCommand", STATUS)
    wire.request("two", "shutdown")
    wire.initialize()
    first, second, initialized = await wire.answers(1, "two", 0)
    assert (
        error_of(first) == error_of(second) == (-32002, "The first request must be `initialize`.")
    )
    assert initialized["result"]["serverInfo"]["name"] == "claude-agent-lsp"


async def test_second_initialize_is_refused(wire: Wire) -> None:
    wire.initialize()
    await wire.answers(0)
    wire.initialize()
    (second,) = await wire.answers(0)
    assert error_of(second) == (-32600, "The server is already initialized.")


async def test_requests_after_shutdown_are_refused_and_exit_ends_with_0(wire: Wire) -> None:
    wire.initialize()
    wire.notify("initialized", {})
    wire.request(1, "shutdown")
    wire.request(2, "workspace/executeCommand", STATUS)
    wire.notify("workspace/didChangeConfiguration", {"settings": None})
    _, stopped, refused = await wire.answers(0, 1, 2)
    assert stopped["result"] is None
    assert error_of(refused) == (-32600, "The server is shutting down.")
    wire.notify("exit")
    assert await wire.status() == 0


@pytest.mark.parametrize("initialized", [False, True])
async def test_exit_without_shutdown_ends_with_1(wire: Wire, initialized: bool) -> None:
    if initialized:
        wire.initialize()
        await wire.answers(0)
    wire.notify("exit")
    assert await wire.status() == 1


async def test_what_is_no_message_is_answered_as_json_rpc_wants_it(wire: Wire) -> None:
    wire.initialize()
    await wire.answers(0)
    for body, code, message in (
        (b"{", -32700, "A message is not JSON: "),
        (b"hello", -32700, "A message is not JSON: "),
        (b"\xff\xfe{}", -32700, "A message is not UTF-8."),
        (b"[" * 100_000, -32700, "A message is nested too deeply."),
        (b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]', -32600, "LSP does not allow batches: "),
        (b"3", -32600, "A message must be a JSON object."),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, "`method` or `id` is of the wrong type."),
        (
            b'{"jsonrpc":"2.0","id":{},"method":"shutdown"}',
            -32600,
            "`method` or `id` is of the wrong type.",
        ),
    ):
        wire.send(body)
        answer = await wire.read()
        assert (answer["id"], answer["error"]["code"]) == (None, code), body[:60]
        assert answer["error"]["message"].startswith(message), body[:60]
    wire.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert error_of(await wire.read()) == (-32700, "A header has no valid Content-Length.")
    wire.request(1, "workspace/executeCommand", STATUS)
    assert (await wire.read())["result"]["server"]["name"] == "claude-agent-lsp"


async def test_malformed_requests_are_answered_under_their_id(wire: Wire) -> None:
    wire.initialize()
    await wire.answers(0)
    for message, code, text in (
        ({"id": 1, "method": "shutdown"}, -32600, '`jsonrpc` must be "2.0".'),
        ({"jsonrpc": "1.0", "id": 1, "method": "shutdown"}, -32600, '`jsonrpc` must be "2.0".'),
        (
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "workspace/executeCommand",
                "params": {"command": "claudeAgent.status", "arguments": {"a": 1}},
            },
            -32602,
            "The parameters of workspace/executeCommand can't be read: `arguments` must be a list.",
        ),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "workspace/executeCommand", "params": {}},
            -32602,
            (
                "The parameters of workspace/executeCommand can't be read: "
                "required field missing @ $.params.command."
            ),
        ),
        ({"jsonrpc": "2.0", "id": 1, "method": "workspace/executeCommand"}, -32602, ""),
        ({"jsonrpc": "2.0", "id": 1, "method": "claudeAgent/what"}, -32601, ""),
    ):
        wire.send(message)
        answer = await wire.read()
        assert (answer["id"], answer["error"]["code"]) == (1, code), message
        assert answer["error"]["message"].startswith(text), message
    # Nobody waits for an answer to these.
    wire.notify("claudeAgent/what", {"a": 1})
    wire.notify("$/setTrace", {})
    wire.notify("workspace/didChangeWorkspaceFolders", {"event": None})
    wire.send({"jsonrpc": "2.0", "id": "nobody's", "result": 1})
    wire.send({"jsonrpc": "2.0", "id": "nobody's", "error": {"code": 1, "message": ""}})
    wire.request(1, "workspace/executeCommand", STATUS)
    assert (await wire.read())["result"]["server"]["name"] == "claude-agent-lsp"


async def test_initialize_that_cannot_be_read_may_be_sent_again(wire: Wire) -> None:
    wire.request(1, "initialize", {"capabilities": 7})
    assert error_of(await wire.read())[0] == -32602
    wire.initialize()
    assert (await wire.read())["result"]["serverInfo"]["name"] == "claude-agent-lsp"
