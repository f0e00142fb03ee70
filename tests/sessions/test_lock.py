"""One run at a time has a session, also across processes; and no lock outlives its holder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions import lock as module
from claude_agent_lsp.sessions.lock import SessionLocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 10.0  # only catches hangs
SESSION = "6f1d3b9e-0000-4000-8000-000000000000"
OTHER = "6f1d3b9e-0000-4000-8000-000000000001"
HOLDER = """
import sys
from pathlib import Path
from claude_agent_lsp.sessions.lock import SessionLocks
ownership = SessionLocks(lambda: Path(sys.argv[1]), "Neovim")
ownership.claim(sys.argv[2], "run-1")
print("claimed", flush=True)
sys.stdin.readline()
ownership.release(sys.argv[2], "run-1")
print("released", flush=True)
sys.stdin.readline()
"""
# Whoever has the session makes a file that nobody else may have made.
CONTENDER = """
import os, sys
from pathlib import Path
from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions import lock as module
from claude_agent_lsp.sessions.cleanup import _remove_lock
module.CHANGING_SECONDS = 0.0
state, session, job = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
inside, lock = state / "inside", state / "locks" / f"{session}.lock"
mine = module.SessionLocks(lambda: state)
print("ready", flush=True)
sys.stdin.readline()
had = 0
while had < 300:
    if job == "clean":
        had += 1
        if lock.exists():
            _remove_lock(lock)
        continue
    try:
        mine.claim(session, "run")
    except SessionBusy:
        continue
    os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
    inside.unlink()
    mine.release(session, "run")
    had += 1
