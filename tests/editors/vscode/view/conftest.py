"""The view in a browser, beside no other thing of VS Code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import sync_playwright

from .bundle import browser, build
from .stage import View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

SECONDS = 60_000  # milliseconds; only catches hangs


class Pages:
    """Those of a browser: to open one takes as long as most tests, so that one is used again.

    Args:
        context: Where they are opened.
    """

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._free: list[Page] = []

    def take(self) -> Page:
        """One on which there is nothing."""
        return self._free.pop() if self._free else self._context.new_page()

    def give_back(self, page: Page) -> None:
        """One that has been left in order: any other is used no more."""
        self._free.append(page)


class OpenView(Protocol):
    """Opens a view."""

    def __call__(self, **how: Any) -> View:
        """See `View`."""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built view is."""
    browser()
    return build(tmp_path_factory.mktemp("view"))


# One for a module: no other test may run beside Playwright's loop.
@pytest.fixture(scope="module")
def chromium(bundle: Path) -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=browser(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(chromium: Browser) -> Iterator[Pages]:
    """Of all its views."""
    with chromium.new_context() as context:
        yield Pages(context)


@pytest.fixture
def open_view(pages: Pages, bundle: Path) -> Iterator[OpenView]:
    """Opens views; each is closed at the end, and nothing may have gone wrong in it."""
    views: list[View] = []

    def open_(**how: Any) -> View:
        page = pages.take()
        page.set_default_timeout(SECONDS)
        view = View(page, bundle, **how)
        views.append(view)
        return view

    yield open_
    for view in views:
        view.close()
        pages.give_back(view.page)


@pytest.fixture
def view(open_view: OpenView) -> View:
    """A view in which nothing has been said."""
    opened = open_view()
    opened.conversation()
    return opened
