"""The commands about sessions: to find, read and change them."""

from __future__ import annotations

import dataclasses
import importlib
from functools import partial
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.exclusive import hold_and_end_process, hold_session
from claude_agent_lsp.agent.run.query import NEW
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import SessionMoved, SessionNotFound
from claude_agent_lsp.lsp.commands import session_arguments as arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.runs.moving import bring_here
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.sessions.catalogue.kept_copies import TAG, KeptCopies
from claude_agent_lsp.sessions.catalogue.marks import Mark, Marks
from claude_agent_lsp.sessions.catalogue.wanted import Wanted
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.sessions.catalogue.session import Session
    from claude_agent_lsp.sessions.going_back import Branch


class SessionCommands(CommandGroup):
    """Works on sessions. A command that changes something waits its turn in its folder."""

    @command("claudeAgent.session.list", arguments.SessionListArgument)
    async def list_sessions(self, argument: arguments.SessionListArgument, _: Request) -> object:
        """List a folder's sessions."""
        folder = await self._order.folder(argument.workspace)
        settings = await self._services.configuration.settings_in(folder)
        agent = self._services.agent
        shared = await agent.sharing.shared_only(settings.session_store, folder.path)
        catalogue = await self._services.sessions.catalogue()
        lane = agent.lanes.folder(folder.path)
        fields = dataclasses.asdict(argument)
        del fields["workspace"]
        page = await lane.catalogue.read(catalogue.page, folder.path, Wanted(**fields), shared)
        self._services.sessions.indexing.begin(catalogue, folder.path)
        # Some other program may have set the tag.
        agent.kept.keep_tagged(each.session_id for each in page.sessions if each.tag == TAG)
        return page

    @command("claudeAgent.session.read", arguments.SessionReadArgument)
    async def read_session(self, argument: arguments.SessionReadArgument, _: Request) -> object:
        """Read what was said in a session."""
        await self._services.sessions.fetch(argument.session_id)
        session = await self._services.sessions.find(argument.session_id)
        reading = await _loaded("reading.reading")
        subagents = argument.subagent_text
        if subagents is None:
            subagents = self._services.editor.profile.subagent_text
        read = partial(reading.read_page, subagents=subagents, at_work=session.running)
        page, cursor = await self._lane(argument.session_id).read(
            read,
            argument.session_id,
            self._services.agent.state.directory,
            argument.limit,
            argument.cursor,
        )
        answer = {"session": session, "messages": page}
        if argument.cursor is None and (branches := await self._branches(argument.session_id)):
            answer["branches"] = branches
        return answer if cursor is None else {**answer, "nextCursor": cursor}

    @command("claudeAgent.session.result", arguments.SessionResultArgument)
    async def read_result(self, argument: arguments.SessionResultArgument, _: Request) -> object:
        """Read what a tool call has put out, all of it."""
        await self._services.sessions.fetch(argument.session_id)
        session = await self._services.sessions.find(argument.session_id)
        reading = await _loaded("reading.reading")
        return await self._lane(session.session_id).read(
            reading.read_result,
            session.session_id,
            self._services.agent.state.directory,
            argument.tool_call_id,
            argument.cursor,
            argument.limit,
        )

    @command("claudeAgent.session.select", arguments.SessionSelectArgument)
    async def select_session(
        self, argument: arguments.SessionSelectArgument, request: Request
    ) -> object:
        """Set what "last" means from now on."""
        try:
            return await self._select(argument)
        except SessionMoved as moved:
            folder = await self._order.folder(argument.workspace)
            await bring_here(self._services, moved, folder, request.signal)
            return await self._select(argument)

    async def _select(self, argument: arguments.SessionSelectArgument) -> object:
        async with self._order.in_folder(argument.workspace) as folder:
            settings = await self._services.configuration.settings_in(folder)
            if argument.session_id == NEW:
                await self._services.agent.select(folder.path, None)
                return None
            sharing = self._services.agent.sharing
            await sharing.fetch(settings.session_store, folder.path, argument.session_id)
            catalogue = await self._services.sessions.catalogue()
            lane = self._lane(argument.session_id)
            if not await lane.read(catalogue.belongs, argument.session_id, folder.path):
                raise SessionNotFound(
                    f"There is no session {argument.session_id} in {folder.path}."
                )
            await self._services.agent.select(folder.path, argument.session_id)
        self._services.prewarming.begin(folder)
        session = await lane.read(catalogue.session, argument.session_id)
        return self._services.session_events.changed(session)

    @command("claudeAgent.session.rename", arguments.SessionRenameArgument)
    async def rename_session(self, argument: arguments.SessionRenameArgument, _: Request) -> object:
        """Set a session's title."""
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            await self._restore_if_deleted(argument.session_id)
            await self._lane(argument.session_id).run(
                changes.rename, argument.session_id, argument.title
            )
            return self._services.session_events.changed(
                await self._services.sessions.find(argument.session_id)
            )

    @command("claudeAgent.session.tag", arguments.SessionTagArgument)
    async def tag_session(self, argument: arguments.SessionTagArgument, _: Request) -> object:
        """Set a session's tag, or clear it."""
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            await self._restore_if_deleted(argument.session_id)
            lane = self._lane(argument.session_id)
            await lane.run(changes.tag, argument.session_id, argument.tag)
            session = await self._services.sessions.find(argument.session_id)
            await lane.run(self._update_kept_copy, session)
            return self._services.session_events.changed(session)

    @command("claudeAgent.session.pin", arguments.SessionPinArgument)
    async def pin_session(self, argument: arguments.SessionPinArgument, _: Request) -> object:
        """Have a session stand before all others, or no more."""
        return await self._mark(argument.session_id, Mark.PINNED, on=argument.pinned)

    @command("claudeAgent.session.archive", arguments.SessionArchiveArgument)
    async def archive_session(
        self, argument: arguments.SessionArchiveArgument, _: Request
    ) -> object:
        """Leave a session out of lists, or no more."""
        return await self._mark(argument.session_id, Mark.ARCHIVED, on=argument.archived)

    async def _mark(self, session_id: str, mark: Mark, *, on: bool) -> Session:
        async with self._order.in_session(session_id):
            await self._services.sessions.find(session_id)
            marks = Marks(self._services.agent.state.directory)
            await self._lane(session_id).run(marks.set, session_id, mark, on=on)
            session = await self._services.sessions.find(session_id)
            return self._services.session_events.changed(session)

    @command("claudeAgent.session.fork", arguments.SessionForkArgument)
    async def fork_session(self, argument: arguments.SessionForkArgument, _: Request) -> object:
        """Copy a session, or its beginning, under an id of its own."""
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            await self._restore_if_deleted(argument.session_id)
            lane = self._lane(argument.session_id)
            state = self._services.agent.state.directory
            asked = argument.session_id, state, argument.at, argument.title
            copy = await lane.run(changes.fork, *asked)
            return self._services.session_events.changed(await self._services.sessions.find(copy))

    @command("claudeAgent.session.delete", arguments.SessionDeleteArgument)
    async def delete_session(self, argument: arguments.SessionDeleteArgument, _: Request) -> object:
        """Remove a session for good."""
        agent = self._services.agent
        async with self._order.in_session(argument.session_id):
            changes = await _loaded("edit_session")
            session = await self._services.sessions.find(argument.session_id)
            async with hold_and_end_process(agent, session.session_id):
                # The store first: while it is away nothing is deleted, else the session came back.
                settings = await self._services.sessions.settings_of(session.workspace)
                await agent.sharing.delete(
                    settings.session_store,
                    session.workspace,
                    session.session_id,
                    await self._services.sessions.stores(),
                )
                index = await self._services.sessions.index()
                lane = self._lane(session.session_id)
                await lane.run(changes.delete, session.session_id, agent.state, index)
                self._services.documents.forget(session.session_id)
                agent.forget(session.session_id)
        self._services.session_events.deleted(session)
        return {"deleted": True}

    @command("claudeAgent.session.rewind", arguments.SessionRewindArgument)
    async def rewind_session(self, argument: arguments.SessionRewindArgument, _: Request) -> object:
        """Put files, the conversation or both back to before a message."""
        agent = self._services.agent
        session_id = argument.session_id
        async with self._order.in_session(session_id), hold_session(agent, session_id):
            rewind = await _loaded("rewind.rewind")
            await self._restore_if_deleted(session_id)
            look = argument.dry_run or argument.preview
            answer: dict[str, Any] = {}
            if argument.what != "files":
                # What can't be done with the conversation is said before a file is touched.
                answer = await self._leave(argument, look=True)
            if argument.what != "conversation":
                wanted = rewind.Wanted(argument.dry_run, argument.preview, argument.keep_conflicts)
                plan = partial(rewind.to_rewind, session_id, argument.message_id)
                answer |= jsonable(await self._services.reviews.put_back(session_id, plan, wanted))
            if argument.what != "files" and not look:
                answer |= await self._leave(argument, look=False)
            return answer

    async def _leave(
        self, argument: arguments.SessionRewindArgument, *, look: bool
    ) -> dict[str, Any]:
        """Have another session go on without what was said from a prompt on."""
        agent, session_id = self._services.agent, argument.session_id
        going_back = await _loaded("going_back")
        going = going_back.GoingBack(agent.state.directory, agent.journal.runs)
        left = await self._lane(session_id).run(
            going.back_to, session_id, argument.message_id, look=look
        )
        if not look:
            session = await self._services.sessions.find(session_id)
            self._services.session_events.changed(session)
            await agent.select(session.workspace, left.session_id)
            if left.session_id is not None:
                new = await self._services.sessions.find(left.session_id)
                self._services.session_events.changed(new)
        told = {} if left.session_id is None else {"sessionId": left.session_id}
        return {"messagesLeft": left.messages, **told}

    @command("claudeAgent.session.redo", arguments.SessionRedoArgument)
    async def redo_rewind(self, argument: arguments.SessionRedoArgument, _: Request) -> object:
        """Take the last rewind of files back."""
        agent = self._services.agent
        session_id = argument.session_id
        async with self._order.in_session(session_id), hold_session(agent, session_id):
            rewind = await _loaded("rewind.rewind")
            await self._restore_if_deleted(session_id)
            wanted = rewind.Wanted(preview=argument.preview, keep_conflicts=argument.keep_conflicts)
            plan = partial(rewind.to_redo, session_id)
            return await self._services.reviews.put_back(session_id, plan, wanted)

    async def _branches(self, session_id: str) -> tuple[Branch, ...]:
        agent = self._services.agent
        going_back = await _loaded("going_back")
        going = going_back.GoingBack(agent.state.directory, agent.journal.runs)
        found: tuple[Branch, ...] = await self._lane(session_id).read(going.branches, session_id)
        return found

    async def _restore_if_deleted(self, session_id: str) -> None:
        """Put a kept session that the CLI has deleted back to where it can be changed."""
        await self._lane(session_id).run(self._kept.restore, session_id)

    def _update_kept_copy(self, session: Session) -> None:
        transcript = find_transcript(session.session_id)
        kept = self._services.agent.kept
        if session.tag != TAG:
            kept.drop(session.session_id)
        elif transcript is not None and kept.wanted:
            self._kept.keep(transcript)

    @property
    def _kept(self) -> KeptCopies:
        return KeptCopies(self._services.agent.state.directory)


async def _loaded(name: str) -> Any:
    """Return a module of sessions/; some of them load the SDK, which takes a second."""
    return await disk.run(importlib.import_module, f"claude_agent_lsp.sessions.{name}")
