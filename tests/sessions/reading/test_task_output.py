"""What background tasks have put out, read in pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.reading import task_output
from claude_agent_lsp.sessions.reading.task_output import TaskOutput

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the outputs of the session are."""
    monkeypatch.setattr(task_output, "directories_of_the_cli", lambda _: (tmp_path,))
    place = tmp_path / "-home-me" / SESSION / "tasks"
    place.mkdir(parents=True)
    return place


def output(task_id: str = "b1", **more: Any) -> TaskOutput:
    return TaskOutput(SESSION, task_id, {}, **more)


def pages(one: TaskOutput, limit: int) -> list[str]:
    found = []
    offset = 0
    while True:
        page = one.page(offset, limit, over=True)
        found.append(page.text)
        offset = page.next_offset
        if offset >= page.size:
            return found


@given(content=st.binary(max_size=200), limit=st.integers(4, 50))
def test_pages_are_the_whole_whatever_it_is(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, limit: int
) -> None:
    root = tmp_path_factory.mktemp("outputs")
    place = root / "x" / SESSION / "tasks"
    place.mkdir(parents=True)
    (place / "b1.output").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task_output, "directories_of_the_cli", lambda _: (root,))
        text = "".join(pages(output(), limit))
        assert text.replace("\ufffd", "") == content.decode(errors="ignore").replace("\ufffd", "")


def test_half_a_character_waits_for_its_other_half(directory: Path) -> None:
    file = directory / "b1.output"
    file.write_bytes("a😀".encode()[:-1])
    page = output().page(0, 100, over=False)
    assert (page.text, page.next_offset) == ("a", 1)
    file.write_bytes("a😀b".encode())
    assert output().page(page.next_offset, 100, over=False).text == "😀b"


def test_the_end_begins_with_a_line(directory: Path) -> None:
    (directory / "b1.output").write_text("".join(f"line {n}\n" for n in range(1000)))
    page = output().page(None, 30, over=True)
    assert page.text == "line 997\nline 998\nline 999\n"
    assert output().last_lines().splitlines()[0] == "line 990"


def test_what_can_not_be_seen_is_spelled_out_in_the_last_lines(directory: Path) -> None:
    (directory / "b1.output").write_text("10 %\r100 %\r\n\x1b[1mdone\u202e\n")
    assert output().last_lines() == "10 %\n100 %\n\\x1b[1mdone\\u202e"


@pytest.mark.parametrize("name", ["../b1", "b1/../b1", "*", "", "a\n"])
def test_no_id_leads_elsewhere(directory: Path, name: str) -> None:
    (directory / "b1.output").write_text("secret")
    assert output(name).page(0, 100, over=True).text == ""


def test_a_link_is_not_followed(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (directory / "b1.output").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="b1"):
        output().page(0, 100, over=True)
    assert output().last_lines() == ""


def test_an_agents_is_its_conversation_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_output, "config_directory", lambda: tmp_path)
    place = tmp_path / "projects" / "x" / SESSION / "subagents"
    place.mkdir(parents=True)
    said: list[Any] = [
        {"message": {"role": "user", "content": "look\nthere"}},
        {"message": {"role": "user", "content": "hidden"}, "isMeta": True},
        {"message": {"role": "user", "content": [{"type": "text", "text": "a reminder"}]}},
        {
            "message": {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "name": "Bash", "input": {"command": "ls"}},
                    {"type": "tool_use", "name": "Read", "input": 7},
                ],
            }
        },
        {"message": {"role": "user", "content": [{"type": "tool_result", "content": "a.py"}]}},
        7,
        {"message": None},
    ]
    lines = [json.dumps(each) for each in said]
    file = place / "agent-a1.jsonl"
    file.write_text("\n".join(["no JSON", *lines, '{"half":']))
    whole = "> look\n> there\nI look.\n[Bash] ls\n[Read]\na.py\n"
    agent = output("a1", agent=True)
    page = agent.page(0, 10_000, over=False)
    assert page.text == whole
    assert page.next_offset == file.stat().st_size - len('{"half":')
    file.write_text("\n".join([*lines, ""]))
    assert "".join(pages(agent, 100)) == whole
