"""The demo on the screen: what a user sees on the left, the LSP messages on the right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.box import Box
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from claude_agent_lsp.terminal.demo import wire
from claude_agent_lsp.terminal.screen import Signs

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# The longest usual message, "→ workspace/executeCommand claudeAgent.query".
MESSAGES_WIDTH: Final = 44
# Below this the messages stand under what the user sees.
BESIDE_WIDTH: Final = 72
FRAMES_PER_SECOND: Final = 15


@dataclass
class _Row:
    """What the user sees, and the messages that belong to it."""

    sign: str
    text: str
    style: str
    messages: list[wire.Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Stage:
    """Shows the demo, scene after scene.

    On a terminal a scene is drawn anew while it goes on; elsewhere it is written at its end.

    Args:
        console: Where it is shown.
    """

    def __init__(self, console: Console) -> None:
        self.signs = Signs.for_console(console)
        self._console = console
        self._animated = console.is_terminal and not console.is_dumb_terminal and not console.record
        self._scene: _Scene | None = None
        self._live: Live | None = None

    def open(self, title: str) -> None:
        """Begin a scene, and end the one before."""
        self.close()
        self._scene = _Scene(title, self.signs)
        if self._animated:
            self._live = Live(
                self._scene, console=self._console, refresh_per_second=FRAMES_PER_SECOND
            )
            self._live.start()

    def close(self) -> None:
        """End the scene."""
        if self._live is not None:
            self._live.stop()
        elif self._scene is not None:
            self._console.print(self._scene)
        self._live = self._scene = None

    def write(self, text: str, style: str = "") -> None:
        """Write a paragraph between scenes."""
        self._console.print(Text(text, style))

    def verdict(self, text: str, *, good: bool = True) -> None:
        """Write what held, or what did not."""
        sign, style = (self.signs.good, "green") if good else (self.signs.bad, "bold red")
        self._console.print(hanging(sign, style, Text(text)))

    def tell(self, text: str) -> None:
        """Say what happens."""
        self._add(_Row("", text, "italic"))

    def user(self, text: str) -> None:
        """Show what the user asks."""
        self._add(_Row(self.signs.user, text, "bold"))

    def agent(self) -> None:
        """Begin the agent's answer."""
        self._add(_Row(self.signs.agent, "", ""))

    def says(self, text: str) -> None:
        """Append to the agent's answer."""
        self._row.text += text

    def note(self, text: str) -> None:
        """Add a remark below the row's messages."""
        self._row.notes.append(text)

    def message(self, message: dict[str, Any], *, sent: bool) -> None:
        """Show an LSP message in short form; between scenes, none."""
        if self._scene is not None and self._scene.rows:
            wire.add(self._row.messages, message, sent=sent)

    @property
    def _row(self) -> _Row:
        assert self._scene is not None
        return self._scene.rows[-1]

    def _add(self, row: _Row) -> None:
        assert self._scene is not None
        self._scene.rows.append(row)


class _Scene:
    """A scene as it is at the moment; it may be drawn by another thread while it goes on."""

    def __init__(self, title: str, signs: Signs) -> None:
        self.rows: list[_Row] = []
        self._title = title
        self._signs = signs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        title = f"{self._title} "
        line = self._signs.line * max(0, width - len(title))
        yield Text.assemble((title, "bold cyan"), (line, "dim"), no_wrap=True, overflow="crop")
        yield self._beside(width) if width >= BESIDE_WIDTH else self._below()
        yield Text()

    def _beside(self, width: int) -> Table:
        bar = f"  {self._signs.bar} \n"
        box = Box(bar * 8, ascii=self._signs.bar.isascii())
        table = Table(
            box=box,
            show_header=False,
            show_edge=False,
            padding=(0, 1),
            pad_edge=False,
            border_style="dim",
        )
        table.add_column(width=width - MESSAGES_WIDTH - 3)
        table.add_column(width=MESSAGES_WIDTH)
        for row in tuple(self.rows):
            table.add_row(_seen(row), self._messages(row))
        return table

    def _below(self) -> Table:
        grid = Table.grid()
        for row in tuple(self.rows):
            grid.add_row(_seen(row))
            grid.add_row(self._messages(row))
        return grid

    def _messages(self, row: _Row) -> Group:
        grid = Table.grid(padding=(0, 1))
        for line in tuple(row.messages):
            sign, style = (
                (self._signs.sent, "cyan") if line.sent else (self._signs.received, "magenta")
            )
            grid.add_row(Text(sign, style), Text(line.shown(self._signs.times)))
        return Group(grid, *(Text(note, "yellow") for note in tuple(row.notes)))


def hanging(sign: str, style: str, text: Text) -> Table:
    """Return a text whose later lines stand below its first, and not below the sign before it."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(sign, style), text)
    return grid


def _seen(row: _Row) -> Table | Text:
    text = Text(row.text, row.style)
    return hanging(row.sign, "green", text) if row.sign else text
