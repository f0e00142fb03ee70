"""The catalogue in a terminal."""

from __future__ import annotations

import json
import os
import pty
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.catalogue.former_folders import FormerFolders
from claude_agent_lsp.sessions.lock import SessionLocks
from tests.sessions.lines import Disk, Talk, text, use

if TYPE_CHECKING:
    from .conftest import User

UNKNOWN = "11111111-2222-4333-8444-555555555555"
HOSTILE = "new\nline \x1b[31m\x1b]0;title\x07 \x9b2J \u202etxt"


@pytest.fixture
def disk(user: User) -> Disk:
    """Where the user's CLI keeps sessions; the user is in their home."""
    return Disk(user.home / ".claude")


def titled(title: str) -> dict[str, Any]:
    return {"type": "custom-title", "customTitle": title}


def listed(user: User, *arguments: str) -> list[dict[str, Any]]:
    done = user.run("sessions", "list", "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    sessions: list[dict[str, Any]] = json.loads(done.stdout)["sessions"]
    return sessions


def in_terminal(user: User, *arguments: str) -> tuple[int, str]:
    """Run the executable in a terminal of its own; returns its status and all it showed."""
    controller, terminal = pty.openpty()
    process = user.start(*arguments, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(controller, 65_536)
        except OSError:  # of a terminal that nobody has open any more
            break
        if not part:
            break
        shown += part
    os.close(controller)
    return process.wait(), shown.decode(errors="replace")


def test_sessions_of_the_folder_are_listed_for_programs(user: User, disk: Disk) -> None:
    other = user.home / "other"
    other.mkdir()
    here = disk.write(user.home, Talk("cli").user("paint the shed"), {"type": "tag", "tag": "x"})
    there = disk.write(other, Talk().user("mend the fence"), at=2000)
    (session,) = listed(user)
    assert session == {
        "sessionId": here,
        "title": "paint the shed",
        "firstPrompt": "paint the shed",
        "tag": "x",
        "workspace": user.home.as_uri(),
        "createdAt": "2026-01-02T03:04:05.678Z",
        "lastModified": "1970-01-01T00:16:40.000Z",
        "running": False,
        "current": False,
        "interrupted": False,
        "origin": "terminal",
        "costUsd": 0.0,
        "goesAt": "1970-01-31T00:16:40.000Z",
        "prompts": 1,
        "pinned": False,
        "archived": False,
    }
    assert user.run("sessions").stdout == user.run("sessions", "list").stdout
    assert here in user.run("sessions").stdout
    assert [one["sessionId"] for one in listed(user, "--all")] == [there, here]
    assert [one["sessionId"] for one in listed(user, "--folder", "other")] == [there]
    assert [one["sessionId"] for one in listed(user, "--all", "--search", "SHED")] == [here]
    assert [one["sessionId"] for one in listed(user, "--all", "--tag", "x")] == [here]
    assert [one["sessionId"] for one in listed(user, "--all", "--limit", "1")] == [there]


@pytest.mark.parametrize("arguments", [("list",), ("list", "--all")])
def test_hostile_title_does_nothing_to_a_terminal(
    user: User, disk: Disk, arguments: tuple[str, ...]
) -> None:
    session = disk.write(user.home, Talk().user("Hi"), titled(HOSTILE))
    status, shown = in_terminal(user, "sessions", *arguments)
    assert status == 0
    (line,) = (line for line in shown.splitlines() if session[:8] in line)
    assert "new" in line  # the title, however narrow its column
    for harmful in ("\x1b]", "\x07", "\x9b", "\u202e", "\x1b[31m", "[2J"):
        assert harmful not in shown.replace(" [31m", "").replace(" 2J", ""), repr(harmful)
    piped = user.run("sessions", *arguments).stdout
    assert "\x1b" not in piped
    assert len(piped.splitlines()) == 1


def test_hostile_name_of_a_folder_does_nothing_to_a_terminal(user: User, disk: Disk) -> None:
    named = user.home / HOSTILE
    named.mkdir()
    shown = in_terminal(user, "sessions", "list", "--folder", HOSTILE)[1]
    assert "No sessions of" in shown
    assert not any(harmful in shown for harmful in ("\x1b]", "\x07", "\x9b", "\u202e"))
    session = disk.write(named, Talk().user("Hi"))
    FormerFolders(user.home / ".local" / "state" / "claude-agent-lsp").note(named)
    named.rename(user.home / "new")
    for arguments in (("list",), ("list", "--all")):
        shown = in_terminal(user, "sessions", *arguments, "--folder", "new")[1]
        assert session[:8] in shown
        assert not any(harmful in shown for harmful in ("\x1b]", "\x07", "\x9b", "\u202e"))
    piped = user.run("sessions", "list", "--folder", "new").stdout
    assert "\x1b" not in piped
    assert len(piped.splitlines()) == 1


def test_folder_without_sessions_says_so(user: User) -> None:
    done = user.run("sessions", "list")
    assert (done.returncode, done.stdout) == (
        0,
        f"No sessions of {user.home} match.\n",
    )


def test_session_is_shown_by_the_beginning_of_its_id(user: User, disk: Disk) -> None:
    talk = Talk()
    session = disk.write(
        user.home,
        talk.user("Look around"),
        talk.agent(text("I look \x1b[31mred\x1b[0m."), use("c1", "Read"), message_id="m1"),
    )
    done = user.run("sessions", "show", session[:6])
    assert done.returncode == 0
    assert done.stdout.startswith("# Look around\n")
    assert "<summary>Read</summary>" in done.stdout
    status, shown = in_terminal(user, "sessions", "show", session)
    assert status == 0
    assert "\x1b" not in shown
    told = json.loads(user.run("sessions", "show", session, "--json").stdout)
    assert told["session"]["sessionId"] == session
    assert [message["role"] for message in told["messages"]] == ["user", "assistant"]


def test_session_is_exported_byte_for_byte(user: User, disk: Disk, tmp_path: Path) -> None:
    session = disk.write(user.home, Talk().user("ä"))
    content = disk.path(session, user.home).read_text()
    assert user.run("sessions", "export", session, "--format=jsonl").stdout == content
    file = tmp_path / "out.jsonl"
    done = user.run("sessions", "export", session, str(file), "--format=jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"Wrote {file}\n")
    assert file.read_text() == content
    done = user.run("sessions", "export", session, str(file))
    assert (done.returncode, done.stderr) == (0, f"Replaced {file}\n")
    done = user.run("sessions", "export", session, str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path} is a folder" in done.stderr


def test_session_is_deleted_only_with_leave(user: User, disk: Disk) -> None:
    session = disk.write(user.home, Talk().user("Hi"))
    path = disk.path(session, user.home)
    done = user.run("sessions", "delete", session)
    assert (done.returncode, path.exists()) == (1, True)
    assert "--yes" in done.stderr
    for answer, status, left in (("n", 1, True), ("", 1, True), ("y", 0, False)):
        assert asked(user, session, answer) == status
        assert path.exists() is left, answer
    again = user.run("sessions", "delete", "--yes", session)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith(f"There is no session {session}. ")


def test_session_is_deleted_without_a_question_for_programs(user: User, disk: Disk) -> None:
    session = disk.write(user.home, Talk().user("Hi"))
    done = user.run("sessions", "delete", "--yes", "--json", session)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"deleted": True})
    assert listed(user) == []


def test_session_at_work_says_so_and_is_not_deleted(user: User, disk: Disk) -> None:
    session = disk.write(user.home, Talk().user("Hi"))
    state = Path(user.environment["XDG_STATE_HOME"]) / "claude-agent-lsp"
    ownership = SessionLocks(lambda: state, "some editor")
    ownership.claim(session, "run")
    try:
        assert listed(user)[0]["running"] is True
        done = user.run("sessions", "delete", "--yes", session)
    finally:
        ownership.release(session, "run")
    assert (done.returncode, disk.path(session, user.home).exists()) == (1, True)
    assert done.stderr.startswith("Some editor (process ")
    assert listed(user)[0]["running"] is False


@pytest.mark.parametrize("command", ["show", "export", "delete"])
def test_unknown_session_is_told(user: User, command: str) -> None:
    done = user.run("sessions", command, UNKNOWN)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"There is no session {UNKNOWN}. ")


