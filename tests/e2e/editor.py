"""An editor for tests: pytest-lsp's client with the profile of a real one, and short words."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
from jsonschema import Draft202012Validator
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import register_lsp_features

from claude_agent_lsp.agent.permissions.queue import PAUSE_SECONDS, SEEN_SECONDS
from tests.told_secrets import LOG, TOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from cattrs import Converter

EXECUTABLE = Path(__file__).parents[2] / ".venv" / "bin" / "claude-agent-lsp"
SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
EVENT = Draft202012Validator(json.loads((SCHEMAS / "events.json").read_text(encoding="utf-8")))
HELIX = Path(__file__).with_name("helix_v25.07.json")
PROFILES: dict[str, tuple[str, str]] = {
    "vscode": ("Visual Studio Code", "1.139.1"),
    "neovim": ("Neovim", "0.12.4"),
    "emacs": ("Eglot", "1.17.30"),
    "helix": ("helix", "25.07.1"),
    "unknown": ("vim-lsp", "0.1"),
}
SPECS = {
    "vscode": "visual_studio_code",
    "neovim": "neovim",
    "emacs": "emacs",
    "unknown": "neovim",
}
SECONDS = 30.0  # only catches hangs
_ids = itertools.count(1)


class Asked:
    """A request on its way; await it for its result, or for a `JsonRpcException`."""

    def __init__(self, request_id: str, answer: asyncio.Future[Any]) -> None:
        self.id = request_id
        self.asked_at = time.monotonic()
        self.answered_at: float | None = None
        self._answer = answer
        answer.add_done_callback(self._note)

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.wait_for(asyncio.shield(self._answer), SECONDS).__await__()

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self._answer.done()

    def _note(self, answer: asyncio.Future[Any]) -> None:
        self.answered_at = time.monotonic()
        if not answer.cancelled():
            answer.exception()


class Editor(LanguageClient):
    """A client and its server process.

    Attributes:
        log: All that the server sent but answers: (time, method, params), in order.
        questions: Each `window/showMessageRequest` with the future that answers it with a title.
        announced: Each `runChanged`, `sessionChanged`, `queueChanged`, `taskChanged`.
        greeting: What the server has answered first.
        misfits: What of the events on `$/progress` does not keep to their schema.
        requests: Each `claudeAgent/question`, likewise answered with `{answer, note?}`.
    """

    def __init__(self, profile: str = "vscode", **kwargs: Any) -> None:
        super().__init__(converter_factory=_converter, **kwargs)
        register_lsp_features(self)
        self.profile = profile
        self.log: list[tuple[float, str, Any]] = []
        self.questions: list[tuple[types.ShowMessageRequestParams, asyncio.Future[str | None]]] = []
        self.requests: list[tuple[dict[str, Any], asyncio.Future[dict[str, Any] | None]]] = []
        self.misfits: list[str] = []
        self.greeting: types.InitializeResult | None = None
        self._news = asyncio.Condition()
        self.protocol.fm.features[types.PROGRESS] = self._progress
        self.protocol.fm.features[types.CLIENT_REGISTER_CAPABILITY] = self._registered
        self.protocol.fm.features[types.WINDOW_SHOW_MESSAGE_REQUEST] = self._asked
        self.protocol.fm.features["claudeAgent/question"] = self._requested
        self.protocol.fm.features[types.WORKSPACE_CODE_LENS_REFRESH] = self._refreshed
        self.announced: list[tuple[str, dict[str, Any]]] = []
        for method in ("runChanged", "sessionChanged", "queueChanged", "taskChanged"):
            self.protocol.fm.features[f"claudeAgent/{method}"] = self._announcement(method)

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._server is not None
        return self._server.pid

    async def launch(
        self,
        environment: Mapping[str, str],
        folders: Sequence[Path],
        *,
        settings: Mapping[str, Any] | None = None,
        options: Any = None,
        arguments: Sequence[str] = (),
        process_id: int | None = None,
        announces: Mapping[str, Any] | None = None,
    ) -> types.InitializeResult:
        """Start the server and initialize it with these folders open.

        A client that `announces` something knows this server.
        """
        capabilities = capabilities_of(self.profile)
        if announces is not None:
            known = {"claudeAgent": dict(announces)}
            capabilities = attrs.evolve(capabilities, experimental=known)
        self._write_down(Path(environment["HOME"], TOLD))
        if "--log-file" not in arguments:
            arguments = (*arguments, "--log-file", str(Path(environment["HOME"], LOG)))
        await self.start_io(str(EXECUTABLE), *arguments, env=dict(environment))
        self.set_configuration(dict(settings or {}), section="claudeAgent")
        name, version = PROFILES[self.profile]
        self.greeting = await asyncio.wait_for(
            self.initialize_session(
                types.InitializeParams(
                    capabilities=capabilities,
                    client_info=types.ClientInfo(name, version),
                    process_id=process_id or os.getpid(),
                    workspace_folders=[
                        types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders
                    ],
                    initialization_options=options,
                )
            ),
            SECONDS,
        )
        return self.greeting

    def ask(self, method: str, params: Any) -> Asked:
        """Send any request."""
        request_id = f"r{next(_ids)}"
        send = cast("Any", self.protocol.send_request_async)
        sent = send(method, params, msg_id=request_id)
        return Asked(request_id, asyncio.ensure_future(sent))

    def command(self, name: str, *arguments: Any, work_done_token: str | None = None) -> Asked:
        """Execute `claudeAgent.<name>`."""
        params = types.ExecuteCommandParams(
            command=f"claudeAgent.{name}",
            arguments=list(arguments),
            work_done_token=work_done_token,
        )
        if work_done_token is not None:
            self.progress_reports.setdefault(work_done_token, [])
        return self.ask(types.WORKSPACE_EXECUTE_COMMAND, params)

    async def answer_by_command(self, answer: Any) -> Any:
        """`claudeAgent.question.answer`, as a person gives it: after a look at the question.

        One that comes too soon puts off the next, so it is given again only after a pause.
        """
        until = time.monotonic() + SECONDS
        named_deny = isinstance(answer, dict) and answer == {"answer": "deny"} | answer
        pause = 0.0 if named_deny and "questionId" in answer else SEEN_SECONDS + 0.02
        while True:
            await asyncio.sleep(pause)
            pause = PAUSE_SECONDS + 0.02
            try:
                return await self.command("question.answer", answer)
            except JsonRpcException as error:
                if "only just been asked" not in error.message or time.monotonic() > until:
                    raise

    def query(self, prompt: str, *, work_done_token: str | None = None, **fields: Any) -> Asked:
        """`claudeAgent.query`; `partialResultToken` is "events" unless named."""
        argument = {"prompt": prompt, "partialResultToken": "events", **fields}
        return self.command("query", argument, work_done_token=work_done_token)

    def cancel(self, asked: Asked) -> float:
        """Send `$/cancelRequest`; returns when."""
        at = time.monotonic()
        self.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=asked.id))
        return at

    def cancel_progress(self, token: str) -> float:
        """Send `window/workDoneProgress/cancel`; returns when."""
        at = time.monotonic()
        self.protocol.notify(
            types.WINDOW_WORK_DONE_PROGRESS_CANCEL, types.WorkDoneProgressCancelParams(token=token)
        )
        return at

    def events(self, token: str | int = "events", kind: str | None = None) -> list[dict[str, Any]]:
        """What came on a partial-result token, in order; of one kind if named."""
        found = [
            cast("dict[str, Any]", params.value)
            for _, method, params in self.log
            if method == types.PROGRESS and params.token == token
        ]
        return [event for event in found if kind in (None, event.get("kind"))]

    def text(self, token: str | int = "events") -> str:
        """All text that was streamed on a token."""
        return "".join(event["text"] for event in self.events(token, "text"))

    async def until(self, condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Wait until the condition holds; it is looked at whenever something arrives."""
        async with asyncio.timeout(seconds), self._news:
            while not (found := condition()):
                await self._news.wait()
            return found

    async def event(
        self, kind: str, token: str | int = "events", *, count: int = 1
    ) -> dict[str, Any]:
        """Wait for the `count`-th event of a kind."""
        await self.until(lambda: len(self.events(token, kind)) >= count)
        return self.events(token, kind)[count - 1]

    async def question(self, count: int = 1) -> types.ShowMessageRequestParams:
        """Wait until the `count`-th question has been shown."""
        await self.until(lambda: len(self.questions) >= count)
        return self.questions[count - 1][0]

    def answer(self, title: str | None, count: int = 1) -> None:
        """Click the action with this title in the `count`-th question; None closes it."""
        self.questions[count - 1][1].set_result(title)

    async def quit(self) -> int:
        """`shutdown` and `exit`; returns the server's exit status."""
        assert self._server is not None
        if self._server.returncode is None:
            await self.ask(types.SHUTDOWN, None)
            self.exit(None)
        return await self.gone()

    async def gone(self, seconds: float = SECONDS) -> int:
        """Wait until the server process has ended; returns its exit status."""
        assert self._server is not None
        status = await asyncio.wait_for(self._server.wait(), seconds)
        stop = cast("Any", self.stop)
        await asyncio.wait_for(stop(), SECONDS)
        return status

    def _write_down(self, file: Path) -> None:
        """Keep all that the server says, to be searched for secrets at the suite's end."""
        protocol = cast("Any", self.protocol)
        structure = protocol.structure_message

        def written_down(data: dict[str, Any]) -> Any:
            with file.open("a", encoding="utf-8") as told:
                told.write(json.dumps(data) + "\n")
            return structure(data)

        protocol.structure_message = written_down

    def _registered(self, params: types.RegistrationParams) -> None:
        self._arrived(types.CLIENT_REGISTER_CAPABILITY, params)

    def _refreshed(self, _: None) -> None:
        """Ask for code lenses anew, which nobody looks at here."""

    def _progress(self, params: types.ProgressParams) -> None:
        # What is shown to the user has kinds of LSP's own.
        event = _named(params.value)
        if not isinstance(event, dict) or event.get("kind") not in ("begin", "report", "end"):
            self.misfits += [error.message for error in EVENT.iter_errors(event)]
        self._arrived(types.PROGRESS, params)

    async def _asked(
        self, params: types.ShowMessageRequestParams
    ) -> types.MessageActionItem | None:
        chosen: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.questions.append((params, chosen))
        self._arrived(types.WINDOW_SHOW_MESSAGE_REQUEST, params)
        title = await chosen
        return types.MessageActionItem(title=title) if title is not None else None

    async def _requested(self, params: Any) -> dict[str, Any] | None:
        answer: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self.requests.append((_named(params), answer))
        self._arrived("claudeAgent/question", params)
        return await answer

    def _announcement(self, method: str) -> Callable[[Any], None]:
        def take(params: Any) -> None:
            self.announced.append((method, _named(params)))

        return take

    def _arrived(self, method: str, params: Any) -> None:
        self.log.append((time.monotonic(), method, params))
        self._wake = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@cache
def _converter() -> Converter:
    """The converter of all editors: what it makes of a type is made once, not for each of them."""
    make = cast("Callable[[], Converter]", default_converter)
    converter = make()
    # lsprotocol 2025.0.0 takes a code action that has a command for a command.
    converter.register_structure_hook(
        types.Command | types.CodeAction,
        lambda found, _: converter.structure(
            found, types.Command if isinstance(found["command"], str) else types.CodeAction
        ),
    )
    return converter


def _named(value: Any) -> Any:
    """What pygls has made of an object that it has no type for, as the object it was."""
    if hasattr(value, "_asdict"):
        return {name: _named(item) for name, item in value._asdict().items()}
    return [_named(item) for item in value] if isinstance(value, list) else value


@cache
def capabilities_of(profile: str) -> types.ClientCapabilities:
    """What a client of this profile announces; not to be changed, all clients share it."""
    if profile == "helix":
        recorded = json.loads(HELIX.read_text())
        return get_converter().structure(recorded["capabilities"], types.ClientCapabilities)
    return client_capabilities(SPECS[profile])
