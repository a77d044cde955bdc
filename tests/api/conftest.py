from __future__ import annotations

import pytest

from tests.api.caller import Caller, key_for
from tests.world import World


@pytest.fixture
def helpdesk(world: World) -> Caller:
    """The upstream system, with every scope that a source can have for its claims."""
    return Caller(world.key)


@pytest.fixture
def rita(world: World) -> Caller:
    """A reviewer's tool."""
    return Caller(key_for(world.rita, "review", "read"))


@pytest.fixture
def ravi(world: World) -> Caller:
    return Caller(key_for(world.ravi, "review", "read"))
