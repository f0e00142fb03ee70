"""Trust as the editor has it: what it says, what its user answers, and what follows from it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.disk.places import place_of
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument, NotTrusted, RequestFailed
from claude_agent_lsp.workspace.pinned_folders import PinnedFolders
from claude_agent_lsp.workspace.trust import Trust, project_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.events import Run
    from claude_agent_lsp.agent.permissions.queue import Answer
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.folders import Folder, Folders

logger = logging.getLogger(__name__)

HOW: Final = 'Trust it with claudeAgent.trust {"trusted": true}.'
LONGEST_QUESTION: Final = 86_400.0


class FolderTrust:
    """The trust in this server's folders.

    Args:
        editor: The editor.
        folders: The open folders.
        state_directory: The user's, whatever a setting says.
        agent: Returns the agent, which has the questions, the lanes and the processes.
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
        # The folders that the client trusts; None if it does not say.
        self._from_client: PinnedFolders | None = None
        # What those that are trusted were when that was looked up.
        self._trusted: dict[Path, Place] = {}
        # What was first trusted at a path: another folder that is put there is decided about anew.
        self._first: dict[str, Place] = {}
        # Of the decisions that these rest on.
        self._stamp: object = None
        self._decisions = 0
        self._asked: set[Path] = set()
        # Those that are looked at once more, and revoked unless they are trusted.
        self._revoking: dict[Path, asyncio.Task[None]] = {}

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a folder may have gained or lost trust."""
        self._listeners.append(listener)

    def begin(self, options: object) -> None:
        """Take `initializationOptions.trustedFolders` from a client that announces trust."""
        if self._editor.profile.trust:
            self._from_client = PinnedFolders(_folders_in(options))

    async def change(self, params: object) -> None:
        """Take the client's `claudeAgent/trustChanged`; a folder that lost trust is revoked."""
        if not self._editor.profile.trust:
            return
        self._from_client = PinnedFolders(_folders_in(params))
        self._trusted.clear()
        self._notify_listeners()
        revoking = [self._revoke_unless_trusted(folder.path) for folder in self._folders]
        if revoking:
            await asyncio.wait(revoking)

    async def is_trusted(self, folder: Path) -> bool:
        """Return whether a folder is trusted."""
        if folder in self._trusted:
            await self.look_again(folder)  # it may have been decided anew elsewhere
            if folder in self._trusted:
                return True
        return await self._look_up(folder)

    def place(self, folder: Path) -> Place | None:
        """Return what a folder was when it was found to be trusted; None if it was not."""
        return self._trusted.get(folder)

    async def _look_up(self, folder: Path) -> bool:
        if self._from_client is not None:
            place = await self._agent().lanes.folder(folder).read(place_of, folder)
            trusted = place is not None and await self._from_client.hold(folder, place)
            if trusted and place is not None:
                self._trusted[folder] = place
            return trusted
        decisions = -1
        while decisions != self._decisions:  # what was read before a decision is worth nothing
            decisions = self._decisions
            lane = self._agent().lanes.folder(folder)
            stamp, place, trusted = await lane.run(self._read_decision, folder)
        if not trusted or place is None or self._first.setdefault(place.path, place) != place:
            return False
        self._stamp = self._stamp if self._trusted else stamp
        self._trusted[folder] = place
        return True

    async def look_again(self, folder: Path) -> None:
        """Notice what the user has decided since, in another editor or in the terminal.

        Whoever starts or resumes something in a folder does it first, before it takes
        `FolderLane.revoked`. What was decided about other folders takes effect beside it.
        """
        decided_here = self._from_client is None and self._trusted
        if decided_here and await disk.run(self._trust.stamp) != self._stamp:
            self._reconsider()
        if (known := self._trusted.get(folder)) is not None:
            place = await self._agent().lanes.folder(folder).read(place_of, folder)
            if place != known and self._trusted.get(folder) is known:
                # Another folder has taken its place.
                del self._trusted[folder]
                self._asked.discard(folder)
                self._revoke_unless_trusted(folder)
        if (revoking := self._revoking.get(folder)) is not None:
            await asyncio.wait({revoking})

    async def decide(self, folder: Path, *, trusted: bool, shown: Place | None = None) -> None:
        """Remember what the user has decided; a folder that loses trust loses its processes.

        Args:
            folder: The folder.
            trusted: Whether it is trusted.
            shown: What the folder was when the user was asked.

        Raises:
            InvalidArgument: The client itself says which folders are trusted.
            NotTrusted: It is not the folder any more that the user was asked about.
            StoreUnavailable: It could not be written.
        """
        if self._from_client is not None:
            raise InvalidArgument(
                "trusted: can't be set by this command: the editor itself sends which folders are "
                "trusted."
            )
        self._asked.add(folder)
        place = (
            await self._agent()
            .lanes.folder(folder)
            .run(self._decide, folder, trusted=trusted, shown=shown)
        )
        if place is not None:
            self._first[place.path] = place
        self._decisions += 1
        self._notify_listeners()
        self._reconsider()
        # Also those below it, for which the decision holds too.
        revoking = [task for place, task in self._revoking.items() if place.is_relative_to(folder)]
        if revoking:
            await asyncio.wait(revoking)

    async def offer(
        self, folder: Folder, settings: Iterable[str], seconds: float, run: ActiveRun
    ) -> None:
        """Ask once whether a folder is trusted, if that would make a difference.

        Args:
            folder: A folder that is not trusted.
            settings: The names of those of its settings that don't hold there.
            seconds: How long the question stays open.
            run: Shows what waits for the user. If it is stopped the question is withdrawn, and
                comes again with the next one; it outlives a run that ends by itself.
        """
        place = folder.path
        if self._from_client is not None or place in self._asked or await self.is_trusted(place):
            return
        self._asked.add(place)
        lane = self._agent().lanes.folder(place)
        shown = await lane.read(place_of, place)
        if shown is None:
            return
        known = await lane.run(self._trust.decision_on, shown)
        # What has taken the place of a trusted one is asked about, whatever was decided of that.
        if known is not None and self._first.get(shown.path, shown) == shown:
            return
        withheld = [f"claudeAgent.{name}" for name in settings]
        withheld += await lane.read(project_files, place)
        if not withheld:
            return
        profile = self._editor.profile
        if not (profile.questions or profile.show_message_request):
            text = (
                f"{visible(shown.path)} is not trusted, so these are ignored: "
                f"{', '.join(withheld)}. {HOW}"
            )
            self._editor.show_message(types.MessageType.Info, text)
            return
        seconds = min(seconds, LONGEST_QUESTION)
        question = _question(shown.path, place, withheld, run, seconds)
        answer = await self._ask(question, seconds, run)
        if answer is None:
            self._asked.discard(place)
        else:
            await self._take(answer, place, shown)

    async def _ask(self, question: Question, seconds: float, run: ActiveRun) -> Answer | None:
        """Ask the user; return None if the question is withdrawn because the run is stopped."""
        from claude_agent_lsp.agent.events import RunStatus

        asking = asyncio.ensure_future(self._agent().questions.ask(question, seconds))

        def withdraw(ended: asyncio.Future[Run]) -> None:
            if ended.result().status is RunStatus.CANCELLED:
                asking.cancel()

        run.ended.add_done_callback(withdraw)
        try:
            await asyncio.wait({asking})
        finally:
            asking.cancel()
        return None if asking.cancelled() else asking.result()

    async def _take(self, answer: Answer, place: Path, shown: Place) -> None:
        """Decide as the user answered; a deadline that passed decides nothing."""
        from claude_agent_lsp.agent.permissions.queue import ALLOW, AnsweredBy

        if answer.by not in (AnsweredBy.EDITOR, AnsweredBy.COMMAND):
            return
        try:
            await self.decide(place, trusted=answer.value == ALLOW, shown=shown)
        except RequestFailed as error:
            self._editor.show_message(types.MessageType.Error, f"{error} {error.hint}")

    def _notify_listeners(self) -> None:
        for listener in self._listeners:
            listener()

    def _reconsider(self) -> None:
        """Look at all that were trusted once more, and revoke those that aren't now.

        What runs in one that never was goes on: it runs nothing that needs trust.
        """
        before, self._trusted = self._trusted, {}
        for folder in before:
            self._revoke_unless_trusted(folder)

    def _revoke_unless_trusted(self, folder: Path) -> asyncio.Task[None]:
        """Begin it: no folder waits for another one, whose disk hangs or whose run ends slowly."""

        async def revoke() -> None:
            try:
                if await self._look_up(folder):
                    return
            except Exception:
                logger.exception("Whether %s is trusted can't be told: it counts as not", folder)
            await self._agent().revoke(folder)

        def settled(task: asyncio.Task[None]) -> None:
            if self._revoking.get(folder) is task:
                del self._revoking[folder]

        task = self._revoking[folder] = asyncio.create_task(revoke())
        task.add_done_callback(settled)
        return task

    def _read_decision(self, folder: Path) -> tuple[object, Place | None, bool]:
        stamp, place = self._trust.stamp(), place_of(folder)
        trusted = place is not None and self._trust.decision_on(place)
        return stamp, place, bool(trusted)

    def _decide(self, folder: Path, *, trusted: bool, shown: Place | None) -> Place | None:
        place = place_of(folder)
        if shown is not None and place != shown:
            raise NotTrusted(f"{folder} is no longer the folder that you were asked about.")
        self._trust.decide(folder, trusted=trusted, place=place)
        return place


