"""The main job, shown in the terminal: ask the agent from an editor, resume it, stop it.

The server, the SDK and the CLI are the real ones; without `--live` only the model is a stand-in.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import Loopback
from claude_agent_lsp.terminal.demo.editor import ServerError, ServerGoneError
from claude_agent_lsp.terminal.demo.stage import Stage
from claude_agent_lsp.terminal.demo.story import SCRIPT, Story, StoryFailedError
from claude_agent_lsp.terminal.ending import run
from claude_agent_lsp.terminal.screen import open_screen
from claude_agent_lsp.workspace.state import ENVIRONMENT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from rich.console import Console

    from claude_agent_lsp.loopback import Rule


def demo(*, live: bool, script: Sequence[Rule] = SCRIPT, console: Console | None = None) -> int:
    """Show the main job.

    Args:
        live: With the user's own Claude account, in place of the loopback model.
        script: What the loopback model answers.
        console: Where it is shown; left out, on stdout.

    Returns:
        The exit status: 0 if every step held, 1 if one did not.

    Raises:
        EndedBySignal: By Ctrl-C, for instance; nothing is left.
    """
    stage = Stage(console or open_screen())
    try:
        run(_play(stage, script, live=live))
    except StoryFailedError as failure:
        stage.close()
        stage.verdict(str(failure), good=False)
        return 1
    finally:
        stage.close()
    return 0


async def _play(stage: Stage, script: Sequence[Rule], *, live: bool) -> None:
    try:
        with _place() as place, _model(script, live=live) as model:
            environment = dict(os.environ) if model is None else model.environment(place.home)
            environment[ENVIRONMENT_VARIABLE] = str(place.state)
            await Story(stage, place.project, environment, model).play()
    except ServerError as error:
        raise StoryFailedError(f"{error} {error.data.get('hint', '')}".rstrip()) from error
    except ServerGoneError as error:
        raise StoryFailedError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Place:
    """Directories that are gone afterwards."""

    home: Path
    project: Path
    state: Path


@contextlib.contextmanager
def _place() -> Iterator[_Place]:
    with tempfile.TemporaryDirectory(prefix="claude-agent-lsp-demo-") as name:
        # The CLI reports real paths, and macOS has its temporary directories behind a link.
        root = Path(name).resolve()
        place = _Place(root / "home", root / "project", root / "state")
        place.home.mkdir()
        place.project.mkdir()
        yield place


def _model(script: Sequence[Rule], *, live: bool) -> AbstractContextManager[Loopback | None]:
    return contextlib.nullcontext() if live else Loopback(*script)
