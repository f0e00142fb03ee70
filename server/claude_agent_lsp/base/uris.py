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
from claude_agent_lsp.base.system.paths import path_of_uri
from claude_agent_lsp.errors import InvalidArgument

_FILE_URI = re.compile(r"file:(?://(?P<authority>[^/]*)|(?!//))(?P<path>/.*)", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def path_of(uri: str) -> Path:
    """Return the path that a `file:` URI names.

    The authority may be empty or `localhost`. Characters that ought to be escaped but are
    unambiguous (a space, an umlaut) are taken as they are. Symbolic links and `..` stay as they
    are spelled. On Windows `file:///c:/x` is `c:/x`, and a host has shares.

    Args:
        uri: What the editor sent.

    Returns:
        An absolute path, which need not exist.

    Raises:
        InvalidArgument: It is no absolute `file:` URI, is on another host elsewhere than on
            Windows, has a query or a
            fragment, is wrongly escaped, or holds a control character or an escaped NUL.
    """
    match = None if _CONTROL.search(uri) else _FILE_URI.fullmatch(uri)
    if match is None:
        raise _refusal(uri, "an absolute file: URI")
    host = match["authority"] or ""
    host = "" if host.lower() == "localhost" else host
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
    path = path_of_uri(host, text)
    if path is None:
        raise _refusal(uri, "a file: URI of this machine")
    return Path(path)


def uri_of(path: Path | str) -> str:
    """Return the `file:` URI of a path, such that `path_of(uri_of(path)) == path`.

    Args:
        path: An absolute path, which need not exist.

    Raises:
        ValueError: The path is not absolute.
    """
    return Path(path).as_uri()


def _refusal(uri: str, expected: str) -> InvalidArgument:
    return InvalidArgument(f"expected {expected}, got {shown(uri)}")
