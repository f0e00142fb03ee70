"""The environment that `make setup` makes: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "python.sh"
# Debian's without python3-venv: there is an environment, but nothing to install with.
WITHOUT_VENV = f"""#!/bin/sh
case "$*" in
"-m venv "*)
    mkdir -p "$3/bin"
    ln -s {sys.executable} "$3/bin/python"
    echo "ensurepip is not available" >&2
    exit 1
    ;;
esac
exec {sys.executable} "$@"
"""
# One that has all it needs, and needs no time for it.
WITH_VENV = WITHOUT_VENV.replace("exit 1", "exit 0")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """What the script finds on PATH: no uv."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "mkdir", "ln", "rm", "grep", "tail", "touch"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    return tools


def venv(tools: Path, directory: Path, program: str) -> subprocess.CompletedProcess[str]:
    python = tools / "python3"
    python.write_text(program)
    python.chmod(0o755)
    return subprocess.run(
        ["sh", os.fspath(SCRIPT), "venv", os.fspath(directory), os.fspath(python)],
        env={"PATH": os.fspath(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_pythons_of_pyenv_are_found_wherever_it_is(tools: Path, tmp_path: Path) -> None:
    for name in ("tr", "ls", "sort", "cut"):
        (tools / name).symlink_to(str(shutil.which(name)))
    python = tmp_path / "pyenv" / "versions" / "3" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    base = os.path.realpath(sys.executable)
    python.write_text(f'#!/bin/sh\nexec {base} "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", os.fspath(SCRIPT), "all"],
        env={"PATH": os.fspath(tools), "PYENV_ROOT": os.fspath(tmp_path / "pyenv")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[1:] == [base]


def test_a_try_that_fails_leaves_nothing_and_says_what_to_install(
    tools: Path, tmp_path: Path
) -> None:
    directory = tmp_path / ".venv"
    done = venv(tools, directory, WITHOUT_VENV)
    assert done.returncode == 1
    assert "ensurepip is not available" in done.stderr
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt-get install python{version}-venv" in done.stderr
    assert not directory.exists()
    assert venv(tools, directory, WITH_VENV).returncode == 0
    assert (directory / "bin" / "python").exists()


def test_what_an_interrupted_try_has_left_is_made_anew(tools: Path, tmp_path: Path) -> None:
    directory = tmp_path / ".venv"
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "python").symlink_to(sys.executable)
    (directory / "half").touch()
    assert venv(tools, directory, WITH_VENV).returncode == 0
    assert not (directory / "half").exists()


def test_one_whose_python_is_gone_is_made_anew(tools: Path, tmp_path: Path) -> None:
    directory = tmp_path / ".venv"
    assert venv(tools, directory, WITH_VENV).returncode == 0
    (directory / "bin" / "python").unlink()
    (directory / "bin" / "python").symlink_to(tmp_path / "gone")
    assert venv(tools, directory, WITH_VENV).returncode == 0
    assert os.access(directory / "bin" / "python", os.X_OK)


def test_one_that_is_whole_is_kept(tools: Path, tmp_path: Path) -> None:
    directory = tmp_path / ".venv"
    assert venv(tools, directory, WITH_VENV).returncode == 0
    (directory / "mine").touch()
    assert venv(tools, directory, WITHOUT_VENV).returncode == 0
    assert (directory / "mine").exists()
