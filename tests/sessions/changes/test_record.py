"""What runs have changed is read as it was written, and what is damaged is left out."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions.changes import copies as copying
from claude_agent_lsp.sessions.changes.copies import Copies, Version
from claude_agent_lsp.sessions.changes.record import Change, ChangeRecord, Reviewed, Unseen

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.changes.record import Entry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = ChangeRecord(tmp_path, "one")
    odd = os.fsdecode(b"\xff\n.txt")
    kept = record.copies.keep(b"x", 0o640)
    entries: list[Entry] = [
        Change("r1", NOW, odd, None, kept, moved_from="b"),
        Change("r1", NOW, "b", Version(None, 0o644, "it is gone"), None, moved_to=odd),
        Unseen("r2", NOW, "no time"),
        Reviewed(NOW, odd, kept, ((1, 2), (4, 4))),
        Reviewed(NOW, "b", None),
    ]
    record.append(entries[:1])
    record.append(entries[1:])
    assert record.read() == entries
    assert [each.kept for each in entries if isinstance(each, Change)] == [True, False]


def test_what_is_damaged_is_left_out(tmp_path: Path) -> None:
    record = ChangeRecord(tmp_path, "one")
    record.append([Unseen("r1", NOW, "x")])
    file = tmp_path / "changes" / "one" / "record.jsonl"
    bad = b'{"run":"r","at":"%s","path":"a","before":{"mode":1,"digest":"../x"},"after":null}\n'
    file.write_bytes(file.read_bytes() + b"[]\nx\n{}\n" + bad % NOW.isoformat().encode() + b'{"ru')
    record.append([Unseen("r2", NOW, "y")])
    assert [each.run_id for each in record.read() if isinstance(each, Unseen)] == ["r1", "r2"]
    assert len(record.read()) == 2


def test_a_copy_of_a_session_knows_what_was_before_it(tmp_path: Path) -> None:
    record = ChangeRecord(tmp_path, "one")
    first, second, third = (record.copies.keep(text, 0o644) for text in (b"1", b"2", b"3"))
    entries: list[Entry] = [
        Change("r1", NOW, "a", None, first),
        Reviewed(NOW, "a", third),
        Change("r2", NOW + timedelta(seconds=2), "a", first, second),
    ]
    record.append(entries)
    record.copy("two", NOW + timedelta(seconds=1))
    other = ChangeRecord(tmp_path, "two")
    assert other.read() == entries[:2]
    for version, content in ((first, b"1"), (third, b"3")):
        assert version.digest is not None
        assert other.copies.read(version.digest) == content


def test_what_has_no_room_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MOST_TOGETHER", 5)
    copies = Copies(tmp_path / "c")
    assert copies.keep(b"123", 0o644).digest
    assert copies.keep(b"4567", 0o644) == Version(None, 0o644, copying.FULL)
    # Another process finds what is there.
    assert Copies(tmp_path / "c").keep(b"4567", 0o644).lost == copying.FULL


def test_a_link_is_not_followed_and_a_copy_that_was_changed_is_none(tmp_path: Path) -> None:
    copies = Copies(tmp_path / "c")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    found = copies.keep_file(tmp_path / "link")
    assert found is not None
    assert (found.digest, found.lost) == (None, copying.NO_FILE)
    kept = copies.keep(b"x", 0o644)
    assert kept.digest is not None
    (tmp_path / "c" / kept.digest).write_bytes(b"y")
    with pytest.raises(OSError, match="is damaged"):
        copies.read(kept.digest)
