"""The terminal that the editors' tests use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import gone_within

from .installed import executable

if TYPE_CHECKING:
    from .conftest import OpenTerminal


@pytest.mark.parametrize("name", ["nvim", "emacs", "hx"])
def test_editor_starts_on_a_screen_and_leaves_nothing_behind(
    terminal_with: OpenTerminal, environment: dict[str, str], name: str
) -> None:
    terminal = terminal_with(executable(name))
    terminal.wait_for(lambda screen: screen.strip())
    terminal.close()
    assert gone_within(environment, 10)
