"""Code actions that ask the agent about a selection, the place of the cursor, or a diagnostic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.features.code_actions import ASKED, EXPLAIN, TESTS
from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASK: Final = "claudeAgent.ask"
_TITLES: Final = {
    "explain": "Explain with Claude",
    "fix": "Fix with Claude",
    "refactor": "Refactor with Claude",
    "tests": "Write tests with Claude",
    "document": "Document with Claude",
}
# What is written down to be asked, in a text that anybody writes anything in. It goes no way that
# an editor would read as its own commands.
_PROMPT: Final = "prompt"
_PROMPT_TITLE: Final = "Ask Claude what is selected"
_WRITTEN: Final = (".md", ".markdown", ".txt")
_REWRITE: Final = types.CodeActionKind.RefactorRewrite
_KINDS: Final[dict[str, str]] = {
    "explain": EXPLAIN,
    "fix": _REWRITE,
    "refactor": _REWRITE,
    "tests": TESTS,
    "document": _REWRITE,
}
# What is done about diagnostics.
_ABOUT_PROBLEMS: Final = ("fix", "explain")


class AskActions(Feature):
    """Offers the tasks of `claudeAgent.ask` in files of a folder in which it can be done.

    A prompt document is asked from in another way. An editor that asks by itself wherever the
    cursor goes gets none where nothing is selected and nothing is wrong: it would show a light bulb
    on every line.
    """

    async def code_actions(self, params: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Return what the agent can be asked to do with a piece of a document."""
        uri = params.text_document.uri
        if not self._has_folder(uri) or await self._services.prompts.parsed(uri) is not None:
            return ()
        problems, selected = params.context.diagnostics, _is_selection(params.range)
        unasked = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
        if unasked and not (selected or problems):
            return ()
        return [*_about_problems(params), *_about_code(params, selected=selected)]

    def _has_folder(self, uri: str) -> bool:
        folders = self._services.folders
        try:
            return (folders.spelled(None) or folders.around(path_of(uri))) is not None
        except InvalidArgument:
            return False  # it is no file


def _about_problems(params: types.CodeActionParams) -> Iterator[types.CodeAction]:
    problems = params.context.diagnostics
    if not problems:
        return
    where = params.range if _is_selection(params.range) else _around(problems)
    given = {"diagnostics": [_given(problem) for problem in problems]}
    for task in _ABOUT_PROBLEMS:
        action = _action(params, task, where, given)
        action.kind, action.diagnostics = types.CodeActionKind.QuickFix, problems
        yield action


def _about_code(params: types.CodeActionParams, *, selected: bool) -> Iterator[types.CodeAction]:
    known = _ABOUT_PROBLEMS if params.context.diagnostics else () if selected else ("fix",)
    for task in _TITLES:
        if task not in known:
            yield _action(params, task, params.range, {})
    if selected and params.text_document.uri.lower().endswith(_WRITTEN):
        yield _action(params, _PROMPT, params.range, {})


def _action(
    params: types.CodeActionParams, task: str, where: types.Range, given: dict[str, Any]
) -> types.CodeAction:
    document = {"uri": params.text_document.uri}
    context = {"textDocument": document, "range": _plain(where), **given}
    title = _TITLES.get(task, _PROMPT_TITLE)
    command = types.Command(title, ASK, arguments=[{"task": task, "context": context}])
    return types.CodeAction(title, kind=_KINDS.get(task, ASKED), command=command)


def _is_selection(where: types.Range) -> bool:
    """Return whether something is selected: in Helix, the cursor is a selection of a character."""
    if where.start.line != where.end.line:
        return True
    return where.end.character - where.start.character > 1


def _around(problems: Sequence[types.Diagnostic]) -> types.Range:
    """Return all the lines that some diagnostics are about."""
    first = min(problem.range.start.line for problem in problems)
    last = max(problem.range.end.line for problem in problems)
    return types.Range(types.Position(first, 0), types.Position(last + 1, 0))


def _given(problem: types.Diagnostic) -> dict[str, Any]:
    known = {
        "range": _plain(problem.range),
        "message": problem.message,
        "severity": problem.severity and int(problem.severity),
        "source": problem.source,
        "code": problem.code,
    }
    return {name: value for name, value in known.items() if value is not None}


def _plain(where: types.Range) -> dict[str, Any]:
    return {
        name: {"line": at.line, "character": at.character}
        for name, at in (("start", where.start), ("end", where.end))
    }