"""


@pytest.fixture
def ownership(tmp_path: Path) -> SessionLocks:
    return SessionLocks(lambda: tmp_path, "Helix")


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another server, which has the session."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), SESSION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    yield process
    process.kill()
    process.communicate()


def test_a_session_has_one_run(ownership: SessionLocks) -> None:
    ownership.claim(SESSION, "one")
    ownership.claim(OTHER, "two")
    with pytest.raises(SessionBusy, match="run one is active"):
        ownership.claim(SESSION, "three")
    ownership.release(SESSION, "three")
    assert ownership.owner(SESSION) == "one"
    ownership.release(SESSION, "one")
    assert ownership.owner(SESSION) is None
    assert ownership.busy(SESSION) is False
    assert ownership.claim(SESSION, "three") is False


def test_who_is_refused_is_told_who_has_it(
    ownership: SessionLocks, holder: subprocess.Popen[str]
) -> None:
    assert ownership.busy(SESSION)
    with pytest.raises(
        SessionBusy, match=rf"Neovim \(process {holder.pid}\) has an active run"
    ) as busy:
        ownership.claim(SESSION, "mine")
    assert "fork" in busy.value.hint
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "released\n"
    assert not ownership.busy(SESSION)
    assert ownership.claim(SESSION, "mine") is False


def test_the_lock_of_a_killed_holder_is_free_and_says_that_it_was_killed(
    ownership: SessionLocks, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()
    assert not ownership.busy(SESSION)
    assert ownership.claim(SESSION, "mine") is True
    ownership.release(SESSION, "mine")
    assert ownership.claim(SESSION, "mine") is False


def test_removing_the_file_never_lets_two_have_the_session(tmp_path: Path) -> None:
    contenders = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(tmp_path), SESSION, job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for job in ("claim", "claim", "claim", "clean")
    ]
    for each in contenders:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in contenders:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    told = [each.communicate(timeout=50)[1] for each in contenders]
    assert [each.returncode for each in contenders] == [0] * 4, told
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_session_that_is_given_back_leaves_no_file(
    ownership: SessionLocks, tmp_path: Path
) -> None:
    ownership.claim(SESSION, "one")
    assert len(list((tmp_path / "locks").iterdir())) == 1
    ownership.release(SESSION, "one")
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_session_is_given_back_where_it_was_taken(tmp_path: Path) -> None:
    directory = tmp_path / "here"
    ownership = SessionLocks(lambda: directory)
    ownership.claim(SESSION, "one")
    directory = tmp_path / "moved"
    ownership.release(SESSION, "one")
    assert list((tmp_path / "here" / "locks").iterdir()) == []
    assert not (tmp_path / "moved").exists()


def test_a_file_that_makes_no_sense_is_no_holder(ownership: SessionLocks, tmp_path: Path) -> None:
    path = tmp_path / "locks" / f"{SESSION}.lock"
    path.parent.mkdir()
    for content in (b"\0\0", b"[]", b'{"pid": "x"}', json.dumps({"pid": os.getpid()}).encode()):
        path.write_bytes(content)
        assert not ownership.busy(SESSION)
        assert ownership.claim(SESSION, "mine") is False
        ownership.release(SESSION, "mine")


def test_where_no_lock_can_be_made_the_user_works_on(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in its place")
    ownership = SessionLocks(lambda: tmp_path / "state")
    ownership.claim(SESSION, "one")
    with pytest.raises(SessionBusy):
        ownership.claim(SESSION, "two")
    ownership.release(SESSION, "one")


class _HangingDisk:
    """A disk that does not answer for one session until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, session_id: str) -> None:
        self.reached = threading.Event()
        self.back = threading.Event()
        for name in ("try_lock", "unlock_and_remove"):
            monkeypatch.setattr(module, name, self._hanging(getattr(module, name), session_id))

    def _hanging(self, real: Callable[..., Any], session_id: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if session_id in str(arguments[-1]):
                self.reached.set()
                assert self.back.wait(SECONDS)
            return real(*arguments)

        return call


@pytest.mark.parametrize("step", ["claim", "release"])
def test_a_disk_that_hangs_for_one_session_holds_up_no_other(
    ownership: SessionLocks, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    if step == "release":
        ownership.claim(SESSION, "one")
    disk = _HangingDisk(monkeypatch, SESSION)
    with ThreadPoolExecutor(2) as threads:
        hanging = threads.submit(getattr(ownership, step), SESSION, "one")
        assert disk.reached.wait(SECONDS)

        def work() -> bool:
            ownership.claim(OTHER, "two")
            busy = ownership.busy(OTHER)
            ownership.release(OTHER, "two")
            return busy

        try:
            assert threads.submit(work).result(SECONDS / 2) is True
            assert not ownership.while_at_rest(lambda: None)
            assert not hanging.done()
        finally:
            disk.back.set()
        hanging.result(SECONDS)
    assert ownership.owner(SESSION) == ("one" if step == "claim" else None)
    assert ownership.while_at_rest(lambda: None) is (step == "release")


def test_of_many_that_want_a_session_at_the_same_time_one_gets_it(ownership: SessionLocks) -> None:
    def claim(run: int) -> bool:
        try:
            ownership.claim(SESSION, str(run))
        except SessionBusy:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(claim, range(64))) == 1


def test_a_lock_that_can_not_be_read_is_given_back_all_the_same(
    ownership: SessionLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pread", fail)
        assert ownership.claim(SESSION, "run-1") is False
    ownership.release(SESSION, "run-1")
    assert ownership.claim(SESSION, "run-2") is False


def _unreadable(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0)


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        pytest.param(
            getattr(os, "mkfifo", None),
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes"),
        ),
        pytest.param(
            _unreadable,
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything"),
        ),
    ],
    ids=["directory", "named pipe", "unreadable"],
)
def test_what_is_no_lock_lets_nobody_in_and_is_named(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "locks" / f"{SESSION}.lock"
    path.parent.mkdir()
    make(path)
    servers = [SessionLocks(lambda: tmp_path) for _ in range(2)]
    for server in servers:
        assert not server.busy(SESSION)
        with pytest.raises(StoreUnavailable, match="can't be locked") as refused:
            server.claim(SESSION, "mine")
        assert f"remove {path}" in refused.value.hint
        assert server.while_at_rest(lambda: None)
    path.rmdir() if path.is_dir() else path.unlink()
    servers[0].claim(SESSION, "mine")
    with pytest.raises(SessionBusy):
        servers[1].claim(SESSION, "theirs")
    servers[0].release(SESSION, "mine")


def test_while_none_has_a_session_the_directory_moves_and_none_is_claimed(tmp_path: Path) -> None:
    place = tmp_path / "before"
    ownership = SessionLocks(lambda: place)
    claiming: list[Future[bool]] = []

    def move() -> None:
        nonlocal place
        claiming.append(threads.submit(ownership.claim, SESSION, "run"))
        while threads._work_queue.qsize():  # it has a thread, and gets no further
            time.sleep(0.001)
        place = tmp_path / "moved"

    with ThreadPoolExecutor(1) as threads:
        assert ownership.while_at_rest(move)
        claiming[0].result(SECONDS)
    assert [path.name for path in tmp_path.glob("*/locks")] == ["locks"]
    assert (tmp_path / "moved" / "locks" / f"{SESSION}.lock").exists()
    assert not ownership.while_at_rest(move)
    ownership.release(SESSION, "run")
    with ownership.on_the_way():
        assert not ownership.while_at_rest(move)
    assert place == tmp_path / "moved"
