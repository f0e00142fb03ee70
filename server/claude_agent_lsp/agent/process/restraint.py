"""The environment of a process in a folder that nobody trusts: git runs nothing of the folder's.

    its git configuration ──▶ what it names ──▶ variables ──┬─▶ the process's environment
                                                            └─▶ its settings

It stands in the settings of the start, too: those outdo the `env` of the user's own, which may hold
other git settings, or make the CLI a bare one, that asks nobody before a tool is used (2.1.330).

The CLI's own calls of git are safe (2.1.330); those of its shells are not, also where the user has
allowed them, seeing no more than "git status". `GIT_CONFIG_COUNT` outdoes all that a repository
configures (git-config(1)). Drivers, aliases and tools have names of the repository's choice, so
git is asked for these names before the CLI starts. What a repository further down names is not
known then: each git command is asked about (`tool_policy.py`).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.os_processes.output import output_of
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.system.programs import find_program
from claude_agent_lsp.errors import CliFailedToStart
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

GIT_SETTINGS: Final = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.attributesFile", os.devnull),
    ("core.alternateRefsCommand", ""),
    ("core.askPass", ""),
    ("core.sshCommand", "ssh"),
    ("credential.helper", ""),
    ("diff.autoRefreshIndex", "false"),
    ("diff.submodule", "short"),
    ("gc.auto", "0"),
    ("gpg.program", "gpg"),
    ("gpg.ssh.defaultKeyCommand", "false"),
    ("gpg.ssh.program", "ssh-keygen"),
    ("gpg.x509.program", "gpgsm"),
    ("interactive.diffFilter", "cat"),
    ("log.showSignature", "false"),
    ("maintenance.auto", "false"),
    ("protocol.ext.allow", "never"),
    ("protocol.file.allow", "never"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
    ("tar.tar.gz.command", "gzip -cn"),
    ("tar.tgz.command", "gzip -cn"),
)
# No value means that git is to show a difference by itself, so it is shown by diff(1). It gets the
# path, the old file and two words on it, and the new file.
_DIFF: Final = 'plain() { diff -u --label "a/$1" --label "b/$1" "$2" "$5"; true; }; plain'
# The settings whose name the repository chooses, or that can't be set without a loss for those that
# don't have them, and what they are set to where it has them. As git lists them: in small letters,
# but for the part in the middle.
NAMED: Final = (
    # An alias may set anything for the command it stands for.
    (r"alias\..+", ""),
    (r"credential\..+\.helper", ""),
    (r"diff\.external|diff\..+\.command", _DIFF),
    (r"diff\..+\.textconv", "cat"),
    (r"filter\..+\.(clean|smudge|process)", ""),
    (r"(browser|difftool|guitool|man|mergetool)\..+\.(cmd|path)", "false"),
    (r"(hook|tar)\..+\.command|merge\..+\.driver", "false"),
    (r"imap\.tunnel|instaweb\.(browser|httpd)|lfs\..+\.(clean|path|smudge)", "false"),
    (r"remote\..+\.receivepack", "git-receive-pack"),
    (r"remote\..+\.uploadpack", "git-upload-pack"),
    (r"sendemail\.(.+\.)?(cccmd|headercmd|sendmailcmd|smtpserver|tocmd)", "false"),
    (r"submodule\..+\.update", "checkout"),
    (r"trailer\..+\.(cmd|command)", "true"),
)
_ANY_NAMED: Final = f"^({'|'.join(pattern for pattern, _ in NAMED)})$"
_SPECIAL: Final = re.compile(r"[\\*?\[\]!{}()]")
# Git answers within milliseconds, unless its configuration is no file, or its disk hangs.
LIST_SECONDS: Final = 10.0
# The system bounds an environment.
MOST_BYTES: Final = 2**16
_VARIABLES: Final = {
    # Notes for later sessions, and prompts that the folder orders by the clock
    # (.claude/scheduled_tasks.json).
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_CRON": "1",
    "CLAUDE_CODE_SIMPLE": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
}


async def named_by(folder: Path) -> tuple[str, ...]:
    """Return the settings that the folder's repository has of those in `NAMED`. Runs git.

    Listing them, git runs nothing. Files that the configuration includes are read as git does.

    Args:
        folder: Where the CLI is about to start.

    Raises:
        CliFailedToStart: They can't be listed.
    """
    git = await disk.run(git_outside, folder)
    if git is None:
        return ()
    try:
        listed, all_of_it = await output_of(
            git,
            *("config", "--show-scope", "--name-only", "-z", "--get-regexp", _ANY_NAMED),
            environment=os.environ | restraining_environment(os.environ),
            seconds=LIST_SECONDS,
            most_bytes=MOST_BYTES,
            folder=folder,
        )
    except OSError:
        return ()
    if not all_of_it:
        raise CliFailedToStart(
            f"The git configuration of {folder} is too large, or can't be read.",
            hint="Look at its .git/config: what git would run by it can't be overridden.",
        )
    words = os.fsdecode(listed).split("\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return tuple(sorted({name for scope, name in pairs if scope in {"local", "worktree"}}))


def git_outside(folder: Path) -> Path | None:
    """Return the user's git, unless it is one that the folder brings along. Reads the disk."""
    git = find_program("git")
    return None if git is None or git.is_relative_to(folder) else git


def restraining_environment(
    environment: Mapping[str, str], named: Iterable[str] = ()
) -> dict[str, str]:
    """Return what is set in the environment of a CLI in a folder that is not trusted.

    Args:
        environment: What it has otherwise; git settings in it stay.
        named: What `named_by` has found.
    """
    given = environment.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    settings = [*GIT_SETTINGS, *((name, _harmless(name)) for name in named)]
    numbered = {}
    for number, (name, value) in enumerate(settings, first):
        numbered[f"GIT_CONFIG_KEY_{number}"] = name
        numbered[f"GIT_CONFIG_VALUE_{number}"] = value
    # Of several in a configuration the first one counts.
    proxy = {"GIT_PROXY_COMMAND": environment.get("GIT_PROXY_COMMAND", "")}
    return {**_VARIABLES, **proxy, **numbered, "GIT_CONFIG_COUNT": str(first + len(settings))}


def rules_on_the_clis_own() -> list[str]:
    """Return the CLI's rules by which the user is asked about what it keeps of other sessions.

    It lets an agent read all of a folder's sessions unasked, and write what later ones are told of
    it. By a folder it means a name that several have: /a/b-c and /a/b/c, say.
    """
    place = _SPECIAL.sub(r"\\\g<0>", config_directory().as_posix())
    return [
        f"{tool}(/{place}/{kept}/**)" for tool in ("Read", "Edit") for kept in ("projects", "tasks")
    ]


def _harmless(name: str) -> str:
    """Return the value with which a setting of `NAMED` runs nothing of the folder's."""
    return next(value for pattern, value in NAMED if re.fullmatch(pattern, name, re.DOTALL))
