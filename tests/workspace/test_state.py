from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
import pytest

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.workspace import State, state_directory

HAMMER = """
import sys
from pathlib import Path
from claude_agent_lsp.workspace import State
name, directory, folder, count = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
state = State(directory)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    state.begin(folder, f"{name}-{number}")
    if number % 2:
        state.settle(folder, f"{name}-{number}")
"""


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "parent" / "state")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def only_file(state: State) -> Path:
    (file,) = (state.directory / "folders").iterdir()
    return file


def test_a_folder_that_was_never_seen_has_nothing_and_nothing_is_made(
    state: State, folder: Path
) -> None:
    assert state.current(folder) is None
    assert state.begun(folder) == frozenset()
    assert not state.directory.exists()


def test_the_selected_session_survives_a_restart(state: State, folder: Path) -> None:
    state.select(folder, "one")
    assert State(state.directory).current(folder) == "one"
    state.select(folder, None)
    assert State(state.directory).current(folder) is None


def test_a_begun_session_is_current_and_begun_until_it_settles(state: State, folder: Path) -> None:
    state.begin(folder, "one")
    state.begin(folder, "two")
    assert state.current(folder) == "two"
    assert state.begun(folder) == {"one", "two"}
    state.settle(folder, "two")
    assert state.current(folder) == "two"
    assert state.begun(folder) == {"one"}
    state.settle(folder, "never begun")
    state.select(folder, "three")
    assert state.begun(folder) == {"one"}


def test_folders_are_apart_but_their_spellings_are_not(state: State, tmp_path: Path) -> None:
    a, b, link = tmp_path / "a", tmp_path / "b", tmp_path / "link"
    a.mkdir()
    link.symlink_to(a)
    state.select(link, "one")
    state.select(b, "two")
    assert state.current(a) == "one"
    assert state.current(a / ".." / "b") == "two"


def test_a_folder_whose_name_is_no_utf_8_is_kept_too(state: State, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    state.select(folder, "one")
    assert state.current(folder) == "one"


def test_the_oldest_begun_sessions_are_dropped_beyond_200(state: State, folder: Path) -> None:
    for number in range(200):
        state.begin(folder, str(number))
    state.begin(folder, "0")
    state.begin(folder, "new")
    begun = state.begun(folder)
    assert len(begun) == 200
    assert {"0", "new"} < begun
    assert "1" not in begun


def test_fork_is_kept_until_it_has_a_transcript(state: State, folder: Path) -> None:
    state.begin(folder, "copy", "source", "line")
    assert state.fork(folder, "copy") == ("source", "line")
    state.begin(folder, "other")
    assert state.fork(folder, "copy") == ("source", "line")
    assert state.fork(folder, "other") is None
    state.settle(folder, "copy")
    assert state.fork(folder, "copy") is None


def test_files_are_private_and_say_which_folder_they_are_for(state: State, folder: Path) -> None:
    state.begin(folder, "one")
    file = only_file(state)
    assert json.loads(file.read_bytes()) == {
        "path": str(folder.resolve()),
        "current": "one",
        "begun": ["one"],
        "forks": {},
        "cleared": {},
    }
    assert len(file.stem) == 16
    assert file.stat().st_mode & 0o777 == 0o600
    for directory in (state.directory, file.parent):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_change_that_changes_nothing_is_not_written(state: State, folder: Path) -> None:
    state.select(folder, "one")
    before = only_file(state).stat()
    state.select(folder, "one")
    assert only_file(state).stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 64,
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"path": PATH}',
        b'{"path": "/other", "current": null, "begun": []}',
        b'{"path": PATH, "current": 1, "begun": []}',
        b'{"path": PATH, "current": "a\\u0000", "begun": []}',
        b'{"path": PATH, "current": null, "begun": "one"}',
        b'{"path": PATH, "current": null, "begun": [null]}',
    ],
)
def test_a_damaged_file_counts_as_absent_is_logged_and_written_anew(
    state: State, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    state.begin(folder, "old")
    file = only_file(state)
    file.write_bytes(content.replace(b"PATH", json.dumps(str(folder.resolve())).encode()))
    with caplog.at_level(logging.WARNING):
        assert state.current(folder) is None
        assert state.begun(folder) == frozenset()
    assert str(file) in caplog.text
    state.begin(folder, "new")
    assert state.current(folder) == "new"
    assert state.begun(folder) == {"new"}


def test_a_directory_in_the_place_of_the_file_is_read_as_absent_and_refused_on_write(
    state: State, folder: Path
) -> None:
    state.begin(folder, "one")
    file = only_file(state)
    file.unlink()
    file.mkdir()
    assert state.current(folder) is None
    with pytest.raises(StoreUnavailable, match="Is a directory"):
        state.select(folder, "two")


@pytest.mark.parametrize("place", ["file", "file/state", "/proc/state"])
def test_an_unwritable_directory_is_named_on_write_and_never_fails_a_read(
    tmp_path: Path, folder: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    directory = tmp_path / place  # an absolute place stays as it is
    state = State(directory)
    assert state.current(folder) is None
    assert state.begun(folder) == frozenset()
    for write in (state.begin, state.select, state.settle):
        with pytest.raises(StoreUnavailable) as caught:
            write(folder, "one")
        assert str(directory) in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)
        assert str(caught.value.__cause__.strerror) in str(caught.value)
    assert state.check() == str(caught.value)


def test_a_good_directory_passes_the_check_and_is_left_clean(state: State) -> None:
    assert state.check() is None
    assert {path.name for path in state.directory.iterdir()} == {"folders", "lock"}


def test_a_directory_that_others_may_read_fails_the_check(state: State, folder: Path) -> None:
    state.begin(folder, "one")
    (state.directory / "folders").chmod(0o755)
    problem = state.check()
    assert problem is not None
    assert "chmod 700" in problem


def test_two_servers_lose_nothing_of_each_other(state: State, folder: Path) -> None:
    count = 80
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, name, str(state.directory), str(folder), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    try:
        for server in servers:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
        for server in servers:
            server.communicate("go\n", timeout=60)
            assert server.returncode == 0
    finally:
        for server in servers:
            server.kill()
            server.communicate()
    expected = {f"{name}-{number}" for name in "ab" for number in range(0, count, 2)}
    assert state.begun(folder) == expected
    only_file(state)


def test_threads_of_one_server_lose_nothing_of_each_other(state: State, folder: Path) -> None:
    ids = [f"id-{number}" for number in range(60)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda session_id: state.begin(folder, session_id), ids))
    assert state.begun(folder) == set(ids)


