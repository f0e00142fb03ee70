"""The language server of one editor: how its parts hang together.

messages ──▶ AgentProtocol ──┬─▶ execute ──▶ Commands ──┐
                             └─▶ features ──────────────┴─▶ Services ──▶ Editor, Agent
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from claude_agent_lsp import __version__
from claude_agent_lsp.base.disk.private import keep_private
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.buffers.published import PublishedDiagnostics
from claude_agent_lsp.lsp.client_profile import ClientProfile
from claude_agent_lsp.lsp.commands.names import NAMES
from claude_agent_lsp.lsp.editor import ConnectedEditor
from claude_agent_lsp.lsp.features.code_actions import OPTIONS, code_actions
from claude_agent_lsp.lsp.features.registry import FEATURES
from claude_agent_lsp.lsp.protocol import AgentProtocol
from claude_agent_lsp.lsp.services.code.findings import Findings
from claude_agent_lsp.lsp.services.configuration import Configuration
from claude_agent_lsp.lsp.services.folder_trust import FolderTrust
from claude_agent_lsp.lsp.services.prewarming import Prewarming
from claude_agent_lsp.lsp.services.server_settings import ServerSettings
from claude_agent_lsp.lsp.services.services import Services
from claude_agent_lsp.lsp.wire.editor_process import EditorProcess
from claude_agent_lsp.workspace.dismissed import Dismissed
from claude_agent_lsp.workspace.documents.diagnostics import KnownDiagnostics
from claude_agent_lsp.workspace.documents.documents import Documents
from claude_agent_lsp.workspace.folders import Folders
from claude_agent_lsp.workspace.state import State, state_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.events import Notice
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.buffers.buffer_editor import DocumentEditor
    from claude_agent_lsp.lsp.commands.commands import Commands
    from claude_agent_lsp.lsp.features.feature import Handler
    from claude_agent_lsp.lsp.services.progress import Progress
    from claude_agent_lsp.lsp.services.questions.elsewhere import QuestionsElsewhere
    from claude_agent_lsp.lsp.services.questions.question_documents import QuestionDocuments
    from claude_agent_lsp.lsp.services.services import LazyServices
    from claude_agent_lsp.lsp.wire.writer import MessageWriter

logger = logging.getLogger(__name__)

# How long the clean-up waits for the settings of all folders.
SETTINGS_SECONDS: Final = 10.0
# How often it is looked what the CLI may delete: twice before anything is due.
KEEP_SECONDS: Final = 6 * 3600.0


class AgentServer(LanguageServer):
    """The server of one editor.

    `initialize` is answered before the commands and the agent are loaded, which takes a fifth of
    the time that pygls itself takes.

    Args:
        writer: The way to the editor.

    Attributes:
        left: Done with the exit status once the editor wants the process to end.
        services: What commands and features work with.
    """

    protocol: AgentProtocol

    def __init__(self, writer: MessageWriter) -> None:
        super().__init__("claude-agent-lsp", __version__, protocol_cls=AgentProtocol)
        self.protocol.set_writer(writer)
        self.left: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._editor = ConnectedEditor(self.protocol, writer)
        self._state = State(state_directory())
        # Where no setting can lead to: what protects the user from a repository is kept here.
        self._own_directory = self._state.directory
        self._closing: asyncio.Task[None] | None = None
        self._editor_process = EditorProcess(lambda: self.exit_with(1))
        self.services = self._compose()
        self._features = [feature(self.services) for feature in FEATURES]
        self._register_handlers()

    async def execute(self, params: types.ExecuteCommandParams, signal: AbortSignal) -> object:
        """Execute a command; the signal fires when its request is cancelled."""
        return await self._commands.execute(params, signal)

    def cancel_progress(self, token: int | str) -> None:
        """Stop what is shown on this token."""
        self._progress.cancel(token)

    def document_closed(self, uri: str) -> None:
        """Write a document that was shown no longer."""
        if self._is_created("_lazy"):  # else none was
            with contextlib.suppress(InvalidArgument):  # it is no file
                self.services.documents.closed(path_of(uri))

    def document_changed(self, uri: str) -> None:
        """Tell the features that a document was opened, changed or closed."""
        for feature in self._features:
            feature.document_changed(uri)

    def exit_with(self, status: int) -> None:
        """End the process; all that is at work is stopped first."""
        if not self.left.done():
            self.left.set_result(status)

    async def close(self) -> None:
        """Stop all runs and end all CLIs, in order. Any number of callers may wait."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what pygls reports; what a user should see is shown by whoever knows it."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    @cached_property
    def _agent(self) -> Agent:
        from claude_agent_lsp.agent.agent import Agent
        from claude_agent_lsp.agent.buffers.buffers import Buffers
        from claude_agent_lsp.lsp.buffers.editor_knowledge import ConnectedKnowledge
        from claude_agent_lsp.lsp.commands.runs.run_display import RunDisplay
        from claude_agent_lsp.lsp.services.questions.ask_user import AskUser

        asking = AskUser(
            self._editor,
            self._state,
            self._question_documents,
            self._progress.show_question,
            self._lane,
            offer=self._questions_elsewhere.offer,
        )
        name = self._editor.profile.name
        settings = self.services.server_settings
        return Agent(
            self._state,
            asking.ask,
            name,
            self._notice,
            self._own_directory,
            own_runs=RunDisplay(self.services),
            server_settings=lambda: settings.adopted,
            buffers=Buffers(
                self.services.open_documents,
                self._document_editor,
                ConnectedKnowledge(self._editor, self.services.known_diagnostics),
            ),
        )

    def _lane(self, session_id: str) -> Lane:
        # Not before the agent is there, which is made with what calls this.
        return self._agent.lanes.session(session_id)

    @cached_property
    def _question_documents(self) -> QuestionDocuments:
        from claude_agent_lsp.lsp.services.questions.question_documents import QuestionDocuments

        return QuestionDocuments(self._editor, self._state, self._lane)

    @cached_property
    def _questions_elsewhere(self) -> QuestionsElsewhere:
        from claude_agent_lsp.lsp.services.questions.elsewhere import QuestionsElsewhere

        return QuestionsElsewhere(self._editor, self._state, lambda: self._agent)

    @cached_property
    def _progress(self) -> Progress:
        from claude_agent_lsp.lsp.services.progress import Progress

        return Progress(self._editor)

    @cached_property
    def _lazy(self) -> LazyServices:
        from claude_agent_lsp.lsp.services.prompts.prompt_documents import PromptDocuments
        from claude_agent_lsp.lsp.services.reviews.open_texts import OpenTexts
        from claude_agent_lsp.lsp.services.reviews.review_documents import ReviewDocuments
        from claude_agent_lsp.lsp.services.reviews.reviews import Reviews
        from claude_agent_lsp.lsp.services.services import LazyServices
        from claude_agent_lsp.lsp.services.session_events import SessionEvents
        from claude_agent_lsp.lsp.services.session_lookup import SessionLookup
        from claude_agent_lsp.lsp.services.task_documents import TaskDocuments
        from claude_agent_lsp.lsp.services.transcript_documents import TranscriptDocuments
        from claude_agent_lsp.sessions.catalogue.search.indexing import Indexing

        agent, editor, early = self._agent, self._editor, self.services
        indexing = Indexing(editor.spawn)
        texts = OpenTexts(self._document_editor)
        reviews = Reviews(agent, early.folders, texts, early.review_watchers)
        sessions = SessionLookup(agent, early.folders, early.configuration, indexing)
        return LazyServices(
            agent=agent,
            progress=self._progress,
            sessions=sessions,
            session_events=SessionEvents(editor, sessions.find),
            documents=TranscriptDocuments(
                *(editor, self._state, sessions, agent.lanes),
                lambda path: early.open_documents.at(path) is not None,
            ),
            question_documents=self._question_documents,
            questions_elsewhere=self._questions_elsewhere,
            task_documents=TaskDocuments(editor, self._state, self._lane),
            reviews=reviews,
            review_documents=ReviewDocuments(editor, self._state, self._lane, reviews),
            prompts=PromptDocuments(self._document_editor, self._state, self._lane),
        )

    @cached_property
    def _document_editor(self) -> DocumentEditor:
        from claude_agent_lsp.lsp.buffers.buffer_editor import DocumentEditor

        return DocumentEditor(self._editor, self.services.open_documents)

    @cached_property
    def _commands(self) -> Commands:
        from claude_agent_lsp.lsp.commands.commands import Commands

        return Commands(self.services)

    def _compose(self) -> Services:
        editor, folders = self._editor, Folders()
        trust = FolderTrust(editor, folders, self._own_directory, lambda: self._agent)
        settings = ServerSettings(self._state, self._while_at_rest)
        configuration = Configuration(editor, trust, settings.adopt)
        documents, published = Documents(), PublishedDiagnostics(editor)
        findings = Findings(
            editor,
            documents,
            published,
            lambda: self._agent.lanes,
            Dismissed(lambda: self._state.directory),
        )
        return Services(
            editor=editor,
            folders=folders,
            open_documents=documents,
            known_diagnostics=KnownDiagnostics(documents),
            findings=findings,
            diagnostics=published,
            configuration=configuration,
            trust=trust,
            server_settings=settings,
            prewarming=Prewarming(editor, configuration, trust, lambda: self._agent),
            lazy=lambda: self._lazy,
        )

    def _register_handlers(self) -> None:
        for name in NAMES:
            self.command(name)(_placeholder)
        handlers: dict[str, Handler] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            **{m: h for feature in self._features for m, h in feature.handlers().items()},
        }
        for method, handler in handlers.items():
            # pygls sets attributes on what is registered, and a bound method takes none.
            self.feature(method)(partial(handler))
        self.feature(types.TEXT_DOCUMENT_CODE_ACTION, OPTIONS)(partial(self._code_actions))
        self.feature(types.TEXT_DOCUMENT_CODE_LENS)(partial(self._code_lenses))
        self.feature(types.TEXT_DOCUMENT_HOVER)(partial(self._hover))

    async def _code_actions(self, params: types.CodeActionParams) -> object:
        return await code_actions(self._features, params, self._editor.profile)

    async def _code_lenses(self, params: types.CodeLensParams) -> object:
        return [lens for each in self._features for lens in await each.code_lenses(params)]

    async def _hover(self, params: types.HoverParams) -> object:
        for feature in self._features:
            if (found := await feature.hover(params)) is not None:
                return found
        return None

    def _initialize(self, params: types.InitializeParams) -> None:
        self._editor.profile = ClientProfile.parse(params)
        for feature in self._features:
            feature.initialize(params)
        self._editor_process.watch(params.process_id)

    async def _initialized(self, _: types.InitializedParams) -> None:
        self._editor.spawn(_load())
        for feature in self._features:
            # An editor that does not answer one of them holds up none of the others.
            self._editor.spawn(feature.initialized())
        self._editor.spawn(self._maintain_state())

    async def _maintain_state(self) -> None:
        services = self.services
        # The settings may name another state directory. One folder's disk may hang.
        asked = [
            asyncio.ensure_future(services.configuration.settings_in(folder))
            for folder in services.folders
        ]
        if asked:
            await asyncio.wait(asked, timeout=SETTINGS_SECONDS)
        for each in asked:
            each.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await disk.run(keep_private, self._state.directory)
        except OSError as error:
            logger.warning("%s can't be kept from other users: %s", self._state.directory, error)
        self._editor.spawn(self._keep_sessions())
        cleanup = await disk.run(importlib.import_module, "claude_agent_lsp.sessions.cleanup")
        scratch = await disk.run(importlib.import_module, "claude_agent_lsp.base.disk.scratch")
        await disk.run(scratch.remove_abandoned)
        busy = self._agent.locks.busy
        # What the CLI keeps for a while stays there, whatever a setting says.
        for directory in {self._state.directory, self._own_directory}:
            await disk.run(cleanup.clean_up, directory, busy)

    async def _keep_sessions(self) -> None:
        """Keep what the CLI would delete, as long as the server lives: CLIs delete at any time."""
        agent = self._agent
        while not agent.shutdown.aborted:
            await agent.kept.update()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_SECONDS):
                    await agent.shutdown.wait()

    def _notice(self, notice: Notice) -> None:
        kind = types.MessageType[notice.level.value.capitalize()]
        self._editor.show_message(kind, notice.text)

    def _while_at_rest(self, change: Callable[[], None]) -> None:
        if self._is_created("_agent"):
            self._agent.locks.while_at_rest(change)
        else:
            change()

    def _is_created(self, part: str) -> bool:
        return part in self.__dict__

    async def _close(self) -> None:
        await self._agent.close()


async def _load() -> None:
    """Have ready what the first command needs, while the user still types."""
    await disk.run(importlib.import_module, "claude_agent_lsp.lsp.commands.commands")
    await disk.run(importlib.import_module, "claude_agent_lsp.agent.agent")


def _placeholder(*_: object) -> None:
    """Stand for a command in pygls' table; `AgentServer.execute` does the work."""
