"""The real server over stdio, the real SDK and CLI; only the model is a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio

from tests.processes import kill_all

from .editor import Editor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENT = {"cancelGraceSeconds": 20}
"""An interrupt that a busy machine is slow to see must not cost the session its process."""


@pytest.fixture
def canaries(tmp_path: Path) -> Path:
    """Where whatever runs leaves a file of its name."""
    place = tmp_path / "canaries"
    place.mkdir()
    return place


class Open(Protocol):
    """Starts a server for an editor that has folders open."""

    async def __call__(
        self,
        *folders: Path,
        profile: str = "vscode",
        environment: dict[str, str] | None = None,
        **launch: Any,
    ) -> Editor:
        """See `Editor.launch`; without folders, the test's `folder` is open."""


@pytest_asyncio.fixture
async def editor_with(folder: Path, environment: dict[str, str]) -> AsyncIterator[Open]:
    """Opens editors; at the end each is quit, and no process of theirs may be left."""
    editors: list[Editor] = []
    usual = environment

    async def open_editor(
        *folders: Path,
        profile: str = "vscode",
        environment: dict[str, str] | None = None,
        **launch: Any,
    ) -> Editor:
        editor = Editor(profile)
        editors.append(editor)
        await editor.launch({**usual, **(environment or {})}, folders or (folder,), **launch)
        return editor

    yield open_editor
    try:
        for editor in editors:
            if editor.stopped:
                continue
            await editor.quit()
    finally:
        left = kill_all(usual)
    assert not left, f"these processes were left: {left}"
    assert [misfit for editor in editors for misfit in editor.misfits] == []


@pytest_asyncio.fixture
async def editor(editor_with: Open) -> Editor:
    """An editor with `folder` open."""
    return await editor_with()


@pytest_asyncio.fixture
async def patient(editor_with: Open) -> Editor:
    """Of a user who gives an interrupt its time."""
    return await editor_with(settings=PATIENT)
