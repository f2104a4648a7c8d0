"""Debian's chromium without a screen, driven by Playwright."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000


def program() -> str:
    """Where chromium is. Raises RuntimeError, with what to do, where it is not."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("There is no chromium: apt-get update && apt-get install chromium")
    return path


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser with an empty profile; elements are found by their `data-test-id`."""
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test-id")
        browser = playwright.chromium.launch(executable_path=program(), args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_in(browser: Browser, pictures: Path, scheme: str = "light") -> Iterator[Page]:
    """A fresh window of 1400 by 900; a picture of how it ended is kept in `pictures`."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        yield page
    finally:
        page.screenshot(path=pictures / "end.png")
        context.close()


def follow(link: Locator) -> None:
    """Click on what leads to another page, and wait until that page is there. Whoever runs a
    script, loads anew or goes elsewhere while a page is being left is told that it is gone."""
    with link.page.expect_navigation():
        link.click()


def enter(page: Page) -> None:
    """The same with the key that sends off a form."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


@dataclass
class Presses:
    """How often somebody has pressed a button of the mouse in a window."""

    count: int = 0


def counted_presses(page: Page) -> Presses:
    """Count from now on, on every page that is opened in the window."""
    presses = Presses()

    def pressed() -> None:
        presses.count += 1

    page.expose_function("pressed", pressed)
    page.add_init_script("addEventListener('pointerdown', () => window.pressed(), true)")
    return presses
