"""The commands of docs/protocol.md that are about sessions: to find, read, change and keep them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.exclusive import no_run_in, nothing_in
from claude_agent_lsp.agent.run.query import NEW
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import SessionNotFound, StoreUnavailable, UnsupportedByClient
from claude_agent_lsp.lsp.commands import arguments as given
from claude_agent_lsp.lsp.commands.order import Order
from claude_agent_lsp.lsp.commands.registry import command
from claude_agent_lsp.lsp.services.session_events import Announcements
from claude_agent_lsp.lsp.services.transcript_documents import (
    GrowingDocuments,
    ask_for_closing,
    open_document,
    write_transcript,
)
from claude_agent_lsp.sessions.catalogue.kept_copies import TAG, Kept
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.base.lanes import SessionLane
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.server import AgentServer
    from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue, Session
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings


class SessionCommands:
    """What the commands about sessions do. One that changes something waits its turn in its folder.

    Args:
        server: The server that they belong to.
    """

    def __init__(self, server: AgentServer) -> None:
        self._server = server
        self._order = Order(server.agent, server.folders, self._folder_of)
        self._index: Index | None = None
        self._documents = GrowingDocuments(self._write_document)
        self._asked_for_closing: Path | None = None
        self._announcements = Announcements(server, self._session)

    @command("claudeAgent.session.list", given.SessionListArgument)
    async def list_sessions(self, argument: given.SessionListArgument, _: Request) -> object:
        """List a folder's sessions."""
        folder, settings = await self._place(argument.workspace)
        sharing = self._server.agent.sharing
        shared = await sharing.shared_only(settings.session_store, folder.path)
        catalogue = await self._catalogue()
        lane = self._server.agent.lanes.folder(folder.path)
        return await lane.read(
            catalogue.page,
            folder.path,
            search=argument.search,
            tag=argument.tag,
            limit=argument.limit,
            cursor=argument.cursor,
            shared=shared,
        )

    @command("claudeAgent.session.read", given.SessionReadArgument)
    async def read_session(self, argument: given.SessionReadArgument, _: Request) -> object:
        """Read what was said in a session."""
        await self._fetch(argument.session_id)
        session = await self._session(argument.session_id)
        reading = await _loaded("reading.reading")
        page, cursor = await self._lane(argument.session_id).read(
            reading.read_page,
            argument.session_id,
            self._server.agent.state.directory,
            argument.limit,
            argument.cursor,
        )
        answer = {"session": session, "messages": page}
        return answer if cursor is None else {**answer, "nextCursor": cursor}

    @command("claudeAgent.session.select", given.SessionSelectArgument)
    async def select_session(self, argument: given.SessionSelectArgument, _: Request) -> object:
        """Set what "last" means from now on."""
        async with self._order.in_folder(argument.workspace) as folder:
            settings = await self._server.configuration.of(folder)
            if argument.session_id == NEW:
                await self._server.agent.select(folder.path, None)
                return None
            sharing = self._server.agent.sharing
            await sharing.fetch(settings.session_store, folder.path, argument.session_id)
            catalogue = await self._catalogue()
            lane = self._lane(argument.session_id)
            if not await lane.read(catalogue.belongs, argument.session_id, folder.path):
                raise SessionNotFound(
                    f"There is no session {argument.session_id} in {folder.path}."
                )
            await self._server.agent.select(folder.path, argument.session_id)
        self._server.prewarm(folder)
        session = await lane.read(catalogue.session, argument.session_id)
        return self._announcements.changed(session)

    @command("claudeAgent.session.rename", given.SessionRenameArgument)
    async def rename_session(self, argument: given.SessionRenameArgument, _: Request) -> object:
        """Set a session's title."""
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            await self._at_hand(argument.session_id)
            await self._lane(argument.session_id).run(
                changes.rename, argument.session_id, argument.title
            )
            return self._announcements.changed(await self._session(argument.session_id))

    @command("claudeAgent.session.tag", given.SessionTagArgument)
    async def tag_session(self, argument: given.SessionTagArgument, _: Request) -> object:
        """Set a session's tag, or clear it."""
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            await self._at_hand(argument.session_id)
            lane = self._lane(argument.session_id)
            await lane.run(changes.tag, argument.session_id, argument.tag)
            session = await self._session(argument.session_id)
            await lane.run(self._keep_or_not, session)
            return self._announcements.changed(session)

    @command("claudeAgent.session.fork", given.SessionForkArgument)
    async def fork_session(self, argument: given.SessionForkArgument, _: Request) -> object:
        """Copy a session, or its beginning, under an id of its own."""
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            await self._at_hand(argument.session_id)
            lane = self._lane(argument.session_id)
            copy = await lane.run(changes.fork, argument.session_id, argument.at, argument.title)
            return self._announcements.changed(await self._session(copy))

    @command("claudeAgent.session.delete", given.SessionDeleteArgument)
    async def delete_session(self, argument: given.SessionDeleteArgument, _: Request) -> object:
        """Remove a session for good."""
        agent = self._server.agent
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            session = await self._session(argument.session_id)
            async with nothing_in(agent, session.session_id):
                index = await disk.run(self._opened_index)
                lane = self._lane(session.session_id)
                await lane.run(changes.delete, session.session_id, agent.state, index)
                self._documents.remove(session.session_id)
                agent.forget(session.session_id)
                settings = await self._settings_of(session.workspace)
                await agent.sharing.delete(
                    settings.session_store, session.workspace, session.session_id
                )
        self._announcements.deleted(session)
        return {"deleted": True}

    @command("claudeAgent.session.export", given.SessionExportArgument)
    async def export_session(self, argument: given.SessionExportArgument, _: Request) -> object:
        """Give a session out as a document."""
        session = await self._session(argument.session_id)
        export = await _loaded("reading.export")
        lane = self._lane(argument.session_id)
        content = await lane.read(
            export.exported, session, argument.format, self._server.agent.state.directory
        )
        if argument.uri is None:
            return {"text": content.decode(errors="replace")}
        await lane.read(export.write_export, argument.uri, content)
        return {"uri": argument.uri}

    @command("claudeAgent.session.show", given.SessionShowArgument)
    async def show_session(self, argument: given.SessionShowArgument, _: Request) -> object:
        """Open a session as a document."""
        server = self._server
        if not server.profile.show_document:
            raise UnsupportedByClient(
                "This editor can't be asked to open a document.",
                hint="claudeAgent.session.export writes the session to a file of yours.",
            )
        session_id = argument.session_id
        if session_id is None:
            folder, _settings = await self._place(None)
            lane = server.agent.lanes.folder(folder.path)
            session_id = await lane.read(server.agent.current, folder.path)
            if session_id is None:
                raise SessionNotFound(f"{folder.path} has no current session.")
        path = self._document(session_id)
        if self._asked_for_closing != path.parent:
            self._asked_for_closing = path.parent
            server.start(ask_for_closing(server, path.parent))
        self._documents.add(session_id, path)
        try:
            catalogue = await self._catalogue()
            line = await self._lane(session_id).read(write_transcript, catalogue, session_id, path)
        except OSError as error:
            text = f"{path} can't be written: {error.strerror or error}."
            raise StoreUnavailable(text) from error
        return {"uri": path, "shown": await open_document(server, path, line)}

    @command("claudeAgent.session.rewind", given.SessionRewindArgument)
    async def rewind_session(self, argument: given.SessionRewindArgument, _: Request) -> object:
        """Put files back as they were before a message."""
        agent = self._server.agent
        session_id = argument.session_id
        async with self._order.in_session(session_id), no_run_in(agent, session_id):
            rewind = await _loaded("rewind.rewind")
            await self._at_hand(session_id)
            return await agent.lanes.session(session_id).read(
                rewind.rewind,
                argument.session_id,
                argument.message_id,
                agent.state.directory,
                dry_run=argument.dry_run,
            )

    def document_closed(self, path: Path) -> None:
        """The editor has closed a document; if it is a session's, it need not grow any more."""
        self._documents.closed(path)

    def _lane(self, session_id: str) -> SessionLane:
        return self._server.agent.lanes.session(session_id)

    def _document(self, session_id: str) -> Path:
        return self._server.agent.state.directory / "transcripts" / f"{session_id}.md"

    def _write_document(self, session_id: str) -> None:
        write_transcript(self._made_catalogue(), session_id, self._document(session_id))

    @property
    def _kept(self) -> Kept:
        return Kept(self._server.agent.state.directory)

    async def _at_hand(self, session_id: str) -> None:
        """Put a kept session that the CLI has deleted back to where it can be changed."""
        await self._lane(session_id).run(self._kept.restore, session_id)

    def _keep_or_not(self, session: Session) -> None:
        transcript = find_transcript(session.session_id)
        if session.tag != TAG:
            self._kept.forget(session.session_id)
        elif transcript is not None:
            self._kept.keep(transcript)

    async def _session(self, session_id: str) -> Session:
        catalogue = await self._catalogue()
        return await self._lane(session_id).read(catalogue.session, session_id)

    async def _place(
        self, workspace: Path | None, document: Path | None = None
    ) -> tuple[Folder, Settings]:
        """The folder that a command is for, and what is set there."""
        folder = await self._folder(workspace, document)
        return folder, await self._server.configuration.of(folder)

    async def _folder(self, workspace: Path | None, document: Path | None) -> Folder:
        return await self._order.folder(workspace, document)

    def _folder_of(self, session_id: str) -> Path | None:
        try:
            return self._made_catalogue().session(session_id).workspace
        except SessionNotFound:
            return None

    async def _settings_of(self, place: Path) -> Settings:
        """What is set in an open folder; what came with `initialize` in any other."""
        configuration = self._server.configuration
        folder = next((each for each in self._server.folders if each.path == place), None)
        return (
            configuration.initial.restricted() if folder is None else await configuration.of(folder)
        )

    async def _fetch(self, session_id: str) -> None:
        """Bring a session here that is only in the store of one of the open folders."""
        for folder in self._server.folders:
            settings = await self._server.configuration.of(folder)
            sharing = self._server.agent.sharing
            await sharing.fetch(settings.session_store, folder.path, session_id)

    async def _catalogue(self) -> Catalogue:
        return await disk.run(self._made_catalogue)

    def _made_catalogue(self) -> Catalogue:
        from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue

        agent = self._server.agent
        return Catalogue(
            self._opened_index(),
            agent.ownership.busy,
            agent.current,
            [folder.path for folder in self._server.folders],
        )

    def _opened_index(self) -> Index:
        from claude_agent_lsp.sessions.catalogue.index import Index

        directory = self._server.agent.state.directory
        if self._index is None or self._index.directory != directory:
            self._index = Index(directory)
        return self._index


async def _loaded(name: str) -> Any:
    """A module of sessions/; some of them load the SDK, which takes a second."""
    return await disk.run(importlib.import_module, f"claude_agent_lsp.sessions.{name}")
