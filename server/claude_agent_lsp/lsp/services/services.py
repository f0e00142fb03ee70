"""All that commands and features work with, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.lsp.buffers.published import PublishedDiagnostics
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.code.findings import Findings
    from claude_agent_lsp.lsp.services.configuration import Configuration
    from claude_agent_lsp.lsp.services.folder_trust import FolderTrust
    from claude_agent_lsp.lsp.services.prewarming import Prewarming
    from claude_agent_lsp.lsp.services.progress import Progress
    from claude_agent_lsp.lsp.services.prompts.prompt_documents import PromptDocuments
    from claude_agent_lsp.lsp.services.questions.elsewhere import QuestionsElsewhere
    from claude_agent_lsp.lsp.services.questions.question_documents import QuestionDocuments
    from claude_agent_lsp.lsp.services.reviews.review_documents import ReviewDocuments
    from claude_agent_lsp.lsp.services.reviews.reviews import Reviews
    from claude_agent_lsp.lsp.services.server_settings import ServerSettings
    from claude_agent_lsp.lsp.services.session_events import SessionEvents
    from claude_agent_lsp.lsp.services.session_lookup import SessionLookup
    from claude_agent_lsp.lsp.services.task_documents import TaskDocuments
    from claude_agent_lsp.lsp.services.transcript_documents import TranscriptDocuments
    from claude_agent_lsp.workspace.documents.diagnostics import KnownDiagnostics
    from claude_agent_lsp.workspace.documents.documents import Documents
    from claude_agent_lsp.workspace.folders import Folders


@dataclass(frozen=True, slots=True)
class LazyServices:
    """What takes its time to load: it is made when it is first used, or soon after `initialize`.

    Attributes:
        agent: Runs the queries; it has the lanes.
        progress: What is shown of runs without knowing this server.
        sessions: Finds sessions, and what is known of them.
        session_events: Reports what has become of them.
        documents: Shows them as documents.
        question_documents: Shows questions as documents.
        questions_elsewhere: Those that other editors don't show, and this one's.
        task_documents: Shows background tasks as documents.
        reviews: Knows what runs have changed that is to be looked at.
        review_documents: Shows that as documents.
        prompts: Conversations as documents in which the user types.
    """

    agent: Agent
    progress: Progress
    sessions: SessionLookup
    session_events: SessionEvents
    documents: TranscriptDocuments
    question_documents: QuestionDocuments
    questions_elsewhere: QuestionsElsewhere
    task_documents: TaskDocuments
    reviews: Reviews
    review_documents: ReviewDocuments
    prompts: PromptDocuments


@dataclass(frozen=True, slots=True)
class Services:
    """What is there from the start, and the way to what is made later.

    Attributes:
        editor: The editor.
        folders: The open folders.
        open_documents: The open documents.
        known_diagnostics: What the editor's diagnostics say of them.
        findings: What agents have found wrong.
        diagnostics: What is published of documents.
        configuration: What is set in each.
        trust: Which are trusted.
        server_settings: What is set for the whole server.
        prewarming: Starts processes ahead.
        lazy: Makes the rest, once.
        review_watchers: Called once something else is to be looked at.
    """

    editor: Editor
    folders: Folders
    open_documents: Documents
    known_diagnostics: KnownDiagnostics
    findings: Findings
    diagnostics: PublishedDiagnostics
    configuration: Configuration
    trust: FolderTrust
    server_settings: ServerSettings
    prewarming: Prewarming
    lazy: Callable[[], LazyServices]
    review_watchers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def agent(self) -> Agent:
        """Runs the queries; it has the lanes."""
        return self.lazy().agent

    @property
    def progress(self) -> Progress:
        """What is shown of runs without knowing this server."""
        return self.lazy().progress

    @property
    def sessions(self) -> SessionLookup:
        """Finds sessions, and what is known of them."""
        return self.lazy().sessions

    @property
    def session_events(self) -> SessionEvents:
        """Reports what has become of sessions."""
        return self.lazy().session_events

    @property
    def documents(self) -> TranscriptDocuments:
        """Shows sessions as documents."""
        return self.lazy().documents

    @property
    def question_documents(self) -> QuestionDocuments:
        """Shows questions as documents."""
        return self.lazy().question_documents

    @property
    def questions_elsewhere(self) -> QuestionsElsewhere:
        """Questions that editors don't show: this one's for others, and theirs."""
        return self.lazy().questions_elsewhere

    @property
    def task_documents(self) -> TaskDocuments:
        """Shows background tasks as documents."""
        return self.lazy().task_documents

    @property
    def reviews(self) -> Reviews:
        """Knows what runs have changed that is to be looked at."""
        return self.lazy().reviews

    @property
    def review_documents(self) -> ReviewDocuments:
        """Shows what is to be looked at as documents."""
        return self.lazy().review_documents

    @property
    def prompts(self) -> PromptDocuments:
        """Conversations as documents in which the user types."""
        return self.lazy().prompts
