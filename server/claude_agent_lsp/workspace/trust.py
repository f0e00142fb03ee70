"""Which folders the user trusts: in any other, nothing that a repository brings along runs.

    decided here (`claudeAgent.trust`, the question) ──▶ accepted in the terminal ──▶ not trusted

A decision holds for the folders below too, and the nearest one counts. What the user has accepted
in the terminal is the CLI's own record (`hasTrustDialogAccepted`, CLI 2.1.330), which is only read.
Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.files import locked, replace_file
from claude_agent_lsp.base.disk.private import WRITE, make_directory, others_may
from claude_agent_lsp.base.disk.reading import open_regular, read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

logger = logging.getLogger(__name__)

LOOKS: Final = 5
LOOK_AGAIN_SECONDS: Final = 0.05
# What the CLI reads of a folder, and what may be code, or lead to some.
PROJECT_FILES: Final = (
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".mcp.json",
    "CLAUDE.md",
    ".claude/CLAUDE.md",
    ".claude/agents",
    ".claude/commands",
    ".claude/skills",
)


class Trust:
    """The user's decisions.

    Args:
        directory: The state directory of this user. Never one that a setting names: a repository's
            own settings could name one in which it trusts itself.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def decision_on(self, folder: Path) -> bool | None:
        """Return whether a folder is trusted; None if nobody has decided."""
        ours = self._decided()
        if ours is None:  # a folder above may be trusted, and this one not: nobody knows
            return None
        accepted = _accepted_in_terminal()
        for place in _upwards(folder):
            if place in ours:
                return ours[place]
            if place in accepted:
                return True
        return None

    def stamp(self) -> tuple[object, ...]:
        """Return what changes with each decision, by any server or in the terminal."""
        return tuple(_stamp_of(file) for file in (self._file, _terminals_record()))

    def decide(self, folder: Path, *, trusted: bool) -> None:
        """Remember a decision.

        Raises:
            StoreUnavailable: It could not be written.
        """
        try:
            make_directory(self._directory)
            with locked(self._directory / "lock"):
                before = self._decided()
                if before is None:  # to be put right by hand: it may have refused other folders
                    self._put_aside()
                decided = {**(before or {}), os.path.realpath(folder): trusted}
                replace_file(self._file, json.dumps(decided, indent=1).encode())
        except OSError as error:
            raise StoreUnavailable(
                f"The decision about {folder} can't be saved in {self._directory}: "
                f"{error.strerror or error}."
            ) from error

    @property
    def _file(self) -> Path:
        return self._directory / "trust.json"

    def _is_ours(self) -> bool:
        """Return whether nobody else can have written the decisions."""
        try:
            wrong = others_may(self._file, WRITE)
        except OSError as error:
            wrong = str(error)
        if wrong is None:
            return True
        logger.warning("The decisions in %s count for nothing: %s", self._file, wrong)
        return False

    def _put_aside(self) -> None:
        if self._file.is_file():
            open_regular(self._file).close()  # what can't be read just now is not damaged
        aside = self._file.with_name(f"{self._file.name}.damaged")
        self._file.replace(aside)
        logger.warning("The decisions before this one are lost; their file is now %s", aside)

    def _decided(self) -> dict[str, bool] | None:
        decided = _object_in(self._file)
        if decided is None or (decided and not self._is_ours()):
            return None
        return {path: value for path, value in decided.items() if isinstance(value, bool)}


def project_files(folder: Path) -> tuple[str, ...]:
    """Return what a folder brings along that the CLI would read if it were trusted."""
    return tuple(name for name in PROJECT_FILES if os.path.lexists(folder / name))


def _upwards(folder: Path) -> Iterator[str]:
    real = Path(os.path.realpath(folder))
    return map(os.fspath, (real, *real.parents))


def _terminals_record() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json"


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _accepted_in_terminal() -> frozenset[str]:
    for _ in range(LOOKS):
        if (record := _object_in(_terminals_record())) is not None:
            break
        time.sleep(LOOK_AGAIN_SECONDS)  # a CLI may be writing it just now
    projects = (record or {}).get("projects")
    if not isinstance(projects, dict):
        return frozenset()
    # The CLI writes real paths. Looked up they would be waited for, whatever disk they are on, and
    # a link that leads elsewhere by now would be trusted with what nobody has accepted.
    return frozenset(
        path
        for path, project in projects.items()
        if isinstance(project, dict) and project.get("hasTrustDialogAccepted") is True
    )


def _object_in(file: Path) -> Mapping[str, Any] | None:
    """Return a JSON file's object, empty if there is no file; None if it is something else."""
    try:
        content = parse_json(read_regular(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        logger.warning("%s can't be read: %s", file, error)
        return None
    return content if isinstance(content, dict) else None
