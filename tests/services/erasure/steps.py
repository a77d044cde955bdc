"""What the tests of erasure share."""

from __future__ import annotations

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim
from reviewqueue.erasure import services
from reviewqueue.erasure.models import Erasure
from tests.world import World


def erased(world: World, claim: Claim, *, by: User | None = None, agreed: User | None = None) -> Erasure:
    """Asked for by adam, agreed to by ada."""
    wish = services.ask_for_claim(by=by or world.adam, claim_id=claim.pk, basis="objection")
    return services.decide(by=agreed or world.ada, erasure_id=wish.pk, approve=True)
