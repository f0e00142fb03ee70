from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from claude_agent_lsp.loopback import fail, reply, say
from claude_agent_lsp.terminal.demo.demo import demo
from claude_agent_lsp.terminal.demo.story import CODE, SCRIPT

from .conftest import SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Rule

    from .conftest import User

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.long
def test_new_server_knows_the_code_under_the_same_id_and_a_stop_takes_milliseconds(
    user: User,
) -> None:
    begin = time.monotonic()
    done = user.run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - begin < 60
    sessions = UUID.findall(done.stdout)
    assert len(sessions) > 3
    assert len(set(sessions)) == 1
    servers = re.findall(r"server process (\d+)", done.stdout)
    assert len(set(servers)) == 2
    assert re.search(rf"^● {CODE} ", done.stdout, re.MULTILINE)
    assert re.search(r"connection closed after \d+ ms, -32800 after \d+ ms", done.stdout)
    assert "embedded loopback" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert done.stderr == ""


@pytest.mark.long
def test_live_uses_the_account_of_the_user(user: User, model: Loopback) -> None:
    done = user.run("demo", "--live")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "own Claude account" in done.stdout
    assert "loopback" not in done.stdout
    assert any("pineapple" in request.prompt for request in model.requests)
    transcripts = list(user.home.glob(".claude/projects/*/*.jsonl"))
    assert {path.stem for path in transcripts} == set(UUID.findall(done.stdout))
    # The state of a folder that is gone would stay there for ever.
    assert not (user.home / ".local" / "state").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            reply("which code", say("I forgot.")),
            "The agent does not know the code after the restart: it said 'I forgot.'",
            id="forgets",
        ),
        pytest.param(
            reply("how a pineapple grows", say("It just does.")),
            "The long answer ended before it could be stopped.",
            id="is brief",
        ),
        pytest.param(
            reply("remember the code", fail(401)), "set ANTHROPIC_API_KEY", id="refuses the key"
        ),
    ],
)
def test_demo_fails_and_says_why_if_the_model(
    answer: Rule, said: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in user.environment.items():
        monkeypatch.setenv(name, value)
    shown = io.StringIO()
    status = demo(live=False, script=(*SCRIPT, answer), console=Console(file=shown, width=300))
    assert status == 1
    last = shown.getvalue().rstrip().splitlines()[-1]
    assert last.startswith("✗")
    assert said in last


ANSWERS = """
import json, sys, uuid
results = {
    "initialize": {"capabilities": {}, "serverInfo": {"name": "fake", "version": "1"}},
    "shutdown": None,
}
while True:
    length = int(sys.stdin.buffer.readline().split(b":")[1])
    sys.stdin.buffer.readline()
    message = json.loads(sys.stdin.buffer.read(length))
    if message["method"] == "exit":
        sys.exit(STATUS)
    if "id" in message:
        run = {"status": "completed", "sessionId": str(uuid.uuid4()), "text": "PINEAPPLE-42"}
        answer = {"id": message["id"], "result": results.get(message["method"], run)}
        body = json.dumps(answer).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
        sys.stdout.buffer.flush()
"""


@pytest.mark.parametrize(
    ("server", "said"),
    [
        pytest.param(
            "raise SystemExit('The disk is full.')",
            "it has ended. Its last output: The disk is full.",
            id="dies",
        ),
        pytest.param(
            "print('Hello!\\n'); input()", "it wrote something that is not LSP", id="prints"
        ),
        pytest.param(
            ANSWERS.replace("STATUS", "0"),
            "The session id changed after the restart",
            id="begins another session",
        ),
        pytest.param(
            ANSWERS.replace("STATUS", "3"), "The server ended with status 3.", id="ends badly"
        ),
    ],
)
def test_demo_fails_and_says_why_if_the_server(
    server: str, said: str, user: User, tmp_path: Path
) -> None:
    package = tmp_path / "fake" / "claude_agent_lsp"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(server)
    # It takes the place of the real one for `python -m` alone, which is how the demo starts it.
    (package.parent / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.orig_argv[1:2] != ['-m']:\n"
        f"    sys.path.remove({str(package.parent)!r})\n"
    )
    user.environment["PYTHONPATH"] = str(package.parent)
    done = user.run("demo")
    assert done.returncode == 1
    assert said in " ".join(done.stdout.split("✗")[1].split())


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        pytest.param(signal.SIGTERM, "embedded loopback", id="at its start"),
        pytest.param(signal.SIGINT, "2 The server ends", id="while no server is there"),
        pytest.param(
            signal.SIGINT, "3 A new server", id="while an answer streams", marks=pytest.mark.long
        ),
    ],
)
def test_signal_ends_the_demo_and_leaves_nothing(
    number: signal.Signals, shown: str, user: User
) -> None:
    with user.start("demo") as process:
        assert process.stdout is not None
        # A scene is written when the next one begins.
        for line in process.stdout:
            if shown in " ".join(line.split()):
                break
        process.send_signal(number)
        assert process.wait(SECONDS) == 128 + number
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        process.stdout.read()


def test_words_appear_one_by_one_on_a_terminal_and_ctrl_c_ends_it(user: User) -> None:
    for _ in range(5):  # a machine that is busy for a second shows all of them in one frame
        answers = _answers_until_ctrl_c(user)
        line = "Noted. I will know it, also"
        assert line in answers
        partly = {answer for answer in answers if answer and line.startswith(answer + " ")}
        if len(partly) > 1:
            return
    raise AssertionError(answers)


def _answers_until_ctrl_c(user: User) -> list[str]:
    """What each frame shows of the first answer."""
    ours, theirs = pty.openpty()
    with user.start(
        "demo", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = _read_until(ours, rb"back\.")
        os.killpg(process.pid, signal.SIGINT)
        while _read(ours):
            pass
        assert process.wait(SECONDS) == 130
    os.close(ours)
    shown = re.sub(rb"\x1b\[[^a-zA-Z]*[a-zA-Z]", b"", seen).decode(errors="replace")
    return [answer.strip() for answer in re.findall(r"● ([^│]*)│", shown)]


def _read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while not re.search(wanted, seen):
        more = _read(terminal)
        assert more, seen
        seen += more
    return seen


def _read(terminal: int) -> bytes:
    assert select.select([terminal], [], [], SECONDS)[0]
    try:
        return os.read(terminal, 2**16)
    except OSError:  # how Linux tells that nobody has the other end any more
        return b""
