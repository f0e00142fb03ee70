"""Lets a conversation go on in another folder where its own is gone.

Of a folder that was renamed the user is told; of any other one they are asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.agent.exclusive import hold_and_end_process
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.lsp.commands.runs.consent import consents
from claude_agent_lsp.sessions.catalogue.former_folders import FormerFolders
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies

if TYPE_CHECKING:
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.errors import SessionMoved
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.workspace.folders import Folder

LEAVE: Final = "Leave it"
GO_ON: Final = "Go on here"


async def bring_here(
    services: Services, moved: SessionMoved, folder: Folder, signal: AbortSignal
) -> None:
    """Let a session be one of a folder, if that is its own under another name, or the user agrees.

    They have named the session: an editor that can't ask tells them instead.

    Args:
        services: Ask the user.
        moved: Why the session can't be gone on with as it is.
        folder: The folder.
        signal: Ends the waiting.

    Raises:
        Aborted: The signal fired.
        SessionBusy: Somebody is at work in it.
        SessionMoved: The user does not agree.
        StoreUnavailable: It can't be moved.
    """
    editor, agent = services.editor, services.agent
    former, lane = FormerFolders(agent.state.directory), agent.lanes.folder(folder.path)
    renamed = await lane.run(former.is_renamed, moved.begun_in, folder.path)
    become = f"{_shown(folder.path)} now" if renamed else "gone"
    told = f"This conversation is from {_shown(moved.begun_in)}, which is {become}."
    asked = editor.profile.show_message_request and not renamed
    if asked:
        settings = await services.configuration.settings_in(folder, signal)
        agreed = await consents(
            editor,
            f"{told} Go on with it here?",
            f"It becomes one of {_shown(folder.path)}, and of no other folder.",
            (LEAVE, GO_ON),
            signal=signal,
            seconds=settings.question_timeout_seconds,
        )
        if not agreed:
            raise moved
    kept, session_id = KeptCopies(agent.state.directory), moved.session_id
    async with hold_and_end_process(agent, session_id):
        await agent.lanes.session(session_id).run(kept.move, session_id, folder.path)
        await lane.run(agent.state.leave, moved.begun_in, session_id)
        if not renamed:  # what was allowed there, nobody has said of this folder
            agent.forget(session_id, moved=True)
    if not asked:
        editor.show_message(types.MessageType.Info, f"{told} It goes on here.")


def _shown(path: Path) -> str:
    """Return a folder as a person calls it."""
    home = Path.home()
    below = path.relative_to(home).as_posix() if path.is_relative_to(home) else None
    return visible(str(path) if below is None else f"~/{below}")
