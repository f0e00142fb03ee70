"""An agent that plans as the CLI wants it: the plan is written to a file, then proposed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import call, reply, say

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from claude_agent_lsp.loopback.script import Turn

PLACE = re.compile(r"/\S*plans/\S*\.md")


class Planner:
    """A rule: where the plan's file is, the CLI says anew in each session."""

    def __init__(self, model: Loopback, prompt: str, plan: str) -> None:
        self._model = model
        self._prompt = prompt
        self._plan = plan

    def turns(self, prompt: str) -> tuple[Turn, ...] | None:
        """Writes the plan where the CLI says, and proposes it."""
        said = "\n".join(each.text for each in self._model.requests[-1].conversation)
        place = PLACE.search(said)
        if place is None:
            return None
        written = call("Write", file_path=place[0], content=self._plan)
        rule = reply(self._prompt, [written], [call("ExitPlanMode")], [say("So be it.")])
        return rule.turns(prompt)
