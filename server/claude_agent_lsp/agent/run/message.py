"""What is sent to the agent for one query: the context, the attachments, then the prompt.

All but the prompt is sent in blocks of text, tagged as Claude Code's own editor integration tags
them, so that the model takes them for what the user looks at and not for what the user says. What
stands in its two tags, and in no others, is left out of a session's title (CLI 2.1.330).
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import read_regular, read_text
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.workspace.documents.positions import Range

MAX_SELECTION: Final = 20_000  # characters
MAX_IMAGE: Final = 5 * 2**20  # bytes, the limit of the Messages API
_MAX_FILE: Final = 4 * 2**20  # bytes of a file that is searched for the selected lines

_IMAGES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
# The API refuses an image that is not of the type it is said to be, whatever its name.
_SIGNATURES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_SEVERITIES: Final = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_CLOSING_TAG = re.compile(r"<(\s*/\s*ide_)", re.IGNORECASE)
_RELEVANCE = "This may or may not be related to the current task."


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What some tool found wrong with a document.

    Attributes:
        severity: 1 is an error, 2 a warning, 3 information, 4 a hint.
        source: The tool.
    """

    range: Range
    message: str
    severity: int | None = None
    source: str | None = None
    code: str | int | None = None


@dataclass(frozen=True, slots=True)
class EditorContext:
    """What the user is looking at.

    Attributes:
        document: The file in the editor.
        range: What is selected in it, or where the cursor stands.
        diagnostics: What is known to be wrong there.
        text: What is selected, as the editor has it; None for what the disk has.
    """

    document: Path | None = None
    range: Range | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    text: str | None = None


def user_message(
    prompt: str,
    context: EditorContext | None,
    attachments: Sequence[Path],
    folder: Path,
    message_id: str,
    *,
    denied: DenyRules | None = None,
) -> dict[str, Any]:
    """Return the prompt as the SDK's stream-json has it (claude-agent-sdk 0.2.187).

    A prompt alone is sent as a string: only then does the CLI look for a slash command in it.
    Reads files; run it in a thread.

    Args:
        prompt: What the user asks.
        context: What the user is looking at.
        attachments: Files that the prompt is about. An image is sent along, others are named.
        folder: The folder the agent works in; the paths of diagnostics are relative to it.
        message_id: Under which the message stands in the transcript.
        denied: What the agent must not read: nothing of it is sent.

    Raises:
        InvalidArgument: An attachment does not exist, is an image that cannot be sent, or must not
            be read.
    """
    denied = denied or DenyRules()
    for path in attachments:
        if (why := denied.refusal(path)) is not None:
            raise InvalidArgument(f"attachments: {_spelled(path)} can't be attached: {why}")
    blocks = [_text(text) for text in _context(context, folder, denied)] if context else []
    blocks += _attached(attachments)
    content = [*blocks, _text(prompt)] if blocks else prompt
    return {
        "type": "user",
        "uuid": message_id,
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
    }


def prepend_text(message: Mapping[str, Any], text: str) -> Mapping[str, Any]:
    """Return a user message that tells the agent something before the prompt.

    A slash command is returned as it is: it has to stand alone, and the agent is not asked.

    Args:
        message: What `user_message` returned.
        text: What it is told, as context and not as the user's words.
    """
    content = message["message"]["content"]
    if isinstance(content, str):
        if content.startswith("/"):
            return message
        content = [_text(content)]
    told = _text(_tagged("ide_opened_file", text))
    return {**message, "message": {**message["message"], "content": [told, *content]}}


def _context(context: EditorContext, folder: Path, denied: DenyRules) -> Iterator[str]:
    document, selected = context.document, context.range
    if document is not None:
        if selected is not None and selected.start != selected.end:
            text = _selection(document, selected, denied, context.text)
            yield _tagged("ide_selection", f"{text}\n\n{_RELEVANCE}")
        else:
            cursor = f", with the cursor on line {selected.start.line + 1}" if selected else ""
            text = f"The user opened the file {_spelled(document)} in the IDE{cursor}. {_RELEVANCE}"
            yield _tagged("ide_opened_file", text)
    if context.diagnostics:
        lines = [
            _format_diagnostic(diagnostic, document, folder) for diagnostic in context.diagnostics
        ]
        text = "\n".join(["The IDE shows these diagnostics:", *lines, "", _RELEVANCE])
        yield _tagged("ide_opened_file", text)


