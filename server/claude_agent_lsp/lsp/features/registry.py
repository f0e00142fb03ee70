"""The LSP features, in the order in which their hooks are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.lsp.features.ask_actions import AskActions
from claude_agent_lsp.lsp.features.client_trust import ClientTrust
from claude_agent_lsp.lsp.features.configuration_changes import ConfigurationChanges
from claude_agent_lsp.lsp.features.finding_actions import FindingActions
from claude_agent_lsp.lsp.features.open_documents import OpenDocuments
from claude_agent_lsp.lsp.features.prompts.prompt_actions import PromptActions
from claude_agent_lsp.lsp.features.prompts.prompt_completion import PromptCompletion
from claude_agent_lsp.lsp.features.prompts.prompt_hover import PromptHover
from claude_agent_lsp.lsp.features.prompts.prompt_outline import PromptOutline
from claude_agent_lsp.lsp.features.review_actions import ReviewActions
from claude_agent_lsp.lsp.features.review_diagnostics import ReviewDiagnostics
from claude_agent_lsp.lsp.features.review_hover import ReviewHover
from claude_agent_lsp.lsp.features.workspace_folders import WorkspaceFolders

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.features.feature import Feature

# Settings are read with what the client says of trust, folders with their settings.
FEATURES: Final[tuple[type[Feature], ...]] = (
    ClientTrust,
    ConfigurationChanges,
    WorkspaceFolders,
    OpenDocuments,
    ReviewActions,
    ReviewHover,
    ReviewDiagnostics,
    PromptActions,
    PromptOutline,
    PromptHover,
    PromptCompletion,
    AskActions,
    FindingActions,
)
