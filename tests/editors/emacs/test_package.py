"""The package itself: its logic, by ERT, and what Emacs's linters say of it."""

from __future__ import annotations

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
