"""Which place in which repository a folder is, on whatever machine.

Git's own files are read, so that no git has to be started (gitrepository-layout(5), git-config(1)).
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
    for above in (real, *real.parents):
        common = _common_directory(above)
        if common is None:
            continue
        remote = _remote(common / "config")
        if remote:
            below = real.relative_to(above).as_posix()
            return f"{normalized(remote)}//{'' if below == '.' else below}"
        break
    return f"path:{hashlib.sha256(os.fsencode(real)).hexdigest()[:32]}"


def normalized(remote: str) -> str:
    """Return a remote's URL in one spelling, without what differs between its users.

    `git@example.org:a/b.git` and `https://user:password@example.org/a/b` are the same.
    """
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


def _common_directory(root: Path) -> Path | None:
    """Return the directory that all worktrees of a repository share, if this is the root of one."""
    git = root / ".git"
    if git.is_dir():
        return git
    line = first_line(git)
    if line is None or not line.startswith(_GITDIR):
        return None
    own = Path(os.path.normpath(root / line.removeprefix(_GITDIR).strip()))
    shared = first_line(own / "commondir")
    return own if shared is None else Path(os.path.normpath(own / shared))


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
