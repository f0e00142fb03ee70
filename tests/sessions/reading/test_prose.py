"""Messages as parts of a document that they can't break out of."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from claude_agent_lsp.sessions.reading.prose import code, fenced, one_line, prose

PIECES = st.sampled_from(
    [
        *("`", "```", "~~~", "````", "\n", "\n\n", "    ", "> ", "- ", "1. ", "# ", "## You", "<"),
        *("<details>", "</details>", "<!--", "-->", "<script>", "<a href='`'>", "\\", "=", "---"),
        *("text", " ", "*", "[", "](", "<![CDATA[", "<?", "\t", "\r", "&lt;", "```html"),
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


def kinds(document: str) -> list[str]:
    """What stands at the top of a document, and any HTML inside."""
    found = []
    for token in MarkdownIt("commonmark").parse(document):
        children = [child.type for child in token.children or ()]
        if token.type == "html_block" or "html_inline" in children:
            found.append("html")
        elif token.level == 0:
            found.append(f"{token.type} {token.tag}")
    return found


@given(TEXTS)
@example("```\nnever closed")
@example("<!-- never closed")
@example("- ```\n  <details>\n\nafter\n```\n<script>")
@example("`\n- <details>`")
@example("Under\n=====")
def test_message_leaves_what_follows_alone(text: str) -> None:
    document = f"{prose(text)}\n\n## You\n\nNext."
    found = kinds(document)
    assert found[-4:] == [
        "heading_open h2",
        "heading_close h2",
        "paragraph_open p",
        "paragraph_close p",
    ]
    assert "html" not in found
    assert found.count("heading_open h2") == 1
    assert "heading_open h1" not in found


@pytest.mark.parametrize(
    "text",
    [
        "Plain *text* with `code<T>` and\n\n- a list\n- of two",
        "```html\n<details>\n```",
        "a < b and c > d, 1 <2",
        "- item\n\n  ```python\n  x = [<int>]\n  ```\n",
    ],
)
def test_harmless_message_is_left_as_it_is(text: str) -> None:
    assert prose(text) == text


def test_headings_stand_below_the_message() -> None:
    assert prose("# One\n\nTwo\n---\n\n###### Six") == "### One\n\n#### Two\n\n###### Six"


def test_html_is_shown_as_text() -> None:
    assert prose("See <details> & `x<y>`.") == "See \\<details> & `x\\<y>`."


def test_open_block_is_closed() -> None:
    assert prose("~~~~py\nx = 1") == "~~~~py\nx = 1\n~~~~"


@given(st.text())
def test_fence_is_longer_than_what_it_holds(text: str) -> None:
    (only,) = [t for t in MarkdownIt("commonmark").parse(fenced(text)) if t.level == 0]
    assert only.type == "fence"


@given(st.one_of(st.text(), TEXTS))
def test_one_line_holds_no_markup_and_code_is_code(text: str) -> None:
    for line in (one_line(text), code(text)):
        assert "\n" not in line
        assert "\x1b" not in line
        assert kinds(f"# {line}x")[0] == "heading_open h1"
        assert "html" not in kinds(f"# {line}x")
