"""The audit log, with real files."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from claude_agent_lsp.agent.accounts import audit_log as module
from claude_agent_lsp.agent.accounts.audit_log import (
    OLDER_FILES,
    AuditLog,
    ToolTrail,
    question_entry,
)
from claude_agent_lsp.agent.events import (
    Ended,
    Event,
    QuestionAsked,
    Run,
    RunStatus,
    ToolCall,
    ToolResult,
    ToolStatus,
)
from claude_agent_lsp.agent.permissions.destinations import Destinations
from claude_agent_lsp.agent.permissions.diff import Before, diff_of
from claude_agent_lsp.agent.permissions.question_detail import describe
from claude_agent_lsp.agent.permissions.queue import Answer
from claude_agent_lsp.agent.permissions.tool_titles import title_of
from claude_agent_lsp.agent.question import Action, Question


@pytest.fixture
def audit(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "state", "Helix")


def test_each_line_is_an_object_in_a_file_that_is_the_users_own(audit: AuditLog) -> None:
    audit.write("tool", {"title": "one\nline"})
    audit.write("question", {"title": "Ünïcode \udc80"})
    first, second = audit.read()
    assert (first["kind"], first["editor"], first["title"]) == ("tool", "Helix", "one\nline")
    assert second["kind"] == "question"
    assert stat.S_IMODE(audit.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(audit.file.parent.stat().st_mode) == 0o700


def test_secrets_are_masked(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "token-of-the-environment")
    shapes = f"sk-ant-{'a1-' * 8} postgresql://u:pa55word@h/d"
    audit.write("tool", {"input": f"token-of-the-environment {shapes}"})
    written = audit.file.read_text()
    for secret in ("token-of-the-environment", "sk-ant", "pa55word"):
        assert secret not in written
    assert json.loads(written)["input"] == "*** *** postgresql://***@h/d"


def test_it_is_rotated_by_size_and_its_oldest_part_forgotten(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1_000)
    for number in range(100):
        audit.write("tool", {"number": number, "input": "x" * 200})
    files = sorted(path.name for path in audit.file.parent.glob("*.jsonl"))
    assert len(files) == 1 + OLDER_FILES
    assert all(path.stat().st_size <= 1_000 for path in audit.file.parent.glob("*.jsonl"))
    numbers = [entry["number"] for entry in audit.read()]
    assert numbers == list(range(numbers[0], 100))


def test_no_line_is_lost_or_torn_by_many_at_once(
    audit: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    other = AuditLog(tmp_path / "state", "Emacs")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: (audit, other)[n % 2].write("tool", {"n": n}), range(300)))
    assert sorted(entry["n"] for entry in audit.read()) == list(range(300))


def test_what_can_not_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    AuditLog(tmp_path / "state").write("tool", {})
    assert list(AuditLog(tmp_path / "state").read()) == []


@pytest.mark.parametrize("kind", ["a named pipe", "a link"])
def test_what_keeps_it_from_being_written_is_told_once(
    audit: AuditLog, tmp_path: Path, kind: str
) -> None:
    audit.file.parent.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    for _ in range(2):
        audit.file.symlink_to(elsewhere) if kind == "a link" else os.mkfifo(audit.file)
        wrong = audit.write("tool", {})
        assert wrong is not None
        assert f"{audit.file} can't be written: it is not a regular file." in wrong
        assert audit.write("tool", {}) is None
        audit.file.unlink()
        assert audit.write("tool", {}) is None
        audit.file.unlink()
    assert elsewhere.read_bytes() == b""


def test_of_a_line_that_a_full_disk_cut_off_the_next_one_is_kept_apart(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:20]))
    assert "No space left" in (audit.write("tool", {"title": "first"}) or "")
    monkeypatch.undo()
    audit.write("tool", {"title": "second"})
    assert [entry["title"] for entry in audit.read()] == ["second"]


def test_a_damaged_line_is_left_out(audit: AuditLog) -> None:
    audit.write("tool", {"n": 1})
    with audit.file.open("ab") as file:
        file.write(b'{"torn\n\x00\xff\n[]\n')
    audit.write("tool", {"n": 2})
    assert [entry["n"] for entry in audit.read()] == [1, 2]


def followed(*events: Event) -> list[dict[str, Any]]:
    """The lines that some events leave."""
    lines: list[dict[str, Any]] = []
    trail = ToolTrail(
        lambda _, entry: lines.append(dict(entry() if callable(entry) else entry)),
        "run",
        "session",
        Path("/p"),
    )
    for event in events:
        trail.follow(event)
    return lines


def test_only_what_may_have_changed_something_is_followed() -> None:
    lines = followed(
        *(
            event
            for name in ("Read", "Bash", "mcp__a__b")
            for event in (
                ToolCall(name, name, f"Using {name}", {"command": "x" * 9_000}),
                ToolResult(name, ToolStatus.COMPLETED, ""),
            )
        )
    )
    assert [line["tool"] for line in lines] == ["Bash", "mcp__a__b"]
    assert len(lines[0]["input"]) == module.TEXT_LENGTH
    assert lines[0]["by"] == "rule"


def test_what_was_stopped_in_its_middle_is_in_it() -> None:
    run = Run("run", "session", Path("/p"), RunStatus.CANCELLED)
    (line,) = followed(ToolCall("1", "Bash", "Running", {"command": "make"}), Ended(run))
    assert line["status"] == "unfinished"
    assert json.loads(line["input"]) == {"command": "make"}


@pytest.mark.parametrize("secret", ["sk-ant-" + "a1-" * 8, 'pass"word\nwith all'])
def test_no_half_of_a_secret_is_left_where_a_long_input_is_cut(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", secret)
    cut = module.TEXT_LENGTH - len('{"command": "') - 8
    given = {"command": "x" * (cut - 1) + " " + secret}
    lines = followed(ToolCall("1", "Bash", "", given), ToolResult("1", ToolStatus.COMPLETED, ""))
    assert lines[0]["input"].endswith('x ***"}')


SECRET = "merganser-of-the-environment"


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Bash", {"command": f"mkfifo {'x' * 60} {SECRET}"}),
        ("Bash", {"command": f"{'x' * 490} {SECRET}"}),
        ("WebFetch", {"url": f"https://host/?{'x' * 50}={SECRET}"}),
        ("mcp__a__b", {"text": f"{'x' * 480} {SECRET}"}),
        ("Write", {"file_path": "a", "content": f"{'x' * 455} {SECRET}\n"}),
    ],
)
def test_no_half_of_a_secret_is_left_in_what_a_question_showed(
    tool: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    call = ToolCall("1", tool, title_of(tool, given), given)
    diff = diff_of(tool, given, Before())
    about = describe(tool, given, Destinations(Path("/p")), diff=diff, reason="Why")
    detail = f"{about.detail}\n\nFor this session: edits"
    now = datetime.now(UTC)
    asked = Question("q", "r", "s", "permission", about.title, detail, (), now, diff, None)
    assert SECRET[:6] in about.title + detail, "cut elsewhere"
    entry = question_entry(asked, Answer("allow"), call, Path("/p"))
    assert SECRET[:3] not in entry["title"] + entry["detail"]
    assert entry["detail"].endswith("\nWhy\n\nFor this session: edits")
    if tool != "WebFetch":  # changes nothing
        (line,) = followed(call, ToolResult("1", ToolStatus.COMPLETED, ""))
        assert SECRET[:3] not in line["title"] + line["input"]


def test_no_half_of_a_secret_is_left_of_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    plan = f"{'x' * 490} {SECRET}"
    now = datetime.now(UTC)
    asked = Question("q", "r", "s", "plan", "Carrying out", plan[:500], (), now, document=plan)
    assert SECRET[:3] not in question_entry(asked, Answer("allow"))["detail"]


def test_question_about_a_call_that_a_hook_has_changed_is_kept_as_it_was() -> None:
    call = ToolCall("1", "Bash", "Running `ls`", {"command": "ls"})
    asked = Question("q", "r", "s", "permission", "Running `rm`", "rm", (), datetime.now(UTC))
    entry = question_entry(asked, Answer("allow"), call, Path("/p"))
    assert (entry["title"], entry["detail"]) == ("Running `rm`", "rm")


def test_who_was_asked_about_one_of_two_calls_of_an_id_was_not_about_the_other() -> None:
    question = Question(
        *("q", "run", "session", "permission", "Run it?", "", ()),
        datetime.now(UTC),
        tool_call_id="1",
        action=Action("make", tool="Bash"),
    )
    lines = followed(
        ToolCall("1", "Write", "Writing", {}),
        ToolCall("1~2", "Bash", "Running", {}, shares_id_of="1"),
        ToolCall("1~3", "Bash", "Running", {}, shares_id_of="1"),
        QuestionAsked(question),
        *(ToolResult(each, ToolStatus.COMPLETED, "") for each in ("1", "1~2", "1~3")),
    )
    assert [(line["toolCallId"], line["by"]) for line in lines] == [
        ("1", "rule"),
        ("1~2", "question"),
        ("1~3", "rule"),
    ]
