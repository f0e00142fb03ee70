"""Writes the table in editors/README.md from what the tests show: `make editors-table`."""

# ruff: noqa: INP001 - a script, which nobody imports

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "editors" / "README.md"
BEGIN, END = "<!-- table: make editors-table -->\n", "<!-- end of the table -->\n"
EDITORS = {
    "vscode": "VS Code",
    "neovim": "Neovim",
    "emacs": "Emacs",
    "helix": "Helix",
    "vim": "Vim",
    "kate": "Kate",
}
SIGNS = {"passed": "yes", "failed": "**no**", "skipped": "not tried"}


def main() -> int:
    """Run the editors' tests and write the table; returns the exit status."""
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={results}"]
        status = subprocess.run(  # noqa: S603 - our own command
            [*command, "tests/editors"], cwd=ROOT, check=False
        ).returncode
        if status > 1:  # it did not run
            return status
        table = table_of(results)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")
    return status


def table_of(results: Path) -> str:
    """Return the table as Markdown.

    Args:
        results: Of a run of the editors' tests, in JUnit's form.
    """
    shown: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - written a moment ago
        editor = case.get("classname", "").split(".")[2]
        for each in case.iter("property"):
            if each.get("name") == "shows":
                shown[each.get("value", ""), editor].add(outcome(case))
    sys.path.insert(0, str(ROOT))
    from tests.editors.abilities import Ability

    editors = [editor for editor in EDITORS if any(editor == tried for _, tried in shown)]
    rows = [
        ["", *(EDITORS[editor] for editor in editors)],
        ["---"] * (len(editors) + 1),
        *(
            [str(ability), *(sign(shown.get((ability, editor), set())) for editor in editors)]
            for ability in Ability
        ),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def outcome(case: ET.Element) -> str:
    """Return how a test went: passed, failed or skipped."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def sign(outcomes: set[str]) -> str:
    """Return what stands in a cell: the worst of the outcomes, nothing without a test."""
    return next((SIGNS[each] for each in ("failed", "skipped", "passed") if each in outcomes), "")


if __name__ == "__main__":
    sys.exit(main())
