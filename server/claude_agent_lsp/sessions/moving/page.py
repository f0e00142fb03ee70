"""A session as one page of HTML that a person would send to a colleague.

It stands alone: no script, nothing from elsewhere, and a policy in it that would keep both from
doing anything. All that was said is text: HTML in it is shown, pictures are links, and what can't
be seen is spelled out. What looks like a secret is masked.
"""

from __future__ import annotations

import html
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.base.texts.redaction import mask_secrets, mask_secrets_in_json
from claude_agent_lsp.base.texts.text import cut, one_line
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.sessions.moving.style import STYLE
from claude_agent_lsp.sessions.reading.outline import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from markdown_it import MarkdownIt

    from claude_agent_lsp.sessions.catalogue.session import Session
    from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall

# A longer text is shown as it is: to make Markdown of it takes seconds.
PROSE_LENGTH: Final = 200_000
RESULT_LENGTH: Final = 10_000
TITLE_LENGTH: Final = 200
MOST_DIFF_LINES: Final = 2000
LOWEST: Final = 6
_LINKS: Final = ("http://", "https://", "mailto:")
# What of a call says in a line what it is about.
_SUBJECTS: Final = (
    *("file_path", "notebook_path", "command", "pattern", "url", "query", "path", "description"),
)
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def as_page(session: Session, messages: Iterable[Message]) -> str:
    """Return the whole conversation, with tool calls folded away."""
    title = _line(session.title)
    facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in _facts(session))
    said = "\n".join(part for message in messages for part in _message(message))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{title}</h1>\n<dl>{facts}</dl>\n</header>\n<main>\n{said}\n</main>\n"
        "</body>\n</html>\n"
    )


def _facts(session: Session) -> Iterator[tuple[str, str]]:
    yield "Folder", f"<code>{_line(str(session.workspace))}</code>"
    if session.git_branch and session.git_branch != "HEAD":
        yield "Branch", f"<code>{_line(session.git_branch)}</code>"
    if session.created_at is not None:
        yield "Started", _time(session.created_at)
    yield "Last changed", _time(session.last_modified)
    if session.tag:
        yield "Tag", _line(session.tag)
    yield "Session", f"<code>{_line(session.session_id)}</code>"


def _message(message: Message) -> Iterator[str]:
    when = f" {_time(message.timestamp)}" if message.timestamp else ""
    match message.kind:
        case Kind.COMPACTION:
            yield _folded("note", "Compacted: what the agent was left with", _prose(message.text))
            return
        case Kind.INTERRUPTED:
            yield '<p class="note">The agent was stopped here.</p>'
            return
        case Kind.RETRACTED:
            yield _folded("note", "An answer that broke off", _prose(message.text))
            return
        case Kind.GAP | Kind.WOKEN | Kind.NOTICE | Kind.OUTCOME:
            yield f'<p class="note">{_text(message.text)}</p>'
            return
        case Kind.COMMAND:
            kind, who, body = "command", "Command output", _block(message.text)
        case _:
            is_user = message.role == "user"
            kind, who = ("user", "User") if is_user else ("agent", "Claude")
            body = _prose(message.text)
    recovered = " · recovered after an interruption" if message.recovered else ""
    parts = [f"<h2>{who}{when}{recovered}</h2>"]
    if message.thinking:
        parts.append(_folded("thinking", "Thinking", _prose(message.thinking)))
    parts += [body, *map(_call, message.tool_calls)]
    yield f'<article class="{kind}">\n' + "\n".join(filter(None, parts)) + "\n</article>"


def _call(call: RecordedCall) -> str:
    given: dict[str, Any] = mask_secrets_in_json(dict(call.input))
    subject = next((given[name] for name in _SUBJECTS if isinstance(given.get(name), str)), "")
    status = html.escape(call.status or "")
    title = f"<b>{_line(call.tool)}</b>"
    if subject:
        title += f" <code>{_line(subject)}</code>"
    if status:
        title += f' <span class="{status}">{status}</span>'
    body = _diff(given)
    if body is None:
        alone = isinstance(given.get("command"), str)
        shown = given["command"] if alone else json.dumps(given, indent=2, ensure_ascii=False)
        body = _block(shown)
    if call.text:
        body += f"\n<h3>Result</h3>\n{_block(cut(mask_secrets(call.text), RESULT_LENGTH))}"
    return f'<details class="call">\n<summary>{title}</summary>\n{body}\n</details>'


def _diff(given: Mapping[str, Any]) -> str | None:
    """Return what a call changes of a file, if it is one that does."""
    edits = given.get("edits") if isinstance(given.get("edits"), list) else [given]
    parts = []
    for edit in edits or ():
        match edit:
            case {"old_string": str(before), "new_string": str(after)}:
                parts.append(_changed(before, after))
            case {"file_path": str(), "content": str(after)}:
                parts.append(_changed("", after))
            case {"notebook_path": str(), "new_source": str(after)}:
                parts.append(_changed("", after))
            case _:
                return None
    return "\n".join(parts) or None


def _changed(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    lines: list[tuple[str, str]] = []
    for number, group in enumerate(LineDiff(old, new).get_grouped_opcodes(3)):
        if number:
            lines.append(("gap", "…"))
        for tag, i, i_end, j, j_end in group:
            if tag == "equal":
                lines += [("", f"  {line}") for line in old[i:i_end]]
                continue
            lines += [("del", f"- {line}") for line in old[i:i_end]]
            lines += [("ins", f"+ {line}") for line in new[j:j_end]]
    left_out = len(lines) - MOST_DIFF_LINES
    if left_out > 0:
        lines[MOST_DIFF_LINES:] = [("gap", f"… ({left_out} more lines)")]
    shown = "".join(
        f'<span class="{kind}">{_text(line)}</span>' if kind else f"<span>{_text(line)}</span>"
        for kind, line in lines
    )
    return f'<pre class="diff">{shown}</pre>'


def _folded(kind: str, title: str, body: str) -> str:
    return f'<details class="{kind}">\n<summary>{title}</summary>\n{body}\n</details>'


def _block(text: str) -> str:
    return f"<pre>{_text(text)}</pre>"


def _text(text: str) -> str:
    return html.escape(visible(mask_secrets(text), lines=True))


def _line(text: str) -> str:
    return html.escape(one_line(mask_secrets(text), TITLE_LENGTH))


def _time(moment: datetime) -> str:
    return f"<time>{moment.astimezone():%Y-%m-%d %H:%M}</time>"


def _prose(text: str) -> str:
    """Return a message as HTML; what it is written in is Markdown."""
    if not text.strip():
        return ""
    if len(text) > PROSE_LENGTH:
        return _block(text)
    text = visible(mask_secrets(text.replace("\r\n", "\n")), lines=True)
    parser = _parser()
    try:
        tokens = parser.parse(text)
        for token in tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(int(token.tag[1:]) + 2, LOWEST)}"
        return str(parser.renderer.render(tokens, parser.options, {}))
    except RecursionError:
        return f"<pre>{html.escape(text)}</pre>"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    # A link to a script, or to a file of the reader's, is no link.
    parser.validateLink = lambda url: url.lower().startswith(_LINKS)  # type: ignore[method-assign]
    return parser
