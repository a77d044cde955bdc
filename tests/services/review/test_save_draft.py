"""What a reviewer has written so far is never lost."""

import pytest

from reviewqueue.errors import Invalid, NotFound
from reviewqueue.review.services import leases
from tests.services.review.steps import run_out, taken
from tests.world import World


def test_a_draft_is_kept_also_after_the_task_went_to_somebody_else(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    taken(world.ravi)
    leases.save_draft(reviewer=world.rita, lease_id=lease.pk, draft={"note": "I had this"})
    lease.refresh_from_db()
    assert lease.draft == {"note": "I had this"}


@pytest.mark.parametrize("draft", [{"note": "a\0b"}, {"note": "\ud800"}, {"n": float("nan")}, {"note": "x" * 310_000}])
def test_what_cannot_be_stored_is_refused(world: World, draft: dict[str, object]) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(Invalid):
        leases.save_draft(reviewer=world.rita, lease_id=lease.pk, draft=draft)


def test_nobody_writes_into_another_persons_draft(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(NotFound):
        leases.save_draft(reviewer=world.ravi, lease_id=lease.pk, draft={})
