"""Draws the pictures of the README anew, each from a real run: `make pictures`."""

# ruff: noqa: INP001 - a script, which nobody imports

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from claude_agent_lsp.terminal.demo.demo import demo

IMAGES = Path(__file__).parents[1] / "docs" / "images"

# Dark, with a border: it stands out from a white page and from a black one.
THEME = TerminalTheme(
    background=(22, 27, 34),
    foreground=(213, 219, 227),
    normal=[
        (110, 118, 129),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (213, 219, 227),
    ],
)

# rich's own, without the font that it would load from elsewhere: a picture in a README may not.
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>{unique_id}</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
  font-variant-east-asian: full-width;
}}
.{unique_id}-title {{
  font-size: 18px;
  font-weight: bold;
  font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> int:
    """Draw; returns the exit status."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=80,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    status = demo(live=False, console=console)
    if status != 0:
        sys.stderr.write(console.export_text())
        return status
    IMAGES.mkdir(parents=True, exist_ok=True)
    console.width += 1  # a margin on the right, as there is one on the left
    picture = console.export_svg(
        title="claude-agent-lsp demo", theme=THEME, code_format=SVG, unique_id="demo"
    )
    (IMAGES / "demo.svg").write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
