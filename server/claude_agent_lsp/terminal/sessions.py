"""`claude-agent-lsp sessions`: the catalogue in a terminal, for people and for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.errors import InvalidArgument, RequestFailed, SessionNotFound
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.index import Index
from claude_agent_lsp.sessions.catalogue.kept_copies import TAG, KeptCopies
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.terminal.screen import open_screen
from claude_agent_lsp.workspace.state import State, state_directory

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.catalogue import Session

TITLE_LENGTH: Final = 200
# As many characters of an id as a person wants to type.
SHORT: Final = 8
# Of a session id: nothing else of what a person types may be taken for one, a pattern least of all.
_BEGINNING: Final = re.compile(r"[0-9a-f][0-9a-f-]{0,35}")
# All that moves a terminal's cursor or changes its colours; line ends and tabs may stay.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def sessions(options: Namespace) -> int:
    """Carry a subcommand out.

    Args:
        options: What `cli.py` has read of the command line.

    Returns:
        The exit status: 1 if it could not be done.
    """
    state = State(state_directory())
    ownership = SessionLocks(lambda: state.directory, "a terminal")
    catalogue = Catalogue(Index(state.directory), ownership.busy, state.current)
    commands = {"list": _list, "show": _show, "export": _export, "delete": _delete}
    try:
        return commands[options.sessions_command](options, catalogue, state)
    except RequestFailed as error:
        sys.stderr.write(f"{_plain(str(error))} {_plain(error.hint)}\n")
    except InvalidArgument as error:
        sys.stderr.write(f"{_plain(str(error))}\n")
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _list(options: Namespace, catalogue: Catalogue, state: State) -> int:
    kept = KeptCopies(state.directory)
    folder: Path | None = None if options.all else options.folder.absolute()
    page = catalogue.page(folder, search=options.search, tag=options.tag, limit=options.limit)
    for session in page.sessions:
        if session.tag == TAG:  # some other program may have set it
            kept.keep_if_tagged(session.session_id)
    if options.json:
        _write_json({"sessions": page.sessions})
        return 0
    console = open_screen()
    if not page.sessions:
        where = "" if folder is None else f" of {folder}"
        console.print(Text(f"No sessions{where} match."), soft_wrap=True)
    elif console.is_terminal:
        console.print(_table(page.sessions, with_folder=options.all))
    else:
        for session in page.sessions:
            console.print(Text("  ".join(_cells(session, with_folder=True))), soft_wrap=True)
    if page.next_cursor is not None:
        sys.stderr.write(f"Only the newest {options.limit} are shown; --limit shows more.\n")
    return 0


def _table(found: tuple[Session, ...], *, with_folder: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Id", no_wrap=True)
    table.add_column("Changed", no_wrap=True, style="dim")
    table.add_column("Tag", no_wrap=True, max_width=12, style="cyan")
    table.add_column("Title", overflow="ellipsis", no_wrap=True, ratio=1)
    if with_folder:
        table.add_column("Folder", overflow="fold", style="dim", ratio=1)
    for session in found:
        first, *others = _cells(session, with_folder=with_folder)
        table.add_row(*(Text(cell) for cell in (first[:SHORT], *others)))
    table.expand = True
    return table


def _cells(session: Session, *, with_folder: bool) -> list[str]:
    changed = f"{session.last_modified.astimezone():%Y-%m-%d %H:%M}"
    title = one_line(session.title, TITLE_LENGTH)
    cells = [session.session_id, changed, one_line(session.tag or "", TITLE_LENGTH), title]
    return [*cells, one_line(str(session.workspace), 1000)] if with_folder else cells


def _show(options: Namespace, catalogue: Catalogue, state: State) -> int:
    session = _find_session(options.session, catalogue)
    if options.json:
        from claude_agent_lsp.sessions.reading.reading import read_messages

        messages = read_messages(session.session_id, state.directory)
        _write_json({"session": session, "messages": messages})
        return 0
    from claude_agent_lsp.sessions.reading.export import exported

    text = exported(session, "markdown", state.directory).decode()
    _write(_plain(text) if sys.stdout.isatty() else text)
    return 0


def _export(options: Namespace, catalogue: Catalogue, state: State) -> int:
    from claude_agent_lsp.sessions.reading.export import exported, write_export

    session = _find_session(options.session, catalogue)
    content = exported(session, options.format, state.directory)
    if options.file is not None:
        file = options.file.absolute()
        done = "Replaced" if file.exists() else "Wrote"
        write_export(file, content)
        sys.stderr.write(f"{done} {_plain(str(file))}\n")
    elif sys.stdout.isatty():
        _write(_plain(content.decode(errors="replace")))
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    return 0


def _delete(options: Namespace, catalogue: Catalogue, state: State) -> int:
    session = _find_session(options.session, catalogue)
    if not options.yes and not _is_confirmed(session):
        return 1
    from claude_agent_lsp.sessions.edit_session import delete

    ownership = SessionLocks(lambda: state.directory, "a terminal")
    holder = f"sessions delete, process {os.getpid()}"
    ownership.claim(session.session_id, holder)
    try:
        delete(session.session_id, state, Index(state.directory))
    finally:
        ownership.release(session.session_id, holder)
    if options.json:
        _write_json({"deleted": True})
    return 0


def _is_confirmed(session: Session) -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write("stdin is not a terminal: pass --yes to delete the session.\n")
        return False
    title = one_line(session.title, TITLE_LENGTH)
    sys.stderr.write(f"Delete {session.session_id} “{title}” permanently? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _find_session(word: str, catalogue: Catalogue) -> Session:
    """Return the session that an id, or its beginning, names.

    Raises:
        SessionNotFound: There is none, or there are several.
    """
    hint = "`claude-agent-lsp sessions list --all` shows them all."
    word = word.strip().lower()
    if not _BEGINNING.fullmatch(word):
        raise SessionNotFound(f"{shown(word)} is not the beginning of a session id.", hint=hint)
    if catalogue.find(word) is not None:
        return catalogue.session(word)
    everything = catalogue.page(None, limit=sys.maxsize - 1).sessions
    found = [one for one in everything if one.session_id.lower().startswith(word)]
    if not found:
        raise SessionNotFound(f"There is no session {word}.", hint=hint)
    if len(found) > 1:
        raise SessionNotFound(
            f"{len(found)} sessions begin with {word}.", hint="Give more of its id."
        )
    return found[0]


def _write_json(answer: Any) -> None:
    sys.stdout.write(json.dumps(jsonable(answer), indent=2))
    sys.stdout.write("\n")


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", errors="replace"))
    sys.stdout.flush()


def _plain(text: str) -> str:
    """Return a text that does nothing to a terminal but to be shown."""
    return _CONTROL.sub("\ufffd", text)
