"""What is put into the .vsix, and what builds it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from .code_server import EXTENSION, ROOT, node

LARGEST_KB = 1000


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
        "dist/ThirdPartyNotices.txt",
        "dist/extension.js",
        "dist/server/server.txt",
        "dist/view/main.css",
        "dist/view/main.js",
        "LICENSE.txt",
        "media/icon.png",
        "media/icon.svg",
        *(f"media/icon-{theme}.svg" for theme in ("dark", "light")),
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
def test_it_installs_what_was_tested(vsix: Path) -> None:
    with zipfile.ZipFile(vsix) as archive:
        pinned = archive.read("extension/dist/server/server.txt").decode()
    assert pinned == (ROOT / "requirements" / "server.txt").read_text()
    assert "\nclaude-agent-sdk==" in pinned


@pytest.mark.timeout(240)
def test_size_in_the_readme_is_that_of_the_package(vsix: Path) -> None:
    told = re.search(r"\((\d+) kB\)", (EXTENSION / "README.md").read_text())
    assert told is not None
    assert int(told[1]) == pytest.approx(vsix.stat().st_size / 1000, rel=0.1)


@pytest.mark.timeout(240)
def test_licence_of_each_bundled_package_is_passed_on(vsix: Path) -> None:
    with zipfile.ZipFile(vsix) as archive:
        told = archive.read("extension/dist/ThirdPartyNotices.txt").decode()
    bundled = {
        inside[0]
        for file in json.loads((vsix.parent / "bundled.json").read_text())
        if (inside := re.match(r".*\bnode_modules/(@[^/]+/)?[^/]+", file))
    }
    assert {"codicons", "markdown-it", "vscode-languageclient"} <= {Path(p).name for p in bundled}
    directory = vsix.parents[1]
    for package in bundled:
        manifest = json.loads((directory / package / "package.json").read_text())
        assert f"\n{manifest['name']} {manifest['version']} ({manifest['license']})\n" in told
        (licence, *_) = sorted((directory / package).glob("[Ll][Ii][Cc][Ee][Nn][Ss][Ee]*"))
        assert licence.read_text("utf-8-sig").strip() in told


@pytest.mark.parametrize("package", [{}, {"license": "MIT"}])
def test_package_without_a_licence_is_not_bundled(package: dict[str, str], tmp_path: Path) -> None:
    directory = tmp_path / "node_modules" / "@some" / "package"
    directory.mkdir(parents=True)
    (directory / "package.json").write_text(json.dumps({"name": "some", "version": "1", **package}))
    script = f"""
        import {{ notices }} from {json.dumps(str(EXTENSION / "notices.mjs"))};
        await notices(["node_modules/@some/package/lib/index.js"]);
    """
    command = [str(node() / "node"), "--input-type=module", "--eval", script]
    built = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode != 0
    assert "some goes into a bundle, and has no licence" in built.stderr


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
