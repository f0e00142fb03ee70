"""A script whose prompts are directives, for benchmarks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from claude_agent_lsp.loopback.script import Turn, call, hang, recall, say, tokens

_Make: TypeAlias = Callable[[re.Match[str]], tuple[Turn, ...]]


@dataclass(frozen=True)
class Directive:
    """A rule whose answer is made from what its pattern found in the prompt."""

    pattern: re.Pattern[str]
    make: _Make

    def turns(self, prompt: str) -> tuple[Turn, ...] | None:
        """Return the answer if the prompt holds the directive."""
        found = self.pattern.search(prompt)
        return self.make(found) if found else None


def directives() -> tuple[Directive, ...]:
    """Return the directives.

    - `say N tokens`, `say N tokens every M ms`
    - `recall REGEX`, to the end of the line
    - `hang`
    - `run COMMAND`, to the end of the line, with the tool Bash; then "Done."
    - `use TOOL N times JSON`, to the end of the line, one call after the other; `<n>` and `<n+1>`
      in it stand for the call's number and the next one; then "Done."
    """
    return (
        _directive(r"\bhang\b", lambda _: ((say("hanging"), hang()),)),
        _directive(
            r"\brun (.+)", lambda found: ((call("Bash", command=found[1]),), (say("Done."),))
        ),
        _directive(r"\buse (\w+) (\d+) times? (.+)", _uses),
        _directive(r"\brecall (.+)", lambda found: ((recall(found[1]),),)),
        _directive(
            r"\bsay (\d+) tokens?(?: every (\d+(?:\.\d+)?) ?ms)?",
            lambda found: ((tokens(int(found[1]), pace=float(found[2] or 0) / 1000),),),
        ),
    )


def _directive(pattern: str, make: _Make) -> Directive:
    return Directive(re.compile(pattern, re.IGNORECASE), make)


def _uses(found: re.Match[str]) -> tuple[Turn, ...]:
    tool, count, given = found.groups()
    calls = (
        call(tool, **json.loads(given.replace("<n>", f"{n}").replace("<n+1>", f"{n + 1}")))
        for n in range(int(count))
    )
    return (*((each,) for each in calls), (say("Done."),))
