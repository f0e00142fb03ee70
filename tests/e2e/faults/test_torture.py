"""Nothing that the user saw is lost, whatever is killed, and when.

`make torture` tries 500 moments; the suite tries 50.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, recall, reply, say, tokens
from tests.conftest import TOLD
from tests.e2e.runs import SECONDS, allow_tools, begin, eventually
from tests.processes import all_gone, processes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query

PARTS = 5
MOMENTS = int(os.environ.get("TORTURE_MOMENTS", "50")) // PARTS
PACE = 0.004
TEXTS = 66
"""Text events before, between and after two tool calls."""


def kill_cli(editor: Editor, environment: dict[str, str]) -> None:
    for process in processes_of(environment, "claude"):
        with contextlib.suppress(psutil.Error):
            process.kill()


def kill_server(editor: Editor, _: dict[str, str]) -> None:
    os.kill(editor.pid, signal.SIGKILL)


def kill_editor(editor: Editor, _: dict[str, str]) -> None:
    """The system closes the pipes of a process that was killed."""
    server: Any = editor._server
    server._transport.get_pipe_transport(0).abort()
    server._transport.get_pipe_transport(1).close()


def kill_all(editor: Editor, environment: dict[str, str]) -> None:
    kill_cli(editor, environment)
    kill_server(editor, environment)
    kill_editor(editor, environment)


KILLS: tuple[Callable[[Editor, dict[str, str]], None], ...] = (
    kill_cli,
    kill_server,
    kill_editor,
    kill_all,
)


@dataclass
class Account:
    """What was tried, and what became of it."""

    moments: int = 0
    received: int = 0
    recovered: int = 0
    waited: int = 0
    gone: list[float] = field(default_factory=list)


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.long
@pytest.mark.timeout(60 + 30 * MOMENTS)
@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_is_lost_at_any_moment(
    editor_with: Open,
    model: Loopback,
    environment: dict[str, str],
    folder: Path,
    part: int,
    record_property: Callable[[str, object], None],
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    allow_tools(environment)
    model.add(reply("what do you know", recall(r"CODE-\d+")))
    account = Account()
    editor = await editor_with(profile="neovim")
    session, code = "new", ""
    for number in range(MOMENTS):
        if session == "new" or chance.random() < 0.3:
            session, code = "new", f"CODE-{part * 1000 + number}"
        editor, session = await one_moment(
            editor,
            Moment(number, f"Remember {code}, and work on part {number}-{part}.", session, chance),
            code=code,
            account=account,
            place=(editor_with, model, environment, folder),
        )
    record_property(
        TOLD,
        f"{account.moments} moments, {account.received} texts received, "
        f"{account.recovered} turns recovered, {account.waited} prompts waited, lost: nothing; "
        "processes gone after "
        f"{max(account.gone, default=0):.2f} s at most",
    )


@dataclass(frozen=True)
class Moment:
    """A turn, and when it is killed."""

    number: int
    prompt: str
    session: str
    chance: random.Random


async def one_moment(
    editor: Editor,
    moment: Moment,
    *,
    code: str,
    account: Account,
    place: tuple[Open, Loopback, dict[str, str], Path],
) -> tuple[Editor, str]:
    """Kill something in mid-turn, and resume; returns the new editor and the session's id."""
    editor_with, model, environment, folder = place
    part = moment.prompt.split("part ")[1]
    once = folder / f"once-{part.strip('.')}"
    model.add(
        reply(
            f"work on part {part}",
            [tokens(TEXTS, pace=PACE), call("Bash", command=f"echo done >> {once}")],
            [tokens(TEXTS, pace=PACE), call("Bash", command=f"echo done >> {once}-b")],
            [tokens(TEXTS, pace=PACE), say(f"End of {part}")],
        )
    )
    query = begin(editor, moment.prompt, moment.number, session=moment.session)
    run = (await editor.event("started", query.events))["run"]
    behind = [
        begin(
            editor,
            f"Note {number} of part {part}",
            number,
            session=run["sessionId"],
            ifBusy=moment.chance.choice(("queue", "steer")),
        )
        for number in (6000, 6001)
    ]
    # From before the prompt is sent to after the answer is complete.
    await asyncio.sleep(moment.chance.uniform(0, 4.2 * TEXTS * PACE + 0.8))
    kill = moment.chance.choice(KILLS)
    began = time.monotonic()
    kill(editor, environment)
    if kill is kill_cli:
        with contextlib.suppress(JsonRpcException):
            await query.asked
        await editor.quit()
    else:
        with contextlib.suppress(Exception):  # a message that was cut off
            await editor.gone()
        assert await all_gone(environment, SECONDS), kill.__name__
        account.gone.append(time.monotonic() - began)
        await eventually(lambda: all(each.finished or each.hung_up for each in model.requests))
    received = texts_of(editor, query)
    # A CLI that dies at its start takes no prompt, and the user is told so.
    sent = bool(received) or kill is not kill_cli
    account.moments += 1
    account.received += len(editor.events(query.events, "text"))

    second = await editor_with(profile="neovim")
    session = run["sessionId"]
    read = await second.command("session.read", {"sessionId": session, "limit": 1000})
    account.recovered += any(message.get("recovered") for message in read["messages"])
    in_session = squeezed("".join(message["text"] for message in read["messages"]))
    answer = await begin(second, "what do you know?", 5000, session=session).asked
    told = squeezed("".join(said.text for said in model.requests[-1].conversation))
    why = f"{kill.__name__} in {moment.prompt!r}"
    assert answer["sessionId"] == session, why
    assert answer["text"] == code or not sent, why
    assert squeezed(moment.prompt) in in_session, why
    if sent:
        assert squeezed(moment.prompt) in told, why
    for text in received:
        assert squeezed(text) in told, f"{why}: the model isn't told {text!r}"
        assert squeezed(text) in in_session, f"{why}: the session lacks {text!r}"
    waited = [query for query in behind if editor.events(query.events, "queued")]
    account.waited += len(waited)
    read = await second.command("session.read", {"sessionId": session, "limit": 1000})
    asked = [message["text"] for message in read["messages"] if message["role"] == "user"]
    for query in waited:
        assert asked.count(f"Note {query.number} of part {part}") == 1, f"{why}: {asked}"
    assert (await second.command("queue.list", {"sessionId": session}))["queue"] == [], why
    for file in (once, once.with_name(f"{once.name}-b")):
        # A shell that is killed may have opened it only.
        done = file.read_text() if file.exists() else ""
        assert done in ("", "done\n"), f"{why}: done twice"
    return second, session


def texts_of(editor: Editor, query: Query) -> list[str]:
    """What the editor has received of each message."""
    messages: dict[str, list[str]] = {}
    for event in editor.events(query.events, "text"):
        messages.setdefault(event["messageId"], []).append(event["text"])
    return ["".join(pieces) for pieces in messages.values()]
