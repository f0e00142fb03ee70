"""The workflows name nothing that can change under them, and nothing that is not there."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
USES = re.compile(
    r"uses: (?P<action>[\w./-]+)(?:@(?P<at>\S+))?(?: # (?P<comment>.+))?$", re.MULTILINE
)


def read(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def steps() -> list[dict[str, Any]]:
    return [
        step
        for path in FILES
        for job in read(path)["jobs"].values()
        for step in job.get("steps", [])
    ]


def test_each_action_is_pinned_by_one_digest_with_its_version() -> None:
    pins = defaultdict(set)
    for path in FILES:
        for match in USES.finditer(path.read_text(encoding="utf-8")):
            if match["action"].startswith("./"):
                assert (ROOT / match["action"]).is_file()
                continue
            assert re.fullmatch(r"[0-9a-f]{40}", match["at"] or ""), match[0]
            assert re.fullmatch(r"v\d+\.\d+\.\d+", match["comment"] or ""), match[0]
            pins[match["action"]].add((match["at"], match["comment"]))
    assert pins
    assert [action for action, found in pins.items() if len(found) > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_may_be_written_but_where_it_says_so(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"].get("contents") in ("read", "write")
        if "uses" not in job:
            assert "timeout-minutes" in job
    for step in steps():
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_what_is_run_is_there() -> None:
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = "\n".join(step["run"] for step in steps() if "run" in step)
    assert set(re.findall(r"^\s*make ([\w-]+)$", said, re.MULTILINE)) <= rules
    named = re.findall(r"\b(?:tests|requirements|scripts|editors)/[\w/.-]+\w", said)
    built = {"editors/vscode/dist/claude-agent.vsix"}
    assert [name for name in named if name not in built and not (ROOT / name).exists()] == []


def test_a_python_that_is_tested_is_one_that_is_told() -> None:
    tried = read(ROOT / ".github/workflows/test.yml")["jobs"]["units"]["strategy"]["matrix"]
    project = (ROOT / "pyproject.toml").read_text()
    for version in tried["python"]:
        assert f"Programming Language :: Python :: {version}" in project
