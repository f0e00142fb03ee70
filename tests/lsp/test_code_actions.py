"""Code actions as the features offer them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from claude_agent_lsp.lsp.client_profile import ClientProfile
from claude_agent_lsp.lsp.features.code_actions import code_actions
from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Sequence


PLACE = types.Position(0, 0)
LITERALS = ClientProfile(code_action_literals=True)


class Offering(Feature):
    """Offers an action of each of some kinds, or fails."""

    def __init__(self, *kinds: str | None) -> None:
        super().__init__(cast("Any", None))
        self._kinds = kinds

    async def code_actions(self, _: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Return one of each kind."""
        if not self._kinds:
            raise OSError
        return [types.CodeAction(str(kind), kind=kind) for kind in self._kinds]


def asking(*only: str) -> types.CodeActionParams:
    context = types.CodeActionContext([], only=list(only) if only else None)
    document = types.TextDocumentIdentifier("file:///a.py")
    return types.CodeActionParams(document, types.Range(PLACE, PLACE), context)


async def offered(*features: Feature, only: Sequence[str] = ()) -> list[str]:
    found = await code_actions(features, asking(*only), LITERALS)
    return [action.title for action in found]


async def test_features_offer_in_their_order_and_one_that_fails_nothing() -> None:
    found = await offered(Offering("a"), Offering(), Offering("b", None))
    assert found == ["a", "b", "None"]


async def test_kind_is_wanted_with_all_below_it() -> None:
    every = Offering("refactor", "refactor.rewrite", "refactoring", "quickfix", None)
    assert await offered(every, only=["refactor"]) == ["refactor", "refactor.rewrite"]
    assert await offered(every, only=["refactor.rewrite"]) == ["refactor.rewrite"]
    assert len(await offered(every, only=[""])) == 5
