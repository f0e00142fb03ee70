"""What the pages tell to install can be had: nothing is on an index, one address is left open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(
        path
        for pattern in ("*.md", "docs/**/*.md", "editors/*/*.md", "editors/*.md")
        for path in ROOT.glob(pattern)
        if path.name != "CHANGELOG.md"
    ),
    ROOT / "editors" / "neovim" / "doc" / "claude-agent.txt",
]
# By a name alone, from PyPI, npm, a marketplace or an archive.
FROM_AN_INDEX = re.compile(
    r"(?:pip|pipx|uv tool|uvx|uv pip|npm|npx)(?: install| i)?(?: -\S+)* "
    r"[\"']?(?:@[\w-]+/)?claude-agent"
    r"|code --install-extension (?!\S*\.vsix)\S"
    r"|package-install[ '(]+claude-agent|:ensure t"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_is_told_to_be_on_an_index(page: Path) -> None:
    assert FROM_AN_INDEX.findall(page.read_text()) == []


def test_what_would_be_on_an_index_is_found() -> None:
    for line in ("pip install claude-agent-lsp", "uv tool install -U 'claude-agent-lsp[redis]'"):
        assert FROM_AN_INDEX.search(line)


def test_address_is_left_to_the_reader_in_one_place() -> None:
    places = [
        page.name for page in PAGES for _ in re.findall(r'url "REPOSITORY"', page.read_text())
    ]
    assert places == ["README.md"]
    assert sum("REPOSITORY" in page.read_text() for page in PAGES) == 1
