"""Drives, shares, and what lies in what."""

from __future__ import annotations

import ntpath
import os
import posixpath
from pathlib import Path, PureWindowsPath

import pytest

from claude_agent_lsp.agent.permissions import destinations
from claude_agent_lsp.base.system import paths
from claude_agent_lsp.base.system.paths import path_of_uri, relative, shown_in
from claude_agent_lsp.sessions.claude_settings import deny_rules


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("/here/a/b", "/here", "a/b"),
        ("/here", "/here", "."),
        ("/here/../else", "/here", None),
        ("/", "/here", None),
        ("/here/..a", "/here", "..a"),
    ],
)
def test_what_lies_in_a_folder(path: str, folder: str, inside: str | None) -> None:
    assert relative(path, folder) == inside
    assert paths._relative(path, folder, posixpath) == inside


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        (r"C:\work\a\b", r"a\b"),
        (r"c:\WORK\a", "a"),
        (r"C:\else", None),
        (r"D:\work\a", None),
        (r"\\server\share\work\a", None),
    ],
)
def test_what_lies_in_a_folder_of_windows(path: str, inside: str | None) -> None:
    assert paths._relative(path, r"C:\work", ntpath) == inside


def test_what_is_on_another_drive_is_shown_whole_and_is_in_no_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "path", ntpath)
    assert shown_in(r"D:\b", r"C:\a") == r"D:\b"
    assert shown_in(r"C:\b", r"C:\a") == r"..\b"
    assert destinations._seen(r"D:\b", r"C:\a") == r"D:\b"
    assert destinations._seen(r"C:\a\b", r"C:\a") == "b"
    # A rule of one drive says nothing of another one, and is no error.
    assert not deny_rules._matches(r"D:\secret", Path(r"C:\a"), "/secret")


@pytest.mark.parametrize(
    ("host", "path", "windows", "elsewhere"),
    [
        ("", "/c:/x", r"c:\x", "/c:/x"),
        ("", "/C:", "C:", "/C:"),
        ("", "/a/b", r"\a\b", "/a/b"),
        ("", "/cd:/x", r"\cd:\x", "/cd:/x"),
        ("", "/c:x", r"\c:x", "/c:x"),
        ("", "/a/c:", r"\a\c:", "/a/c:"),
        ("server", "/share/x", r"\\server\share\x", None),
        ("wsl.localhost", "/Debian/home", r"\\wsl.localhost\Debian\home", None),
    ],
)
def test_path_of_a_uri(host: str, path: str, windows: str, elsewhere: str | None) -> None:
    found = path_of_uri(host, path, windows=True)
    assert found is not None
    assert PureWindowsPath(found) == PureWindowsPath(windows)
    assert path_of_uri(host, path, windows=False) == elsewhere


@pytest.mark.parametrize("path", [r"C:\a b\ä#?.txt", r"\\server\share\a b\x", r"d:\x"])
def test_a_path_of_windows_survives_the_way_to_the_editor_and_back(path: str) -> None:
    from urllib.parse import unquote

    uri = PureWindowsPath(path).as_uri()
    host, slash, rest = uri.removeprefix("file://").partition("/")
    back = path_of_uri(host, unquote(slash + rest), windows=True)
    assert back is not None
    assert PureWindowsPath(back) == PureWindowsPath(path)
