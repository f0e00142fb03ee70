"""What is derived from the server's tables is up to date: `make generated` writes it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp import __version__

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generated", ROOT / "scripts" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATED = _load()
read = GENERATED._read
FILES: dict[str, str] = GENERATED.files()


@pytest.mark.parametrize("path", FILES)
def test_file_is_as_the_tables_are(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path], "make generated"


def test_version_is_that_of_the_project_everywhere() -> None:
    assert GENERATED.version() == __version__
    for path in (
        "editors/vscode/package.json",
        "editors/vscode/package-lock.json",
        "editors/emacs/claude-agent.el",
        "server/claude_agent_lsp/agent/buffers/mod/.claude-plugin/plugin.json",
    ):
        assert __version__ in FILES[path], path


def test_a_setting_without_a_place_in_the_manifest_is_told() -> None:
    manifest = (ROOT / "editors/vscode/package.json").read_text(encoding="utf-8")
    with pytest.raises(
        GENERATED.MissingPlace, match=r'put "claudeAgent\.env": \{"order": N\} into'
    ):
        GENERATED.manifest(manifest.replace('"claudeAgent.env"', '"claudeAgent.environment"'))


def test_what_has_no_place_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(GENERATED, "_read", lambda path: "" if path.endswith(".md") else read(path))
    assert GENERATED.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/protocol.md: there is no table of settings\n"
