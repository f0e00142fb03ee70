"""The view on a page that plays the extension host: what it is told, and what it says."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .bundle import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Error, Locator, Page, Route

SIZE = (420, 760)
HARNESS = EXTENSION / "view" / "test"
PATIENCE_SECONDS = 60.0  # only catches hangs
ORIGIN = "http://view.test"
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
IDLE: dict[str, Any] = {
    "title": "A session",
    "sessionId": "session",
    "folder": "",
    "folderUri": "file:///project",
    "running": False,
    "line": "",
    "queue": [],
    "trusted": True,
    "mode": "default",
}


class View:
    """One view. Whatever it asks of any other place than its own bundle is refused, and kept.

    Args:
        page: Of a Chromium, on which there is nothing else.
        bundle: Where the built view is.
        theme: One of view/test/themes.json.
        size: Of the view, in pixels.
    """

    def __init__(
        self,
        page: Page,
        bundle: Path,
        *,
        theme: str = "dark",
        size: tuple[int, int] = SIZE,
    ) -> None:
        self._bundle = bundle
        self.errors: list[str] = []
        self.asked_for: list[str] = []
        self.page = page
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.on("pageerror", self._failed)
        self.page.on("popup", self._popped_up)
        self.page.route("**/*", self._serve)
        themes = json.loads((HARNESS / "themes.json").read_text())
        query = urllib.parse.urlencode({"theme": json.dumps(themes[theme])})
        self.page.goto(f"{ORIGIN}/harness.html?{query}")
        self.wait_said("ready")

    def tell(self, kind: str, **fields: Any) -> None:
        """Sends a message of the host, and waits until the view has it."""
        self.page.evaluate("message => harness.tell(message)", {"type": kind, **fields})

    def conversation(
        self,
        *messages: dict[str, Any],
        steps: Sequence[dict[str, Any]] = (),
        history: Sequence[str] = (),
        **state: Any,
    ) -> None:
        """Shows a conversation."""
        shown = {**IDLE, **state}
        self.tell("conversation", messages=messages, steps=steps, history=history, state=shown)

    def state(self, **state: Any) -> None:
        """Tells how things stand."""
        self.tell("state", state={**IDLE, **state})

    def events(self, *events: dict[str, Any]) -> None:
        """Tells what the run says."""
        self.tell("steps", steps=[{"kind": "event", "event": event} for event in events])

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Returns what the view has said to the host, of one type."""
        every: list[dict[str, Any]] = self.page.evaluate("harness.said")
        return [message for message in every if message["type"] == kind]

    def wait_said(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Waits until the view has said something so many times; returns the last."""
        check = "([kind, count]) => harness.said.filter(({type}) => type === kind).length >= count"
        self.until(check, [kind, count])
        return self.said(kind)[-1]

    def unfold(self) -> None:
        """Unfolds all that is folded."""
        self.page.evaluate(
            "document.querySelectorAll('details').forEach((each) => (each.open = true))"
        )
        self.page.evaluate(
            "new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))"
        )

    def until(self, check: str, argument: Any = None) -> None:
        """Waits until a script says true. (Playwright's own way needs `eval`, which is refused.)"""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.page.evaluate(check, argument):
            assert time.monotonic() < until, f"never true: {check} {argument}"
            self.page.wait_for_timeout(20)

    @property
    def prompt(self) -> Locator:
        """Where the user writes."""
        return self.page.get_by_role("textbox", name="Ask Claude")

    @property
    def transcript(self) -> Locator:
        """What has been said."""
        return self.page.get_by_role("region", name="Conversation")

    @property
    def answers(self) -> Locator:
        """What the agent has said."""
        return self.page.locator(".answer")

    @property
    def card(self) -> Locator:
        """The question that is open."""
        return self.page.locator(".question")

    def button(self, name: str) -> Locator:
        """A button by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, *keys: str) -> None:
        """Presses keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Types, as a user does."""
        self.page.keyboard.type(text)

    def open_questions(self, *questions: dict[str, Any]) -> None:
        """Shows questions, and waits until a key would answer the first."""
        self.tell("questions", questions=questions)
        expect(self.card).to_have_attribute("data-armed", "true")

    def close(self) -> None:
        """Ends it, and leaves the page for the next.

        Nothing may have gone wrong, run that is not ours, or been fetched.
        """
        canary = self.page.evaluate("harness.canary")
        violations = self.page.evaluate("harness.violations")
        self.page.evaluate("harness.forget()")
        self.page.goto("about:blank")
        self.page.unroute_all()
        self.page.remove_listener("pageerror", self._failed)
        self.page.remove_listener("popup", self._popped_up)
        assert self.errors == []
        assert canary == []
        assert self.asked_for == []
        assert violations == []

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    def _popped_up(self, page: Page) -> None:
        self.asked_for.append(page.url)

    def _serve(self, route: Route) -> None:
        path = urllib.parse.urlsplit(route.request.url).path.lstrip("/")
        for directory in (HARNESS, self._bundle):
            file = directory / path
            if route.request.url.startswith(f"{ORIGIN}/") and file.is_file():
                route.fulfill(body=file.read_bytes(), content_type=KINDS[file.suffix])
                return
        self.asked_for.append(route.request.url)
        route.abort()


def text(words: str, message: str = "m1") -> dict[str, Any]:
    """Words of the agent."""
    return {"kind": "text", "messageId": message, "text": words}


def tool(name: str, call: str = "t1", **given: Any) -> dict[str, Any]:
    """A tool call, by the name and input of the tool."""
    return {
        "kind": "toolCall",
        "toolCallId": call,
        "tool": name,
        "title": f"Using {name}",
        "input": given,
        "locations": [],
    }


def result(words: str, call: str = "t1", status: str = "completed") -> dict[str, Any]:
    """What came of a tool call."""
    return {"kind": "toolResult", "toolCallId": call, "status": status, "text": words}


def run(status: str = "completed", **fields: Any) -> dict[str, Any]:
    """A run as `ended` has it."""
    usage = {
        "inputTokens": 12,
        "outputTokens": 340,
        "cacheReadTokens": 11_000,
        "cacheWriteTokens": 500,
    }
    return {
        "runId": "run",
        "sessionId": "session",
        "workspace": "file:///project",
        "status": status,
        "text": "All done.",
        "turns": 2,
        "durationMs": 12_300,
        "usage": usage,
        "costUsd": 0.042,
        "filesChanged": [],
        "permissionDenials": [],
        **fields,
    }


def ended(status: str = "completed", **fields: Any) -> dict[str, Any]:
    """The end of a run."""
    return {"kind": "ended", "run": run(status, **fields)}


def message(role: str, words: str, number: int = 0, **fields: Any) -> dict[str, Any]:
    """A message of a session that was read."""
    return {
        "messageId": f"message-{role}-{number}",
        "role": role,
        "text": words,
        "toolCalls": [],
        "timestamp": "2026-01-02T03:04:05Z",
        **fields,
    }


def choice(identifier: str = "q1", **fields: Any) -> dict[str, Any]:
    """A question of the agent's own."""
    options = [
        {"value": "deny", "label": "Don't answer"},
        {"value": "Half up", "label": "Half up", "description": "As shops do"},
        {"value": "Half even", "label": "Half even", "description": "As banks do"},
    ]
    own = {"title": "Which rounding?", "detail": "", "options": options, "freeText": True}
    return question(identifier, **{**own, "kind": "choice", **fields})


def grants(*texts: str, saved_in: str | None = None) -> dict[str, Any]:
    """What the answers of a question allow; the same always, if it is saved."""
    rules = [{"kind": "rule", "text": text, "tool": "Bash"} for text in texts]
    always = {"always": rules, "savedIn": saved_in} if saved_in else {"always": []}
    return {"session": rules, **always}


def question(identifier: str = "q1", **fields: Any) -> dict[str, Any]:
    """A question for leave to run a command."""
    return {
        "questionId": identifier,
        "runId": "run",
        "sessionId": "session",
        "kind": "permission",
        "title": "Run `make test`?",
        "detail": "make test",
        "action": {"subject": "make test", "tool": "Bash", "command": "make test"},
        "notes": [],
        "grants": grants(),
        "options": [
            {"value": "deny", "label": "Deny"},
            {"value": "allow", "label": "Allow once"},
            {"value": "allowSession", "label": "Allow for this session"},
        ],
        "deadline": "2999-01-01T00:00:00Z",
        "hasDiff": False,
        "hasPlan": False,
        **fields,
    }


CAPABILITIES: dict[str, Any] = {
    "models": [
        {
            "value": "default",
            "displayName": "Default (recommended)",
            "description": "For most work",
        },
        {"value": "opus", "displayName": "Opus", "description": "For hard problems"},
    ],
    "efforts": ["low", "high"],
    "modes": ["default", "acceptEdits", "plan"],
    "commands": [
        {"name": "compact", "description": "Keep a summary"},
        {"name": "clear", "description": "Begin anew"},
        {"name": "review", "description": "Review changes"},
    ],
}
