"""What is put into the .vsix, and what builds it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from .code_server import EXTENSION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_KB = 1500


@pytest.mark.timeout(240)
def test_package_holds_what_it_needs_and_no_more(vsix: Path) -> None:
    with zipfile.ZipFile(vsix) as archive:
        names = {name.removeprefix("extension/") for name in archive.namelist()}
    wheel = {name for name in names if name.endswith(".whl")}
    assert len(wheel) == 1
    assert names - wheel == {
        "[Content_Types].xml",
        "extension.vsixmanifest",
        "changelog.md",
        "dist/extension.js",
        "dist/view/main.css",
        "dist/view/main.js",
        "LICENSE.txt",
        "media/icon.png",
        "media/icon.svg",
        "package.json",
        "readme.md",
        *(f"walkthrough/{step}.md" for step in ("ask", "decide", "doctor", "resume")),
    }
    assert vsix.stat().st_size < LARGEST_KB * 1000


@pytest.mark.timeout(240)
def test_wheel_in_it_is_the_whole_server(vsix: Path) -> None:
    with zipfile.ZipFile(vsix) as archive:
        (wheel,) = (name for name in archive.namelist() if name.endswith(".whl"))
        with zipfile.ZipFile(io.BytesIO(archive.read(wheel))) as server:
            names = set(server.namelist())
    sources = (ROOT / "server").rglob("*.py")
    assert {str(source.relative_to(ROOT / "server")) for source in sources} <= names


@pytest.mark.timeout(240)
def test_size_in_the_readme_is_that_of_the_package(vsix: Path) -> None:
    told = re.search(r"\((\d+) kB\)", (EXTENSION / "README.md").read_text())
    assert told is not None
    assert int(told[1]) == pytest.approx(vsix.stat().st_size / 1000, rel=0.1)


def test_lock_file_has_a_hash_for_each_package_and_names_no_registry() -> None:
    packages = json.loads((EXTENSION / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or "integrity" in package, name


def test_types_are_not_newer_than_the_oldest_vs_code() -> None:
    packages = json.loads((EXTENSION / "package-lock.json").read_text())["packages"]
    oldest = json.loads((EXTENSION / "package.json").read_text())["engines"]["vscode"]
    types = packages["node_modules/@types/vscode"]["version"]
    assert tuple(map(int, types.split(".")[:2])) <= tuple(map(int, oldest[1:].split(".")[:2]))
