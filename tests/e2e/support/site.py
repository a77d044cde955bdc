"""The site in a real browser: a server on the committed data of a test, and people who are logged in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Page, expect

from reviewqueue.accounts.models import User

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
REFUSALS = ("Failed to load resource", "Response Status Error Code 401")


@dataclass
class Site:
    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)

    def visitor(self, user: User | None, **options: Any) -> Page:
        """A page in a browser context of its own. Complaints of its console, and requests to elsewhere, are kept."""
        context = self.browser.new_context(**{"viewport": WIDE, "base_url": self.url, **options})
        if user:
            self._log_in(context, user)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._note_request(request.url))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        return page

    def _log_in(self, context: BrowserContext, user: User) -> None:
        client = Client()
        client.force_login(user)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self.url}])

    def _note(self, kind: str, text: str) -> None:
        """Refusals that a test asks for are no complaint; the browser logs every status from 400 up, htmx too."""
        if kind in ("error", "warning") and not text.startswith(REFUSALS):
            self.complaints.append(text)

    def _note_request(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "about:")):
            self.foreign_requests.append(address)


@contextmanager
def served(browser: Browser) -> Iterator[Site]:
    """Serves the site from this process until the end of the test."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    site = Site(f"http://127.0.0.1:{thread.port}", browser)
    try:
        yield site
    finally:
        for context in browser.contexts:
            context.close()
        thread.terminate()


def next_is_ready(page: Page) -> None:
    """Waits until the next task is fetched. A page gives that up when it takes long, and tries again when looked at."""
    ready = page.locator("#page [data-next-is=ready]")
    for _ in range(5):
        with suppress(AssertionError):
            return expect(ready).to_be_visible(timeout=4_000)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    return expect(ready).to_be_visible()


def start_reviewing(page: Page) -> None:
    """With keys, from the queue page to the first task, whose question has the focus."""
    page.goto("/queue/")
    page.get_by_role("button", name="Start reviewing").press("Enter")
    page.wait_for_url("**/review/**")
    expect(page.locator("#page [data-first]")).to_be_focused()
