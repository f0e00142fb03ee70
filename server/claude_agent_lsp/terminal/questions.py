"""`claude-agent-lsp questions`: what no editor shows, listed and answered."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from claude_agent_lsp.agent.os_processes.marked import is_of_an_agent
from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.base.texts.results import plain
from claude_agent_lsp.errors import InvalidArgument, RequestFailed, StoreUnavailable
from claude_agent_lsp.sessions.open_questions import OpenQuestions, answer_elsewhere
from claude_agent_lsp.terminal.screen import open_screen
from claude_agent_lsp.workspace.state import state_directory

if TYPE_CHECKING:
    from argparse import Namespace

    from claude_agent_lsp.sessions.open_questions import OpenQuestion

NONE: Final = "There is no question that an editor does not show."
FROM_AN_AGENT: Final = "What an agent has started answers no question."
TOO_LATE: Final = "The question was answered before."
# As many characters of an id as a person wants to type.
SHORT: Final = 8


def questions(options: Namespace) -> int:
    """Carry a subcommand out.

    Args:
        options: What `cli.py` has read of the command line.

    Returns:
        The exit status: 1 if it could not be done, or the answer does not count.
    """
    store = OpenQuestions(state_directory)
    try:
        if options.questions_command == "list":
            return _list(options, store)
        return _answer(options, store)
    except RequestFailed as error:
        sys.stderr.write(f"{plain(str(error))} {plain(error.hint)}\n")
    except InvalidArgument as error:
        sys.stderr.write(f"{plain(str(error))}\n")
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _list(options: Namespace, store: OpenQuestions) -> int:
    found = store.of_others()
    if options.json:
        told = [{**each.content, "heldBy": f"{each.holder}"} for each in found]
        sys.stdout.write(f"{json.dumps(told)}\n")
    elif not found:
        print(NONE)  # noqa: T201
    else:
        console = open_screen()
        for each in found:
            console.print(_shown(each), soft_wrap=True)
    return 0


def _answer(options: Namespace, store: OpenQuestions) -> int:
    if is_of_an_agent():
        raise InvalidArgument(FROM_AN_AGENT)
    question = _chosen(options.question, store)
    try:
        verdict = asyncio.run(
            answer_elsewhere(store, question, tuple(options.answer), options.note)
        )
    except OSError as error:
        raise StoreUnavailable(
            f"The answer can't be written: {error.strerror or error}."
        ) from error
    if verdict.refusal is not None:
        raise InvalidArgument(verdict.refusal)
    if options.json:
        sys.stdout.write(f"{json.dumps({'answered': verdict.answered})}\n")
    elif not verdict.answered:
        raise InvalidArgument(TOO_LATE)
    else:
        print("Answered.")  # noqa: T201
    return 0 if verdict.answered else 1


def _chosen(beginning: str, store: OpenQuestions) -> OpenQuestion:
    """Return the question whose id begins so.

    Raises:
        InvalidArgument: There is none, or more than one.
    """
    found = [each for each in store.of_others() if each.question_id.startswith(beginning)]
    if len(found) != 1 or not beginning:
        few = "No question has" if not found else f"{len(found)} questions have"
        raise InvalidArgument(f"{few} an id that begins with {shown(beginning)}.")
    return found[0]


def _shown(question: OpenQuestion) -> Text:
    """Return all that is asked, as it is asked in an editor."""
    content = question.content
    head = (
        f"{question.question_id[:SHORT]}  in {question.holder}, session "
        f"{question.session_id[:SHORT]}, until {_time(content.get('deadline'))}"
    )
    parts = [str(content.get(name) or "") for name in ("title", "detail", "diff", "document")]
    text = Text(f"{head}\n", style="dim")
    text.append(f"{plain(parts[0])}\n", style="bold not dim")
    for part in filter(None, parts[1:]):
        text.append(f"{plain(part).rstrip()}\n", style="not dim")
    for option in _options(content.get("options")):
        text.append(f"  {plain(str(option.get('value')))}", style="bold not dim")
        said = plain(str(option.get("label")))
        text.append(f"  {said}\n" if said != option.get("value") else "\n", style="not dim")
    return text


def _options(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _time(value: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(value)).astimezone():%H:%M:%S}"
    except ValueError:
        return "its time is up"
