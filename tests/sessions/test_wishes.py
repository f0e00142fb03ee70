"""What servers want of each other's sessions, and what they make of what stands there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.sessions.lock import Holder
from claude_agent_lsp.sessions.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSION = "6f1d3b9e-0000-4000-8000-000000000000"


@pytest.fixture
def other() -> Iterator[Holder]:
    """Another server that is there."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield Holder("", "Neovim", process.pid, psutil.Process(process.pid).create_time())
        process.kill()


def wishes(state: Path, who: Holder | None = None) -> Wishes:
    me = Holder("", "Emacs", os.getpid(), psutil.Process().create_time())
    return Wishes(lambda: state, who or me)


def test_a_wish_says_what_was_agreed_and_is_replied_to(tmp_path: Path, other: Holder) -> None:
    theirs, mine = wishes(tmp_path, other), wishes(tmp_path)
    made = theirs.make(SESSION, stops=True, ends_background=False)
    path = tmp_path / "locks" / f"{SESSION}.wanted"
    assert path.stat().st_mode & 0o777 == 0o600
    assert mine.of_others(SESSION) == made
    assert (made.stops, made.ends_background, made.holder) == (True, False, other)
    assert theirs.of_others(SESSION) is None, "it is its own"
    assert theirs.reply_to(SESSION, made) is None
    mine.reply(SESSION, made, "a server")
    reply = theirs.reply_to(SESSION, made)
    assert reply is not None
    assert reply.would_end == "a server"
    # What was replied to one wish is no reply to the next.
    again = theirs.make(SESSION, stops=True)
    assert theirs.reply_to(SESSION, again) is None
    mine.withdraw(SESSION)
    assert path.exists(), "it is somebody else's"
    theirs.withdraw(SESSION)
    assert not list(path.parent.iterdir())


def test_one_of_an_older_version_is_for_what_is_kept(tmp_path: Path, other: Holder) -> None:
    wishes(tmp_path, other).make(SESSION)
    path = tmp_path / "locks" / f"{SESSION}.wanted"
    found = json.loads(path.read_text())
    for name in ("stops", "ends_background", "wish"):
        del found[name]
    path.write_text(json.dumps(found))
    wish = wishes(tmp_path).of_others(SESSION)
    assert wish is not None
    assert (wish.stops, wish.ends_background) == (False, True)


def test_one_of_a_server_that_is_gone_counts_no_more(tmp_path: Path) -> None:
    wishes(tmp_path, Holder("", "Neovim", os.getpid(), 1.0)).make(SESSION, stops=True)
    assert wishes(tmp_path).of_others(SESSION) is None


@pytest.mark.parametrize("damage", [b"", b"[]", b"\xff", b"{" * 5000, b'{"pid": "1"}', b"x" * 9000])
def test_what_makes_no_sense_is_no_wish(tmp_path: Path, damage: bytes) -> None:
    mine = wishes(tmp_path)
    (tmp_path / "locks").mkdir()
    for kind in ("wanted", "reply"):
        (tmp_path / "locks" / f"{SESSION}.{kind}").write_bytes(damage)
    assert mine.of_others(SESSION) is None
    assert mine.reply_to(SESSION, mine.make(SESSION)) is None


@pytest.mark.parametrize("place", ["link", "pipe", "directory"])
def test_what_others_could_have_put_there_is_no_wish(
    tmp_path: Path, other: Holder, place: str
) -> None:
    theirs: Any = wishes(tmp_path, other)
    theirs.make(SESSION, stops=True)
    path = tmp_path / "locks" / f"{SESSION}.wanted"
    path.rename(tmp_path / "elsewhere")
    if place == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif place == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert wishes(tmp_path).of_others(SESSION) is None
