"""What others said stays closed while a blind answer can still be changed."""

from __future__ import annotations

import pytest

from reviewqueue.errors import Forbidden
from reviewqueue.reports.claim_life import claim_life
from reviewqueue.review.models import ReviewTask
from tests.services.review.steps import RIGHT, label_next
from tests.services.review.test_second_looks import doubted
from tests.world import World


def test_a_second_look_that_can_be_undone_keeps_the_first_label_closed(world: World) -> None:
    claim = doubted(world)
    label_next(world.ravi, RIGHT)
    with pytest.raises(Forbidden, match="still change"):
        claim_life(world.ravi, claim.pk)
    ReviewTask.objects.filter(claim=claim).update(undo_seconds=0)
    assert len(claim_life(world.ravi, claim.pk).labels) == 2


def test_who_gave_the_only_label_sees_their_claim_at_once(world: World) -> None:
    claim = world.claim()
    label_next(world.rita)
    assert len(claim_life(world.rita, claim.pk).labels) == 1
