"""Pictures of the extension in a real VS Code, light, dark and in high contrast."""

# ruff: noqa: INP001 - a part of a script, which nobody else imports

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright
from tests.editors.vscode.code_server import EXTENSION, CodeServer, browser
from tests.editors.vscode.window import PATIENCE, Window

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

THEMES = {
    "light": "Light 2026",
    "dark": "Dark 2026",
    "contrast": "Default High Contrast",
}
WIDTH, HEIGHT = 1180, 740
QUIET = {
    "breadcrumbs.enabled": False,
    "editor.minimap.enabled": False,
    "window.commandCenter": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.layoutControl.enabled": False,
}

# A picture tells nothing of the machine it was drawn on.
SHORTEN = """(body, home) => {
  const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(home, '~');
}"""


def draw(project: Path, environment: Mapping[str, str], images: Path) -> None:
    """Draws them: lines of a file are asked about, and the edit waits for the user's leave.

    Args:
        project: The folder that is open, with a file `hello.py`.
        environment: Of VS Code, with the server on its PATH.
        images: Where they go, as `vscode-THEME.png`.
    """
    for name, theme in THEMES.items():
        with tempfile.TemporaryDirectory() as home:
            own = {"HOME": home, "XDG_RUNTIME_DIR": home}
            settings = {**QUIET, "workbench.colorTheme": theme}
            server = CodeServer({**environment, **own}, extension=EXTENSION, settings=settings)
            try:
                server.start()
                _draw(server, project, images / f"vscode-{name}.png")
            finally:
                server.remove()


def _draw(server: CodeServer, project: Path, image: Path) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(server.url(folder=project))
        window = Window(page)
        window.open_file(project / "hello.py")
        window.keys(["Control+G"])
        page.keyboard.type("10")
        window.keys(["Enter", "Shift+ArrowDown", "Shift+ArrowDown"])
        window.command("Claude Agent: Ask About Selection")
        expect(window.prompt).to_be_focused(timeout=PATIENCE)
        # The conversation is wider than VS Code makes it by itself.
        sash = page.locator(".monaco-sash.vertical").nth(1)
        box = sash.bounding_box()
        if box is not None:
            page.mouse.move(box["x"] + 2, 400)
            page.mouse.down()
            page.mouse.move(box["x"] + 140, 400, steps=5)
            page.mouse.up()
        window.prompt.click()
        page.keyboard.type("What is wrong here?")
        page.keyboard.press("Enter")
        expect(window.view.get_by_role("button", name="Allow once")).to_be_visible(timeout=PATIENCE)
        expect(page.locator(".monaco-diff-editor")).to_be_visible(timeout=PATIENCE)
        window.command("Notifications: Clear All Notifications")
        window.command("Claude Agent: Show the Open Question")
        window.view.locator("body").evaluate(SHORTEN, str(project.parent))
        page.wait_for_timeout(1500)  # what moves has come to rest
        page.screenshot(path=image)
        chromium.close()
