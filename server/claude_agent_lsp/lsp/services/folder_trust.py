"""Trust as the editor has it: what it says, what its user answers, and what follows from it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.base.visible import visible
from claude_agent_lsp.errors import InvalidArgument, RequestFailed
from claude_agent_lsp.workspace.trust import Trust, project_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.events import Run
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.folders import Folder, Folders
    from claude_agent_lsp.workspace.settings import Settings

logger = logging.getLogger(__name__)

HOW: Final = 'claudeAgent.trust {"trusted": true} trusts it.'
LONGEST_QUESTION: Final = 86_400.0


class FolderTrust:
    """The trust in this server's folders.

    Args:
        editor: The editor.
        folders: The open folders.
        state_directory: The user's, whatever a setting says.
        agent: Gives the agent, which has the questions, the lanes and the processes.
    """

    def __init__(
        self,
        editor: Editor,
        folders: Folders,
        state_directory: Path,
        agent: Callable[[], Agent],
    ) -> None:
        self._editor = editor
        self._folders = folders
        self._agent = agent
        self._listeners: list[Callable[[], None]] = []
        self._trust = Trust(state_directory)
        # What the client says; None if it does not speak of trust.
        self._told: frozenset[Path] | None = None
        self._trusted: set[Path] = set()
        # Of the decisions that these rest on.
        self._stamp: object = None
        self._decisions = 0
        self._asked: set[Path] = set()
        # Those that are being looked at once more, and left if they are not trusted.
        self._leaving: dict[Path, asyncio.Task[None]] = {}

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a folder may have gained or lost trust."""
        self._listeners.append(listener)

    def begin(self, options: object) -> None:
        """Believe the client's `initializationOptions.trustedFolders`, if it speaks of trust."""
        if self._editor.profile.trust:
            self._told = _folders_in(options)

    async def change(self, params: object) -> None:
        """Believe the client's `claudeAgent/trustChanged`; what lost it loses its processes."""
        if not self._editor.profile.trust:
            return
        self._told = _folders_in(params)
        self._tell_of_change()
        lost = [folder.path for folder in self._folders if not await self.is_trusted(folder.path)]
        await asyncio.gather(*map(self._agent().revoke, lost))

    async def is_trusted(self, folder: Path) -> bool:
        """Whether a folder is trusted."""
        if self._told is not None:
            return any(place in self._told for place in (folder, *folder.parents))
        if folder in self._trusted:
            await self.look_again(folder)  # what is remembered may have been decided elsewhere
        return await self._look(folder)

    async def _look(self, folder: Path) -> bool:
        if folder in self._trusted:
            return True
        decisions = -1
        while decisions != self._decisions:  # what was read before a decision is worth nothing
            decisions = self._decisions
            lane = self._agent().lanes.folder(folder)
            stamp, trusted = await lane.run(self._stamp_and_decision, folder)
        if trusted:
            self._stamp = self._stamp if self._trusted else stamp
            self._trusted.add(folder)
        return bool(trusted)

    async def look_again(self, folder: Path) -> None:
        """Notice what the user has decided since, in another editor or in the terminal.

        Whoever starts or resumes something in a folder does it first, before it takes
        `FolderLane.revoked`: if the folder has lost its trust, it has been left by then.
        """
        if self._trusted and await disk.run(self._trust.stamp) != self._stamp:
            self._reconsider()
        if (leaving := self._leaving.get(folder)) is not None:
            await asyncio.wait({leaving})

    async def decide(self, folder: Path, *, trusted: bool) -> None:
        """Remember what the user has decided; a folder that loses trust loses its processes.

        Raises:
            InvalidArgument: It is the client that speaks of trust.
            StoreUnavailable: It could not be written.
        """
        if self._told is not None:
            raise InvalidArgument(
                "trusted: expected the editor to say so: it speaks of trust by itself."
            )
        self._asked.add(folder)
        await self._agent().lanes.folder(folder).run(self._trust.decide, folder, trusted=trusted)
        self._decisions += 1
        self._tell_of_change()
        self._reconsider()  # also those below it, for which the decision holds too
        below = [left for place, left in self._leaving.items() if place.is_relative_to(folder)]
        if below:
            await asyncio.wait(below)

    async def offer(self, folder: Folder, settings: Settings, run: ActiveRun) -> None:
        """Ask once whether a folder is trusted, if that would make a difference.

        Args:
            folder: A folder that is not trusted.
            settings: What is set there, all of it.
            run: Shows what waits for the user. If it is stopped the question is withdrawn, and
                comes again with the next one; it outlives a run that ends by itself.
        """
        place = folder.path
        if self._told is not None or place in self._asked or await self.is_trusted(place):
            return
        self._asked.add(place)
        lane = self._agent().lanes.folder(place)
        if await lane.run(self._trust.decision_on, place) is not None:
            return
        withheld = [f"claudeAgent.{name}" for name in settings.withheld()]
        withheld += await lane.read(project_files, place)
        if not withheld:
            return
        profile = self._editor.profile
        if not (profile.questions or profile.show_message_request):
            text = (
                f"{visible(str(place))} is not trusted, so this is not used: "
                f"{', '.join(withheld)}. {HOW}"
            )
            self._editor.show_message(types.MessageType.Info, text)
            return
        from claude_agent_lsp.agent.events import Action, Question, QuestionOption, RunStatus
        from claude_agent_lsp.agent.permissions.queue import ALLOW, DENY, AnsweredBy

        seconds = min(settings.question_timeout_seconds, LONGEST_QUESTION)
        name = visible(str(place))
        note = f"Not used until you trust it, since it could run code: {', '.join(withheld)}"
        question = Question(
            question_id=str(uuid.uuid4()),
            run_id=run.run_id,
            session_id=run.session_id,
            kind="trust",
            title=f"Trust the authors of {name}?",
            detail=note,
            options=(QuestionOption(DENY, "Don't trust"), QuestionOption(ALLOW, "Trust")),
            deadline=datetime.now(UTC) + timedelta(seconds=seconds),
            action=Action(visible(place.name), path=name),
            notes=(note,),
        )
        asking = asyncio.ensure_future(self._agent().questions.ask(question, seconds))

        def withdraw(ended: asyncio.Future[Run]) -> None:
            if ended.result().status is RunStatus.CANCELLED:
                asking.cancel()

        run.ended.add_done_callback(withdraw)
        try:
            await asyncio.wait({asking})
        finally:
            asking.cancel()
        if asking.cancelled():
            self._asked.discard(place)
            return
        answer = asking.result()
        if answer.by not in (AnsweredBy.EDITOR, AnsweredBy.COMMAND):
            return
        try:
            await self.decide(place, trusted=answer.value == ALLOW)
        except RequestFailed as error:
            self._editor.show_message(types.MessageType.Error, f"{error} {error.hint}")

    def _tell_of_change(self) -> None:
        for listener in self._listeners:
            listener()

    def _reconsider(self) -> None:
        """Look at all that were trusted once more, and leave those that aren't now.

        Each on its own: the disk of one may hang, and its runs may be slow to stop. What runs in
        one that never was trusted goes on: it runs nothing that needs trust.
        """
        before, self._trusted = self._trusted, set()
        for folder in before:
            leaving = asyncio.create_task(self._leave_untrusted(folder, self._leaving.get(folder)))
            self._leaving[folder] = leaving
            leaving.add_done_callback(partial(self._has_left, folder))

    async def _leave_untrusted(self, folder: Path, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})
        if not await self._look(folder):
            await self._agent().revoke(folder)

    def _has_left(self, folder: Path, leaving: asyncio.Task[None]) -> None:
        if self._leaving.get(folder) is leaving:
            del self._leaving[folder]
        if not leaving.cancelled() and (error := leaving.exception()) is not None:
            logger.error("%s could not be left", folder, exc_info=error)

    def _stamp_and_decision(self, folder: Path) -> tuple[object, bool | None]:
        return self._trust.stamp(), self._trust.decision_on(folder)


def _folders_in(value: Any) -> frozenset[Path]:
    """The paths of `trustedFolders` in what a client sends; what is no folder is left out."""
    # pygls makes an object of what it has no type for.
    fields = value if isinstance(value, dict) else getattr(value, "_asdict", dict)()
    named = fields.get("trustedFolders")
    uris: Iterable[object] = named if isinstance(named, list) else ()
    paths = set()
    for uri in uris:
        try:
            paths.add(path_of(str(uri)))
        except InvalidArgument as error:
            logger.warning("A trusted folder can't be read: %s", error)
    return frozenset(paths)
