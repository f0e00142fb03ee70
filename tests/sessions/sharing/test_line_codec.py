"""Lines of a transcript on their way to another machine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.sharing.line_codec import (
    BEGIN,
    Rewritten,
    each_after,
    local,
    portable,
    read_after,
    renamed,
)

if TYPE_CHECKING:
    from pathlib import Path

HERE, THERE = "/home/anna/project", "/srv/bert/elsewhere"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


# What the CLI would obey, or the server.
OBEYED: list[Any] = [
    {"type": "worktree-state", "worktreeSession": {"worktreePath": "/home/bert/private"}},
    {"type": "cost-state", "totalCostUSD": 50.0},
    {"type": "file-history-snapshot", "snapshot": {"trackedFileBackups": {"/x": {}}}},
    {"type": "file-history-delta", "trackingPath": "/x"},
    *({"type": kind} for kind in ("permission-mode", "mode", "relocated", "agent-setting", "x")),
    {"type": ["user"]},
    {"message": {}},
    {},
    {"type": "user", "cwd": "../private"},
    {"type": "user", "cwd": "a/../../private"},
    {"type": "user", "cwd": f"{THERE}/a"},
    {"agentType": "a", "worktreePath": "/x"},
    {"agentType": "a", "cwd": "."},
    {"type": "claude-agent-lsp-line", "text": '{"type":"worktree-state"}'},
    {"type": "claude-agent-lsp-line", "text": '{"type":"mode","x":"\udcff"}\n{"type":"mode"}'},
    {"type": "claude-agent-lsp-kept", "line": '{"type":"worktree-state"}'},
    {"type": "claude-agent-lsp-kept", "line": "x"},
]


def says_nothing(content: bytes) -> bool:
    """Whether the CLI and the server find nothing in what a line says."""
    text = content.decode()
    head, _, rest = text.partition('"line":')
    return (
        text.count("\n") == 1
        and head == '{"type":"claude-agent-lsp-kept",'
        and not re.search(r'(?<!\\)"[^,}]*"\s*:', rest.removesuffix("\n")[1:-2])
    )


@pytest.mark.parametrize("entry", OBEYED, ids=str)
def test_what_is_no_conversation_is_kept_and_says_nothing(entry: Any) -> None:
    fetched = local(entry, THERE)
    assert says_nothing(fetched)
    assert set(json.loads(fetched)) == {"type", "line"}
    # It goes back as it came.
    assert portable(fetched, THERE) == entry
    assert portable(local(portable(fetched, THERE), THERE), THERE) == entry


def test_what_is_noted_of_a_subagent_is_there_as_it_is() -> None:
    noted: Any = {"agentType": "general", "description": "d"}
    assert local(noted, THERE) == line(noted)


def same(entries: Any, *expected: Any) -> bool:
    return bool(entries == list(expected))


def line(entry: Any) -> bytes:
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.mark.parametrize("below", ["", "/src/part"])
def test_folder_is_that_of_the_other_machine(below: str) -> None:
    entry = portable(line({"type": "user", "cwd": HERE + below, "text": HERE}), HERE)
    assert local(entry, THERE) == line({"type": "user", "cwd": THERE + below, "text": HERE})


def test_folder_outside_stays() -> None:
    for cwd in ("/home/anna/project2", "/", "/home/anna"):
        entry = portable(line({"type": "user", "cwd": cwd}), HERE)
        assert local(entry, THERE) == line({"type": "user", "cwd": cwd})


@pytest.mark.parametrize("damaged", [b"\0\0\0\n", b'{"half\n', b"[1,2]\n", b"\xff\xfe\n", b"\n"])
def test_line_that_is_no_object_is_kept(damaged: bytes) -> None:
    entry = portable(damaged, HERE)
    assert says_nothing(local(entry, THERE))
    assert portable(local(entry, THERE), THERE) == entry


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_line_comes_back_byte_for_byte(entry: dict[str, Any]) -> None:
    entry.pop("cwd", None)
    entry["type"] = "user"
    assert local(portable(line(entry), HERE), THERE) == line(entry)


def test_copy_under_another_id_says_so_in_each_line() -> None:
    assert renamed(line({"sessionId": "a", "type": "mode"}), "b") == line(
        {"sessionId": "b", "type": "mode"}
    )
    kept = local(portable(line({"sessionId": "a", "type": "mode"}), HERE), HERE)
    for other in (line({"type": "user"}), b"\xff{\n", b"[1]\n", kept):
        assert renamed(other, "b") == other


def test_only_whole_lines_are_read_and_from_where_it_was_left(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.write_bytes(line({"n": 1}) + line({"n": 2}) + b'{"n": 3')
    entries, place = read_after(file, HERE, BEGIN, 1 << 20)
    assert same(entries, {"n": 1}, {"n": 2})
    assert place.mark.lines == 2
    assert read_after(file, HERE, place, 1 << 20) == ([], place)
    with file.open("ab") as more:
        more.write(b"}\n")
    entries, end = read_after(file, HERE, place, 1 << 20)
    assert same(entries, {"n": 3})
    # A place is the same however one came to it.
    assert end == read_after(file, HERE, BEGIN, 1 << 20)[1]


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.write_bytes(b"".join(line({"n": n}) for n in range(100)))
    place, seen = BEGIN, list[Any]()
    while True:
        entries, place = read_after(file, HERE, place, 20)
        if not entries:
            break
        assert len(entries) <= 3
        seen += entries
    assert seen == [{"n": n} for n in range(100)]


@pytest.mark.parametrize("content", [b"", b'{"n":1}\n', b'{"n":1}\n{"n":9}\n{"n":3}\n'])
def test_file_that_was_written_anew_is_noticed(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "s.jsonl"
    file.write_bytes(line({"n": 1}) + line({"n": 2}))
    _, place = read_after(file, HERE, BEGIN, 1 << 20)
    file.write_bytes(content)
    with pytest.raises(Rewritten):
        read_after(file, HERE, place, 1 << 20)


def test_file_that_is_one_value_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "agent-1.meta.json"
    file.write_text('{\n  "agentType": "x"\n}')
    assert [entry for entry, _, _ in each_after(file, HERE)] == [{"agentType": "x"}]
