"""Which system and which processor this is, as packages are made for them."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from typing import Final

_MACHINES: Final = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}


def system_name() -> str:
    """Return what this system is called here, such as linux-musl-x86_64 or win-aarch64.

    It is that of the Python which runs: on Windows for Arm that may be one for x86-64.
    """
    name, _, rest = sysconfig.get_platform().partition("-")
    if name == "macosx":  # a universal Python says no machine
        return f"macosx-{platform.machine()}"
    machine = (rest.rpartition("-")[2] or "x86").lower()  # what says none is win32
    machine = _MACHINES.get(machine, machine)
    name = "win" if name == "win32" else name
    return f"{name}-musl-{machine}" if name == "linux" and not _has_glibc() else f"{name}-{machine}"


def _has_glibc() -> bool:
    if sys.platform == "win32":
        return False
    else:
        try:
            return bool(os.confstr("CS_GNU_LIBC_VERSION"))
        except (OSError, ValueError):
            return False
