from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.workspace import path_of, uri_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b", "/a/b"),
        ("file:/a/b", "/a/b"),
        ("FILE:///a/b", "/a/b"),
        ("file://localhost/a/b", "/a/b"),
        ("file://LOCALHOST/a", "/a"),
        ("file:///a/b/", "/a/b"),
        ("file:///", "/"),
        ("file:///a%20b", "/a b"),
        ("file:///a b", "/a b"),
        ("file:///%68%C3%A4%68", "/häh"),
        ("file:///häh", "/häh"),
        ("file:///c%23/%3F%25", "/c#/?%"),
        ("file:///a/../b", "/a/../b"),
        ("file:///c%3A/x", "/c:/x"),
    ],
)
def test_a_file_uri_names_a_path(uri: str, path: str) -> None:
    assert path_of(uri) == Path(path)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/a/b",
        "a",
        "file:",
        "file:a",
        "file://",
        "file://a",
        "file://elsewhere/a",
        "http://localhost/a",
        "untitled:Untitled-1",
        " file:///a",
        "file:///a\n",
        "file:///a\tb",
        "file:///a\0",
        "file:///a%00b",
        "file:///a?b",
        "file:///a#",
        "file:///%",
        "file:///%zz",
        "file:///%4",
        "file://[/a",
        "file:///\ud800",
    ],
)
def test_anything_else_is_refused_and_named(uri: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        path_of(uri)
    assert shown(uri) in str(caught.value)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"))))
def test_a_path_survives_the_way_through_its_uri(parts: list[str]) -> None:
    path = Path("/" + "/".join(parts))
    uri = uri_of(path)
    assert uri.isascii()
    assert path_of(uri) == path
    assert uri_of(path_of(uri)) == uri


@given(st.binary().filter(lambda name: b"\0" not in name))
def test_a_name_that_is_no_utf_8_survives_too(name: bytes) -> None:
    import os

    path = Path(os.fsdecode(b"/" + name))
    assert path_of(uri_of(path)) == path


@given(st.text())
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    for uri in (text, f"file://{text}", f"file:///{text}"):
        try:
            path = path_of(uri)
        except InvalidArgument:
            continue
        assert path.is_absolute()


def test_a_relative_path_has_no_uri() -> None:
    with pytest.raises(ValueError, match="relative"):
        uri_of("a/b")
