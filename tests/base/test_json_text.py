"""Others' JSON is read without holding up the server, or is refused."""

from __future__ import annotations

import ast
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import claude_agent_lsp
from claude_agent_lsp.base.texts import json_bounds, json_text
from claude_agent_lsp.base.texts.json_bounds import bounded, is_bounded
from claude_agent_lsp.base.texts.json_text import MOST_VALUES, parse_json, parse_line
from claude_agent_lsp.sessions.catalogue.retention import retention_days
from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules
from claude_agent_lsp.sessions.claude_settings.settings_files import MOST_BYTES, setting
from claude_agent_lsp.sessions.sharing.line_codec import portable
from claude_agent_lsp.sessions.transcripts.repository import project_key

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(claude_agent_lsp.__file__).parent
HELD_SECONDS = 0.5
# JSON that is not read by `parse_json`, and why.
OTHERWISE = {
    "base/texts/json_text.py": "the door itself",
    "lsp/wire/reader.py": "what the editor sends",
    "base/validation.py": "what the editor has sent",
    "terminal/checks.py": "a process of its own, and a file that its user names",
    "terminal/state_files.py": "a process of its own, and what the server has written itself",
    "agent/accounts/daily_budget.py": "what the server has written itself",
    "agent/accounts/audit_log.py": "what the server has written itself",
    "workspace/state.py": "what the server has written itself",
    "sessions/lock.py": "what the server has written itself",
    "sessions/cleanup.py": "what the server has written itself",
    "sessions/journal/journal.py": "what the server has written itself",
    "sessions/journal/run_records.py": "what the server has written itself",
    "sessions/journal/kept_queries.py": "what the server has written itself",
    "sessions/transcripts/costs.py": "what the server has written itself",
    "sessions/sharing/sync_state.py": "what the server has written itself",
    "sessions/catalogue/former_folders.py": "what the server has written itself",
    "sessions/catalogue/wanted.py": "a cursor, as long as a message of the editor's may be",
}
UNITS = ["[[]],", "[],", "{},", '{"a":1},', "1,", "-1.5e-300,", '"é\\u1234",', '"",', '"\\"",']


def filled(unit: str, size: int) -> bytes:
    return f"[{(unit * (size // len(unit)))[:-1]}]".encode()


def longest_hold(work: Callable[[], object]) -> float:
    """Return for how much processor time nothing else ran while a thread did its work.

    By the clock, whatever else the machine does would count, too.
    """
    done = threading.Event()

    def do() -> None:
        try:
            work()
        finally:
            done.set()

    thread = threading.Thread(target=do, daemon=True)
    longest, last = 0.0, time.process_time()
    thread.start()
    while not done.wait(0.002):
        now = time.process_time()
        longest, last = max(longest, now - last), now
    return max(longest, time.process_time() - last)


def tried(content: bytes) -> object:
    try:
        return parse_json(content)
    except ValueError:
        return None


@pytest.mark.parametrize("unit", UNITS)
def test_the_worst_mebibyte_holds_up_nothing(unit: str) -> None:
    content = filled(unit, 2**20)
    assert longest_hold(lambda: tried(content)) < HELD_SECONDS


def test_however_much_there_is_nothing_is_held_up() -> None:
    content = filled("[],", 2**24)
    assert longest_hold(lambda: tried(content)) < HELD_SECONDS


def test_no_settings_file_holds_up_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home"))
    file = tmp_path / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_bytes(filled("[],", 24 * 2**20))
    found: list[Any] = []
    looks: list[Callable[[], Any]] = [
        lambda: DenyRules.read(tmp_path).unknown,
        lambda: setting(tmp_path, "model", ("project",)),
        lambda: retention_days(tmp_path),
    ]
    for look in looks:

        def take(look: Callable[[], Any] = look) -> None:
            found.append(look())

        assert longest_hold(take) < HELD_SECONDS
    assert found == [(file,), None, None]


def test_settings_of_a_usual_size_are_read(tmp_path: Path) -> None:
    file = tmp_path / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"model": "opus", "x": "," * (MOST_BYTES - 100)}))
    assert setting(tmp_path, "model", ("project",)) == "opus"


def test_no_git_configuration_holds_up_anything(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"\n" * (60 * 2**20))
    assert longest_hold(lambda: project_key(tmp_path)) < HELD_SECONDS


def test_a_line_with_too_much_in_it_is_shared_as_its_text() -> None:
    line = b'{"type":"user","x":' + filled("[],", 2**22) + b"}"
    assert portable(line, "/work")["text"] == line.decode()  # type: ignore[typeddict-item]
    assert "text" in portable(b"[" * 200_000, "/work")


