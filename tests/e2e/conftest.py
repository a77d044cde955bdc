from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import chromium
from tests.e2e.support.held import PATIENCE
from tests.e2e.support.site import Site, served
from tests.world import World

expect.set_options(timeout=PATIENCE * 1_000)


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def site(committed_world: World, shared_browser: Browser) -> Iterator[Site]:
    """The site on committed data. A complaint of the browser's console, or a request to elsewhere, fails the test."""
    with served(shared_browser) as running:
        yield running
    assert running.complaints == []
    assert running.foreign_requests == []