@pytest.mark.parametrize(
    "word", ["", " ", "*", "1*", "?" * 36, "[0-9]*", "..", "/", "../x", "-", "1" * 5_000, "1\u0662"]
)
def test_no_word_is_taken_for_a_pattern_or_a_path(user: User, disk: Disk, word: str) -> None:
    session = disk.write(user.home, Talk().user("Hi"), session_id=UNKNOWN)
    done = user.run("sessions", "delete", "--yes", "--", word)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not the beginning of a session id" in done.stderr
    assert len(done.stderr) < 300
    assert disk.path(session, user.home).exists()


def test_beginning_of_several_ids_is_refused(user: User, disk: Disk) -> None:
    for end in "12":
        disk.write(user.home, Talk().user("Hi"), session_id=UNKNOWN[:-1] + end)
    done = user.run("sessions", "show", "1111")
    assert (done.returncode, done.stderr) == (
        1,
        "2 sessions begin with 1111. Give more of its id.\n",
    )


def test_doctor_tells_what_the_cli_deletes_next(user: User, disk: Disk) -> None:
    now = int(time.time())
    for days, prompt in ((25, "later"), (29, "soon"), (31, "overdue"), (3, "not yet")):
        disk.write(user.home, Talk().user(prompt), at=now - days * 86_400)
    settings = user.home / "none.json"
    settings.write_text('{"cliPath": "/nothing"}')
    done = user.run("doctor", "--json", "--settings", str(settings))
    (found,) = (c for c in json.loads(done.stdout)["checks"] if c["about"] == "Retention")
    assert found["verdict"] == "note"
    assert "30 days" in found["text"]
    assert found["text"].endswith("3 sessions: “overdue”, “soon”, “later”")
    assert "keep" in found["hint"]
    (kept,) = (c for c in json.loads(done.stdout)["checks"] if c["about"] == "Kept")
    assert kept["text"] == (
        "all sessions are kept when the CLI deletes its transcripts; 0 copies take 0.0 of 1000 MB"
    )


