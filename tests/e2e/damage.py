"""What can become of a file, by a damaged disk or by somebody's hand."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOT_OURS = "not ours\n"


class Elsewhere:
    """A directory that is none of the server's, with a file in it."""

    def __init__(self, place: Path) -> None:
        place.mkdir()
        self.nothing = place / "nothing"
        self.file = place / "file"
        self.file.write_text(NOT_OURS)

    def untouched(self) -> bool:
        """Whether all there is as it was."""
        return self.file.read_text() == NOT_OURS and not os.path.lexists(self.nothing)


def cut_in_half(path: Path, _: Elsewhere) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path, _: Elsewhere) -> None:
    path.write_bytes(os.urandom(4096))


def a_directory(path: Path, _: Elsewhere) -> None:
    _remove(path)
    path.mkdir()


def a_file(path: Path, _: Elsewhere) -> None:
    _remove(path)
    path.write_text(NOT_OURS)


def a_link(path: Path, elsewhere: Elsewhere) -> None:
    _remove(path)
    path.symlink_to(elsewhere.file)


def a_link_to_nothing(path: Path, elsewhere: Elsewhere) -> None:
    _remove(path)
    path.symlink_to(elsewhere.nothing)


def a_link_to_the_input(path: Path, _: Elsewhere) -> None:
    _remove(path)
    path.symlink_to("/dev/stdin")


def a_pipe(path: Path, _: Elsewhere) -> None:
    _remove(path)
    os.mkfifo(path)


OF_CONTENT: tuple[Callable[[Path, Elsewhere], None], ...] = (cut_in_half, overwritten)
IN_ITS_PLACE: tuple[Callable[[Path, Elsewhere], None], ...] = (
    a_link,
    a_link_to_nothing,
    a_link_to_the_input,
    a_pipe,
)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
