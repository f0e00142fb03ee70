"""`textDocument/codeAction`: what the features offer for a piece of a document, in their order."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claude_agent_lsp.lsp.client_profile import ClientProfile
    from claude_agent_lsp.lsp.features.feature import Feature

logger = logging.getLogger(__name__)

# Kinds of ours, for what is neither a fix nor a change of the code. Some editors list what they
# don't know behind all else, and none drops it.
EXPLAIN: Final = "claude.explain"
TESTS: Final = "claude.tests"
ASKED: Final = "claude.ask"
OPTIONS: Final = types.CodeActionOptions(
    code_action_kinds=[
        types.CodeActionKind.QuickFix,
        types.CodeActionKind.RefactorRewrite,
        EXPLAIN,
        TESTS,
        ASKED,
    ]
)


async def code_actions(
    features: Iterable[Feature], params: types.CodeActionParams, profile: ClientProfile
) -> Sequence[types.CodeAction | types.Command]:
    """Return what all features offer, of the kinds that the editor asks for.

    An editor that knows commands alone gets these.
    """
    found: list[types.CodeAction] = []
    for feature in features:
        try:
            found += await feature.code_actions(params)
        except Exception:
            logger.exception("%s offers no code actions", type(feature).__name__)
    wanted = params.context.only
    if wanted is not None:
        found = [action for action in found if _is_one_of(_plain(action.kind or ""), wanted)]
    if profile.code_action_literals:
        return found
    return [action.command for action in found if action.command is not None]


def _is_one_of(kind: str, wanted: Iterable[str]) -> bool:
    """Return whether a kind is one of some, or below one: `refactor.rewrite` is a `refactor`."""
    return any(each == "" or f"{kind}.".startswith(f"{each}.") for each in map(_plain, wanted))


def _plain(kind: str) -> str:
    # What lsprotocol knows is an enum of strings, whose text is not its value.
    return str(kind.value) if isinstance(kind, types.CodeActionKind) else kind