def test_the_lock_of_a_killed_server_is_free(state: State, folder: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from claude_agent_lsp.base.disk.files import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.readline()"
    )
    state.select(folder, "one")
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(state.directory / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "held\n"
    finally:
        server.kill()
        server.communicate()
    state.select(folder, "two")
    assert state.current(folder) == "two"


def test_the_environment_beats_the_setting_and_the_setting_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLAUDE_AGENT_LSP_STATE_DIRECTORY", "/from/environment")
    assert state_directory(Path("/from/setting")) == Path("/from/environment")
    monkeypatch.setenv("CLAUDE_AGENT_LSP_STATE_DIRECTORY", "")
    assert state_directory(Path("/from/setting")) == Path("/from/setting")
    monkeypatch.delenv("CLAUDE_AGENT_LSP_STATE_DIRECTORY")
    assert state_directory() == platformdirs.user_state_path("claude-agent-lsp", appauthor=False)


def test_a_session_is_forgotten_in_every_folder(state: State, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    state.begin(folder, "gone")
    state.begin(other, "copy", source="gone", at="line")
    state.begin(other, "kept", source="source")
    state.select(other, "gone")
    (state.directory / "folders" / "damaged.json").write_text("{")
    state.forget("gone")
    again = State(state.directory)
    assert (again.current(folder), again.begun(folder)) == (None, frozenset())
    assert (again.current(other), again.begun(other)) == (None, frozenset({"copy", "kept"}))
    assert (again.fork(other, "copy"), again.fork(other, "kept")) == (None, ("source", None))
    assert all(b"gone" not in file.read_bytes() for file in (state.directory / "folders").iterdir())


def test_what_could_not_be_written_is_forgotten_too(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").write_text("")
    state = State(tmp_path / "file" / "state")
    with pytest.raises(StoreUnavailable):
        state.select(folder, "gone")
    with pytest.raises(StoreUnavailable):
        state.forget("gone")
    assert state.current(folder) is None
