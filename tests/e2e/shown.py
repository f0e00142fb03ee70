"""The entries of a conversation: as an editor was shown them, and as a session is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .editor import Editor

# Of a run, what is told again: not the answer, which stands above it.
OF_A_RUN = (
    *(
        "runId",
        "status",
        "origin",
        "cause",
        "turns",
        "usage",
        "durationMs",
        "costUsd",
        "stopReason",
    ),
    *("filesChanged", "permissionDenials", "error", "blocked", "nextSessionId"),
)


def as_shown(editor: Editor, *asked: tuple[str | None, str]) -> list[Any]:
    """The entries of runs as they were shown.

    Args:
        editor: Where.
        asked: Each run's prompt, if it has one, and the token of its events.
    """
    entries: list[Any] = []
    for prompt, token in asked:
        entries += [("prompt", prompt)] if prompt is not None else []
        told = entries_of_events(editor.events(token))
        if (prompt or "").startswith("/"):  # what a command puts out has another id when it is read
            told = [
                [("text", None), *each[1:]] if isinstance(each, list) else each for each in told
            ]
        entries += told
    return entries


def entries_of_events(events: Iterable[dict[str, Any]]) -> list[Any]:
    """The entries that events show, in the order in which each has begun."""
    shown = _Shown()
    for event in events:
        shown.take(event)
    return [entry for entry in shown.entries if not isinstance(entry, list) or entry[2]]


class _Shown:
    def __init__(self) -> None:
        self.entries: list[Any] = []
        self._known: dict[Any, list[Any]] = {}

    def take(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "text" | "thinking" | "toolCall" | "toolResult" | "retracted":
                self._grow(event)
            case "steered":
                self.entries.append(("prompt", event["text"]))
            case "notice":
                self.entries.append(("notice", event["level"], event["text"]))
            case "compacted":
                tokens = event["tokensBefore"], event.get("tokensAfter")
                self.entries.append(("compaction", *tokens))
            case "ended":
                run = {name: event["run"].get(name) for name in OF_A_RUN}
                self.entries.append(("outcome", run))
            case _:
                pass

    def _grow(self, event: dict[str, Any]) -> None:
        known, parent = self._known, event.get("parentToolCallId")
        match event["kind"]:
            case "text" | "thinking" as kind:
                key = (kind, event["messageId"])
                if key not in known:
                    known[key] = [key, parent, ""]
                    self.entries.append(known[key])
                known[key][2] += event["text"]
            case "retracted":
                words = known["text", event["messageId"]]
                words[2] = words[2].removesuffix(event["text"])
                self.entries.append(("retracted", event["messageId"], event["text"]))
            case "toolCall":
                key = ("call", event["toolCallId"])
                known[key] = [key, parent, event["tool"], event["input"], None]
                self.entries.append(known[key])
            case _:
                result = event["status"], event["text"], event.get("truncated")
                known["call", event["toolCallId"]][4] = result


def said_in(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries that are no account of runs, but what was said in them."""
    told = ("notice", "outcome", "retracted")
    return [message for message in messages if message.get("kind") not in told]


def as_read(messages: Iterable[dict[str, Any]]) -> list[Any]:
    """The entries of a session as it was read."""
    return [entry for message in messages for entry in _entries_of(message)]


def _entries_of(message: dict[str, Any]) -> list[Any]:
    parent, text, message_id = (
        message.get("parentToolCallId"),
        message["text"],
        message["messageId"],
    )
    match message.get("kind"):
        case "command":
            return [[("text", None), parent, text]]
        case None if message["role"] == "user":
            return [("prompt", text)] if parent is None else []
        case None:
            entries: list[Any] = []
            if message.get("thinking"):
                entries.append([("thinking", message_id), parent, message["thinking"]])
            if text:
                entries.append([("text", message_id), parent, text])
            return entries + [_call(call, parent) for call in message["toolCalls"]]
        case "notice":
            return [("notice", message["level"], text)]
        case "retracted":
            return [("retracted", message["retracts"], text)]
        case "compaction":
            return [("compaction", message["tokensBefore"], message.get("tokensAfter"))]
        case "outcome":
            return [("outcome", {name: message["run"].get(name) for name in OF_A_RUN})]
        case kind:
            return [(kind, text)]


def _call(call: dict[str, Any], parent: str | None) -> list[Any]:
    result = None
    if call.get("status"):
        result = call["status"], call["text"], call.get("truncated")
    return [("call", call["toolCallId"]), parent, call["tool"], call["input"], result]
