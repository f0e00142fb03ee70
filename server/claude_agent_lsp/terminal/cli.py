"""`claude-agent-lsp`: the server without arguments, and what helps around it.

Each subcommand loads what it needs itself: an editor waits for the server to start.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from claude_agent_lsp import __version__
from claude_agent_lsp.base import lazy_sdk, lean_dataclasses
from claude_agent_lsp.base.disk.log_file import LogFile
from claude_agent_lsp.base.system.descriptors import PIPE_BYTES, Room
from claude_agent_lsp.base.texts.redaction import MaskingFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    _Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_SESSION: Final = "the session's id, or the beginning of it"
INTERRUPTED: Final = 130  # as shells have it: 128 and SIGINT's number
NO_EDITOR: Final = f"""\
claude-agent-lsp {__version__} is a language server: your editor starts it, and speaks with it here.
README.md of the project says how to set your editor up. In a terminal:

  claude-agent-lsp login       log in to Claude
  claude-agent-lsp doctor      check that all is well
  claude-agent-lsp demo        see it at work, without an account
  claude-agent-lsp --help      show all commands

It waits for an editor now: Ctrl-D ends it."""
DOCS: Final = (
    "Without a command, it serves the editor that started it. In the project, README.md says how "
    "to set an editor up, docs/protocol.md has all commands and settings, docs/platforms.md the "
    "systems, docs/security.md who could do what."
)
# How many new objects there are before garbage is looked for. With Python's own numbers, a tenth of
# the start goes into searches through what has just been imported, which is none.
GARBAGE_THRESHOLDS: Final = (50_000, 20, 50)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the executable.

    Args:
        arguments: Instead of the command line's.

    Returns:
        The exit status.

    Raises:
        SystemExit: With 2 for arguments that make no sense, with 0 after --help and --version.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        _log(options.log_file, options.log_level)
    except OSError as error:
        parser.error(f"argument --log-file: {options.log_file}: {error.strerror}")
    lazy_sdk.install()
    lean_dataclasses.install()
    if options.command is None:
        if sys.stdin.isatty():
            sys.stderr.write(f"{NO_EDITOR}\n")
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        from claude_agent_lsp.lsp import lean_types

        lean_types.load()
        from claude_agent_lsp.lsp.main import serve

        return serve()
    return _command(options)


def _command(options: argparse.Namespace) -> int:
    from claude_agent_lsp.terminal.ending import EndedBySignal

    try:
        return _run(options)
    except EndedBySignal as end:
        return end.status
    except KeyboardInterrupt:  # before there was anything to end
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    name = options.command
    if name == "doctor":
        from claude_agent_lsp.terminal.doctor import doctor

        return doctor(options.settings, as_json=options.json)
    if name == "demo":
        from claude_agent_lsp.terminal.demo.demo import demo

        return demo(live=options.live)
    # The others are named as their module is, and as what is called in it.
    run: Callable[[argparse.Namespace], int] = getattr(
        importlib.import_module(f"claude_agent_lsp.terminal.{name}"), name
    )
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="claude-agent-lsp",
        description="The Claude agent for every editor, as a language server on stdin and stdout.",
        epilog=DOCS,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--stdio", action="store_true", help="serve on stdin and stdout (default)")
    parser.add_argument(
        "--log-file", type=Path, metavar="FILE", help="append the log to FILE, not to stderr"
    )
    parser.add_argument(
        "--log-level", choices=LOG_LEVELS, default="warning", help="default: %(default)s"
    )
    commands = parser.add_subparsers(dest="command", metavar="[COMMAND]", title="commands")
    doctor = commands.add_parser(
        "doctor",
        help="check the CLI, the login, the state directory and the settings",
        description="Check everything that the server needs, without a request to the model.",
        epilog="The exit status is 1 if anything is wrong.",
    )
    doctor.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="the settings as JSON, as your editor would send them",
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    demo = commands.add_parser(
        "demo",
        help="show the main job in the terminal",
        description="Show the main job, with an embedded model: no account, no network.",
        epilog="The exit status is 1 if a step fails.",
    )
    demo.add_argument("--live", action="store_true", help="use your own Claude account")
    _add_login(commands)
    _add_sessions(commands)
    _add_questions(commands)
    audit = commands.add_parser(
        "audit",
        help="show questions, answers and changed files",
        description=(
            "Show the questions you were asked, your answers, and the files that the agent "
            "changed: when, in which session, what, the outcome, and who answered."
        ),
    )
    audit.add_argument("--session", metavar="SESSION", help=_SESSION)
    audit.add_argument("--limit", type=_count, default=50, metavar="N", help="default: %(default)s")
    audit.add_argument("--json", action="store_true", help="print JSON, one object per line")
    _add_uninstall(commands)
    return parser


def _add_login(commands: _Commands) -> None:
    login = commands.add_parser(
        "login",
        help="log in to Claude, in this terminal",
        description="Log in with the CLI that the server runs: `claude auth login`.",
    )
    login.add_argument("--cli", type=Path, metavar="FILE", help="as claudeAgent.cliPath")
    login.add_argument("--console", action="store_true", help="pay by use of the API")
    login.add_argument("--sso", action="store_true", help="log in with single sign-on")
    login.add_argument("--email", metavar="ADDRESS", help="fill it in on the login page")


def _add_uninstall(commands: _Commands) -> None:
    uninstall = commands.add_parser(
        "uninstall",
        help="remove what the server has kept",
        description=(
            "Remove the state directory's content: trust, the history of runs, kept copies of "
            "sessions, the audit log. Claude Code's own files stay."
        ),
        epilog="The exit status is 1 if something of it is left.",
    )
    uninstall.add_argument(
        "--state-directory", type=Path, metavar="DIR", help="as claudeAgent.stateDirectory"
    )
    uninstall.add_argument("--yes", action="store_true", help="don't ask for confirmation")


def _add_sessions(commands: _Commands) -> None:
    sessions = commands.add_parser(
        "sessions",
        help="list, search, show, export and delete sessions",
        description="List, search, show, export and delete sessions, from editors and terminals.",
        epilog=(
            "A session is given by its id, or by the beginning of it. Without a command, they are "
            "listed."
        ),
    )
    what = sessions.add_subparsers(dest="sessions_command", metavar="[COMMAND]")
    listing = what.add_parser("list", help="list the sessions of a folder, newest first")
    listing.add_argument(
        "--search",
        metavar="WORDS",
        help="only sessions with these words in the title or the prompts",
    )
    search = what.add_parser(
        "search",
        help="find sessions by what was said in them, best first",
        description=(
            "Find sessions by words in prompts, answers, tool calls and file names, and show the "
            "lines that hold them."
        ),
    )
    search.add_argument("words", nargs="+", metavar="WORD", help="a word, or how it begins")
    for one in (listing, search):
        _add_filters(one)
    pin = what.add_parser("pin", help="show a session before all others")
    archive = what.add_parser("archive", help="leave a session out of lists")
    for one in (pin, archive):
        one.add_argument("--undo", action="store_true", help="no more")
    show = what.add_parser("show", help="show a session as Markdown")
    _add_export(what)
    bring = _add_import(what)
    delete = what.add_parser("delete", help="delete a session permanently")
    for one in (show, delete, pin, archive):
        one.add_argument("session", metavar="SESSION", help=_SESSION)
    delete.add_argument("--yes", action="store_true", help="don't ask for confirmation")
    for one in (listing, search, show, bring, delete, pin, archive):
        one.add_argument("--json", action="store_true", help="print JSON")
    sessions.set_defaults(**vars(listing.parse_args([])), sessions_command="list")


def _add_questions(commands: _Commands) -> None:
    questions = commands.add_parser(
        "questions",
        help="list and answer questions that no editor shows",
        description=(
            "List and answer what agents ask in editors that don't show it: those that can't, "
            "and those whose user has closed the question."
        ),
        epilog="Without a command, they are listed. Each is denied when its time is up.",
    )
    what = questions.add_subparsers(dest="questions_command", metavar="[COMMAND]")
    listing = what.add_parser("list", help="show the questions with all that is asked")
    answer = what.add_parser(
        "answer",
        help="answer a question",
        epilog="The exit status is 1 if the answer does not count.",
    )
    answer.add_argument(
        "question", metavar="QUESTION", help="the question's id, or the beginning of it"
    )
    answer.add_argument(
        "answer", nargs="+", metavar="ANSWER", help="an answer as the list has it, or several"
    )
    answer.add_argument("--note", help="told to the agent with the answer")
    for one in (listing, answer):
        one.add_argument("--json", action="store_true", help="print JSON")
    questions.set_defaults(**vars(listing.parse_args([])), questions_command="list")


def _add_export(what: _Commands) -> argparse.ArgumentParser:
    export = what.add_parser("export", help="write a session to a file or to stdout")
    export.add_argument("session", metavar="SESSION", help=_SESSION)
    export.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: stdout")
    export.add_argument(
        "--format",
        choices=("markdown", "jsonl", "html"),
        default="markdown",
        help="default: %(default)s",
    )
    return export


def _add_import(what: _Commands) -> argparse.ArgumentParser:
    bring = what.add_parser(
        "import",
        help="bring sessions of another machine here",
        description=(
            "Make sessions of a folder of what another machine or person has exported: a "
            "transcript (JSONL), or a directory of such. Nothing that is here is overwritten."
        ),
    )
    bring.add_argument("file", type=Path, metavar="FILE", help="the transcript, or the directory")
    bring.add_argument("--folder", type=Path, default=Path(), help="default: the current directory")
    return bring


def _add_filters(parser: argparse.ArgumentParser) -> None:
    """Add what says of which sessions a list is."""
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="default: the current directory"
    )
    parser.add_argument("--all", action="store_true", help="the sessions of all folders")
    parser.add_argument("--tag", help="only sessions with this tag")
    parser.add_argument("--branch", help="only sessions that were begun in this branch")
    parser.add_argument(
        "--since", type=_day, metavar="DAY", help="only those changed then or later"
    )
    parser.add_argument("--until", type=_day, metavar="DAY", help="only those changed before it")
    parser.add_argument(
        "--file", metavar="PATH", help="only those whose tools were given a path with this in it"
    )
    parser.add_argument("--archived", action="store_true", help="archived sessions, too")
    parser.add_argument(
        "--limit", type=_count, default=50, metavar="N", help="default: %(default)s"
    )


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError("expected a day, such as 2026-03-31") from None


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("expected a number of at least 1")
    return count


def _log(file: Path | None, level: str) -> None:
    handler: logging.Handler = LogFile(file) if file is not None else _Stderr(sys.stderr)
    handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level.upper())
    # pygls logs whole messages, prompts and answers too.
    logging.getLogger("pygls").setLevel(logging.ERROR)


class _Stderr(logging.StreamHandler[TextIO]):
    """A log on stderr that nobody has to read: a line that would have to wait is left out.

    An editor that starts the server with a pipe and does not read it would block the loop else.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, if there is room for all of it."""
        try:
            lines = f"{self.format(record)}\n"
            if self._left_out:
                lines = f"\n({self._left_out} lines of the log were left out)\n{lines}"
            content = memoryview(lines.encode(errors="replace"))
            while content and self._has_room():
                content = content[os.write(self.stream.fileno(), content[:PIPE_BYTES]) :]
            self._left_out = self._left_out + 1 if content else 0
        except Exception:  # noqa: BLE001 - as all handlers of logging do
            self.handleError(record)

    def _has_room(self) -> bool:
        return not Room.known or bool(Room(self.stream.fileno()))


if __name__ == "__main__":
    sys.exit(main())
