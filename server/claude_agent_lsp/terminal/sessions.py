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
from claude_agent_lsp.sessions.catalogue.marks import Mark, Marks
from claude_agent_lsp.sessions.catalogue.session import Elsewhere
from claude_agent_lsp.sessions.catalogue.wanted import Wanted
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.terminal.screen import open_screen
from claude_agent_lsp.workspace.state import State, state_directory

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from rich.console import Console

    from claude_agent_lsp.sessions.catalogue.session import Session

TITLE_LENGTH: Final = 200
PATH_LENGTH: Final = 1000
# How often it is told how much of what was said has been read.
STEP_SECONDS: Final = 1.0
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
    commands = {
        "list": _list,
        "search": _list,
        "show": _show,
        "export": _export,
        "import": _import,
        "delete": _delete,
        "pin": _mark,
        "archive": _mark,
    }
    try:
        return commands[options.sessions_command](options, catalogue, state)
    except RequestFailed as error:
        sys.stderr.write(f"{_plain(str(error))} {_plain(error.hint)}\n")
    except InvalidArgument as error:
        sys.stderr.write(f"{_plain(str(error))}\n")
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _list(options: Namespace, catalogue: Catalogue, _: State) -> int:
    folder: Path | None = None if options.all else options.folder.absolute()
    page = catalogue.page(folder, _wanted(options, catalogue, folder))
    if options.json:
        _write_json({"sessions": page.sessions})
        return 0
    console = open_screen()
    if not page.sessions:
        where = "" if folder is None else f" of {_line(folder)}"
        console.print(Text(f"No sessions{where} match."), soft_wrap=True)
    elif console.is_terminal and options.sessions_command == "list":
        console.print(_table(page.sessions, with_folder=options.all))
    else:
        for session in page.sessions:
            console.print(Text("  ".join(_cells(session, with_folder=True))), soft_wrap=True)
            _print_matches(session, console)
    if page.next_cursor is not None:
        sys.stderr.write(f"Only the first {options.limit} are shown; --limit shows more.\n")
    return 0


def _wanted(options: Namespace, catalogue: Catalogue, folder: Path | None) -> Wanted:
    """Return which sessions are asked for; for a search all that was said is read first."""
    is_search = options.sessions_command == "search"
    while is_search:
        read = catalogue.read_words(folder, STEP_SECONDS)
        if read.done == read.total:
            break
        if sys.stderr.isatty():
            sys.stderr.write(f"\rReading sessions: {read.done} of {read.total} ")
            sys.stderr.flush()
    return Wanted(
        search=" ".join(options.words) if is_search else options.search,
        matches=is_search,
        tag=options.tag,
        branch=options.branch,
        since=options.since,
        until=options.until,
        file=options.file,
        archived=options.archived,
        limit=options.limit,
    )


def _print_matches(session: Session, console: Console) -> None:
    for match in session.matches or ():
        console.print(Text(f"    {match.place.value}: {match.line}", style="dim"), soft_wrap=True)


def _mark(options: Namespace, catalogue: Catalogue, state: State) -> int:
    session = _find_session(options.session, catalogue)
    mark = Mark.PINNED if options.sessions_command == "pin" else Mark.ARCHIVED
    Marks(state.directory).set(session.session_id, mark, on=not options.undo)
    if options.json:
        _write_json(catalogue.session(session.session_id))
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
    if session.elsewhere is Elsewhere.GONE:
        title += f" (from {_line(session.workspace)}, which is gone)"
    if session.goes_at is not None:
        title += f" (deleted on {session.goes_at:%Y-%m-%d})"
    cells = [session.session_id, changed, one_line(session.tag or "", TITLE_LENGTH), title]
    return [*cells, _line(session.workspace)] if with_folder else cells


def _line(folder: Path) -> str:
    return one_line(str(folder), PATH_LENGTH)


def _show(options: Namespace, catalogue: Catalogue, state: State) -> int:
    session = _find_session(options.session, catalogue)
    if options.json:
        from claude_agent_lsp.sessions.reading.reading import read_messages

        messages = read_messages(session.session_id, state.directory)
        _write_json({"session": session, "messages": messages})
        return 0
    from claude_agent_lsp.sessions.moving.export import exported

    text = exported(session, "markdown", state.directory).decode()
    _write(_plain(text) if sys.stdout.isatty() else text)
    return 0


def _export(options: Namespace, catalogue: Catalogue, state: State) -> int:
    from claude_agent_lsp.sessions.moving.export import exported, write_export

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


def _import(options: Namespace, catalogue: Catalogue, state: State) -> int:
    from claude_agent_lsp.sessions.moving.importing import Outcome, import_sessions

    folder = options.folder.absolute()
    files = import_sessions(options.file.absolute(), folder, state.directory)
    if options.json:
        _write_json({"files": files})
    for each in files:
        left_out = f" ({each.unreadable} unreadable lines left out)" if each.unreadable else ""
        match each.outcome:
            case Outcome.IMPORTED:
                title = catalogue.session(str(each.session_id)).title
                told = f"Imported {each.session_id}  {one_line(title, TITLE_LENGTH)}{left_out}"
            case Outcome.KNOWN:
                told = f"{each.session_id} is here already: nothing to import from {each.uri.name}."
            case Outcome.REFUSED:
                told = f"Not imported: {each.reason}"
        (sys.stderr if options.json else sys.stdout).write(f"{_plain(told)}\n")
    return int(any(each.outcome is Outcome.REFUSED for each in files))


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
    everything = catalogue.page(None, Wanted(archived=True, limit=sys.maxsize - 1)).sessions
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
