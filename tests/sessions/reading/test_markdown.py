"""A session as a document."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claude_agent_lsp.sessions.catalogue.session import Session
from claude_agent_lsp.sessions.reading.markdown import RESULT_LENGTH, as_markdown
from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall

MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
LOCAL = f"{MOMENT.astimezone():%Y-%m-%d %H:%M}"


def agent(text: str = "", *calls: RecordedCall, thinking: str | None = None) -> Message:
    return Message("m1", "assistant", text, thinking, calls, None)


def session(**more: Any) -> Session:
    told: dict[str, Any] = {
        "session_id": "s1",
        "title": "A title",
        "first_prompt": None,
        "tag": None,
        "workspace": Path("/work/a b"),
        "git_branch": None,
        "created_at": None,
        "last_modified": MOMENT,
        "running": False,
        "current": False,
        "interrupted": False,
        "origin": "editor",
    }
    return Session(**told | more)


HEAD = f"# A title\n\nFolder: `/work/a b`  \nLast changed: {LOCAL}  \nSession: s1\n"


def document(*messages: Message, **more: Any) -> str:
    return as_markdown(session(**more), messages)


def test_conversation_reads_from_top_to_bottom() -> None:
    prompt = Message("m0", "user", "Fix *it*.", None, (), MOMENT)
    assert document(prompt, agent("Done.", thinking="Hm.")) == (
        f"{HEAD}\n"
        f"## You · {LOCAL}\n\n"
        "Fix *it*.\n\n"
        "## Claude\n\n"
        "<details>\n<summary>Thinking</summary>\n\nHm.\n\n</details>\n\n"
        "Done.\n"
    )


def test_session_without_messages_is_a_heading() -> None:
    assert document() == HEAD


def test_call_is_folded_away_with_its_input_and_result() -> None:
    call = RecordedCall("c1", "Read", {"file_path": "/ä"}, "completed", "1\thello")
    assert document(agent("", call)).partition("## Claude\n\n")[2] == (
        "<details>\n<summary>Read (completed)</summary>\n\n"
        '```json\n{\n  "file_path": "/ä"\n}\n```\n\n'
        "```\n1\thello\n```\n\n"
        "</details>\n"
    )


def test_call_that_was_never_answered_has_no_result() -> None:
    text = document(agent("", RecordedCall("c1", "Bash", {})))
    assert "<summary>Bash</summary>" in text
    assert text.count("```") == 2


def test_text_can_not_end_its_block() -> None:
    result = "````\n</details>\n```"
    text = document(agent("", RecordedCall("c1", "mcp__<b>", {}, "failed", result)))
    assert f"`````\n{result}\n`````\n" in text
    assert "<summary>mcp__&lt;b&gt; (failed)</summary>" in text


def test_long_result_is_cut_and_says_so() -> None:
    call = RecordedCall("c1", "Read", {}, "completed", "x" * (RESULT_LENGTH + 5))
    text = document(agent("", call))
    assert "x" * RESULT_LENGTH + "\n… (5 more characters)\n" in text
    assert "x" * (RESULT_LENGTH + 1) not in text
