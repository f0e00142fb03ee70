"""What is installed is what is used, and what was tested."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIRED = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}
# What is required for another reason than that it is imported.
NOT_IMPORTED = {"mcp": "bounds what the SDK brings along"}
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", re.MULTILINE)


def pinned(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / name).read_text()))


def imported() -> set[str]:
    """The packages that the server imports, at the start or later, for more than types."""
    found = set()
    for path in (ROOT / "server").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        types = {
            id(each)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for each in ast.walk(node)
        }
        for node in ast.walk(tree):
            if id(node) in types:
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def test_what_is_required_is_imported_and_the_other_way_round() -> None:
    owners = packages_distributions()
    used = {name for module in imported() for name in owners.get(module, ())}
    optional = {
        Requirement(each).name
        for extra in PROJECT["optional-dependencies"].values()
        for each in extra
    }
    assert set(REQUIRED) - used == set(NOT_IMPORTED)
    assert used - set(REQUIRED) - optional <= {PROJECT["name"]}


def test_what_the_extension_installs_is_what_the_suite_ran_with() -> None:
    server, dev = pinned("server.txt"), pinned("dev.txt")
    assert set(REQUIRED) <= set(server)
    assert {name: dev.get(name) for name in server} == server


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_what_is_pinned_is_what_is_required(name: str) -> None:
    assert Version(pinned("server.txt")[name]) in REQUIRED[name].specifier


def test_each_package_has_its_hashes() -> None:
    text = (ROOT / "requirements" / "server.txt").read_text()
    blocks = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_no_address_is_promised_that_is_none() -> None:
    assert "urls" not in PROJECT
    assert PROJECT["authors"]
    for page in ("README.md", "docs/stores.md", "SECURITY.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "REPOSITORY" not in text, page
        # Nobody has this name on an index: whoever took it could run code here.
        assert not re.search(r"(pipx?|uv tool|uvx|uv pip) (install )?claude-agent-lsp", text), page
