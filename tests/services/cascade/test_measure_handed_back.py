"""Who comes back in time is no random sample, so claims that were handed back measure nothing."""

from calibration.evidence import atoms, labelled_claims
from calibration.tallying import tally
from reviewqueue.cascade.services import steps
from tests.services.cascade.steps import UNSURE_BAND, cascading, time_passes, unsure
from tests.services.review.steps import label_next
from tests.world import POLICY, World


def test_the_label_of_a_claim_whose_step_ran_out_enters_no_estimate(world: World) -> None:
    always = {**UNSURE_BAND, "audit_rate": 1.0}
    world.activate(cascading(bands=[always, *POLICY["bands"][1:]]))
    late = unsure(world)
    unsure(world)
    world.claim(confidence=0.7)
    time_passes(late, minutes=31)
    steps.expire_steps()
    label_next(world.rita)
    label_next(world.rita)
    assert [label.place.confidence for label in labelled_claims(world.pipeline.pk)] == [0.7]
    tally(world.pipeline)
    counts = {atom.place.confidence: (atom.claims, atom.sampled, atom.labelled) for atom in atoms(world.pipeline.pk)}
    assert counts == {0.5: (2, 0, 0), 0.7: (1, 1, 1)}
