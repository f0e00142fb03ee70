from __future__ import annotations

import http.client
import json
import socket
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from claude_agent_lsp.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator


def _bundled_cli() -> Path:
    spec = find_spec("claude_agent_sdk")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "_bundled" / "claude"


@dataclass(frozen=True)
class Turn:
    """What the CLI printed for one prompt."""

    exit_code: int
    messages: list[dict[str, Any]]

    @property
    def result(self) -> dict[str, Any]:
        return self.of_type("result")[-1]

    @property
    def text(self) -> str:
        return str(self.result["result"])

    @property
    def session(self) -> str:
        return str(self.result["session_id"])

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def blocks(self, kind: str) -> list[dict[str, Any]]:
        return [
            block
            for message in self.of_type("assistant") + self.of_type("user")
            for block in message["message"]["content"]
            if block["type"] == kind
        ]


@dataclass(frozen=True)
class Claude:
    """The real CLI, in a home and a workspace of its own."""

    model: Loopback
    home: Path

    def run(self, prompt: str, *arguments: str, **variables: str) -> Turn:
        """Runs one prompt to its end."""
        with self.start(prompt, *arguments, **variables) as process:
            return self.finish(process)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        workspace = self.home / "workspace"
        workspace.mkdir(exist_ok=True)
        output = ("--output-format", "stream-json", "--verbose")
        streams = "stream-json" in arguments
        return subprocess.Popen(
            [_bundled_cli(), "-p", *arguments, *output],
            cwd=workspace,
            env={"CLAUDE_CODE_MAX_RETRIES": "0"} | self.model.environment(self.home) | variables,
            stdin=subprocess.PIPE if streams else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )

    def finish(self, process: subprocess.Popen[bytes]) -> Turn:
        """Closes its stdin, and reads all that it prints."""
        try:
            out, _ = process.communicate(timeout=60)
        except BaseException:
            process.kill()
            raise
        return Turn(process.returncode, [json.loads(line) for line in out.splitlines()])


class Client:
    """A client of the API that is not the CLI."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).hostname or "", urlsplit(url).port or 0

    def post(self, prompt: str, **fields: Any) -> tuple[int, dict[str, str], Any]:
        """Posts a prompt; returns the status, the headers and the JSON."""
        return self.exchange("POST", "/v1/messages", message(prompt, **fields))

    def exchange(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request(method, path, json.dumps(body))
            response = connection.getresponse()
            return response.status, dict(response.headers), json.loads(response.read())
        finally:
            connection.close()

    def events(self, prompt: str, **fields: Any) -> list[dict[str, Any]]:
        """Streams an answer to its end; returns the events' data."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            body = message(prompt, stream=True, **fields)
            connection.request("POST", "/v1/messages", json.dumps(body))
            return parse(connection.getresponse().read())
        finally:
            connection.close()

    def open(self, prompt: str) -> socket.socket:
        """Asks for a stream, and returns the connection."""
        body = json.dumps(message(prompt, stream=True)).encode()
        head = f"POST /v1/messages HTTP/1.1\r\nhost: test\r\ncontent-length: {len(body)}\r\n\r\n"
        connection = socket.create_connection(self.address, timeout=10)
        connection.sendall(head.encode() + body)
        return connection


def message(prompt: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}


def parse(stream: bytes) -> list[dict[str, Any]]:
    events = stream.decode().split("\n\n")
    assert events.pop() == ""
    return [json.loads(event.partition("\ndata: ")[2]) for event in events]


@pytest.fixture
def model() -> Iterator[Loopback]:
    with Loopback() as model:
        yield model


@pytest.fixture
def client(model: Loopback) -> Client:
    return Client(model.url)


@pytest.fixture
def claude(model: Loopback, tmp_path: Path) -> Claude:
    return Claude(model, tmp_path)
