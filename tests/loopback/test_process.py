from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def served() -> Iterator[tuple[subprocess.Popen[bytes], Client]]:
    command = [sys.executable, "-m", "claude_agent_lsp.loopback"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process, Client(json.loads(process.stdout.readline())["url"])
        finally:
            process.kill()


def test_a_benchmark_reads_when_its_client_hung_up() -> None:
    with served() as (_, client):
        before = time.monotonic()
        client.post("say 3 tokens")
        with client.open("hang") as connection:
            connection.recv(65536)
        finished, hung = log(client, until="hung_up")
        after = time.monotonic()
    assert (finished["prompt"], hung["prompt"]) == ("say 3 tokens", "hang")
    assert before < finished["started"] < finished["first_token"] <= finished["finished"] < after
    assert finished["hung_up"] is None
    assert hung["finished"] is None
    assert finished["finished"] < hung["first_token"] < hung["hung_up"] < after


def log(client: Client, until: str) -> list[dict[str, Any]]:
    """Asks for the log until its last entry has something."""
    while True:
        entries: list[dict[str, Any]] = client.exchange("GET", "/log", None)[2]
        if entries[-1][until] is not None:
            return entries


def test_a_shell_has_the_model_and_the_server_in_a_home_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "claude_agent_lsp.loopback", "--shell", str(home)]
    environment = os.environ | {"SHELL": "/bin/sh", "ANTHROPIC_MODEL": "of the user's own"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(
            "pwd; echo $HOME; echo .$ANTHROPIC_MODEL; command -v claude-agent-lsp\n"
            "echo $ANTHROPIC_BASE_URL\n"
        )
        process.stdin.flush()
        told = [process.stdout.readline().rstrip() for _ in range(5)]
        Client(told.pop()).post("say 3 tokens")
        process.stdin.write("exit 7\n")
        process.stdin.close()
        assert process.wait(10) == 7
    server = Path(sys.executable).with_name("claude-agent-lsp")
    assert told == [str(home), str(home), ".", str(server)]


@pytest.mark.parametrize("way", ["stdin", "SIGTERM"])
def test_it_ends(way: str) -> None:
    with served() as (process, client), client.open("hang") as connection:
        connection.recv(65536)
        if way == "stdin":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.terminate()
        assert process.wait(10) == 0
