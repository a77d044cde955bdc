from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.deliveries.steps import Hook, hooked
from tests.unit.deliveries.receiver import Receiver
from tests.world import World


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def hook(world: World, receiver: Receiver) -> Hook:
    return hooked(world, receiver)
