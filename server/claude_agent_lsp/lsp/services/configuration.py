"""The settings of each folder, asked of the editor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.base.abort import Aborted
from claude_agent_lsp.base.texts.redaction import register_secrets
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.folder_trust import FolderTrust
    from claude_agent_lsp.workspace.folders import Folder

logger = logging.getLogger(__name__)

SECTION = "claudeAgent"
# An editor answers at once. One that doesn't is waited for once, and not again by each query.
ANSWER_SECONDS = 5.0
# How many problems are remembered, so that each is told once.
MOST_REPORTED = 100


class Configuration:
    """Asks for settings when they are needed, and again after they have changed.

    A client that can't be asked gives them as `initializationOptions.settings`, and sends changes
    along with `workspace/didChangeConfiguration`. What is the server's own takes effect as settings
    arrive, `initialize`'s and a trusted folder's; to read them again changes nothing.

    Args:
        editor: The editor that is asked.
        trust: Knows which folders are trusted; whenever that changes, all settings arrive anew.
        adopt: Lets the settings take effect that are the whole server's.
    """

    def __init__(
        self, editor: Editor, trust: FolderTrust, adopt: Callable[[Settings], None]
    ) -> None:
        self._editor = editor
        self._trust = trust
        self._adopt = adopt
        trust.on_change(self.renew)
        self._initial = Settings()
        self._sent: Settings | None = None
        self._by_folder: dict[str, asyncio.Task[Settings]] = {}
        # The requests that nobody waits for any more; an answer still counts.
        self._late: dict[str, asyncio.Task[Settings]] = {}
        # What an editor said that doesn't answer now: no limit is lost with an answer.
        self._last: dict[str, Settings] = {}
        self._reported: dict[str, None] = {}

    def begin(self, options: object) -> None:
        """Read `initializationOptions`."""
        given = options.get("settings") if isinstance(options, Mapping) else None
        self._initial = self._read(given)
        self._adopt(self._initial)

    def change(self, sent: object) -> None:
        """Take changed settings: the next query asks anew, or takes what was sent along."""
        self.renew()
        if not self._editor.profile.configuration and isinstance(sent, Mapping):
            self._sent = self._read(sent.get(SECTION))

    def renew(self) -> None:
        """Have the settings of each folder sent anew when needed next: trust has changed."""
        self._by_folder.clear()
        for uri in tuple(self._late):
            self._withdraw(uri)

    def forget(self, uri: str) -> None:
        """Forget a folder that is closed."""
        self._withdraw(uri)
        self._by_folder.pop(uri, None)
        self._last.pop(uri, None)

    @property
    def initial(self) -> Settings:
        """What came with `initialize`."""
        return self._initial

    async def settings_in(self, folder: Folder, signal: AbortSignal | None = None) -> Settings:
        """Return the settings that hold in a folder: not all of them, if it is not trusted.

        Args:
            folder: The folder.
            signal: As for `settings_as_sent`.
        """
        settings = await self.settings_as_sent(folder, signal)
        return self.restrict(settings, trusted=await self._trust.is_trusted(folder.path))

    def restrict(self, settings: Settings, *, trusted: bool) -> Settings:
        """Return what holds of the settings that the editor gives for a folder."""
        return settings if trusted else settings.restricted(self._initial)

    async def settings_as_sent(self, folder: Folder, signal: AbortSignal | None = None) -> Settings:
        """Return the settings of a folder as the editor gives them.

        Args:
            folder: The folder.
            signal: Once it fires the editor's answer is not waited for: what came with
                `initialize` serves for a run that is stopped before it begins.
        """
        task = self._by_folder.get(folder.uri)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            # What failed is tried again: its cause may be gone.
            task = asyncio.create_task(self._fetch(folder))
            self._by_folder[folder.uri] = task
        if signal is None:
            return await asyncio.shield(task)
        try:
            return await signal.wait_or_abort(task)
        except Aborted:
            return self._initial

    async def _fetch(self, folder: Folder) -> Settings:
        """Let a folder's settings arrive."""
        if self._editor.profile.configuration:
            settings = await self._ask(folder)
        else:
            settings = self._sent or self._initial
        return await self._arrive(folder, settings)

    async def _arrive(self, folder: Folder, settings: Settings) -> Settings:
        if await self._trust.is_trusted(folder.path):
            self._adopt(settings)
        return settings

    async def _ask(self, folder: Folder) -> Settings:
        """Return what the editor says, or said last, if it doesn't answer in time."""
        asking = asyncio.create_task(self._request(folder))
        await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
        if asking.done():
            return asking.result()
        logger.warning(
            "The editor did not send the settings of %s within %g s; going on without them",
            folder.uri,
            ANSWER_SECONDS,
        )
        self._late[folder.uri] = asking
        asking.add_done_callback(lambda _: self._take_late(folder, asking))
        return self._last.get(folder.uri, self._initial)

    def _take_late(self, folder: Folder, asked: asyncio.Task[Settings]) -> None:
        """Let an answer count that came late, unless it has been asked anew meanwhile."""
        if self._late.get(folder.uri) is asked:
            del self._late[folder.uri]
            if not asked.cancelled() and folder.uri in self._by_folder:
                arriving = asyncio.create_task(self._arrive(folder, asked.result()))
                self._by_folder[folder.uri] = arriving

    def _withdraw(self, uri: str) -> None:
        late = self._late.pop(uri, None)
        if late is not None:
            late.cancel()

    async def _request(self, folder: Folder) -> Settings:
        params = types.ConfigurationParams(
            items=[types.ConfigurationItem(scope_uri=folder.uri, section=SECTION)]
        )
        try:
            answer = await self._editor.request(types.WORKSPACE_CONFIGURATION, params)
        except Exception:
            logger.exception("The editor did not send its settings")
            # It may have been busy: the next query asks again.
            self._by_folder.pop(folder.uri, None)
            return self._last.get(folder.uri, self._initial)
        given = answer[0] if isinstance(answer, list | tuple) and answer else None
        settings = self._last[folder.uri] = self._read(given, str(folder.path))
        return settings

    def _read(self, given: object, source: str = "") -> Settings:
        settings, problems = Settings.parse(given, self._initial)
        for problem in problems:
            text = str(problem)
            logger.warning("%s", text)
            if text not in self._reported:
                self._reported[text] = None
                if len(self._reported) > MOST_REPORTED:
                    del self._reported[next(iter(self._reported))]
                self._editor.show_message(types.MessageType.Warning, text)
        register_secrets(settings.secrets, source)
        return settings
