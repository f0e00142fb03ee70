"""The commands that make a document of a session, or a session of one."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from claude_agent_lsp.base.lanes import Lane, disk
from claude_agent_lsp.errors import SessionNotFound, StoreUnavailable, UnsupportedByClient
from claude_agent_lsp.lsp.commands import session_arguments as arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.convert.encoded import encode_long

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request


class DocumentCommands(CommandGroup):
    """Makes documents of sessions."""

    @command("claudeAgent.session.export", arguments.SessionExportArgument)
    async def export_session(self, argument: arguments.SessionExportArgument, _: Request) -> object:
        """Export a session as a document."""
        session = await self._services.sessions.find(argument.session_id)
        export = await disk.run(importlib.import_module, "claude_agent_lsp.sessions.moving.export")
        lane = self._lane(argument.session_id)
        content = await lane.read(
            export.exported, session, argument.format, self._services.agent.state.directory
        )
        if argument.uri is None:
            text = await lane.read(export.text_of, content)
            return await lane.read(encode_long, "text", text)
        await lane.read(export.write_export, argument.uri, content)
        return {"uri": argument.uri}

    @command("claudeAgent.session.import", arguments.SessionImportArgument)
    async def import_sessions(
        self, argument: arguments.SessionImportArgument, _: Request
    ) -> object:
        """Bring sessions of another machine here."""
        services = self._services
        folder = await self._order.folder(argument.workspace)
        importing = await disk.run(
            importlib.import_module, "claude_agent_lsp.sessions.moving.importing"
        )
        state = services.agent.state.directory
        # It may read for long, and from a disk that hangs: nobody else waits for it.
        files = await Lane().run(importing.import_sessions, argument.uri, folder.path, state)
        for each in files:
            if each.outcome is importing.Outcome.IMPORTED:
                services.session_events.changed(await services.sessions.find(each.session_id))
        return {"files": files}

    @command("claudeAgent.session.show", arguments.SessionShowArgument)
    async def show_session(self, argument: arguments.SessionShowArgument, _: Request) -> object:
        """Open a session as a document."""
        services = self._services
        if not services.editor.profile.show_document:
            raise UnsupportedByClient(
                "This editor does not let the server open documents (window/showDocument).",
                hint="Write the session to a file with claudeAgent.session.export.",
            )
        session_id = argument.session_id
        if session_id is None:
            folder = await self._order.folder(None)
            lane = services.agent.lanes.folder(folder.path)
            session_id = await lane.read(services.agent.current, folder.path)
            if session_id is None:
                raise SessionNotFound(f"{folder.path} has no current session.")
        try:
            path, shown = await services.documents.show(session_id)
        except OSError as error:
            text = f"The document can't be written: {error.strerror or error}."
            raise StoreUnavailable(text) from error
        return {"uri": path, "shown": shown}