def asked(user: User, session: str, answer: str) -> int:
    """Delete a session in a terminal and answer the question; returns the status."""
    controller, terminal = pty.openpty()
    process = user.start(
        "sessions", "delete", session, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(controller, 4096)
    os.write(controller, answer.encode() + b"\n")
    status = process.wait()
    os.close(controller)
    return status


def test_search_shows_the_lines_that_hold_the_words(user: User, disk: Disk) -> None:
    talk = Talk()
    found = disk.write(
        user.home,
        talk.user("look"),
        talk.agent(text("one\nThe heron \x1b[2J stands"), message_id="m"),
    )
    disk.write(user.home, Talk().user("nothing"))
    done = user.run("sessions", "search", "HERON", "stand")
    assert (done.returncode, done.stderr) == (0, "")
    head, line = done.stdout.splitlines()
    assert head.startswith(found)
    assert line == "    answer: The heron \\x1b[2J stands"
    answer = json.loads(user.run("sessions", "search", "heron", "--json").stdout)
    (match,) = answer["sessions"][0]["matches"]
    assert match == {"place": "answer", "messageId": "m", "line": "The heron \\x1b[2J stands"}
    assert user.run("sessions", "search", "osprey").stdout.startswith("No sessions")


def test_sessions_are_pinned_and_archived_and_filtered(user: User, disk: Disk) -> None:
    old = disk.write(user.home, Talk().user("old"), at=86_400)
    new = disk.write(user.home, Talk().user("new"), at=10 * 86_400)
    assert user.run("sessions", "pin", old[:8]).returncode == 0
    assert [each["sessionId"] for each in listed(user)] == [old, new]
    assert [each["sessionId"] for each in listed(user, "--since", "1970-01-05")] == [new]
    assert [each["sessionId"] for each in listed(user, "--until", "1970-01-05")] == [old]
    assert user.run("sessions", "archive", old).returncode == 0
    assert [each["sessionId"] for each in listed(user)] == [new]
    assert [each["archived"] for each in listed(user, "--archived")] == [True, False]
    assert user.run("sessions", "archive", old, "--undo").returncode == 0
    assert user.run("sessions", "pin", old, "--undo").returncode == 0
    assert [each["sessionId"] for each in listed(user)] == [new, old]
    assert user.run("sessions", "list", "--since", "soon").returncode == 2
