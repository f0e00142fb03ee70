"""The environment of a process in a folder that nobody trusts: git runs nothing of the folder's.

The CLI's own calls of git are safe (2.1.330); those of its shells are not, also where the user has
allowed them, seeing no more than "git status". `GIT_CONFIG_COUNT` outdoes all that a repository
configures (git-config(1)). Drivers have names of the repository's choice, so what runs them is
asked about (`tool_policy.py`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

GIT_SETTINGS: Final = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.attributesFile", os.devnull),
    ("core.alternateRefsCommand", ""),
    ("core.askPass", ""),
    ("core.gitProxy", ""),
    ("core.sshCommand", "ssh"),
    ("credential.helper", ""),
    ("diff.autoRefreshIndex", "false"),
    ("diff.submodule", "short"),
    ("gc.auto", "0"),
    ("gpg.program", "gpg"),
    ("gpg.ssh.program", "ssh-keygen"),
    ("gpg.x509.program", "gpgsm"),
    ("interactive.diffFilter", "cat"),
    ("log.showSignature", "false"),
    ("maintenance.auto", "false"),
    ("protocol.ext.allow", "never"),
    ("protocol.file.allow", "never"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
)
_VARIABLES: Final = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
}


def restraining_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what is set in the environment of a CLI in a folder that is not trusted.

    Args:
        environment: What it has otherwise; git settings in it stay.
    """
    given = environment.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    numbered = {}
    for number, (name, value) in enumerate(GIT_SETTINGS, first):
        numbered[f"GIT_CONFIG_KEY_{number}"] = name
        numbered[f"GIT_CONFIG_VALUE_{number}"] = value
    return {**_VARIABLES, **numbered, "GIT_CONFIG_COUNT": str(first + len(GIT_SETTINGS))}
