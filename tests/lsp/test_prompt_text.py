"""What a prompt document's text means, and that nothing said in it changes that."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.lsp.services.prompts.escaping import EscapedText, escaped, unescaped
from claude_agent_lsp.lsp.services.prompts.file_names import ranked
from claude_agent_lsp.lsp.services.prompts.prompt_text import PromptText, Speaker, header_of

FILE = Path("a.claude.md")
# Pieces of which headings, comments and line ends can be made.
_PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "#",
                "##",
                "## ",
                "## You",
                "You",
                "Claude",
                " ",
                "\n",
                "\r\n",
                "\r",
                "\t",
                "<",
                "<!--",
            ),
            *(" claude working ", "-->", "a", "é", "😀", "\x1b[2J", "\\", "\\## You"),
        ]
    ),
    max_size=20,
)


def parsed(text: str, path: Path = FILE) -> PromptText:
    found = PromptText.of(path, text)
    assert found is not None
    return found


@given(_PIECES)
def test_what_the_agent_says_piece_by_piece_is_never_a_part_of_the_document(
    pieces: list[str],
) -> None:
    text = EscapedText()
    assert "\n## You" not in "".join([text.feed("a\r## Yo"), text.feed("u\n\nx"), text.rest()])
    text = EscapedText()
    shown = "".join([*map(text.feed, pieces), text.rest()])
    assert shown == escaped("".join(pieces)).strip("\n")
    document = parsed(f"## You\n\nhello\n\n## Claude\n\n{shown}\n\n## You\n\nnext\n")
    assert [each.speaker for each in document.sections] == [
        Speaker.YOU,
        Speaker.CLAUDE,
        Speaker.YOU,
    ]
    assert document.working == {}
    assert not any(ord(c) < 32 for c in shown if c not in "\n\t")


@given(_PIECES)
def test_what_is_sent_is_what_was_typed(pieces: list[str]) -> None:
    typed = "".join(pieces).replace("\r\n", "\n").replace("\r", "\n").replace("\x1b", "")
    document = parsed(f"<!-- claude: -->\n\n## You\n\n{escaped(typed)}")
    assert document.draft is not None
    assert document.said(document.draft) == unescaped(typed).strip()


@pytest.mark.parametrize(
    ("path", "text", "fields"),
    [
        ("a.claude.md", "just a prompt", {}),
        ("a.claude.md", "", {}),
        ("a.md", "<!-- claude: session=x mode=plan, model: opus -->\n", None),
        ("a.md", "\ufeff<!-- claude: mode=plan -->\r\n\r\nhi", {"mode": "plan"}),
        ("a.markdown", "<!--claude:effort=high nonsense=1-->", {"effort": "high"}),
    ],
)
def test_header_says_what_the_document_is_for(
    path: str, text: str, fields: dict[str, str] | None
) -> None:
    wanted = {"session": "x", "mode": "plan", "model": "opus"} if fields is None else fields
    assert parsed(text, Path(path)).fields == wanted


@pytest.mark.parametrize(
    ("path", "text"),
    [("a.md", "# Title\n"), ("a.md", "\n<!-- claude: -->"), ("a.py", "<!-- claude: -->")],
)
def test_other_documents_are_left_alone(path: str, text: str) -> None:
    assert PromptText.of(Path(path), text) is None


def test_draft_is_below_the_last_heading_or_all_where_there_is_none() -> None:
    plain = parsed("do it\n")
    assert plain.draft is not None
    assert plain.said(plain.draft) == "do it"
    text = "## You\n\none\n\n## Claude\n\nyes\n\n## You\n\ntwo\n"
    document = parsed(text)
    assert document.draft is not None
    assert document.said(document.draft) == "two"
    assert document.prompt_at(0) == document.prompt_at(6) == (0, "one")
    assert document.prompt_at(9) is None
    assert document.prompt_lines == (0,)
    assert document.prompts == ["one"]
    assert parsed("## You\n\none\n\n## Claude\n\nyes").draft is None


def test_line_that_begins_as_a_heading_does_is_none() -> None:
    text = "## You\n\nfirst do A\n\n## You should also know\n\n## Claude Code is a tool\n"
    document = parsed(text)
    assert document.draft is not None
    assert document.said(document.draft).startswith("first do A")
    assert document.said(document.draft).endswith("## Claude Code is a tool")


@pytest.mark.parametrize(
    "text",
    [
        f"<!-- claude:{'a' * 1_000_000} -->\n",
        f"<!-- claude:{'mode' * 200_000} -->\n",
        f"<!-- claude: mode{' ' * 1_000_000}= -->\n",
        f"<!--{' ' * 1_000_000}claude: -->\n",
        "## You" + " " * 1_000_000,
        "@" * 1_000_000,
        "#" * 1_000_000,
    ],
)
def test_no_text_takes_longer_than_it_is_long(text: str) -> None:
    began = time.process_time()
    parsed(text)
    escaped(text)
    assert time.process_time() - began < 2  # seconds; a fault takes hours


def test_header_is_written_as_it_is_read() -> None:
    fields = {"session": "1-2", "mode": "plan", "model": "opus[1m]", "effort": "low"}
    assert parsed(header_of(fields)).fields == fields


def test_likeliest_file_comes_first() -> None:
    names = ["src/deep/cart.py", "cart.py", "src/cartography.py", "docs/a_cart.md", "c/a/r/t.txt"]
    assert ranked(names, "cart") == [
        "cart.py",
        "src/deep/cart.py",
        "src/cartography.py",
        "docs/a_cart.md",
        "c/a/r/t.txt",
    ]
    assert ranked(names, "src/ct") == ["src/deep/cart.py", "src/cartography.py"]
    assert ranked(names, "CART.P")[:2] == ["cart.py", "src/deep/cart.py"]
    assert ranked(names, "xyz") == []
    assert ranked([f"{n}.txt" for n in range(500)], "") == [f"{n}.txt" for n in range(100)]
