"""The language server: what it holds, and the LSP messages that it takes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from claude_agent_lsp import __version__
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.uris import path_of, uri_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.client_profile import ClientProfile
from claude_agent_lsp.lsp.commands.names import NAMES
from claude_agent_lsp.lsp.protocol import AgentProtocol
from claude_agent_lsp.lsp.services.configuration import SECTION, Configuration
from claude_agent_lsp.lsp.services.folder_trust import CHANGED, Trusting
from claude_agent_lsp.lsp.wire.editor_process import Parent
from claude_agent_lsp.workspace.folders import Folder, Folders
from claude_agent_lsp.workspace.state import State, state_directory

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.events import Notice, Question
    from claude_agent_lsp.agent.permissions.queue import Answer
    from claude_agent_lsp.lsp.commands.commands import Commands
    from claude_agent_lsp.lsp.services.progress import ProgressTokens
    from claude_agent_lsp.lsp.wire.writer import Outbox
    from claude_agent_lsp.workspace.settings import Settings

logger = logging.getLogger(__name__)


class AgentServer(LanguageServer):
    """The server of one editor.

    `initialize` is answered before the commands and the agent are loaded, which takes a fifth of
    the time that pygls itself takes.

    Args:
        outbox: The way to the editor.

    Attributes:
        state: What is kept across restarts.
        trust: Which folders are trusted.
        left: Done with the exit status once the editor wants the process to end.
    """

    protocol: AgentProtocol

    def __init__(self, outbox: Outbox) -> None:
        super().__init__("claude-agent-lsp", __version__, protocol_cls=AgentProtocol)
        self.outbox = outbox
        self.protocol.set_writer(outbox)
        self.left: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.profile = ClientProfile()
        self.folders = Folders()
        self.state = State(state_directory())
        # Where no setting can lead to: what protects the user from a repository is kept here.
        self._own_directory = self.state.directory
        self.trust = Trusting(self, self._own_directory)
        self.configuration = Configuration(self)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._state_wanted = self.state.directory
        self._parent = Parent(lambda: self.leave(1))
        self._listen()

    @cached_property
    def agent(self) -> Agent:
        """Runs the queries."""
        from claude_agent_lsp.agent.agent import Agent

        name, own = self.profile.name, self._own_directory
        return Agent(self.state, self._show, name, self._notice, own)

    @cached_property
    def commands(self) -> Commands:
        """Carries the commands out."""
        from claude_agent_lsp.lsp.commands.commands import Commands

        return Commands(self)

    @cached_property
    def tokens(self) -> ProgressTokens:
        """The progress that is shown in the editor."""
        from claude_agent_lsp.lsp.services.progress import ProgressTokens

        return ProgressTokens(self)

    def report(self, token: int | str, value: object) -> None:
        """Send `$/progress`."""
        self.protocol.notify(types.PROGRESS, types.ProgressParams(token=token, value=value))

    def tell(self, kind: types.MessageType, text: str) -> None:
        """Show a message to the user."""
        self.window_show_message(types.ShowMessageParams(type=kind, message=text))

    def prewarm(self, folder: Folder) -> None:
        """Start a process for a folder's next query in the background, if the settings say so.

        A process runs the project's hooks, so a folder that the agent has never been asked in is
        left alone: opening somebody else's repository runs nothing.
        """
        self.start(self._prewarm(folder))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something that nobody waits for."""
        task = asyncio.create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def adopt(self, settings: Settings) -> None:
        """Let the settings take effect that are the server's, whichever trusted folder has them."""
        if settings.log_level is not None:
            logging.getLogger("claude_agent_lsp").setLevel(settings.log_level.upper())
        if settings.state_directory is not None:
            self._state_wanted = state_directory(settings.state_directory)
            self.move_state()

    def move_state(self) -> None:
        """Keep the state where the settings want it, unless somebody is at work where it is now.

        What a run has is in one directory from its beginning to its end. The move is made up for
        before the next run that finds none at work.
        """
        if "agent" not in self.__dict__ or self.agent.ownership.at_rest:
            self.state.directory = self._state_wanted

    def document_closed(self, uri: str) -> None:
        """Let a document that was shown rest."""
        if "commands" in self.__dict__:  # else none was
            with contextlib.suppress(InvalidArgument):  # it is no file
                self.commands.document_closed(path_of(uri))

    def leave(self, status: int) -> None:
        """The process is to end; all that is at work is stopped first."""
        if not self.left.done():
            self.left.set_result(status)

    async def close(self) -> None:
        """Stop all runs and end all CLIs, in order. Any number of callers may wait."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what pygls reports; what a user should see is told by whoever knows it."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    def _listen(self) -> None:
        for name in NAMES:
            self.command(name)(_registered)
        # pygls marks what it is given, which a bound method can't be.
        for method, handler in (
            (types.INITIALIZE, self._initialize),
            (types.INITIALIZED, self._initialized),
            (types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._configuration_changed),
            (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._folders_changed),
            (CHANGED, self._trust_changed),
        ):
            self.feature(method)(partial(handler))

    def _initialize(self, params: types.InitializeParams) -> None:
        self.profile = ClientProfile.of(params)
        self.trust.begin(params.initialization_options)
        self.configuration.begin(params.initialization_options)
        self.folders.replace(_folders_of(params))
        self._parent.watch(params.process_id)

    async def _initialized(self, _: types.InitializedParams) -> None:
        self.start(_load())
        if self.profile.dynamic_configuration:
            registration = types.Registration(
                id="configuration",
                method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
                register_options={"section": SECTION},
            )
            with contextlib.suppress(Exception):  # it is asked anew after a restart, then
                await self.protocol.send_request_async(
                    types.CLIENT_REGISTER_CAPABILITY,
                    types.RegistrationParams(registrations=[registration]),
                )
        for folder in self.folders:
            self.prewarm(folder)
        self.start(self._look_after_state())

    def _configuration_changed(self, params: types.DidChangeConfigurationParams) -> None:
        self.configuration.change(params.settings)

    async def _trust_changed(self, params: object) -> None:
        await self.trust.change(params)

    def _folders_changed(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        for removed in params.event.removed:
            self.configuration.forget(removed.uri)
            with contextlib.suppress(InvalidArgument):
                self.folders.remove(removed.uri)
        for added in params.event.added:
            with contextlib.suppress(InvalidArgument):
                folder = Folder.of(added.uri, added.name)
                self.folders.add(folder)
                self.prewarm(folder)

    async def _prewarm(self, folder: Folder) -> None:
        await self.trust.look_again()
        stay = self.agent.lanes.folder(folder.path).left
        settings = await self.configuration.of(folder)
        await self.agent.sharing.watch(settings.session_store)
        lane = self.agent.lanes.folder(folder.path)
        used = await lane.read(self.agent.current, folder.path) is not None
        if not settings.prewarm or not used:
            return
        try:
            await self.agent.prewarm(folder.path, settings, stay)
        except Exception as error:  # noqa: BLE001 - the first query will tell
            logger.warning("No process could be started ahead for %s: %s", folder.path, error)

    async def _look_after_state(self) -> None:
        for folder in self.folders:  # the settings may name another state directory
            await self.configuration.of(folder)
        kept = await disk.run(
            importlib.import_module, "claude_agent_lsp.sessions.catalogue.kept_copies"
        )
        await disk.run(kept.Kept(self.state.directory).refresh)
        cleanup = await disk.run(importlib.import_module, "claude_agent_lsp.sessions.cleanup")
        busy = self.agent.ownership.busy
        await disk.run(cleanup.clean_up, self.state.directory, busy)

    def _notice(self, notice: Notice) -> None:
        self.tell(types.MessageType[notice.level.value.capitalize()], notice.text)

    async def _show(self, question: Question) -> Answer | None:
        from claude_agent_lsp.lsp.services.ask_user import ask

        return await ask(self, question)

    async def _close(self) -> None:
        await self.agent.close()


def _folders_of(params: types.InitializeParams) -> list[Folder]:
    """The open folders, by the newest of the three ways to tell them that the client uses."""
    named: list[tuple[str, str | None]] = []
    if params.workspace_folders:
        named = [(folder.uri, folder.name) for folder in params.workspace_folders]
    elif params.root_uri is not None:
        named = [(params.root_uri, None)]
    elif params.root_path:
        named = [(uri_of(Path(params.root_path).absolute()), None)]
    folders = []
    for uri, name in named:
        try:
            folders.append(Folder.of(uri, name))
        except InvalidArgument as error:
            logger.warning("This folder can't be worked in: %s", error)
    return folders


async def _load() -> None:
    """Have ready what the first command needs, while the user still types."""
    await disk.run(importlib.import_module, "claude_agent_lsp.lsp.commands.commands")
    await disk.run(importlib.import_module, "claude_agent_lsp.agent.agent")


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("Work in the background failed: %s", work)


def _registered(*_: object) -> None:
    """Stands for a command in pygls' table; `Commands.execute` does the work."""
