"""What git runs in a folder that nobody trusts, with the real git and a canary for each program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.process.restraint import (
    named_by,
    restraining_environment,
)
from claude_agent_lsp.errors import CliFailedToStart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the canaries are shell commands")

IN_TERMINAL = f"{sys.executable} -c 'import pty, sys; pty.spawn(sys.argv[1:])'"
# Each setting that names a program, what else it needs, and the command that would run it.
COMMANDS: tuple[tuple[dict[str, str], str], ...] = (
    ({"diff.external": "CANARY"}, "git diff"),
    ({"diff.evil.command": "CANARY"}, "git diff"),
    ({"diff.evil.textconv": "CANARY"}, "git diff"),
    ({"difftool.evil.cmd": "CANARY", "diff.tool": "evil"}, "git difftool -y"),
    ({"difftool.vimdiff.path": "CANARY", "diff.tool": "vimdiff"}, "git difftool -y"),
    (
        {"mergetool.evil.cmd": "CANARY", "merge.tool": "evil"},
        "git commit -am 4; git merge other; git mergetool -y",
    ),
    ({"merge.evil.driver": "CANARY"}, "git merge other"),
    ({"filter.evil.clean": "CANARY"}, "git add file"),
    ({"filter.evil.smudge": "CANARY"}, "git checkout -f file"),
    ({"filter.evil.process": "CANARY"}, "git add file"),
    ({"gpg.program": "CANARY"}, "git commit -S --allow-empty -m x"),
    (
        {"gpg.ssh.program": "CANARY", "gpg.format": "ssh", "user.signingKey": "k"},
        "git tag -s -m x y",
    ),
    ({"gpg.x509.program": "CANARY", "gpg.format": "x509"}, "git tag -s -m x y"),
    (
        {"gpg.ssh.defaultKeyCommand": "CANARY", "gpg.format": "ssh"},
        "git commit -S --allow-empty -m x",
    ),
    (
        {"trailer.x.cmd": "CANARY", "trailer.x.key": "X"},
        "git commit --allow-empty -m x --trailer X=1",
    ),
    ({"trailer.x.command": "CANARY", "trailer.x.key": "X"}, "git interpret-trailers file"),
    ({"tar.tgz.command": "CANARY"}, "git archive --format=tgz HEAD"),
    ({"tar.tar.gz.command": "CANARY"}, "git archive --format=tar.gz HEAD"),
    ({"tar.evil.command": "CANARY"}, "git archive --format=evil HEAD"),
    ({"core.editor": "CANARY"}, "git commit --allow-empty"),
    ({"sequence.editor": "CANARY"}, "git stash; git rebase -i HEAD~1"),
    ({"core.pager": "CANARY"}, f"{IN_TERMINAL} git log"),
    ({"pager.log": "CANARY"}, f"{IN_TERMINAL} git log"),
    ({"alias.evil": "!CANARY"}, "git evil"),
    ({"core.fsmonitor": "CANARY"}, "git status"),
    ({"core.sshCommand": "CANARY"}, "git fetch ssh://127.0.0.1:9/x"),
    ({"core.gitProxy": "CANARY"}, "git fetch git://127.0.0.1:9/x"),
    ({"core.askPass": "CANARY"}, "echo url=https://u@h | git credential fill"),
    ({"credential.helper": "!CANARY"}, "echo url=https://u@h | git credential fill"),
    ({"credential.https://h.helper": "!CANARY"}, "echo url=https://u@h | git credential fill"),
    ({"remote.up.uploadpack": "CANARY", "remote.up.url": "../other"}, "git fetch up"),
    ({"remote.up.receivepack": "CANARY", "remote.up.url": "../other"}, "git push up HEAD"),
    ({"remote.up.url": "ext::CANARY", "protocol.ext.allow": "always"}, "git fetch up"),
    ({"submodule.sub.update": "!CANARY", "submodule.sub.url": "./sub"}, "git submodule update"),
    ({"interactive.diffFilter": "CANARY"}, f"echo q | TERM=xterm {IN_TERMINAL} git add -p"),
    ({"browser.evil.cmd": "CANARY", "web.browser": "evil"}, "git web--browse file:///x"),
    ({"man.evil.cmd": "CANARY", "man.viewer": "evil"}, "git help -m log"),
    ({"include.path": "../../included"}, "git it"),
    ({"includeIf.gitdir:**.path": "../../included"}, "git it"),
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a change, a branch that conflicts with it, and a submodule."""
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_text("1\n")
    (folder / ".gitattributes").write_text("file diff=evil merge=evil filter=evil\n")
    (folder / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    canary = tmp_path / "canary"
    canary.write_text('#!/bin/sh\ntouch "${0%/*}/ran"\nexit 1\n')
    canary.chmod(0o755)
    (tmp_path / "included").write_text(f"[alias]\n\tit = !{canary}\n")
    script = """set -e
        git init -q -b main; git -C sub init -q; git -C sub commit -q --allow-empty -m 1
        old=$(git -C sub rev-parse HEAD); git -C sub commit -q --allow-empty -m 2
        git add file .gitattributes .gitmodules
        git update-index --add --cacheinfo 160000,$old,sub; git commit -q -m 1
        git checkout -q -b other; echo 2 > file; git commit -q -m 2 file
        git checkout -q main; echo 3 > file; git commit -q -m 3 file
        cp -R . ../other; echo 4 > file
    """
    assert sh(script, folder, {}) == (0, False)
    return folder


def sh(script: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, bool]:
    """Run a script as the agent's shell does; return how it ended and whether the canary ran."""
    who = {f"GIT_{a}_{b}": "a@b" for a in ("AUTHOR", "COMMITTER") for b in ("NAME", "EMAIL")}
    own = {"HOME": os.fspath(folder.parent), "PATH": os.environ["PATH"], **who}
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={**own, "GIT_TERMINAL_PROMPT": "0", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    ran = folder.parent / "ran"
    found = ran.exists()
    ran.unlink(missing_ok=True)
    return done.returncode, found


def copy(repository: Path, settings: Mapping[str, str]) -> Path:
    """Return another copy of a repository, with settings of its own."""
    folder = repository.parent / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(repository, folder)
    canary = os.fspath(repository.parent / "canary")
    with (folder / ".git" / "config").open("a") as file:
        for name, value in settings.items():
            section, _, rest = name.partition(".")
            middle, _, last = rest.rpartition(".")
            head = f'[{section} "{middle}"]' if middle else f"[{section}]"
            file.write(f"{head}\n\t{last} = {value.replace('CANARY', canary)}\n")
    return folder


async def test_git_runs_no_program_that_the_repository_names(repository: Path) -> None:
    ran, without = [], []
    for settings, command in COMMANDS:
        folder = copy(repository, settings)
        environment = restraining_environment({}, await named_by(folder))
        if sh(command, folder, environment)[1]:
            ran.append((settings, command))
        if not sh(command, copy(repository, settings), {})[1]:
            without.append((settings, command))

    assert (ran, without) == ([], []), "\n".join(map(str, [*ran, "-", *without]))


async def test_what_git_does_without_the_folder_s_programs_is_still_done(repository: Path) -> None:
    folder = copy(repository, {"diff.external": "CANARY", "filter.evil.clean": "CANARY"})
    environment = restraining_environment({}, await named_by(folder))

    assert sh("git diff | grep -x +4", folder, environment) == (0, False)
    assert sh("git add file && git show :file | grep -x 4", folder, environment) == (0, False)


async def test_what_the_user_names_is_left_as_it_is(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.parent / ".gitconfig").write_text("[alias]\n\tmine = status\n")
    monkeypatch.setenv("HOME", os.fspath(repository.parent))

    assert await named_by(copy(repository, {"alias.its": "status"})) == ("alias.its",)


async def test_a_configuration_that_can_t_be_listed_starts_nothing(repository: Path) -> None:
    folder = copy(repository, {f"alias.{'x' * 200}{number}": "x" for number in range(400)})

    with pytest.raises(CliFailedToStart, match="git configuration"):
        await named_by(folder)
