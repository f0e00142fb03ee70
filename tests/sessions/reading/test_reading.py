"""The CLI's lines become messages that a person would recognize."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall
from claude_agent_lsp.sessions.reading.reading import (
    PAGE_BYTES,
    line_of,
    page_of,
    read_messages,
    read_page,
)
from tests.sessions.lines import STAMP, Disk, Talk, result, text, use
from tests.sessions.reading.test_markdown import document

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = "11111111-2222-4333-8444-555555555555"


def said(session_id: str) -> list[tuple[str, str]]:
    """Who said what."""
    return [(message.role, message.text) for message in read_messages(session_id)]


def test_lines_of_one_message_are_joined(disk: Disk, folder: Path) -> None:
    talk = Talk()
    prompt = talk.user("What is it?")
    session_id = disk.write(
        folder,
        prompt,
        talk.agent({"type": "thinking", "thinking": "Hm."}, message_id="m1"),
        talk.agent(text("It is"), message_id="m1"),
        talk.agent(text("a test."), message_id="m1"),
    )
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    assert read_messages(session_id) == (
        Message(prompt["uuid"], "user", "What is it?", None, (), moment),
        Message("m1", "assistant", "It is\na test.", "Hm.", (), moment),
    )


def test_results_stand_with_their_calls(disk: Disk, folder: Path) -> None:
    talk = Talk()
    session_id = disk.write(
        folder,
        talk.user("Look."),
        talk.agent(use("c1", "Read", file_path="/a"), message_id="m1"),
        talk.user([result("c1", [text("1\thello"), {"type": "image"}])]),
        talk.agent(use("c2", "Bash", command="false"), message_id="m1"),
        talk.user([result("c2", "Exit code 1", is_error=True)]),
        talk.agent(use("c3", "Bash", command="sleep 9"), message_id="m2"),
    )
    _, first, second = read_messages(session_id)
    assert first.tool_calls == (
        RecordedCall("c1", "Read", {"file_path": "/a"}, "completed", "1\thello"),
        RecordedCall("c2", "Bash", {"command": "false"}, "failed", "Exit code 1"),
    )
    assert second.tool_calls == (RecordedCall("c3", "Bash", {"command": "sleep 9"}),)
    assert first.text == second.text == ""


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("Hi <b>there</b>", "Hi <b>there</b>"),
        ([text("<system-reminder>\nx\n</system-reminder>"), text("Hi")], "Hi"),
        ([text("<ide_selection>a\nb</ide_selection>"), text("Hi")], "Hi"),
        ([text("<ide_opened_file>a</ide_opened_file>"), text("Hi")], "Hi"),
        ("Hi<system-reminder>x</system-reminder>", "Hi"),
        ([{"type": "image"}, text("Hi")], "Hi"),
        (
            (
                "<command-message>shipit</command-message>\n"
                "<command-name>/shipit</command-name>\n<command-args>now, please</command-args>"
            ),
            "/shipit now, please",
        ),
        ("<command-name>/compact</command-name>\n<command-args></command-args>", "/compact"),
    ],
)
def test_of_a_prompt_only_what_the_user_wrote_is_shown(
    disk: Disk, folder: Path, content: object, shown: str
) -> None:
    assert said(disk.write(folder, Talk().user(content))) == [("user", shown)]


@pytest.mark.parametrize(
    "content",
    [
        "<local-command-stdout>Set model to x</local-command-stdout>",
        "<task-notification>\n<task-id>a</task-id>\n</task-notification>",
        "<system-reminder>x</system-reminder>",
        "  ",
        [],
        None,
        7,
        ["x"],
    ],
)
def test_what_nobody_wrote_is_no_message(disk: Disk, folder: Path, content: object) -> None:
    talk = Talk()
    session_id = disk.write(
        folder, talk.user("Hi"), talk.user(content), talk.agent(text("OK."), message_id="m1")
    )
    assert said(session_id) == [("user", "Hi"), ("assistant", "OK.")]


def test_agents_text_is_shown_as_it_is(disk: Disk, folder: Path) -> None:
    talk = Talk()
    words = "<system-reminder>is a tag</system-reminder>"
    session_id = disk.write(folder, talk.user("Hi"), talk.agent(text(words), message_id="m1"))
    assert said(session_id)[1] == ("assistant", words)


def test_filler_of_a_resume_is_left_out(disk: Disk, folder: Path) -> None:
    talk = Talk()
    session_id = disk.write(
        folder,
        talk.user("Hi"),
        talk.user([text("[Request interrupted by user]")]),
        talk.agent(
            text("No response requested."), message_id="f", message={"model": "<synthetic>"}
        ),
        talk.user("Again"),
        talk.agent(text("API Error"), message_id="e", message={"model": "<synthetic>"}),
    )
    assert [words for _, words in said(session_id)] == [
        "Hi",
        "[Request interrupted by user]",
        "Again",
        "API Error",
    ]


def test_damaged_lines_are_passed_over(disk: Disk, folder: Path) -> None:
    talk = Talk()
    prompt = talk.user("Hi")
    answer = talk.agent(text("OK."), message_id="m1")
    session_id = disk.write(
        folder,
        prompt,
        "",
        "{",
        '{"type":"user","uuid":7}',
        '{"type":"user","message":null,"uuid":"u","timestamp":"yesterday"}',
        answer,
        '{"type":"assistant","message":{"role":"assis',
    )
    assert said(session_id) == [("user", "Hi"), ("assistant", "OK.")]


def test_message_without_a_time_has_none(disk: Disk, folder: Path) -> None:
    talk = Talk()
    session_id = disk.write(folder, talk.user("Hi"))
    path = disk.path(session_id, folder)
    path.write_text(path.read_text().replace('"timestamp":"2026', '"timestamp":"the year 2026'))
    (message,) = read_messages(session_id)
    assert message.timestamp is None


def test_unknown_session_has_no_messages(disk: Disk) -> None:
    assert read_messages(UNKNOWN) == ()


def messages(count: int) -> tuple[Message, ...]:
    return tuple(Message(f"m{n}", "user", str(n), None, (), None) for n in range(count))


@pytest.mark.parametrize(("count", "limit"), [(0, 1), (1, 1), (5, 2), (6, 2), (6, 6), (6, 50)])
def test_pages_hold_all_messages_once(count: int, limit: int) -> None:
    everything = messages(count)
    found: list[Message] = []
    cursor: str | None = None
    while True:
        page, cursor = page_of(everything, limit, cursor)
        assert len(page) <= limit
        found += page
        if cursor is None:
            break
    assert tuple(found) == everything


def test_page_goes_on_where_it_ended_although_messages_were_added() -> None:
    first, cursor = page_of(messages(4), 2, None)
    second, _ = page_of(messages(9), 2, cursor)
    assert [message.message_id for message in first + second] == ["m0", "m1", "m2", "m3"]


def test_cursor_of_something_else_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^cursor: expected `nextCursor`"):
        page_of(messages(4), 2, "nothing")


def test_line_of_a_message_is_its_last(disk: Disk, folder: Path) -> None:
    talk = Talk()
    prompt = talk.user("Hi")
    lines: list[dict[str, Any]] = [
        talk.agent(text("a"), message_id="m1"),
        talk.agent(text("b"), message_id="m1"),
    ]
    session_id = disk.write(folder, prompt, *lines, talk.user("More"))
    assert line_of(session_id, "m1") == lines[1]["uuid"]
    assert line_of(session_id, prompt["uuid"]) == prompt["uuid"]
    assert line_of(session_id, lines[0]["uuid"]) == lines[0]["uuid"]
    with pytest.raises(InvalidArgument, match=f"^resumeAt: the session {session_id} has no"):
        line_of(session_id, "m2")


def long_talk(turns: int) -> list[dict[str, Any]]:
    talk = Talk()
    lines = []
    for n in range(turns):
        lines += [
            talk.user(f"prompt {n}"),
            talk.agent(text(f"I look {n}."), message_id=f"m{n}"),
            talk.agent(use(f"c{n}", "Read", file_path="/a"), message_id=f"m{n}"),
            talk.user([result(f"c{n}", "x" * 500)]),
        ]
    return lines


def test_pages_of_a_session_are_what_is_read_of_it_at_once(
    disk: Disk, folder: Path, tmp_path: Path
) -> None:
    session_id = disk.write(folder, *long_talk(5))
    found: list[Message] = []
    page, cursor = read_page(session_id, tmp_path, 3, None)
    while True:
        found += page
        if cursor is None:
            break
        page, cursor = read_page(session_id, tmp_path, 3, cursor)
    assert tuple(found) == read_messages(session_id)
    assert found[-1].tool_calls[0].text == "x" * 500
    assert read_page(session_id, tmp_path, 0, None) == ((), None)
    with pytest.raises(InvalidArgument, match=r"^cursor: "):
        read_page(session_id, tmp_path, 1, "nothing")


def test_what_is_known_of_a_file_is_forgotten_when_it_changes(disk: Disk, folder: Path) -> None:
    lines = long_talk(2)
    session_id = disk.write(folder, *lines[:4])
    assert [words for _, words in said(session_id)] == ["prompt 0", "I look 0."]
    disk.write(folder, *lines, session_id=session_id)
    assert [words for _, words in said(session_id)][2:] == ["prompt 1", "I look 1."]
    path = disk.path(session_id, folder)
    other = path.with_suffix(".new")
    # Of the same length and time, as another file in its place.
    other.write_text(path.read_text().replace("I look", "I read"))
    os.utime(other, (1000, 1000))
    other.replace(path)
    assert [words for _, words in said(session_id)][-1] == "I read 1."
    path.unlink()
    assert said(session_id) == []


def test_a_page_of_a_long_session_costs_no_more_than_one_of_a_short(
    disk: Disk, folder: Path, tmp_path: Path
) -> None:
    def seconds(turns: int) -> float:
        session_id = disk.write(folder, *long_talk(turns))
        read_page(session_id, tmp_path, 10, None)
        times = []
        for _ in range(5):
            began = time.process_time()
            read_page(session_id, tmp_path, 10, f"m{turns - 6}")
            times.append(time.process_time() - began)
        return min(times)

    # 32 times as long, if all of it were read.
    assert seconds(3_200) < 8 * seconds(100) + 0.005


def test_a_page_is_as_long_as_can_be_sent_in_a_moment(
    disk: Disk, folder: Path, tmp_path: Path
) -> None:
    talk, half = Talk(), "ä" * (PAGE_BYTES // 4)  # of two bytes each
    lines = [talk.user(half)]
    for number in range(3):
        call_id = f"c{number}"
        lines.append(talk.agent(use(call_id, "Write", content=half), message_id=f"m{number}"))
        lines.append(talk.user([result(call_id, "done")]))
    lines.append(talk.agent(text(half * 9), message_id="longer than a page"))
    lines.append(talk.agent(text("short"), message_id="last"))
    session_id = disk.write(folder, *lines)
    pages, cursor = list[list[str]](), None
    while not pages or cursor is not None:
        page, cursor = read_page(session_id, tmp_path, 1000, cursor)
        pages.append([message.message_id for message in page])
    assert pages[1:] == [["m0"], ["m1"], ["m2"], ["longer than a page"], ["last"]]
    assert len(pages[0]) == 1


@pytest.mark.parametrize(
    "much",
    ["[" * 400 + "]" * 400, "[" * 5_000 + "]" * 5_000, f"[{','.join(['[]'] * 330_000)}]", "1e999"],
    ids=["deep", "deeper", "wide", "no number"],
)
def test_whatever_a_tool_was_given_the_session_is_read(
    much: str, disk: Disk, folder: Path, tmp_path: Path
) -> None:
    talk = Talk()
    lines = [
        talk.user("Do it."),
        talk.agent(use("c1", "Bash", command="pwd", extra="MUCH"), message_id="m1"),
        talk.user([result("c1", [{"type": "text", "text": "MUCH"}])]),
        talk.agent(text("Done."), message_id="m2"),
    ]
    common = {"cwd": str(folder), "timestamp": STAMP}
    session_id = disk.write(
        folder, *(json.dumps(line | common).replace('"MUCH"', much) for line in lines)
    )
    page, _ = read_page(session_id, tmp_path, 10, None)
    assert [message.message_id for message in page][1:] == ["m1", "m2"]
    (call,) = page[1].tool_calls
    assert (call.input["command"], call.status) == ("pwd", "completed")
    sent = json.dumps(jsonable(page), allow_nan=False)
    assert len(sent) < 500_000
    assert len(document(*page)) < 5_000_000


def test_calls_of_one_id_are_all_there(disk: Disk, folder: Path) -> None:
    talk = Talk()
    session_id = disk.write(
        folder,
        talk.user("Do it."),
        talk.agent(use("c1", "Write", file_path="/a"), message_id="m1"),
        talk.agent(use("c1", "Bash", command="ls"), message_id="m1"),
        talk.user([result("c1", "written"), result("c1", "no", is_error=True)]),
    )
    calls = read_messages(session_id)[-1].tool_calls
    assert [(c.tool_call_id, c.tool, c.status, c.text) for c in calls] == [
        ("c1", "Write", "completed", "written"),
        ("c1~2", "Bash", "failed", "no"),
    ]
