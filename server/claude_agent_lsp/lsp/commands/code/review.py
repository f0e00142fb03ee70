"""`claudeAgent.review.run` and `.dismiss`: what an agent finds wrong, as diagnostics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.agent.changes.git_changes import since_branching, uncommitted
from claude_agent_lsp.agent.events import RunStatus, ToolCall
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import sentence
from claude_agent_lsp.lsp.commands.code.arguments import ReviewDismissArgument, ReviewRunArgument
from claude_agent_lsp.lsp.commands.code.ask import name_of, place_in
from claude_agent_lsp.lsp.commands.code.traceless import TracelessCommands
from claude_agent_lsp.lsp.commands.registry import command
from claude_agent_lsp.lsp.commands.runs.asking import with_text
from claude_agent_lsp.lsp.convert.to_errors import fault_of
from claude_agent_lsp.lsp.services.code.finding import REPORT, SCHEMA, findings_in
from claude_agent_lsp.lsp.services.code.findings import finding_json

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event, Run
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.services.code.findings import KeptFinding
    from claude_agent_lsp.workspace.folders import Folder

PROMPT: Final = (
    "Review {}. Look for what is wrong: what gives a wrong result, fails, loses data, is not safe, "
    "or is not what was wanted. Read what you need around it. Report only what you have seen to be "
    "so, the worst first, each once and where it has to be changed; nothing, if all is well. Paths "
    "are relative to this folder, and lines count from 1. Change nothing."
)


class CodeReviewCommands(TracelessCommands):
    """Has code reviewed."""

    @command("claudeAgent.review.run", ReviewRunArgument)
    async def run(self, argument: ReviewRunArgument, request: Request) -> object:
        """Have code reviewed, and show what is found as diagnostics."""
        document = argument.context.document if argument.context else None
        folder = await self._order.folder(argument.workspace, document)
        what, diff = await request.signal.wait_or_abort(
            asyncio.ensure_future(self._subject(argument, folder))
        )
        prompt = "\n\n".join(filter(None, (PROMPT.format(what), argument.instructions, diff)))
        asked: dict[str, Any] = {
            "prompt": prompt,
            "context": with_text(self._services, argument.context, request.given),
            "workspace": uri_of(folder.path),
            "session": argument.session,
            "model": argument.model,
            "outputSchema": SCHEMA,
            "partialResultToken": argument.partial_result_token,
        }
        reports: list[object] = []

        def collect(event: Event) -> None:
            if isinstance(event, ToolCall) and event.tool == REPORT:
                reports.append(event.input)

        run = await self._begin(asked, "Review", request, collect)
        ending = asyncio.ensure_future(self._show(run, reports, folder.path, _instead(argument)))
        waits = self._services.editor.profile.waits if argument.wait is None else argument.wait
        if not waits:
            self._services.editor.spawn(self._tell(ending))
            return {"run": run.snapshot(), "findings": []}
        ended, shown = await asyncio.shield(ending)
        if (fault := fault_of(ended)) is not None:
            raise fault
        self._tell_count(shown)
        return {"run": ended, "findings": [finding_json(each) for each in shown]}

    @command("claudeAgent.review.dismiss", ReviewDismissArgument)
    async def dismiss(self, argument: ReviewDismissArgument, _: Request) -> object:
        """Show a finding no more, nor what is found of the same text again."""
        return {"dismissed": await self._services.findings.dismiss(argument.finding_id)}

    async def _subject(self, argument: ReviewRunArgument, folder: Folder) -> tuple[str, str]:
        """Return what is reviewed in words, and its changes, if these are what it is about."""
        context = argument.context
        if argument.subject == "branch":
            _, diff = await self._changes(folder, lambda view: since_branching(view, argument.base))
            return "what this branch changes", f"What it changes:\n\n{diff}"
        if argument.subject == "changes":
            _, diff = await self._changes(folder, uncommitted)
            return "what is not committed yet", f"The changes:\n\n{diff}"
        assert context is not None
        assert context.document is not None
        if argument.subject == "selection":
            return place_in(context, folder.path), ""
        return f"`{name_of(context.document, folder.path)}`", ""

    async def _show(
        self,
        run: ActiveRun,
        reports: list[object],
        folder: Path,
        instead: Collection[Path] | None,
    ) -> tuple[Run, list[KeptFinding]]:
        ended = await asyncio.shield(run.ended)
        if ended.status is not RunStatus.COMPLETED:
            return ended, []
        told = [*reports, ended.structured_output]
        found = [finding for each in told for finding in findings_in(each, folder)]
        return ended, await self._services.findings.report(found, folder, instead)

    async def _tell(self, ending: asyncio.Future[tuple[Run, list[KeptFinding]]]) -> None:
        ended, shown = await ending
        if ended.error is not None:
            text = f"{sentence(ended.error)} {ended.error.hint}"
            self._services.editor.show_message(types.MessageType.Error, text)
        elif ended.status is RunStatus.COMPLETED:
            self._tell_count(shown)

    def _tell_count(self, shown: list[KeptFinding]) -> None:
        """Tell how many were found where a user has no other sign that the review has ended."""
        if self._services.editor.profile.session_events:
            return
        files = len({each.finding.uri for each in shown})
        text = (
            f"Claude's review: {len(shown)} finding{'s' if len(shown) > 1 else ''} in "
            f"{files} file{'s' if files > 1 else ''}."
            if shown
            else "Claude's review: nothing was found."
        )
        self._services.editor.show_message(types.MessageType.Info, text)


def _instead(argument: ReviewRunArgument) -> Collection[Path] | None:
    """Return the files whose earlier findings a review replaces; None for all of the folder's."""
    if argument.subject == "selection":
        return ()
    if argument.subject == "file" and argument.context and argument.context.document:
        return (argument.context.document,)
    return None