def _question(
    real: str, place: Path, withheld: list[str], run: ActiveRun, seconds: float
) -> Question:
    """Return the question whether a folder is trusted.

    Args:
        real: The real path of the folder.
        place: The folder as the editor calls it.
        withheld: What is ignored until it is trusted.
        run: The run that shows the question.
        seconds: How long the user has to answer.
    """
    from claude_agent_lsp.agent.permissions.queue import ALLOW, DENY
    from claude_agent_lsp.agent.question import Action, Question, QuestionOption

    name = visible(real)
    note = f"Ignored until you trust the folder, because they could run code: {', '.join(withheld)}"
    opened = () if real == str(place) else (f"Opened as {visible(str(place))}",)
    notes = (*opened, note)
    return Question(
        question_id=str(uuid.uuid4()),
        run_id=run.run_id,
        session_id=run.session_id,
        kind="trust",
        title=f"Trust the authors of {name}?",
        detail="\n".join(notes),
        options=(QuestionOption(DENY, "Don't trust"), QuestionOption(ALLOW, "Trust")),
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
        action=Action(visible(Path(real).name), path=name),
        notes=notes,
    )


def _folders_in(value: Any) -> frozenset[Path]:
    """Return the paths of `trustedFolders` that a client sends; what is no folder is left out."""
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
