from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from tests.web.visitor import Visitor
from tests.world import World


@pytest.fixture(scope="session", autouse=True)
def _folder_of_static_files() -> None:
    """Whitenoise warns where it is missing, and warnings are errors; tests collect nothing into it."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def rita(world: World) -> Visitor:
    return Visitor(world.rita)


@pytest.fixture
def olga(world: World) -> Visitor:
    return Visitor(world.olga)


@pytest.fixture
def otto(world: World) -> Visitor:
    return Visitor(world.otto)


@pytest.fixture
def adam(world: World) -> Visitor:
    return Visitor(world.adam)


@pytest.fixture
def ada(world: World) -> Visitor:
    return Visitor(world.ada)


@pytest.fixture
def sam(world: World) -> Visitor:
    return Visitor(world.sam)
