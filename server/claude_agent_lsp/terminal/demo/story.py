"""The story of the demo: a secret, a new server that knows it, a long answer that is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp import __version__
from claude_agent_lsp.loopback import recall, reply, say
from claude_agent_lsp.terminal.demo.editor import Editor, ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from claude_agent_lsp.terminal.demo.editor import Asked
    from claude_agent_lsp.terminal.demo.stage import Stage

CODE: Final = "PINEAPPLE-42"
REMEMBER: Final = f"Remember the code {CODE}."
WHICH: Final = "Which code did I tell you?"
LONG: Final = "Tell me at length how a pineapple grows."
REQUEST_CANCELLED: Final = -32800
PROGRESS_TOKEN: Final = "demo"  # noqa: S105 - no password

# The bug that this project began with showed after a pause of three seconds.
PAUSE_SECONDS: Final = 3
# So much of the long answer can be read before it is stopped.
WORDS_BEFORE_STOP: Final = 18
# These only catch what hangs.
ANSWER_SECONDS: Final = 120
HANG_UP_SECONDS: Final = 5

_PACE: Final = 0.08  # seconds between two words, slow enough to be seen
SCRIPT: Final = (
    reply("remember the code", say("Noted. I will know it, also when you come back.", pace=_PACE)),
    reply("which code", recall(r"[A-Z]+-\d+")),
    reply(
        "how a pineapple grows",
        say(
            "It takes its time. A leafy crown that is set into sandy soil grows roots within "
            "weeks, and then for more than a year " + "leaf after leaf, " * 90 + "then a flower.",
            pace=_PACE,
        ),
    ),
)


class StoryFailedError(Exception):
    """A step did not hold; the message is a sentence that says what was seen instead."""


class Story:
    """The story.

    Args:
        stage: Where it is shown.
        project: The folder that the editor has open.
        environment: Of the servers.
        model: The loopback model; None for the user's own.
    """

    def __init__(
        self,
        stage: Stage,
        project: Path,
        environment: Mapping[str, str],
        model: Loopback | None,
    ) -> None:
        self._stage = stage
        self._project = project
        self._environment = environment
        self._model = model
        self._words = 0
        self._enough = asyncio.Event()

    async def play(self) -> None:
        """Play it to its end.

        Raises:
            StoryFailedError: A step did not hold.
            ServerError: A request failed.
            ServerGoneError: A server is not there any more.
        """
        stage = self._stage
        self._introduce()
        stage.open("1  The agent is told a secret")
        async with self._editor() as first:
            await self._start_editor(first, "The editor opens a folder and starts the server.")
            told = await self._query(first, REMEMBER)
            session: str = told["sessionId"]
            stage.open("2  The server ends")
            stage.tell("The editor is closed.")
            await self._quit(first)
            stage.note(f"server {first.pid} and its Claude CLI are gone")
        await self._pause()
        stage.open("3  A new server resumes the session")
        async with self._editor() as second:
            await self._start_editor(second, "The editor starts a new server.")
            known = await self._query(second, WHICH)
            self._check(known, session, "after the restart")
            stage.open("4  A long answer is stopped")
            stopped = await self._stop(second, session)
            known = await self._query(second, WHICH)
            self._check(known, session, "after the answer that was stopped")
            stage.close()
            await self._quit(second)
        if first.pid == second.pid:
            raise StoryFailedError(f"Both servers are the process {first.pid}.")
        stage.verdict(f"Same session {session} in both servers.")
        stage.verdict(f"The agent knew {CODE} after the restart and after the stopped answer.")
        stage.verdict(stopped)

    def _introduce(self) -> None:
        write = self._stage.write
        write(f"claude-agent-lsp {__version__}: the main job, over LSP on stdio", "bold")
        if self._model is None:
            write(
                "The model is your own Claude account. This costs a few cents, and the session "
                "stays in the list of `claude --resume`."
            )
        else:
            write(
                "Server, SDK and CLI are real. The model is the embedded loopback: no account, "
                "no key, no network, scripted answers. With your own account: make demo LIVE=1"
            )
        write("")

    def _editor(self) -> Editor:
        return Editor(self._project, self._environment, self._show_message)

    def _show_message(self, message: dict[str, Any], sent: bool) -> None:
        self._stage.message(message, sent=sent)
        match message:
            case {"method": "$/progress", "params": {"value": {"kind": "text", "text": text}}}:
                self._stage.says(text)
                self._words += 1
                if self._words >= WORDS_BEFORE_STOP:
                    self._enough.set()
            case {"id": _} if not sent:
                self._enough.set()

    async def _start_editor(self, editor: Editor, what: str) -> None:
        self._stage.tell(what)
        await _within(ANSWER_SECONDS, editor.initialize())
        self._stage.note(f"server process {editor.pid}")

    async def _query(self, editor: Editor, prompt: str) -> dict[str, Any]:
        """Ask to the end; return the Run."""
        run: dict[str, Any] = await _within(ANSWER_SECONDS, self._ask(editor, prompt))
        self._stage.note(f"session {run['sessionId']}")
        return run

    def _ask(self, editor: Editor, prompt: str) -> Asked:
        self._words = 0
        self._enough.clear()
        self._stage.user(prompt)
        asked = editor.execute(
            "claudeAgent.query", {"prompt": prompt, "partialResultToken": PROGRESS_TOKEN}
        )
        self._stage.agent()
        return asked

    async def _stop(self, editor: Editor, session: str) -> str:
        """Ask for a long answer and cancel it; return how that went."""
        asked = self._ask(editor, LONG)
        await _within(ANSWER_SECONDS, self._enough.wait())
        if asked.done:
            await asked
            raise StoryFailedError("The long answer ended before it could be stopped.")
        cancelled_at = editor.cancel(asked)
        try:
            await _within(ANSWER_SECONDS, asked)
        except ServerError as error:
            if error.code != REQUEST_CANCELLED:
                raise
            run = error.data.get("run", {})
        else:
            raise StoryFailedError("The long answer was cancelled, but continued to its end.")
        if run.get("sessionId") != session:
            raise StoryFailedError(
                f"The stopped answer reports the session {run.get('sessionId')}, not {session}."
            )
        answered = _milliseconds(asked.answered_at - cancelled_at)
        if self._model is None:
            self._stage.note(f"answered after {answered}")
            return f"$/cancelRequest: -32800 after {answered}."
        try:
            request = await self._model.request(LONG, HANG_UP_SECONDS)
            hung_up_at = await request.hang_up(HANG_UP_SECONDS)
        except TimeoutError:
            raise StoryFailedError("The connection to the model was not closed.") from None
        hung_up = _milliseconds(hung_up_at - cancelled_at)
        self._stage.note(f"connection to the model closed after {hung_up}")
        self._stage.note(f"answered after {answered}")
        return (
            f"$/cancelRequest: model's connection closed after {hung_up}, -32800 after {answered}."
        )

    async def _quit(self, editor: Editor) -> None:
        status = await editor.quit()
        if status != 0:
            raise StoryFailedError(f"The server ended with status {status}.")

    async def _pause(self) -> None:
        self._stage.tell("Three seconds pass, as in the bug that this project began with")
        for _ in range(PAUSE_SECONDS):
            await asyncio.sleep(1)
            self._stage.says(".")

    def _check(self, run: dict[str, Any], session: str, when: str) -> None:
        if run["sessionId"] != session:
            raise StoryFailedError(
                f"The session id changed {when}: {run['sessionId']}, not {session}."
            )
        if CODE not in run["text"]:
            raise StoryFailedError(
                f"The agent does not know the code {when}: it said {run['text']!r}."
            )


async def _within(seconds: float, work: Any) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise StoryFailedError(f"The server did not answer within {seconds} seconds.") from None


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
