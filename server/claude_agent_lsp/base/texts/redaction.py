"""Keeping secrets out of what is shown and written: logs, status, errors, the audit log.

A secret is the value of a variable whose name says so, what the user's settings give the CLI as
`env` or an MCP server as `env` or `headers` and is not plainly none, the password or token in a
URL, what looks like a key of a well-known kind, and what sets a password for a shell.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.secret_names import is_secret
from claude_agent_lsp.base.texts.secret_shapes import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "***"
# Behind the end of what is shown, so much is looked at as well for the rest of a secret.
_MARGIN: Final = 512
# A token that reaches further is looked at to its end, up to so many characters.
_TOKEN: Final = re.compile(r"[\w.~+/=-]{0,16384}")
_URL_REST: Final = re.compile(r"[^\s/]*")
# What stands before the secret in a header.
_HEADER: Final = re.compile(r"^([\w-]+):(?!//)\s*")
_SCHEME: Final = re.compile(r"^(?:Basic|Bearer|Token)\s+", re.IGNORECASE)
# Each text is searched for all of them: a server that lives for weeks must not get slower with each
# token that is renewed.
MOST_OLDER: Final = 1000
# What was registered, by its source, the newest first. Threads read it: a source's are replaced.
_registered: dict[str, tuple[str, ...]] = {}
_registering: Final = threading.Lock()


def register_secrets(variables: Iterable[tuple[str, str]], source: str = "") -> None:
    """Mask the values of these variables from now on, wherever they turn up.

    Args:
        variables: Of the user's own, with their names.
        source: Who has given them, a folder for one. Of each source all that it gave last are
            known, and `MOST_OLDER` of those from before: what one gives drives out no other's.
    """
    given = dict.fromkeys(p for name, value in variables for p in _parts(name, value, own=True))
    with _registering:
        older = [value for value in _registered.get(source, ()) if value not in given]
        _registered[source] = (*given, *older[:MOST_OLDER])


def mask_secrets(text: str, limit: int | None = None) -> str:
    """Mask what is secret in a text.

    Args:
        text: What somebody says.
        limit: So many characters of the outcome are wanted; it then takes no longer than for a
            text of about that length. No half of a secret is left at the end.
    """
    return _masked(text, _known(), limit)


def mask_secrets_in_json(value: Any, limit: int | None = None) -> Any:
    """Mask what is secret in all strings of a JSON value, names of fields included.

    Encoded, a secret with a quote or a line break in it would not be found any more.

    Args:
        value: The value.
        limit: So many characters of each string are wanted, but all of each field's name.
    """
    return _masked_json(value, _known(), limit)


class MaskingFormatter(logging.Formatter):
    """Formats log records without what is secret, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return mask_secrets(super().format(record))


def _known() -> set[str]:
    """All values that are known as secrets."""
    own = (_parts(name, value) for name, value in os.environ.items())
    return set().union(*list(_registered.values()), *own)


@lru_cache(maxsize=1024)
def _parts(name: str, value: str, *, own: bool = False) -> tuple[str, ...]:
    """Return a secret, and what it is without the name and the scheme of its header."""
    if not is_secret(name, value, own=own):
        return ()
    return tuple(dict.fromkeys(_spellings(name, value)))


def _spellings(name: str, value: str) -> Iterator[str]:
    yield value
    headers = [
        (match[1], line[match.end() :])
        for line in value.splitlines()
        if (match := _HEADER.match(line))
    ]
    for header, content in [(name, value), *headers]:
        for secret in (content, _SCHEME.sub("", content)):
            if is_secret(header, secret, own=True):
                yield secret


def _masked_json(value: Any, known: set[str], limit: int | None) -> Any:
    match value:
        case str():
            return _masked(value, known, limit)
        case Mapping():
            return {
                _masked(str(name), known, None): _masked_json(item, known, limit)
                for name, item in value.items()
            }
        case list() | tuple():
            return [_masked_json(item, known, limit) for item in value]
    return value


def _masked(text: str, known: set[str], limit: int | None) -> str:
    end = len(text) if limit is None else min(limit, len(text))
    while True:
        masked = _masked_to(text, known, end)
        if end == len(text) or limit is None or len(masked) >= limit:
            return masked[:limit]
        end = min(2 * end + 1, len(text))  # what is masked is shorter than it was


def _masked_to(text: str, known: set[str], end: int) -> str:
    """Return the first `end` characters with secrets masked, also those that reach beyond."""
    shown = []
    at = 0
    for begin, stop in _places(_looked_at(text, known, end), known):
        if begin >= end:
            break
        shown += [text[at:begin], MASK]
        at = stop
    shown.append(text[at:end])
    return "".join(shown)


def _looked_at(text: str, known: set[str], end: int) -> str:
    """As much of a text as shows whether a secret begins before `end`."""
    if end == len(text):
        return text
    seen = end + max([_MARGIN, *map(len, known)])
    url = text.rfind("://", 0, seen)
    if 0 <= url < end:
        # What distinguishes a password from a path may come later.
        match = _URL_REST.match(text, url + 3)
        seen = max(seen, match.end() + 1 if match else 0)
    rest = _TOKEN.match(text, seen)
    return text[: rest.end() if rest else seen]


def _places(text: str, known: set[str]) -> list[tuple[int, int]]:
    """Where secrets begin and end, in order; of those that overlap, all that they take."""
    found = []
    for value in known:
        at = text.find(value)
        while at >= 0:
            found.append((at, at + len(value)))
            at = text.find(value, at + _period(value))
    found += find_secrets(text)
    found.sort()
    places: list[tuple[int, int]] = []
    for begin, stop in found:
        if places and begin < places[-1][1]:
            places[-1] = places[-1][0], max(stop, places[-1][1])
        else:
            places.append((begin, stop))
    return places


@lru_cache(maxsize=1024)
def _period(value: str) -> int:
    """How far behind one place the next one of an overlapping value can begin."""
    return next(n for n in range(1, len(value) + 1) if value.startswith(value[n:]))
