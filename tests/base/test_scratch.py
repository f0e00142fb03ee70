"""What is not to last, and what a process that was killed has left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from claude_agent_lsp.base.disk.scratch import LOCK, PREFIX, UNLOCKED_SECONDS, Scratch
from claude_agent_lsp.base.disk.scratch import remove_abandoned as remove

LEAVES = """
import sys
from claude_agent_lsp.base.disk.scratch import scratch
directory = scratch.make()
(directory / "secret").write_text("key")
print(directory.parent, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path))
    return tmp_path


def test_one_directory_for_all_is_there_as_long_as_anything_is(temporary: Path) -> None:
    scratch = Scratch()
    first, second = scratch.make(), scratch.make()
    (first / "a").touch()
    assert first.parent == second.parent
    assert first.stat().st_mode & 0o777 == 0o700
    scratch.remove(first)
    assert second.is_dir()
    for _ in range(2):
        scratch.remove(second)
    assert list(temporary.iterdir()) == []
    scratch.remove(scratch.make())
    # Somebody tidies up while it is in use.
    shutil.rmtree(scratch.make().parent)
    again = scratch.make()
    assert again.is_dir()
    scratch.remove(again)
    assert list(temporary.iterdir()) == []


def test_what_is_in_use_stays_and_what_a_killed_process_has_left_goes(temporary: Path) -> None:
    environment = {**os.environ, "TMPDIR": os.fspath(temporary)}
    own = Scratch().make()
    with subprocess.Popen(
        [sys.executable, "-c", LEAVES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert remove() == 0
        assert len(list(left.rglob("secret"))) == 1
        process.kill()
        process.wait()
        assert remove() == 1
    assert not left.exists()
    assert own.is_dir()


def test_only_what_is_certainly_ours_and_left_is_removed(temporary: Path) -> None:
    others = temporary / "others"
    (others / "sub").mkdir(parents=True)
    (others / LOCK).touch()
    (temporary / f"{PREFIX}abcdefgh").symlink_to(others)
    (temporary / f"{PREFIX}file1234").touch()
    (temporary / f"{PREFIX}demo-abcdefgh").mkdir()
    (temporary / f"{PREFIX}being_m1").mkdir()
    pipe = temporary / f"{PREFIX}pipe1234"
    pipe.mkdir()
    os.mkfifo(pipe / LOCK)
    assert remove() == 0
    assert (others / "sub").is_dir()
    assert remove(now=time.time() + UNLOCKED_SECONDS + 60) == 1
    assert not (temporary / f"{PREFIX}being_m1").exists()
    assert (temporary / f"{PREFIX}demo-abcdefgh").is_dir()