def test_long_strings_count_for_nothing() -> None:
    entry = {"text": "[{,:" * MOST_VALUES, "quoted": '\\",[' * MOST_VALUES, "end": [1, 2]}
    assert parse_json(json.dumps(entry).encode()) == entry
    assert parse_json(json.dumps(entry).encode("utf-16")) == entry


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_too_many_values_are_refused_in_any_encoding(encoding: str) -> None:
    content = '["\\\\",' + "1," * MOST_VALUES + "1]"
    with pytest.raises(ValueError, match="more than 250,000 values"):
        parse_json(content.encode(encoding))
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json(("[" * 100_000).encode(encoding))


JSON = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('ab"\\[{,:\n')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('a"\\,')), inner),
)


@given(JSON, st.integers(1, 9))
def test_values_are_counted_wherever_a_piece_ends(value: Any, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_PIECE", piece)
        patch.setattr(json_text, "MOST_VALUES", _values_in(value))
        assert not json_text._holds_too_much(json.dumps(value))
        patch.setattr(json_text, "MOST_VALUES", _values_in(value) - 1)
        assert json_text._holds_too_much(json.dumps(value))


def _values_in(value: Any) -> int:
    """Count the characters outside of strings before which something stands."""
    match value:
        case dict():
            return 1 + max(2 * len(value) - 1, 0) + sum(map(_values_in, value.values()))
        case list():
            return 1 + max(len(value) - 1, 0) + sum(map(_values_in, value))
    return 0


def test_there_is_one_door_to_others_json() -> None:
    found = set()
    for file in PACKAGE.rglob("*.py"):
        name = file.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("load", "loads")
                and isinstance(node.value, ast.Name)
                and node.value.id == "json"
                and not name.startswith(("loopback/", "terminal/demo/"))
            ):
                found.add(name)
    assert found == OTHERWISE.keys()


def line_with(given: str) -> bytes:
    """A line of a conversation with a tool's input; what holds it together stands behind that."""
    block = '{"type":"tool_use","id":"c1","name":"Bash","input":' + given + "}"
    message = '{"id":"m1","content":[' + block + '],"usage":{"output_tokens":1}}'
    return ('{"parentUuid":"p","message":' + message + ',"type":"assistant","uuid":"u"}').encode()


@pytest.mark.parametrize(
    "given",
    [
        '{"command":"pwd","x":' + "[" * 5_000 + "]" * 5_000 + ',"y":1}',
        '{"command":"pwd","x":' + '{"a":' * 5_000 + "1" + "}" * 5_000 + ',"y":1}',
        '{"command":"pwd","x":[' + ",".join(["[]"] * 130_000) + '],"y":1}',
        '{"command":"pwd","x":[' + ",".join(["1"] * 330_000) + '],"y":1}',
        '{"command":"pwd","x":{' + ",".join(['"\\\\\\"[":1'] * 200_000) + '},"y":1}',
        '{"command":"pwd","x":"' + '[,{\\"' * 200_000 + '"}',
    ],
    ids=["deep", "deep objects", "wide", "wide and flat", "wide object", "long"],
)
def test_of_a_line_all_is_there_but_what_is_too_much(given: str) -> None:
    entry = parse_line(line_with(given))
    assert (entry["parentUuid"], entry["type"], entry["uuid"]) == ("p", "assistant", "u")
    assert entry["message"]["usage"] == {"output_tokens": 1}
    (block,) = entry["message"]["content"]
    assert (block["id"], block["name"], block["input"]["command"]) == ("c1", "Bash", "pwd")
    assert is_bounded(block["input"]) or "left out" in json.dumps(block["input"])
    assert bounded(bounded(block["input"])) == bounded(block["input"])


def test_a_line_that_is_none_is_refused() -> None:
    for line in (b"", b"{", b"[" * 5_000, b'{"a":' * 5_000 + b"}", b"\xff" * 100, b'"' + b"[" * 99):
        with pytest.raises(ValueError):  # noqa: PT011 - a parser's words
            parse_line(line)


def test_no_line_holds_up_anything() -> None:
    line = line_with(filled("[],", 2**20).decode())
    assert min(longest_hold(lambda: parse_line(line)) for _ in range(5)) < HELD_SECONDS


@settings(max_examples=40)
@given(JSON, st.integers(1, 20))
def test_what_is_pared_is_json_still(value: Any, most: int) -> None:
    text = json.dumps([[[[value, value]]], 7])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bounds, "MOST_VALUES", most)
        pared = json.loads(json_text._pared(text))
    assert pared[1] == 7
    if text.count(",") <= most:
        assert pared == json.loads(text)
