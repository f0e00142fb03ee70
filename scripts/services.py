"""Installs the databases that tests of shared sessions run against, where that can be done.

On Debian, as root, they come from the distribution; elsewhere the tests are skipped, and say so.
"""

# ruff: noqa: INP001 - a script, which nobody imports

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

DEBIAN = Path("/etc/debian_version")


def absent() -> list[str]:
    """Return the packages whose programs are not here."""
    packages = []
    if not (list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")):
        packages.append("postgresql")
    if not shutil.which("redis-server"):
        packages.append("redis-server")
    return packages


def install(packages: list[str]) -> bool:
    """Return whether they could be installed."""
    # Debian's own cluster is neither made nor started: the tests have theirs.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    commands = (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--no-install-recommends", "-y", *packages],
    )
    for command in commands:
        if subprocess.run(  # noqa: S603 - the commands above
            command, check=False, env=environment, capture_output=True
        ).returncode:
            return False
    return True


def main() -> None:
    """Installs what is absent, or says which tests will not run."""
    packages = absent()
    if not packages:
        return
    able = DEBIAN.exists() and os.geteuid() == 0 and shutil.which("apt-get")
    if not able or not install(packages):
        print(f"services: no {' or '.join(packages)}: tests/stores will skip what needs it")  # noqa: T201


if __name__ == "__main__":
    main()
