"""`file:` URIs and paths, as RFC 8089 has them.

A URI is taken apart by hand: `urllib.parse.urlsplit` silently drops tabs, line ends and
everything after a `#`, and so would name another file than the editor meant.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.errors import InvalidArgument

_FILE_URI = re.compile(r"file:(?://(?P<authority>[^/]*)|(?!//))(?P<path>/.*)", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEFORE_DRIVE = re.compile(r"/(?=[A-Za-z]:(?:/|$))")


def path_of(uri: str) -> Path:
    """Return the path that a `file:` URI names.

    The authority may be empty or `localhost`. Characters that ought to be escaped but are
    unambiguous (a space, an umlaut) are taken as they are. Symbolic links and `..` stay as they
    are spelled. `file:///c:/x` is `c:/x` on Windows, and `/c:/x` elsewhere.

    Args:
        uri: What the editor sent.

    Returns:
        An absolute path, which need not exist.

    Raises:
        InvalidArgument: It is no absolute `file:` URI, is on another host, has a query or a
            fragment, is wrongly escaped, or holds a control character or an escaped NUL.
    """
    match = None if _CONTROL.search(uri) else _FILE_URI.fullmatch(uri)
    if match is None:
        raise _refusal(uri, "an absolute file: URI")
    if (match["authority"] or "localhost").lower() != "localhost":
        raise _refusal(uri, "a file: URI of this machine")
    if "?" in match["path"] or "#" in match["path"]:
        raise _refusal(uri, "a file: URI without query and fragment (escape ? as %3F, # as %23)")
    if _BAD_ESCAPE.search(match["path"]):
        raise _refusal(uri, "two hexadecimal digits after each % of a file: URI")
    try:
        text = os.fsdecode(unquote_to_bytes(match["path"]))
    except UnicodeError:
        raise _refusal(uri, "a file: URI in UTF-8") from None
    if "\0" in text:
        raise _refusal(uri, "a file: URI without NUL")
    return Path(without_slash_before_drive(text) if os.name == "nt" else text)


def uri_of(path: Path | str) -> str:
    """Return the `file:` URI of a path, such that `path_of(uri_of(path)) == path`.

    Args:
        path: An absolute path, which need not exist.

    Raises:
        ValueError: The path is not absolute.
    """
    return Path(path).as_uri()


def without_slash_before_drive(path: str) -> str:
    """Return a URI's path as Windows spells it: `c:/x` for `/c:/x`, others unchanged."""
    return _BEFORE_DRIVE.sub("", path, count=1) if _BEFORE_DRIVE.match(path) else path


def _refusal(uri: str, expected: str) -> InvalidArgument:
    return InvalidArgument(f"expected {expected}, got {shown(uri)}")
