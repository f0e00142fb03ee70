"""What has changed in a git repository: staged, not committed, or since a branch began.

    names by git ──▶ contents, stored by git or as the folder has them ──▶ a diff of our own

The diff is made here, since for one of git's a repository may name programs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.changes.git_view import GitView
from claude_agent_lsp.agent.permissions.diff import unified
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.errors import NoRepository, NothingChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from claude_agent_lsp.base.lanes import Lane

# Of a larger file, and of what is behind so many characters, the name alone is told.
MOST_BYTES: Final = 1_000_000
MOST_CHARACTERS: Final = 200_000
MOST_READ: Final = 8 * MOST_CHARACTERS
_DEFAULTS: Final = ("origin/HEAD", "main", "master", "trunk")
_ENTRY: Final = re.compile(rb":(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*", re.DOTALL)
_NOTHING: Final = re.compile(r"0+")
_FILES: Final = (b"100644", b"100755")


@dataclass(frozen=True)
class ChangedFile:
    """A file that has changed.

    Attributes:
        path: As git names it; relative to the repository's top, or to the folder.
        before: What git has stored of it before; None if there was none.
        after: Likewise after; None if there is none, or the folder has it.
        here: Whether the folder has what it is now.
        plain: Whether it is a file, and neither a link nor a submodule.
    """

    path: str
    before: str | None
    after: str | None
    here: bool = False
    plain: bool = True


async def repository(folder: Path) -> GitView:
    """Return the repository that a folder is in.

    Raises:
        NoRepository: It is in none, or git is not there.
        CliFailedToStart: Nobody can tell what git would run here.
    """
    view = await GitView.find(folder)
    if view is None:
        raise NoRepository(f"{folder} is in no git repository.")
    return view


async def staged(view: GitView) -> list[ChangedFile]:
    """Return what the next commit would change, in the whole repository.

    Raises:
        NothingChanged: It would change nothing.
        OSError: Git can't be run.
    """
    base = await view.commit("HEAD") or await view.empty_tree()
    found = _entries(await view.differing("--cached", "-M", base))
    if not found:
        raise NothingChanged(
            "Nothing is staged for a commit.", hint="Stage what you want to commit: git add."
        )
    return found


async def uncommitted(view: GitView) -> list[ChangedFile]:
    """Return what of the folder's files is not committed.

    Raises:
        NothingChanged: All of it is.
        OSError: Git can't be run.
    """
    return await _since(view, await view.commit("HEAD") or await view.empty_tree(), "HEAD")


async def since_branching(view: GitView, base: str | None) -> list[ChangedFile]:
    """Return how the folder's files differ from where its branch began.

    Args:
        view: Its repository.
        base: The branch that it began from; None for the repository's main one.

    Raises:
        NothingChanged: They don't, or there is no such branch.
        OSError: Git can't be run.
    """
    for name in (base,) if base else _DEFAULTS:
        if not name.startswith("-") and (commit := await view.merge_base(name)):
            return await _since(view, commit, name)
    what = f"no branch {base}" if base else "no main branch"
    raise NothingChanged(f"There is {what} that this one began from.", hint="Name it as `base`.")


async def _since(view: GitView, commit: str, name: str) -> list[ChangedFile]:
    known = _entries(await view.differing("--relative", "--no-renames", commit))
    new = [ChangedFile(path, None, None, here=True) for path in await view.untracked()]
    if not known and not new:
        raise NothingChanged(f"Nothing here differs from {name}.", hint="There is nothing to do.")
    return [*known, *new]


def _entries(said: bytes) -> list[ChangedFile]:
    """Return the files in what `git diff-index -z` prints."""
    words = iter(said.split(b"\0"))
    found = []
    for word in words:
        if (entry := _ENTRY.fullmatch(word)) is None:
            continue
        path = next(words)
        if entry[5] in (b"R", b"C"):
            path = next(words)
        before, after = entry[3].decode(), entry[4].decode()
        deleted = entry[5] == b"D"
        found.append(
            ChangedFile(
                os.fsdecode(path),
                None if _NOTHING.fullmatch(before) else before,
                None if deleted or _NOTHING.fullmatch(after) else after,
                # What git has not looked at yet has no name there.
                here=not deleted and _NOTHING.fullmatch(after) is not None,
                plain=any(mode in _FILES for mode in (entry[1], entry[2])),
            )
        )
    return found


async def diff_of(
    view: GitView,
    files: Sequence[ChangedFile],
    text_of: Callable[[Path], str | None],
    lane: Lane,
) -> str:
    """Return the changes as a unified diff, with the names alone of what it has no room for.

    Args:
        view: The repository.
        files: What has changed.
        text_of: Returns what an editor has of a file, if it has it open.
        lane: Reads the folder's files.

    Raises:
        OSError: Git can't be run.
    """
    names = [name for each in files for name in (each.before, each.after) if name]
    stored = await view.contents(names)
    now, room = [stored.get(each.after or "") for each in files], MOST_READ
    for number, each in enumerate(files):
        if each.here and room > 0:
            path = view.folder / each.path
            text = text_of(path)
            content = text.encode() if text is not None else await lane.read(_content, path)
            now[number], room = content, room - len(content or b"")
    before = [stored.get(each.before or "") for each in files]
    return await parsing.run(_joined, list(zip(files, before, now, strict=True)))


def _joined(files: Sequence[tuple[ChangedFile, bytes | None, bytes | None]]) -> str:
    parts, room = [], MOST_CHARACTERS
    for file, before, after in files:
        part = "\n".join(_part(file, before, after)) if room > 0 else ""
        if not part or len(part) > room:
            part = f"{file.path}: changed, and not shown here"
        room -= len(part)
        parts.append(part)
    return "\n".join(parts)


def _content(path: Path) -> bytes | None:
    try:
        return read_regular(path, MOST_BYTES)
    except (OSError, ValueError):
        return None


def _part(file: ChangedFile, before: bytes | None, after: bytes | None) -> Iterator[str]:
    old, new = _text(before), _text(after)
    gone = file.after is None and not file.here
    yield f"--- {'/dev/null' if file.before is None else file.path}"
    yield f"+++ {'/dev/null' if gone else file.path}"
    unknown = (file.before is not None and old is None) or (not gone and new is None)
    if unknown or not file.plain:
        yield "(not a text that can be shown)"
    else:
        yield from unified(old or "", new or "")


def _text(content: bytes | None) -> str | None:
    if content is None or len(content) > MOST_BYTES or b"\0" in content:
        return None
    return content.decode(errors="replace")
