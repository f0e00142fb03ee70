"""A window of VS Code as its user sees it, and what they do in it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from playwright.sync_api import Error, expect

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import FrameLocator, Locator, Page

PATIENCE = 60_000  # milliseconds; only catches hangs


class Window:
    """One window, in a browser's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wait_ready()

    def wait_ready(self) -> None:
        """Waits until the extension is there."""
        expect(self.status).to_be_visible(timeout=PATIENCE)

    @property
    def status(self) -> Locator:
        """The extension's item of the status bar."""
        return self.page.locator('.statusbar-item[id="claude-agent-lsp.claude-agent.claude-agent"]')

    @property
    def view(self) -> FrameLocator:
        """The one conversation that can be seen, in the side bar or in a tab."""
        shown = self.page.frame_locator("iframe.webview.ready:visible")
        return shown.frame_locator("#active-frame")

    @property
    def prompt(self) -> Locator:
        """Where the user writes."""
        return self.view.get_by_role("textbox", name="Ask Claude").or_(
            self.view.get_by_role("combobox", name="Ask Claude")
        )

    @property
    def notifications(self) -> Locator:
        """What VS Code tells in the corner."""
        return self.page.locator(".notifications-toasts .notification-list-item")

    @property
    def tabs(self) -> Locator:
        """The editor's tabs."""
        return self.page.locator(".tabs-container .tab")

    def command(self, name: str) -> None:
        """Executes a command by the palette."""
        entry = self.page.locator(".quick-input-list .monaco-list-row.focused")
        self._choose("F1", f">{name}", entry, name)
        # It closes, or is another list already.
        self.page.wait_for_function(
            "name => { const box = document.querySelector('.quick-input-widget input.input');"
            " return !box.checkVisibility() || box.value !== name }",
            arg=f">{name}",
            timeout=PATIENCE,
        )

    def ask(self, prompt: str, patience: float = PATIENCE) -> None:
        """Asks in the conversation, as somebody does who has only a keyboard.

        Args:
            prompt: What to ask.
            patience: In milliseconds, until the view is there: it comes once the server is.
        """
        self.command("Claude Agent: Ask")
        expect(self.prompt).to_be_focused(timeout=patience)
        self.page.keyboard.type(prompt)
        self.page.keyboard.press("Enter")

    def press_answer(self, answer: Locator) -> None:
        """Presses Enter on an answer that has the keyboard; a stray Enter answers nothing."""
        while answer.count():
            expect(answer).to_be_focused(timeout=PATIENCE)
            self.page.keyboard.press("Enter")
            self.page.wait_for_timeout(200)

    def wait_for(self, text: str | re.Pattern[str], patience: float = PATIENCE) -> None:
        """Waits until the conversation shows a text."""
        expect(self.view.locator("body")).to_contain_text(text, timeout=patience)

    def wait_idle(self) -> None:
        """Waits until nothing runs."""
        expect(self.status).to_have_text("Claude", timeout=PATIENCE)

    def open_file(self, path: Path) -> None:
        """Opens a file by its name."""
        entry = self.page.locator(".quick-input-list .monaco-list-row").first
        self._choose("Control+P", path.name, entry, path.name)
        tab = self.page.get_by_role("tab", name=path.name, exact=True)
        expect(tab).to_have_attribute("aria-selected", "true", timeout=PATIENCE)
        editor = self.page.locator(".editor-group-container.active .monaco-editor.focused")
        expect(editor.first).to_be_visible(timeout=PATIENCE)

    def _choose(self, key: str, text: str, entry: Locator, words: str) -> None:
        """Chooses the entry that has these words, in the list of a box that a key opens.

        A view that is just being filled takes a key for itself, and its focus closes the box.
        """
        box = self.page.locator(".quick-input-widget input.input")
        for _ in range(12):
            self.page.keyboard.press(key)
            with contextlib.suppress(AssertionError, Error):
                expect(box).to_be_visible(timeout=PATIENCE / 12)
                box.fill(text, timeout=PATIENCE / 12)
                expect(entry).to_contain_text(words, timeout=PATIENCE / 12)
                self.page.keyboard.press("Enter")
                return
        raise AssertionError(f"{key} offers no {words!r}")

    def drag(self, what: Locator, to: Locator) -> None:
        """Drags something onto a conversation, with Shift held: else VS Code opens it there."""
        what.hover()
        self.page.mouse.down()
        self.page.keyboard.down("Shift")
        target = self.view.locator(".drop-target")
        box = to.bounding_box()
        assert box is not None
        for step in range(100):
            self.page.mouse.move(box["x"] + step % 2 + 9, box["y"] + 9)
            if target.is_visible():
                break
            self.page.wait_for_timeout(50)
        self.page.mouse.up()
        self.page.keyboard.up("Shift")

    def keys(self, keys: Sequence[str]) -> None:
        """Presses keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def reload(self) -> None:
        """Reloads the window, in whatever it is doing."""
        self.page.reload()
        self.wait_ready()
