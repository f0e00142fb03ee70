"""Which folders the user trusts: in any other, nothing that a repository brings along runs.

    decided here (`claudeAgent.trust`, the question) ──▶ accepted in the terminal ──▶ not trusted

A decision holds for the folders below too, and the nearest one counts. It is about the folder that
was there (`decisions.py`), and never about what somebody else has made since. What the user has
accepted in the terminal is the CLI's own record (`hasTrustDialogAccepted`, CLI 2.1.330), which is
only read; it has paths alone, as the decisions of older servers have.
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
from claude_agent_lsp.base.disk.places import nobody_elses, place_of
from claude_agent_lsp.base.disk.private import WRITE, make_directory, others_may
from claude_agent_lsp.base.disk.reading import open_regular, read_regular
from claude_agent_lsp.base.system.file_io import replace
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.workspace.decisions import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.base.disk.places import Place

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
    ".claude/scheduled_tasks.json",
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

    def decision_on(self, place: Place) -> bool | None:
        """Return whether a folder is trusted; None if nobody has decided about that very one."""
        ours = self._decided()
        if ours is None:  # a folder above may be trusted, and this one not: nobody knows
            return None
        accepted = _accepted_in_terminal()
        chain = (place, *place.above)
        for number, each in enumerate(chain, 1):
            if any(not known.trusted and known.is_about(each) for known in ours.values()):
                return False
            way, decision = chain[:number], ours.get(each.path)
            if decision is not None and not decision.trusted:
                # Of what has taken its place nobody has said that it is trusted, as one above is.
                return False if decision.may_be_about(each) else None
            if decision is not None and decision.may_be_about(each):
                if nobody_elses(way, decision.owner):
                    return True
            elif each.path in accepted and nobody_elses(way):
                return True
        return None

    def stamp(self) -> tuple[object, ...]:
        """Return what changes with each decision, by any server or in the terminal."""
        return tuple(_stamp_of(file) for file in (self._file, _terminals_record()))

    def decide(self, folder: Path, *, trusted: bool, place: Place | None = None) -> None:
        """Remember a decision; it takes the place of each about the same folder by another name.

        Args:
            folder: The folder.
            trusted: Whether it is trusted.
            place: What it is, if that is known already.

        Raises:
            StoreUnavailable: It could not be written.
        """
        place = place or place_of(folder)
        new = (
            Decision(os.path.realpath(folder), trusted)
            if place is None
            else Decision.about(place, trusted=trusted)
        )
        try:
            make_directory(self._directory)
            with locked(self._directory / "lock"):
                before = self._decided()
                if before is None:  # to be put right by hand: it may have refused other folders
                    self._put_aside()
                others = [
                    each
                    for each in (before or {}).values()
                    if place is None or not each.is_about(place)
                ]
                kept = {each.path: each.kept() for each in (*others, new)}
                replace_file(self._file, json.dumps(kept, indent=1).encode())
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
        replace(self._file, aside)
        logger.warning("The decisions before this one are lost; their file is now %s", aside)

    def _decided(self) -> dict[str, Decision] | None:
        kept = _object_in(self._file)
        if kept is None or (kept and not self._is_ours()):
            return None
        read = (Decision.read(path, value) for path, value in kept.items())
        return {decision.path: decision for decision in read if decision is not None}


def project_files(folder: Path) -> tuple[str, ...]:
    """Return what a folder brings along that the CLI would read if it were trusted."""
    return tuple(name for name in PROJECT_FILES if os.path.lexists(folder / name))


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
