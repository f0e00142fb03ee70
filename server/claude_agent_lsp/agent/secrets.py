"""Keeping secrets out of what is told and written: logs, status, errors, the audit log.

A secret is the value of a variable whose name says so, any value that the user's settings give the
CLI as `env`, the password in a URL, and what looks like a key of a well-known kind.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "***"
_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|AUTH", re.IGNORECASE)
_LENGTH: Final = 6  # what is shorter is no secret, and stands in many words
_SHAPES: Final = re.compile(
    r"""
    (?<=://)[^\s/:@]*:[^\s/@]+(?=@)             # user and password in a URL
    | \bsk-(?:ant-)?[\w-]{16,}                  # Anthropic, and others like it
    | \bgh[pousr]_\w{20,} | \bgithub_pat_\w{20,}
    | \bxox[abprs]-[\w-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | (?<=\bBearer\ )[\w.~+/-]{8,}
    """,
    re.VERBOSE,
)
# What the settings of any folder have given the CLI.
_given: set[str] = set()


def keep_secret(env: Mapping[str, str]) -> None:
    """Mask the values of these variables from now on, wherever they turn up."""
    _given.update(value for value in env.values() if len(value) >= _LENGTH)


def without_secrets(text: str, env: Mapping[str, str] | None = None) -> str:
    """`text` with what is secret masked.

    Args:
        text: What somebody says.
        env: The variables that a CLI was given beside those of this process.
    """
    keep_secret(env or {})
    values = {
        value for name, value in os.environ.items() if _NAME.search(name) and len(value) >= _LENGTH
    }
    # The longest first: one may be a part of another.
    for value in sorted(values | _given, key=len, reverse=True):
        text = text.replace(value, MASK)
    return _SHAPES.sub(MASK, text)


def json_without_secrets(value: Any) -> Any:
    """A JSON value with what is secret masked in all its strings, names of fields included.

    Encoded, a secret with a quote or a line break in it would not be found any more.
    """
    match value:
        case str():
            return without_secrets(value)
        case Mapping():
            return {
                without_secrets(str(name)): json_without_secrets(item)
                for name, item in value.items()
            }
        case list() | tuple():
            return [json_without_secrets(item) for item in value]
    return value


class MaskingFormatter(logging.Formatter):
    """Formats log records without what is secret, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return without_secrets(super().format(record))
