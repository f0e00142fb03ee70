"""The user's programs, and none that a folder brings along."""

from __future__ import annotations

import os
import platform
import sysconfig
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.system import machine, programs
from claude_agent_lsp.base.system.programs import find_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.base.system.conftest import Load


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_the_first_on_the_path_that_can_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "a" / "git", 0o644)
    (tmp_path / "b" / "git").mkdir(parents=True)
    wanted = program(tmp_path / "c" / "git")
    program(tmp_path / "d" / "git")
    places = [str(tmp_path / name) for name in ("nothing", "a", "b", "c", "d")]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    assert find_program("git") == wanted
    assert find_program("hg") is None


@pytest.mark.parametrize("entry", ["", ".", "bin"])
def test_what_a_folder_brings_along_is_none(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "git")
    program(tmp_path / "bin" / "git")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", entry)
    assert find_program("git") is None


def test_windows_means_a_native_program_and_no_script(
    windows: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = windows("programs")
    program(tmp_path / "npm" / "claude.cmd")
    program(tmp_path / "npm" / "claude")
    monkeypatch.setenv("PATH", str(tmp_path / "npm"))
    assert there.find_program("claude") is None
    wanted = program(tmp_path / "npm" / "claude.exe")
    assert there.find_program("claude") == wanted
    assert programs.program_file("claude") == "claude"


@pytest.mark.parametrize(
    ("told", "glibc", "name"),
    [
        ("linux-x86_64", True, "linux-x86_64"),
        ("linux-x86_64", False, "linux-musl-x86_64"),
        ("linux-aarch64", False, "linux-musl-aarch64"),
        ("win-amd64", False, "win-x86_64"),
        ("win-arm64", False, "win-aarch64"),
        ("win32", False, "win-x86"),
        ("macosx-11.0-universal2", False, "macosx-arm64"),
        ("freebsd-14.1-RELEASE-amd64", False, "freebsd-x86_64"),
    ],
)
def test_what_a_system_is_called(
    told: str, glibc: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_platform", lambda: told)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(machine, "_has_glibc", lambda: glibc)
    assert machine.system_name() == name


def test_a_c_library_that_is_not_glibc_says_so(
    on: Callable[[str], Load], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: str) -> str:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "confstr", unknown)
    assert not machine._has_glibc()
    assert not on("win32")("machine")._has_glibc()
