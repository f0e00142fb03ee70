"""A system for which the SDK brings no CLI along: its package is there, its executable is not."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from tests.e2e.conftest import Open


@pytest.fixture
def without_cli(tmp_path: Path) -> dict[str, str]:
    """The environment of a Python whose SDK has no CLI."""
    spec = find_spec("claude_agent_sdk")
    assert spec is not None
    assert spec.origin is not None
    package = tmp_path / "packages" / "claude_agent_sdk"
    package.mkdir(parents=True)
    for each in Path(spec.origin).parent.iterdir():
        if each.name != "_bundled":
            (package / each.name).symlink_to(each)
    return {"PYTHONPATH": str(package.parent)}


def bundled() -> Path:
    spec = find_spec("claude_agent_sdk")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "_bundled" / "claude"


async def test_a_query_says_how_to_get_one(
    editor_with: Open, without_cli: dict[str, str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    editor = await editor_with(environment={**without_cli, "PATH": f"{empty}:/usr/bin:/bin"})
    with pytest.raises(JsonRpcException) as refused:
        await editor.query("hello")
    assert refused.value.data is not None
    assert refused.value.data["reason"] == "cliNotFound"
    # This machine is one for which the SDK has a CLI.
    assert "Reinstall claude-agent-sdk" in refused.value.data["hint"]


@pytest.mark.parametrize("place", ["bin", "home/.npm-global/bin", "home/.volta/bin"])
async def test_the_users_own_is_found_on_the_path_and_where_npm_puts_it(
    editor_with: Open,
    without_cli: dict[str, str],
    tmp_path: Path,
    place: str,
    environment: dict[str, str],
) -> None:
    directory = Path(place.replace("home", environment["HOME"]))
    directory = tmp_path / directory
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "claude").symlink_to(bundled())
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    editor = await editor_with(environment={**without_cli, "PATH": path})
    assert (await editor.query("hello"))["status"] == "completed"
