from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp import __version__
from claude_agent_lsp.lsp.wire.reader import Frames, Garbled
from claude_agent_lsp.terminal.cli import NO_EDITOR, main

from .conftest import EXECUTABLE, SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import User

UNPRINTABLE = "A prompt that is nobody's business."


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"claude-agent-lsp {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], ["--stdio", "--log-file", "--log-level", "--version", "doctor", "demo"]),
        (["doctor"], ["--settings", "--json", "exit status is 1"]),
        (["demo"], ["--live", "no account", "exit status is 1"]),
    ],
    ids=["server", "doctor", "demo"],
)
def test_help_names_everything(
    arguments: list[str],
    named: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in named)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--speed"], "--speed"),
        (["serve"], "serve"),
        (["--log-level", "loud"], "loud"),
        (["demo", "--fast"], "--fast"),
        (["--log-file", "/dev/null/log"], "/dev/null/log: Not a directory"),
    ],
)
def test_arguments_that_make_no_sense_exit_with_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert named in shown.err
    assert shown.out == ""


def message(method: str, **fields: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "method": method, **fields}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


END = message("end")  # is read if nothing stands before it that is no message
CONVERSATION = b"".join(
    (
        message("initialize", id=1, params={"capabilities": {}, "processId": None}),
        message("initialized", params={}),
        b"this is no LSP\r\n\r\n",
        message(
            "workspace/executeCommand",
            id=2,
            params={"command": "claudeAgent.query", "arguments": [UNPRINTABLE, UNPRINTABLE]},
        ),
        message("shutdown", id=3),
    )
)


@pytest.mark.parametrize("arguments", [[], ["--stdio"]], ids=["plain", "stdio"])
def test_server_writes_nothing_but_lsp_on_stdout_and_its_log_in_a_private_file(
    arguments: list[str], user: User, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with subprocess.Popen(
        [EXECUTABLE, *arguments, "--log-file", log, "--log-level", "debug"],
        env=user.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        umask=0,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        server.stdin.write(CONVERSATION)
        server.stdin.flush()
        said = b""
        while not re.search(rb'"id": ?3\b', said):
            more = os.read(server.stdout.fileno(), 2**16)
            assert more, said
            said += more
        # Its input stays open: it ends because it is told to.
        server.stdin.write(message("exit"))
        server.stdin.flush()
        said += server.stdout.read() + END
        noise = server.stderr.read()
    assert server.returncode == 0
    frames = list(Frames().feed(said))
    assert not any(isinstance(frame, Garbled) for frame in frames)
    messages = [json.loads(bytes(frame)) for frame in frames if not isinstance(frame, Garbled)]
    assert {answer.get("id") for answer in messages} >= {1, 2, 3}
    assert messages[-1]["method"] == "end"
    assert noise == b""
    assert log.stat().st_mode & 0o777 == 0o600
    assert "DEBUG" in log.read_text()
    assert UNPRINTABLE not in log.read_text()


def test_log_is_appended_to(user: User, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("of yesterday\n")
    for _ in range(2):
        user.run("--log-file", str(log), "--log-level", "debug")
    assert log.read_text().startswith("of yesterday\n")


def test_server_says_in_a_terminal_what_it_is(user: User) -> None:
    controller, terminal = pty.openpty()
    os.write(controller, b"\x04")  # Ctrl-D
    done = user.run(stdin=terminal)
    os.close(terminal)
    os.close(controller)
    assert (done.stdout, done.stderr) == ("", f"{NO_EDITOR}\n")


def test_server_loads_nothing_of_what_its_commands_need() -> None:
    code = (
        "import sys, claude_agent_lsp.terminal.cli, claude_agent_lsp.lsp.main\n"
        "print(*(name for name in sys.argv[1:] if name in sys.modules))"
    )
    wanted = ("rich", "uvicorn", "starlette", "claude_agent_sdk", "claude_agent_lsp.loopback")
    done = subprocess.run(
        [sys.executable, "-c", code, *wanted],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.stdout == "\n"
