"""Keeping secrets out of what is told and written: logs, status, errors, the audit log.

A secret is the value of a variable whose name says so, any value that the user's settings give the
CLI as `env` or an MCP server as `env` or `headers`, the password or token in a URL, and what looks
like a key of a well-known kind.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "***"
# Not PWD and OLDPWD: those are the shell's directories.
_NAME: Final = re.compile(
    r"KEY|TOKEN|SECRET|AUTH|_HEADERS$|PASS(?:WORD|WD|PHRASE)|(?:_|^|DB|SSH)PASS(?:_|$)|_PWD$",
    re.IGNORECASE,
)
_LENGTH: Final = 6  # what is shorter is no secret, and stands in many words
_SHAPES: Final = re.compile(
    r"""
    (?<=://)[^\s/:@]*:[^\s/]+(?=@)              # user and password in a URL, up to its last @
    | (?<=://)[^\s/:]{12,}(?=@)                 # a token in their place
    | \bsk-(?:ant-)?[\w-]{16,}                  # Anthropic, and others like it
    | \bgh[pousr]_\w{20,} | \bgithub_pat_\w{20,}
    | \bxox[abprs]-[\w-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | (?<=\bBearer\ )[\w.~+/-]{8,}
    """,
    re.VERBOSE,
)
# What stands before the secret in a header.
_HEADER: Final = re.compile(r"^[\w-]+:(?!//)\s*")
_SCHEME: Final = re.compile(r"^(?:Basic|Bearer|Token)\s+", re.IGNORECASE)
# A variable's name in the place of its value.
_REFERENCE: Final = re.compile(r"\$\{[^{}]*\}|\$\w+")
# What the settings of any folder have given the CLI.
_given: set[str] = set()


def keep_secret(values: Iterable[str]) -> None:
    """Mask these values from now on, wherever they turn up."""
    _given.update(part for value in values for part in _parts(value))


def without_secrets(text: str, env: Mapping[str, str] | None = None) -> str:
    """`text` with what is secret masked.

    Args:
        text: What somebody says.
        env: The variables that a CLI was given beside those of this process.
    """
    keep_secret((env or {}).values())
    values = {
        part for name, value in os.environ.items() if _NAME.search(name) for part in _parts(value)
    }
    # The longest first: one may be a part of another.
    for value in sorted(values | _given, key=len, reverse=True):
        text = text.replace(value, MASK)
    return _SHAPES.sub(MASK, text)


def _parts(value: str) -> Iterator[str]:
    """A secret, and what it is without the name of a header and the scheme that it is sent by."""
    headers = [_HEADER.sub("", line) for line in value.splitlines() if _HEADER.match(line)]
    for part in (value, *headers):
        for secret in (part, _SCHEME.sub("", part)):
            if len(secret) >= _LENGTH and not _REFERENCE.fullmatch(secret):
                yield secret


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
