"""A session as a page of HTML: it stands alone, and nothing that was said can do anything in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from claude_agent_lsp.sessions.catalogue.session import Session
from claude_agent_lsp.sessions.moving.page import as_page
from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall
from claude_agent_lsp.sessions.reading.outline import Kind

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
ID = "aaaaaaaa-2222-4333-8444-555555555555"
VOID = {"meta", "br", "hr"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "dl", "dt", "dd", "article", "p", "pre", "code", "span", "details", "summary"),
    *("b", "time", "strong", "em", "a", "ul", "ol", "li", "blockquote", "table", "thead", "tbody"),
    *("tr", "th", "td", "br", "hr"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "href", "start", "style"}
HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></details></article><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?php",
    "&lt;script&gt;",
    "![x](http://evil.example/pixel.png)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](file:///etc/passwd)",
    "[x](vbscript:x)",
    "[x](//evil.example/)",
    '[x](http://a.example "" onmouseover=alert(1) ")',
    '<http://a.example/"onclick=alert(1)>',
    "<javascript:alert(1)>",
    '```"><script>alert(1)</script>\nx\n```',
    "```\nunclosed",
    "<iframe src=//evil.example></iframe>",
    "<link rel=stylesheet href=//evil.example>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "[r]: javascript:alert(1)\n\n[r]",
    "\u202etxt.exe \x1b[2J \x00 \ud800",
    "[" * 5000,
    "> " * 3000 + "x",
    "*a **b " * 3000,
]


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def session(**more: Any) -> Session:
    fields: dict[str, Any] = {
        "session_id": ID, "title": "A title", "first_prompt": None, "tag": None,
        "workspace": Path("/work/cart"), "git_branch": "main", "created_at": AT,
        "last_modified": AT, "running": False, "current": False, "interrupted": False,
        "origin": "editor",
    }  # fmt: skip
    return Session(**fields | more)


def said(text: str, role: str = "assistant", **more: Any) -> Message:
    fields = {"thinking": None, "tool_calls": (), "timestamp": AT}
    return Message("m", role, text, **fields | more)


def called(tool: str, text: str | None = None, **given: Any) -> Message:
    return said("", tool_calls=(RecordedCall("c", tool, given, "completed", text),))


def page_of(*messages: Message, **more: Any) -> Page:
    return Page(as_page(session(**more), messages))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_was_said_does_anything(text: str) -> None:
    page = page_of(
        said(text, "user"),
        said(text, thinking=text),
        said(text, kind=Kind.COMPACTION),
        said(text, kind=Kind.GAP),
        said(text, kind=Kind.COMMAND),
        called(text, text, **{text: text}),
        called("Bash", text, command=text),
        called("Edit", text, file_path=text, old_string=text, new_string="x" + text),
        called("Write", None, file_path=text, content=text),
        title=text, tag=text, git_branch=text, workspace=Path("/") / text.replace("\0", ""),
    )  # fmt: skip
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for _, attributes in page.tags:
        assert set(attributes) <= ATTRIBUTES
        href = attributes.get("href") or "https://"
        assert href.startswith(("http://", "https://", "mailto:"))
        assert "url(" not in (attributes.get("style") or "")
    assert len(page.of("main")) == len(page.of("style")) == len(page.of("title")) == 1


def test_a_page_stands_alone_and_says_so_to_the_browser() -> None:
    text = as_page(session(), [said("See [there](https://a.example/x)."), said("plain", "user")])
    page = Page(text)
    (policy,) = [m["content"] for m in page.of("meta") if m.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"<(script|img|iframe|link|object|embed)|\bsrc=|@import|url\(", text)
    assert page.of("a") == [{"href": "https://a.example/x"}]


def test_secrets_are_masked_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "zq8-very-secret-value")
    key = "sk-ant-" + "a1B2" * 8
    for secret in ("zq8-very-secret-value", key):
        text = f"It is {secret}."
        page = as_page(
            session(title=text, git_branch=text),
            [
                said(text, thinking=text), said(text, kind=Kind.COMMAND), said(f"`{secret}`"),
                called("Bash", text, command=text),
                called("Edit", None, file_path=text, old_string=text, new_string=secret),
                called("Other", text, some={"deep": [text]}),
            ],
        )  # fmt: skip
        assert secret not in page
        assert "***" in page


def test_calls_are_folded_and_what_they_change_is_coloured() -> None:
    page = page_of(
        called("Edit", "ok", file_path="/a.py", old_string="one\ntwo\n", new_string="one\n2\n"),
        called("Write", None, file_path="/b.py", content="new"),
        called("MultiEdit", None, file_path="/c", edits=[{"old_string": "x", "new_string": "y"}]),
        called("Bash", "out", command="make test"),
    )
    assert len(page.of("details")) == 4
    assert all("open" not in attributes for attributes in page.of("details"))
    kinds = [attributes.get("class") for attributes in page.of("span")]
    assert kinds.count("del") == 2
    assert kinds.count("ins") == 3
    text = "".join(page.text)
    assert "- two" in text  # told by a sign, too, not by the colour alone
    assert "+ 2" in text
    assert "make test" in text


def test_markdown_is_shown_below_the_headings_of_the_page() -> None:
    page = page_of(said("# Big\n\n###### Small\n\n- a\n\n| x |\n|---|\n| y |\n\n`c` **b**"))
    assert len(page.of("h1")) == 1
    assert len(page.of("h3")) == len(page.of("h6")) == 1
    assert len(page.of("table")) == len(page.of("li")) == len(page.of("strong")) == 1


def test_long_texts_are_cut_or_shown_as_they_are() -> None:
    page = page_of(called("Bash", "y" * 50_000, command="x"), said("# z\n" * 60_000))
    text = "".join(page.text)
    assert text.count("y") < 11_000
    assert "more characters" in text
    assert len(page.of("h3")) == 1  # that of the result
