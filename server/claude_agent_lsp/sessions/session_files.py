"""All that a session has on disk, the CLI's files and our own: the one place that knows it.

    <state>/journal/<id>.jsonl              what the CLI has lost of it
    <state>/queue/<id>.<server>.jsonl       the queries that wait for it
    <state>/kept/<project>/<id>.jsonl       its copy, for when the CLI has deleted its own
    <state>/kept/<project>/<id>.leaves      when that is to make room
    <state>/transcripts/<id>[-<run>].md     documents that an editor was shown
    <state>/prompts/<id>.claude.md          it as a document in which the user types
    <state>/plans/<id>[-<question>].md      the plan that was asked about last, questions to be read
    <state>/runs/<id>.jsonl                 what its runs knew besides what was said
    <state>/questions/<id>.*                questions that its editor did not show, and answers
    <state>/changes/<id>/                   what its runs have changed, with copies
    <state>/reviews/<id>.diff               that, as a document that an editor was shown
    <state>/branches/<id>.json              which session has what it lacks of one it came of
    <state>/rewinds/<id>.json               what was put back
    <state>/shared/<id>.json                how far it has been sent to a store
    <state>/costs/<id>.json                 what it has cost
    <state>/pinned/<id>, archived/<id>      that the user has marked it

Beside these is what has no file of its own, which `edit_session.what_knows` names, and its lock.
What the CLI (2.1.330) keeps by a session's id stands in `OF_THE_CLI`; one that was killed has also
left a record of itself, by its process id, which names its session. The audit log is none of it:
it is the user's record of what was done, whatever becomes of the conversation. Everything here
touches the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.reading import read_own
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.lock import has_process
from claude_agent_lsp.sessions.transcripts.transcript import config_directory
from claude_agent_lsp.workspace.temporary import directories_of_the_cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The transcripts come first: what is left of a session without one is found by the clean-up.
OF_THE_CLI: Final = (
    "projects/*/{}.jsonl",
    "projects/*/{}",  # its subagents, and long results of its tools
    "file-history/{}",
    "session-env/{}",
    "tasks/{}",
    "image-cache/{}",
    "todos/{}*.json",
    "debug/{}.txt",
    "usage-data/facets/{}.json",
    "usage-data/session-meta/{}.json",
)
# What background tasks have put out, below the CLI's temporary directories.
TEMPORARY: Final = "*/{}"
# Where a CLI says what it is at work for, as long as it is; and how much it says at most.
RECORDS: Final = "sessions"
MOST_OF_RECORD: Final = 2**16
OURS: Final = (
    "kept/*/{}.jsonl",
    "kept/*/{}.leaves",
    "journal/{}.jsonl",
    "queue/{}.*.jsonl",
    "shared/{}.json",
    "transcripts/{}.md",
    "transcripts/{}-*.md",
    "prompts/{}.claude.md",
    "plans/{}.md",
    "plans/{}-*.md",
    "runs/{}.jsonl",
    "questions/{}.*",
    "changes/{}",
    "reviews/{}.diff",
    "branches/{}.json",
    "rewinds/{}.json",
    "costs/{}.json",
    "pinned/{}",
    "archived/{}",
    # Half-written by a server that was killed: see `replace_file`.
    "kept/*/.{}*",
    *(f"{name}/.{{}}*" for name in ("branches", "costs", "journal", "plans", "queue", "rewinds")),
    "questions/.{}*",
    *(f"{name}/.{{}}*" for name in ("reviews", "shared", "transcripts")),
)


def files_of(session_id: str, state_directory: Path) -> Iterator[Path]:
    """Return all files and directories of a session that are there, its transcripts first."""
    name = glob.escape(session_id)
    places = (
        (config_directory(), OF_THE_CLI),
        *((place, (TEMPORARY,)) for place in directories_of_the_cli(os.environ)),
        (state_directory, OURS),
    )
    for place, patterns in places:
        for pattern in patterns:
            yield from place.glob(pattern.format(name))
    yield from _records_left_of(session_id)


def _records_left_of(session_id: str) -> Iterator[Path]:
    """Return the records of CLIs that are gone, and the keys by which others spoke to them."""
    place = config_directory() / RECORDS
    for record in place.glob("*.json"):
        try:
            said = parse_json(read_own(record, MOST_OF_RECORD))
        except (OSError, ValueError):
            continue
        pid = record.stem
        of_it = isinstance(said, dict) and said.get("sessionId") == session_id
        if of_it and pid.isdecimal() and not has_process(int(pid)):
            yield record
            yield from place.glob(f"{pid}.*.key")


def remove_files_of(session_id: str, state_directory: Path) -> None:
    """Remove them all.

    Raises:
        OSError: Some could not be removed; all that could be are gone.
    """
    fault: OSError | None = None
    for path in files_of(session_id, state_directory):
        try:
            _remove(path)
        except OSError as error:
            fault = fault or error
    if fault is not None:
        raise fault


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
