"""The folders of a multi-root workspace, and which of them a query is for."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument, WorkspaceNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is open in the editor.

    Attributes:
        uri: As the editor spelled it.
        path: Absolute, symbolic links not followed.
        name: What the editor calls it.
    """

    uri: str
    path: Path
    name: str

    @classmethod
    def parse(cls, uri: str, name: str | None = None) -> Folder:
        """Return the folder that a URI names.

        Args:
            uri: As the editor spelled it.
            name: What the editor calls it; left out, the last part of the path.

        Raises:
            InvalidArgument: It is no absolute `file:` URI.
        """
        path = path_of(uri)
        return cls(uri, path, name or path.name or str(path))


class Folders:
    """The open folders, in the editor's order.

    `holding` and `choose` look at the disk: call them in a thread where that may be slow. A
    change that is made meanwhile does not disturb them.

    Args:
        folders: Those that are open at the start.
    """

    def __init__(self, folders: Iterable[Folder] = ()) -> None:
        self._folders: tuple[Folder, ...] = ()
        self.replace(folders)

    def __iter__(self) -> Iterator[Folder]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)

    def replace(self, folders: Iterable[Folder]) -> None:
        """Make these the open folders; of several with the same path the last one counts."""
        self._folders = tuple({folder.path: folder for folder in folders}.values())

    def add(self, *folders: Folder) -> None:
        """Open folders, after the others; one with the same path is replaced in its place."""
        self.replace((*self._folders, *folders))

    def remove(self, *uris: str) -> None:
        """Close the folders of these URIs, however spelled; one that is not open is ignored."""
        paths = set()
        for uri in uris:
            with contextlib.suppress(InvalidArgument):
                paths.add(path_of(uri))
        names = set(uris)
        self._folders = tuple(
            f for f in self._folders if f.uri not in names and f.path not in paths
        )

    def holding(self, path: Path) -> Folder | None:
        """Return the innermost open folder that contains a path, or is that path.

        Real paths are compared, so that it does not matter through which symbolic links the path
        or the folder is spelled. The path need not exist.
        """
        return _innermost(self._folders, path, _real)

    def spelled(self, workspace: Path | None) -> Folder | None:
        """Return the folder that a query works in, if that is known without the disk.

        Args:
            workspace: The path of an open folder, in any spelling; None names none.
        """
        folders = self._folders
        if workspace is None:
            return folders[0] if len(folders) == 1 else None
        return next((folder for folder in folders if folder.path == workspace), None)

    def around(self, document: Path) -> Folder | None:
        """Return the innermost open folder around a document, by how both are spelled."""
        return _innermost(self._folders, document, _normal)

    def choose(self, workspace: str | None, document: str | None) -> Folder:
        """Return the folder that a query works in.

        Args:
            workspace: The URI of an open folder, in any spelling.
            document: The URI of what the user is looking at; its folder is taken where
                `workspace` is left out. One that is no file (`untitled:`) says nothing.

        Returns:
            `workspace`'s folder, else the document's, else the only open one.

        Raises:
            InvalidArgument: `workspace` is no absolute `file:` URI.
            WorkspaceNotFound: `workspace` is not open, none is, or several are and nothing says
                which.
        """
        folders = self._folders
        if workspace is not None:
            return _named(folders, workspace)
        if not folders:
            raise WorkspaceNotFound(
                "No folder is open in the editor.",
                hint="Open a folder in the editor first: the agent works in an open folder.",
            )
        return _of_document(folders, document) or _only(folders)

    def check(self, folder: Folder) -> None:
        """Check that an open folder is there.

        Raises:
            WorkspaceNotFound: It is no directory.
        """
        # Path.is_dir raises where a parent directory may not be searched.
        if not os.path.isdir(folder.path):  # noqa: PTH112
            raise WorkspaceNotFound(
                f"{folder.uri} is open in the editor, but it is not a directory on disk.",
                hint="Create the directory, or close the folder and open one that exists.",
            )


def _named(folders: tuple[Folder, ...], workspace: str) -> Folder:
    try:
        path = path_of(workspace)
    except InvalidArgument as error:
        raise InvalidArgument(f"workspace: {error}.") from None
    for spelling in (Path, _real):
        wanted = spelling(path)
        for folder in folders:
            if spelling(folder.path) == wanted:
                return folder
    raise WorkspaceNotFound(f"{workspace} is not open in the editor. {_listing(folders)}")


def _of_document(folders: tuple[Folder, ...], document: str | None) -> Folder | None:
    try:
        path = path_of(document) if document is not None else None
    except InvalidArgument:
        return None
    if path is None:
        return None
    spelled = _innermost(folders, path, _normal)
    if spelled is not None and _followed(spelled.path) is None:
        return spelled  # its disk hangs, and would for the document, too
    # A link in a folder to a file outside is still what the user has open in that folder.
    return _innermost(folders, path, _real) or spelled


def _only(folders: tuple[Folder, ...]) -> Folder:
    if len(folders) == 1:
        return folders[0]
    raise WorkspaceNotFound(
        "Several folders are open, and the request does not say which one is meant. "
        f"{_listing(folders)}",
        hint="Pass one of them as `workspace`, or a document in it as `context.textDocument`.",
    )


def _innermost(
    folders: tuple[Folder, ...], path: Path, spelling: Callable[[Path], Path]
) -> Folder | None:
    inside = spelling(path)
    depths = {
        folder: len(outside.parts)
        for folder in folders
        if inside.is_relative_to(outside := spelling(folder.path))
    }
    # Of two spellings of one folder, the one that the path itself uses.
    return max(depths, key=lambda f: (depths[f], path.is_relative_to(f.path)), default=None)


def _listing(folders: tuple[Folder, ...]) -> str:
    if not folders:
        return "No folder is open."
    return f"Open folders: {', '.join(folder.uri for folder in folders)}."


def _real(path: Path) -> Path:
    # Any folder may be on a disk that hangs; it is found by how it is spelled, then.
    return Path(_followed(path) or os.path.normpath(path))


def _followed(path: Path) -> str | None:
    # With its thread and lane it takes its time to load.
    from claude_agent_lsp.base.disk.real_paths import real_path

    return real_path(path)


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
