"""Prompt documents: to open a conversation as one, send what is typed in it, and go back in it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.run.query import LAST, NEW
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import (
    InvalidArgument,
    NotTrusted,
    RequestFailed,
    SessionNotFound,
    StoreUnavailable,
    UnsupportedByClient,
)
from claude_agent_lsp.lsp.commands.arguments import parse
from claude_agent_lsp.lsp.commands.prompts.arguments import (
    PromptArgument,
    PromptPlaceArgument,
    PromptQueryArgument,
    SessionOpenArgument,
)
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.runs.asking import Asking
from claude_agent_lsp.lsp.commands.runs.consent import consents
from claude_agent_lsp.lsp.commands.session_arguments import (
    SessionForkArgument,
    SessionRewindArgument,
)
from claude_agent_lsp.lsp.commands.sessions import SessionCommands
from claude_agent_lsp.lsp.services.prompts.prompt_documents import (
    Sending,
    new_session_id,
    text_of,
)
from claude_agent_lsp.workspace.modes import MODES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.services.prompts.prompt_text import PromptText
    from claude_agent_lsp.sessions.reading.messages import Message
    from claude_agent_lsp.workspace.documents.documents import Document

# How often it is tried to make room in a document in which the user is typing.
TRIES: Final = 5
CONSENT_SECONDS: Final = 600.0
_SETTINGS: Final = {"mode": "permissionMode", "model": "model", "effort": "effort"}


class PromptCommands(CommandGroup):
    """What can be done with prompt documents."""

    @command("claudeAgent.session.open", SessionOpenArgument)
    async def open_session(self, argument: SessionOpenArgument, _: Request) -> object:
        """Open a session, or a new one, as a document in which its next prompt is typed."""
        services = self._services
        if not services.editor.profile.show_document:
            raise UnsupportedByClient(
                "This editor does not let the server open documents (window/showDocument).",
                hint="Make a file whose name ends with .claude.md, and type the prompt there.",
            )
        session_id: str | None = argument.session
        if session_id in (LAST, NEW):
            folder = await self._order.folder(argument.workspace)
            lane = services.agent.lanes.folder(folder.path)
            known = None
            if session_id == LAST:
                known = await lane.read(services.agent.current, folder.path)
            if known is None:
                session_id = new_session_id()
                services.prompts.begins(session_id, folder.path)
                return await self._show(session_id, (), "")
            session_id = known
        assert session_id is not None
        await services.sessions.find(session_id)
        return await self._open(session_id)

    @command("claudeAgent.prompt.send", PromptArgument)
    async def send_prompt(self, argument: PromptArgument, request: Request) -> object:
        """Send what is typed below the last heading; the answer grows there."""
        editor = self._services.editor
        if not (editor.profile.apply_edit and editor.profile.versioned_edits):
            raise UnsupportedByClient(
                "This editor does not let the server change documents (workspace/applyEdit).",
                hint="Ask with claudeAgent.query.",
            )
        for _ in range(TRIES):
            sending, asked = await self._sending(argument.uri)
            answer = await self._services.prompts.begin(sending)
            if answer is not None:
                break
        else:
            raise RequestFailed("The document changes too fast for the prompt to be sent.")
        asking = Asking(
            self._services,
            self._order,
            self._queries,
            parse(PromptQueryArgument, [asked]),
            replace(request, given=asked),
            unasked=True,
            document=answer.take,
            run_id=sending.run_id,
        )
        try:
            return await asking.answer()
        except BaseException as error:
            answer.fail(str(error) or "it was cancelled")
            raise

    @command("claudeAgent.prompt.update", PromptArgument)
    async def update_prompt(self, argument: PromptArgument, _: Request) -> object:
        """Have a document show all that was said in its session, wherever; what is typed stays."""
        document, parsed = await self._document(argument.uri)
        session_id = await self._session_of(parsed)
        if self._services.prompts.answers_in(document.uri):
            raise InvalidArgument("uri: expected a document in which no answer grows.")
        messages = await self._messages(session_id)
        lane = self._lane(session_id)
        text = await lane.read(text_of, session_id, parsed.fields, messages, parsed.typed)
        return {"updated": await self._services.prompts.update(document, parsed.text, text)}

    @command("claudeAgent.prompt.fork", PromptPlaceArgument)
    async def fork_at_prompt(self, argument: PromptPlaceArgument, request: Request) -> object:
        """Open a copy of the conversation before a prompt, which is typed there and not sent."""
        session_id, before, message = await self._prompt_at(argument)
        if before is None:
            copy = new_session_id()
            session = await self._services.sessions.find(session_id)
            self._services.prompts.begins(copy, session.workspace)
            return await self._show(copy, (), message.text)
        commands = SessionCommands(self._services, self._order, self._queries)
        asked = SessionForkArgument(session_id=session_id, at=before.message_id)
        copied: Any = await commands.fork_session(asked, request)
        return await self._open(copied.session_id, message.text)

    @command("claudeAgent.prompt.rewind", PromptPlaceArgument)
    async def rewind_to_prompt(self, argument: PromptPlaceArgument, request: Request) -> object:
        """Put files and conversation back to before a prompt, once the user agrees."""
        session_id, _, message = await self._prompt_at(argument)
        commands = SessionCommands(self._services, self._order, self._queries)
        going = SessionRewindArgument(
            session_id=session_id, message_id=message.message_id, what="both"
        )
        look: Any = await commands.rewind_session(replace(going, dry_run=True), request)
        files = len(look.get("files") or ())
        agreed = await consents(
            self._services.editor,
            f"Go back to before “{one_line(message.text, 60)}”?",
            f"{files} file{'' if files == 1 else 's'} put back as before it, and "
            f"{look.get('messagesLeft', 0)} messages left out. The conversation as it is now is "
            "kept.",
            ("Stay here", "Go back"),
            signal=request.signal,
            seconds=CONSENT_SECONDS,
        )
        if not agreed:
            return {"rewound": False}
        done: Any = await commands.rewind_session(going, request)
        left = done.get("sessionId")
        if left is not None:
            return {"rewound": True, **await self._open(left, message.text)}
        session = await self._services.sessions.find(session_id)
        new = new_session_id()
        self._services.prompts.begins(new, session.workspace)
        return {"rewound": True, **await self._show(new, (), message.text)}

    async def _sending(self, uri: Path) -> tuple[Sending, dict[str, Any]]:
        """Return what there is to send, and the query that it stands for."""
        document, parsed = await self._document(uri)
        prompt = parsed.typed
        if not prompt:
            raise InvalidArgument('uri: expected something below the last "## You", to be sent.')
        session_id = parsed.fields.get("session")
        asked: dict[str, Any] = {"prompt": prompt, "wait": False}
        fields = parsed.fields
        asked |= {name: fields[key] for key, name in _SETTINGS.items() if key in fields}
        workspace = await self._workspace(document, session_id)
        if workspace is not None:
            asked["workspace"] = uri_of(workspace)
        if session_id is not None and await self._exists(session_id):
            asked["session"] = session_id
        elif session_id is not None and parsed.answered:
            raise SessionNotFound(
                f"There is no session {session_id}.",
                hint="Without the first line the document begins a new one.",
            )
        else:
            session_id = session_id or new_session_id()
            asked |= {"session": NEW, "newSession": session_id}
        argument = parse(PromptQueryArgument, [asked])
        await self._check_mode(argument, document)
        return Sending(document, parsed, prompt, session_id, new_session_id()), asked

    async def _check_mode(self, argument: PromptQueryArgument, document: Document) -> None:
        """See to it that no file of a folder nobody trusts says what is not asked about.

        Raises:
            NotTrusted: It would.
        """
        mode = argument.permission_mode
        if mode is None or not MODES[mode].needs_trust:
            return
        if self._services.prompts.is_ours(document.path):
            return
        # Where the document lies, whatever folder its session is of.
        folder = self._services.folders.around(document.path)
        if folder is None or not await self._services.trust.is_trusted(folder.path):
            raise NotTrusted(
                f"The document's first line says mode={mode}, and {document.path.parent} is not "
                "trusted.",
                hint="Trust the folder, or take another mode.",
            )

    async def _workspace(self, document: Document, session_id: str | None) -> Path | None:
        """Return the folder that a document is about; None if there is only one to choose."""
        services = self._services
        if session_id is not None:
            begun = services.prompts.folder_of(session_id)
            begun = begun or services.agent.folder_in_use(session_id)
            if begun is None:
                begun = await self._lane(session_id).read(services.sessions.folder_of, session_id)
            if begun is not None:
                return begun
        around = services.folders.around(document.path)
        return None if around is None else around.path

    async def _exists(self, session_id: str) -> bool:
        if self._services.agent.folder_in_use(session_id) is not None:
            return True
        try:
            await self._services.sessions.find(session_id)
        except SessionNotFound:
            return False
        return True

    async def _document(self, uri: Path) -> tuple[Document, PromptText]:
        document = self._services.open_documents.at(uri)
        found = None if document is None else await self._services.prompts.parsed(document.uri)
        if found is None:
            raise InvalidArgument(
                "uri: expected an open document whose name ends with .claude.md, or a Markdown "
                "document that begins with <!-- claude: -->."
            )
        return found

    async def _session_of(self, parsed: PromptText) -> str:
        session_id = parsed.fields.get("session")
        if session_id is None:
            raise InvalidArgument("uri: expected a document from which something was sent.")
        return (await self._services.sessions.find(session_id)).session_id

    async def _prompt_at(
        self, argument: PromptPlaceArgument
    ) -> tuple[str, Message | None, Message]:
        """Return the session, the message before a prompt, and the prompt's."""
        _, parsed = await self._document(argument.uri)
        session_id = await self._session_of(parsed)
        messages = await self._messages(session_id)
        wanted = parsed.prompt_at(argument.line)
        if wanted is None:
            raise InvalidArgument("line: expected a prompt that was sent.")
        number, said = wanted
        asked = [at for at, each in enumerate(messages) if each.role == "user" and not each.kind]
        words = [messages[at].text.strip() for at in asked]
        if words[: number + 1] == parsed.prompts[: number + 1]:
            at = asked[number]
        elif words.count(said) == 1:
            at = asked[words.index(said)]
        else:
            raise InvalidArgument(
                "line: expected a prompt as it was sent, in a document that has all before it: "
                "update the document first."
            )
        return session_id, messages[at - 1] if at else None, messages[at]

    async def _messages(self, session_id: str) -> Sequence[Message]:
        reading = await disk.run(
            importlib.import_module, "claude_agent_lsp.sessions.reading.reading"
        )
        state = self._services.agent.state.directory
        messages: Sequence[Message] = await self._lane(session_id).read(
            reading.read_messages, session_id, state
        )
        return messages

    async def _open(self, session_id: str, draft: str | None = None) -> dict[str, object]:
        """Open a session's document, with what was typed in it unless another draft is given."""
        messages = await self._messages(session_id)
        return await self._show(session_id, messages, draft)

    async def _show(
        self, session_id: str, messages: Sequence[Message], draft: str | None
    ) -> dict[str, object]:
        prompts = self._services.prompts
        try:
            for _ in range(TRIES):
                document, parsed = await prompts.standing(session_id)
                fields = {} if parsed is None else parsed.fields
                typed = draft
                if typed is None:
                    typed = "" if parsed is None else parsed.typed
                lane = self._lane(session_id)
                text = await lane.read(text_of, session_id, fields, messages, typed)
                shown = await prompts.show(session_id, document, text)
                if shown is not None:
                    uri = prompts.place(session_id)
                    return {"sessionId": session_id, "uri": uri, "shown": shown}
        except OSError as error:
            told = f"The document can't be written: {error.strerror or error}."
            raise StoreUnavailable(told) from error
        raise RequestFailed("The document changes too fast to be shown anew.")
