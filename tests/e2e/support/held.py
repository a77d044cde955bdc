"""A request that the test keeps from the server until it lets it go."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import Page, Route

PATIENCE = 20.0
"""Seconds that a browser test waits for what should come; a busy machine may need more than the five of Playwright."""


@dataclass
class Held:
    """The first request to an address waits; all later ones go through."""

    page: Page
    routes: list[Route] = field(default_factory=list)

    def arrive(self) -> None:
        """Waits until the browser has asked: the page may show what comes next before."""
        give_up = time.monotonic() + PATIENCE
        while not self.routes:
            assert time.monotonic() < give_up, "the browser sent no request to hold back"
            self.page.wait_for_timeout(20)

    def let_go(self) -> None:
        self.arrive()
        self.routes[0].continue_()

    def _meet(self, route: Route) -> None:
        if self.routes:
            route.continue_()
        else:
            self.routes.append(route)


def first_request_waits(page: Page, address: str) -> Held:
    """Holds back the first request to what `address` (a glob) matches."""
    held = Held(page)
    page.route(address, held._meet)
    return held