def _selection(document: Path, selected: Range, denied: DenyRules, text: str | None) -> str:
    first, last = selected.start.line, selected.end.line
    if selected.end.character == 0:
        last -= 1  # ends before the first character of its last line
    named = f"The user selected the lines {first + 1} to {last + 1} from {_spelled(document)}"
    if denied.denies_reading(document):
        text = ""
    elif text is None:
        text = _selected_text(document, selected)
    return f"{named}:\n{text}" if text and len(text) <= MAX_SELECTION else f"{named}."


def _selected_text(document: Path, selected: Range) -> str:
    """Return what is selected, as far as it is on the disk; empty if it is not known."""
    try:
        if not document.is_file() or document.stat().st_size > _MAX_FILE:
            return ""
        return selected_in(read_text(document, most_bytes=_MAX_FILE), selected)
    except (OSError, ValueError):
        return ""


def selected_in(text: str, selected: Range) -> str:
    """Return what is selected in a text; empty if it has no such lines."""
    # Not splitlines(): LSP ends lines with LF, CRLF and CR alone.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start, end = selected.start, selected.end
    lines = lines[start.line : end.line + 1]
    if len(lines) <= end.line - start.line:
        return ""  # the document has grown in the editor: these are other lines
    # Characters are counted as the editor likes, which is all the same in ASCII; else whole lines.
    if lines[-1].isascii() or end.character == 0:
        lines[-1] = lines[-1][: end.character]
    if lines[0].isascii():
        lines[0] = lines[0][start.character :]
    return "\n".join(lines)


def _format_diagnostic(diagnostic: Diagnostic, document: Path | None, folder: Path) -> str:
    start = diagnostic.range.start
    place = f"{start.line + 1}:{start.character + 1}"
    if document is not None:
        inside = document.is_relative_to(folder)
        place = f"{_spelled(document.relative_to(folder) if inside else document)}:{place}"
    severity = _SEVERITIES.get(diagnostic.severity or 1, "error")
    code = None if diagnostic.code is None else str(diagnostic.code)
    origin = " ".join(part for part in (diagnostic.source, code) if part)
    message = " ".join(diagnostic.message.split())
    return f"{place}: {severity}: {message}" + (f" ({origin})" if origin else "")


def _attached(attachments: Sequence[Path]) -> list[dict[str, Any]]:
    images: list[dict[str, Any]] = []
    others: list[str] = []
    for path in attachments:
        try:
            if path.suffix.lower() in _IMAGES and path.is_file():
                images.append(_image(path))
            else:
                path.stat()
                others.append(_spelled(path))
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise InvalidArgument(
                f"attachments: expected files that can be read, got {_spelled(path)} ({reason})"
            ) from error
    if others:
        named = "\n".join(f"- {path}" for path in others)
        text = f"The user attached these files; read them where needed:\n{named}"
        images.append(_text(_tagged("ide_opened_file", text)))
    return images


def _image(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size == 0 or size > MAX_IMAGE:
        raise InvalidArgument(
            f"attachments: expected non-empty images of at most {MAX_IMAGE // 2**20} MiB, got "
            f"{_spelled(path)} of {size:,} bytes"
        )
    content = read_regular(path)
    found = (media for signature, media in _SIGNATURES if signature.match(content))
    media_type = next(found, _IMAGES[path.suffix.lower()])
    data = base64.b64encode(content).decode("ascii")
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _tagged(tag: str, text: str) -> str:
    # A file's text must not be able to end the tag and go on as if the user said it.
    safe = _CLOSING_TAG.sub(r"&lt;\1", text)
    return f"<{tag}>{safe}</{tag}>"


def _spelled(path: Path) -> str:
    """Return a path as text that can be sent, also where its name is no UTF-8."""
    return os.fsencode(path).decode(errors="replace")
