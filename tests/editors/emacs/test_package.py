"""The package itself: its logic, by ERT, and what Emacs's linters say of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.editors.installed import directory

from .conftest import PACKAGE

if TYPE_CHECKING:
    from .conftest import RunEmacs

HERE = Path(__file__).parent
LINTERS = "root/usr/share/emacs/site-lisp/elpa-src"


@pytest.mark.parametrize("tests", ["claude-agent-tests", "claude-agent-failure-tests"])
def test_logic(run_emacs: RunEmacs, tests: str) -> None:
    done = run_emacs("-l", HERE / f"{tests}.el", "-f", "ert-run-tests-batch-and-exit")
    assert done.returncode == 0, done.stderr
    assert " 0 unexpected" in done.stderr


@pytest.mark.parametrize("linter", ["lint-compile", "lint-documentation", "lint-package"])
def test_linter_has_nothing_to_say(run_emacs: RunEmacs, linter: str) -> None:
    paths = [PACKAGE, *(directory() / LINTERS).glob("*")]
    if linter == "lint-package" and len(paths) == 1:
        pytest.skip("no package-lint for Emacs; on Debian, `make editors` installs it")
    load_path = [word for path in paths for word in ("-L", path)]
    files = sorted(PACKAGE.glob("*.el"))
    assert files
    done = run_emacs(*load_path, "-l", HERE / "lint.el", "-f", linter, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_clone_is_installed_as_the_readme_says(run_emacs: RunEmacs, tmp_path: Path) -> None:
    told = (PACKAGE / "README.md").read_text()
    (line,) = re.findall(
        r"^\(package-vc-install-from-checkout .*\)(?= ; once$)", told, re.MULTILINE
    )
    clone = tmp_path / "clone"
    shutil.copytree(PACKAGE, clone / "editors" / "emacs", ignore=shutil.ignore_patterns("*.elc"))
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    install = line.replace("~/src/claude-agent-lsp", str(clone))
    assert install != line
    settings = {"package-archives": "nil", "package-user-dir": f'"{tmp_path}/elpa"'}
    settings["package-check-signature"] = "nil"  # no daemon that holds keys
    done = run_emacs(
        *(
            word
            for name, value in settings.items()
            for word in ("--eval", f"(setq {name} {value})")
        ),
        *("--eval", f"(progn (require 'package-vc) (package-initialize) {install})"),
    )
    assert done.returncode == 0, done.stderr
    made = tmp_path / "elpa" / "claude-agent" / "claude-agent-autoloads.el"
    assert "(autoload 'claude-agent-ask" in made.read_text()
