from __future__ import annotations

from collections.abc import Iterator

import pytest

from reviewqueue.deliveries.services import endpoints
from tests.services.deliveries.steps import Hook, allow, known
from tests.unit.deliveries.receiver import Receiver
from tests.world import World


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Under a name that every process finds on this machine."""
    with Receiver(names=("localhost",)) as running:
        yield running


@pytest.fixture
def hook(committed_world: World, receiver: Receiver) -> Hook:
    world = committed_world
    allow(world, receiver, "localhost")
    return known(*endpoints.create_endpoint(source=world.source, url=receiver.url, by=world.adam))
