"""The commands that look at what runs have changed: keep it, or take it back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.errors import StoreUnavailable, UnsupportedByClient
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.review import review_arguments as arguments
from claude_agent_lsp.lsp.convert.review_json import review_json
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.lsp.services.reviews.open_texts import real
from claude_agent_lsp.sessions.review.review import Selection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.services.reviews.reviews import Found


class ReviewCommands(CommandGroup):
    """Looks at what runs have changed. A command that changes a file waits its turn."""

    @command("claudeAgent.review.list", arguments.ReviewListArgument)
    async def list_changes(self, argument: arguments.ReviewListArgument, _: Request) -> object:
        """List what is to be looked at."""
        found = await self._look(argument, await self._sessions(argument))
        files = await parsing.run(review_json, found.files, found.runs, found.prompts)
        return {"files": files, **({"unseen": list(found.unseen)} if found.unseen else {})}

    @command("claudeAgent.review.show", arguments.ReviewShowArgument)
    async def show_changes(self, argument: arguments.ReviewShowArgument, _: Request) -> object:
        """Open what is to be looked at of a session as a document."""
        if not self._services.editor.profile.show_document:
            raise UnsupportedByClient(
                "This editor does not let the server open documents (window/showDocument).",
                hint="List what is to be looked at with claudeAgent.review.list.",
            )
        reviews, sessions = self._services.reviews, await self._sessions(argument)
        found = await self._look(argument, sessions)
        wanted = found.files[0].session_id if found.files else next(iter(sessions), None)
        if wanted is None:
            return {"shown": False}
        found.files = [file for file in found.files if file.session_id == wanted]
        try:
            path, shown = await self._services.review_documents.show(
                wanted, found, await self._selection(argument)
            )
        except OSError as error:
            text = f"The document can't be written: {error.strerror or error}."
            raise StoreUnavailable(text) from error
        reviews.tell()
        return {"sessionId": wanted, "uri": path, "shown": shown}

    @command("claudeAgent.review.keep", arguments.ReviewKeepArgument)
    async def keep_changes(self, argument: arguments.ReviewKeepArgument, _: Request) -> object:
        """Note that the user has looked at something, and wants it so."""
        sessions = await self._sessions(argument)
        found = await self._services.reviews.keep(sessions, await self._selection(argument))
        files = await parsing.run(review_json, found.files, found.runs, found.prompts)
        return {"files": files}

    @command("claudeAgent.review.undo", arguments.ReviewUndoArgument)
    async def undo_changes(self, argument: arguments.ReviewUndoArgument, _: Request) -> object:
        """Take something back."""
        async with self._in_turn(argument):
            sessions = await self._sessions(argument)
            selection = await self._selection(argument)
            answer, undone = await self._services.reviews.undo(
                sessions, selection, preview=argument.preview
            )
        return {**jsonable(answer), "undone": undone}

    @command("claudeAgent.review.redo", arguments.ReviewRedoArgument)
    async def redo_changes(self, argument: arguments.ReviewRedoArgument, _: Request) -> object:
        """Take an undo back."""
        reviews = self._services.reviews
        async with self._in_turn(argument):
            session_id = argument.session_id
            if session_id is None:
                folder = await self._order.folder(argument.workspace)
                session_id = await reviews.undone_last(await reviews.sessions(folder.path))
            return await reviews.redo(session_id, argument.undo_id, preview=argument.preview)

    @asynccontextmanager
    async def _in_turn(self, argument: Any) -> AsyncIterator[None]:
        if argument.session_id is not None:
            async with self._order.in_session(argument.session_id):
                yield
        else:
            document = getattr(argument, "uri", None)
            async with self._order.in_folder(argument.workspace, document):
                yield

    async def _sessions(self, argument: arguments.ReviewArgument) -> list[str]:
        if argument.session_id is not None:
            return [argument.session_id]
        folder = await self._order.folder(argument.workspace, argument.uri)
        return await self._services.reviews.sessions(folder.path)

    async def _look(self, argument: arguments.ReviewArgument, sessions: list[str]) -> Found:
        return await self._services.reviews.look(sessions, await self._selection(argument))

    async def _selection(self, argument: arguments.ReviewArgument) -> Selection:
        paths = None
        if (uri := argument.uri) is not None:
            lane = self._services.agent.lanes.folder(uri.parent)
            paths = frozenset({uri, await lane.read(real, uri)})
        ids = getattr(argument, "hunk_ids", None)
        chosen = None if ids is None else frozenset(ids)
        return Selection(argument.run_id, argument.message_id, paths, chosen)
