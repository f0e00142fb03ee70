"""What is special about the editor at the other end.

The facts are those of docs/editors.md: read in the editors' source, or seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pygls.capabilities import ServerCapabilitiesBuilder

from claude_agent_lsp.base.texts.box import Box
from claude_agent_lsp.workspace.documents.positions import PositionEncoding

if TYPE_CHECKING:
    from lsprotocol.types import ClientInfo, InitializeParams, WindowClientCapabilities


# What a popup of Helix 25.07 shows in a terminal of 10 lines or of 60 columns. Of one that is
# taller than its screen it dies, with all that is not saved.
HELIX_BOX: Final = Box(lines=8, columns=48)
# What anybody can take in who is shown a message as it is, in whatever place that has.
PLAIN_BOX: Final = Box(lines=8, columns=100)
# Of clients that announce nothing of ours, those whose messages and results have a place: what is
# written for them says what becomes of a command's answer.
_KNOWN: Final = re.compile(r"Visual Studio Code|Neovim|claude-agent-lsp")


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """What the server has to know of an editor.

    Attributes:
        name: As the editor calls itself; empty if it does not.
        waits: Whether its user can wait for the answer of a command. Helix gives a request up
            after 20 s, and Eglot blocks all of Emacs. The default of `wait` in claudeAgent.query.
        shows_results: Whether its user is known to see what a command ends with. Helix drops a
            command's result, Eglot has long got its answer, and of others nothing is known.
        drops_results: Whether it is known that they don't, whatever the command's argument says.
        shows_errors: Whether its user is known to see the error of a command: Helix logs it.
        show_document: Whether `window/showDocument` is supported.
        rereads: Whether a document that it has open follows its file, as long as nothing is
            unsaved. Helix shows it as it was.
        show_message_request: Whether `window/showMessageRequest` is ever answered. No capability
            says so; Helix up to 25.07 leaves it open for ever.
        message_box: What its messages hold; None if they hold anything.
        questions: Whether it takes questions as `claudeAgent/question`: it knows this server.
        session_events: Whether it wants to be notified of runs and sessions that change.
        review_events: Whether it wants to be notified once something else is to be looked at.
        subagent_text: Whether it shows what subagents say, unless a command says otherwise.
        trust: Whether it says itself which folders are trusted.
        work_done_progress: Whether the server may make progress tokens of its own.
        configuration: Whether `workspace/configuration` is answered.
        dynamic_configuration: Whether `workspace/didChangeConfiguration` can, and must, be
            registered for.
        code_action_literals: Whether it takes code actions, and not only commands, as such.
        related_information: Whether diagnostics may name other places.
        dynamic_synchronization: Whether it can be asked to notify of certain documents' closing.
        synchronization: Whether it notifies of documents that are opened and changed.
        encoding: In which units it counts characters.
        apply_edit: Whether it changes documents when it is asked to.
        versioned_edits: Whether it refuses a change of another version than it has.
        annotations: Whether a change may say what it is for.
        save_document: Whether it saves documents when it is asked to (`claudeAgent/saveDocument`).
        code_lens_refresh: Whether it can be asked to ask for code lenses anew.
        diagnostics: Whether it tells of its diagnostics (`claudeAgent/diagnostics`).
        visible_documents: Whether it says what its user sees (`claudeAgent/visibleDocuments`).
        language: Whether it asks its language servers (`claudeAgent/language`).
    """

    name: str = ""
    waits: bool = True
    shows_results: bool = False
    drops_results: bool = False
    shows_errors: bool = False
    show_document: bool = False
    rereads: bool = True
    show_message_request: bool = True
    message_box: Box | None = PLAIN_BOX
    questions: bool = False
    session_events: bool = False
    review_events: bool = False
    subagent_text: bool = False
    trust: bool = False
    work_done_progress: bool = False
    configuration: bool = False
    dynamic_configuration: bool = False
    code_action_literals: bool = False
    related_information: bool = False
    dynamic_synchronization: bool = False
    synchronization: bool = False
    encoding: PositionEncoding = PositionEncoding.UTF_16
    apply_edit: bool = False
    versioned_edits: bool = False
    annotations: bool = False
    save_document: bool = False
    code_lens_refresh: bool = False
    diagnostics: bool = False
    visible_documents: bool = False
    language: bool = False

    @classmethod
    def parse(cls, params: InitializeParams) -> ClientProfile:
        """Return the profile of the editor that sent this `initialize`."""
        info = params.client_info
        name = info.name if info else ""
        helix = name.lower() == "helix"
        eglot = "eglot" in name.lower()  # Emacs 29's is "Emacs (eglot)", 30's "Eglot"
        ours = _ours(params.capabilities.experimental)
        known = ours is not None or _KNOWN.match(name) is not None
        window = params.capabilities.window
        workspace = params.capabilities.workspace
        show_document = window.show_document if window else None
        did_change = workspace.did_change_configuration if workspace else None
        edits = workspace.workspace_edit if workspace else None
        lenses = workspace.code_lens if workspace else None
        documents = params.capabilities.text_document
        actions = documents.code_action if documents else None
        synchronization = documents.synchronization if documents else None
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        shown = documents.publish_diagnostics if documents else None
        return cls(
            name=name,
            waits=not (helix or eglot),
            shows_results=known,
            drops_results=helix or eglot,
            shows_errors=known or eglot,
            show_document=bool(show_document and show_document.support),
            rereads=not helix,
            show_message_request=not helix or _asks(window, info),
            message_box=HELIX_BOX if helix else None if known else PLAIN_BOX,
            questions=_announced(ours, "questions"),
            session_events=_announced(ours, "sessionEvents"),
            review_events=_announced(ours, "reviewEvents"),
            subagent_text=_announced(ours, "subagentText"),
            trust=_announced(ours, "trust"),
            work_done_progress=bool(window and window.work_done_progress),
            configuration=bool(workspace and workspace.configuration),
            dynamic_configuration=bool(did_change and did_change.dynamic_registration),
            code_action_literals=bool(actions and actions.code_action_literal_support),
            related_information=bool(shown and shown.related_information),
            dynamic_synchronization=bool(synchronization and synchronization.dynamic_registration),
            synchronization=synchronization is not None,
            encoding=PositionEncoding(encoding),
            apply_edit=bool(workspace and workspace.apply_edit),
            versioned_edits=bool(edits and edits.document_changes),
            annotations=bool(edits and edits.change_annotation_support),
            save_document=_announced(ours, "saveDocument"),
            code_lens_refresh=bool(lenses and lenses.refresh_support),
            diagnostics=_announced(ours, "diagnostics"),
            visible_documents=_announced(ours, "visibleDocuments"),
            language=_announced(ours, "language"),
        )


def _ours(experimental: object) -> Mapping[str, object] | None:
    """Return what a client announces that knows this server; None if it doesn't."""
    ours = experimental.get("claudeAgent") if isinstance(experimental, Mapping) else None
    return ours if isinstance(ours, Mapping) else None


def _announced(ours: Mapping[str, object] | None, name: str) -> bool:
    return ours is not None and ours.get(name) is True


def _asks(window: WindowClientCapabilities | None, info: ClientInfo | None) -> bool:
    """Return whether this Helix answers a message with choices."""
    version = _released(info.version if info else None)
    return bool(window and window.show_message) or version > (25, 7)


def _released(version: str | None) -> tuple[int, int]:
    """Return year and month of a Helix: "25.07.1 (a05c151b)" is (25, 7), an unknown one (0, 0)."""
    match = re.match(r"(\d{1,4})\.(\d{1,2})(?!\d)", version or "")
    return (int(match[1]), int(match[2])) if match else (0, 0)
