"""Which place in which repository a folder is: its worktree, the others, and on whatever machine.

Git's own files are read, so that no git has to be started (gitrepository-layout(5), git-config(1),
git-worktree(1)).
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from claude_agent_lsp.base.disk.reading import first_line, read_text

# A repository brings it along, and its lines are split in one go.
MOST_CONFIG_BYTES: Final = 2**20
_GITDIR: Final = "gitdir:"
_SECTION: Final = re.compile(r'\s*\[\s*remote\s+"((?:[^"\\]|\\.)*)"\s*\]', re.IGNORECASE)
_URL: Final = re.compile(r"\s*url\s*=(.*)", re.IGNORECASE)
_SCP: Final = re.compile(r"(?:[^@/\s]+@)?([^:/\s]{2,}):(?!//)(.*)")
_PORTS: Final = {"ssh": 22, "https": 443, "http": 80, "git": 9418}


def project_key(folder: Path) -> str:
    """Name a folder for a shared store, the same on every machine.

    Returns:
        Its repository's remote, without protocol, user and password, and the path below the
        repository's root; without a remote, a hash of its path. Reads files.
    """
    real = Path(os.path.realpath(folder))
    if (found := repository_of(real)) is not None:
        root, common = found
        remote = _remote(common / "config")
        if remote and (name := normalized(remote)) is not None:
            below = real.relative_to(root).as_posix()
            return f"{name}//{'' if below == '.' else below}"
    return f"path:{hashlib.sha256(os.fsencode(real)).hexdigest()[:32]}"


def normalized(remote: str) -> str | None:
    """Return a remote's URL in one spelling, without what differs between its users.

    `git@example.org:a/b.git` and `https://user:password@example.org/a/b` are the same.

    Returns:
        None if it is no URL.
    """
    try:
        return _normalized(remote)
    except ValueError:  # whoever has written the configuration may have written anything
        return None


def _normalized(remote: str) -> str:
    parts = urlsplit(remote)
    if "://" not in remote and (found := _SCP.fullmatch(remote)):
        host, path = found[1].lower(), found[2]
    elif "://" in remote:
        host = (parts.hostname or "").lower()
        if parts.port is not None and parts.port != _PORTS.get(parts.scheme):
            host = f"{host}:{parts.port}"
        path = unquote(parts.path)
    else:
        host, path = "", remote
    path = path.rstrip("/").removesuffix(".git").rstrip("/")
    return f"{host}/{path.lstrip('/')}"


def worktrees_of(folder: str) -> tuple[str, ...]:
    """Return the worktrees of the repository that a folder is in, itself included.

    Returns:
        Their paths, as `git worktree list` prints them; none outside of a repository.
    """
    found = repository_of(Path(folder))
    if found is None:
        return ()
    _, common = found
    main = common.parent if common.name == ".git" else common
    trees = [os.fspath(main)]
    try:
        linked = sorted((common / "worktrees").iterdir())
    except OSError:
        linked = []
    for directory in linked:
        link = first_line(directory / "gitdir")
        if link:
            path = os.path.normpath(directory / link)
            trees.append(path.removesuffix(os.sep + ".git"))
    return tuple(trees)


def repository_of(folder: Path) -> tuple[Path, Path] | None:
    """Return the root of the worktree that a folder is in, and the directory that all share.

    Args:
        folder: The folder, links followed.
    """
    for root in (folder, *folder.parents):
        git = root / ".git"
        if git.is_dir():
            return root, git
        line = first_line(git)
        if line is not None and line.startswith(_GITDIR):
            own = Path(os.path.normpath(root / line.removeprefix(_GITDIR).strip()))
            shared = first_line(own / "commondir")
            return root, own if shared is None else Path(os.path.normpath(own / shared))
    return None


def _remote(config: Path) -> str | None:
    """Return the URL of `origin`, else of the first remote."""
    try:
        lines = read_text(config, "replace", MOST_CONFIG_BYTES).splitlines()
    except OSError:
        return None
    found: dict[str, str] = {}
    name: str | None = None
    for line in lines:
        if line.lstrip().startswith("["):
            section = _SECTION.match(line)
            name = section[1] if section else None
        elif name is not None and (url := _URL.match(line)) and url[1].strip():
            found.setdefault(name, url[1].strip().strip('"'))
    return found.get("origin") or next(iter(found.values()), None)
