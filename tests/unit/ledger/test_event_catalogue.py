"""What may be written, and in which form."""

from __future__ import annotations

from uuid import UUID

import pytest

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import CATALOGUE, RESERVED, Entry, EventRefused, body_of

CLAIM = UUID("0198f0c2-0000-7000-8000-000000000001")
INTAKE = Actor.system("intake")


def decided(**fields: object) -> Entry:
    return Entry("claim.decided", INTAKE, CLAIM, {"pipeline": "p", "route": "review", **fields})


def test_a_body_names_the_event_the_actor_the_claim_and_its_fields() -> None:
    assert body_of(decided(confidence_ppm=940_000)) == {
        "event": "claim.decided",
        "actor": {"kind": "system", "id": "intake", "role": None},
        "claim": str(CLAIM),
        "pipeline": "p",
        "route": "review",
        "confidence_ppm": 940_000,
    }


@pytest.mark.parametrize(
    ("actor", "kind", "id_"),
    [
        (Actor.user(CLAIM, role="auditor"), "user", str(CLAIM)),
        (Actor.source(CLAIM), "source", str(CLAIM)),
        (Actor.key("rq_live_ab12"), "key", "rq_live_ab12"),
    ],
)
def test_every_kind_of_actor_is_written_by_value(actor: Actor, kind: str, id_: str) -> None:
    assert actor.as_body() == {"kind": kind, "id": id_, "role": actor.role}


def test_ids_and_hashes_are_written_as_text() -> None:
    body = body_of(decided(policy_hash=b"\x01\xff", supersedes=CLAIM, segments={"language": "en"}, reasons=("band",)))
    assert body["policy_hash"] == "01ff"
    assert body["supersedes"] == str(CLAIM)
    assert body["segments"] == {"language": "en"}
    assert body["reasons"] == ["band"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (Entry("claim.guessed", INTAKE, CLAIM), "no event of the kind"),
        (Entry("claim.decided", INTAKE, CLAIM, {"pipeline": "p"}), "lacks route"),
        (decided(confidense_ppm=1), "no field confidense_ppm"),
        (Entry("claim.decided", INTAKE, None, {"pipeline": "p", "route": "review"}), "must name its claim"),
        (decided(confidence_ppm=1_000_001), "confidence_ppm"),
        (decided(confidence_ppm=-1), "confidence_ppm"),
        (decided(confidence_ppm=0.94), "confidence_ppm"),
        (decided(confidence_ppm=True), "confidence_ppm"),
        (decided(due_us="soon"), "due_us"),
        (decided(model="x" * 301), "model is no identifier"),
        (decided(category="two\nlines"), "category is no identifier"),
        (decided(segments={"language": "\u202eevil"}), "segments/language"),
        (decided(reasons=["fine", "\x00"]), "reasons/1"),
        (decided(claim_seq=1), "claim_seq"),
    ],
)
def test_an_event_outside_the_catalogue_is_refused_and_says_why(entry: Entry, why: str) -> None:
    with pytest.raises(EventRefused, match=why):
        body_of(entry)


def test_a_share_that_is_not_known_is_written_as_nothing() -> None:
    assert body_of(decided(calibrated_ppm=None))["calibrated_ppm"] is None


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_no_kind_of_event_may_carry_what_the_ledger_writes_itself(kind: str) -> None:
    shape = CATALOGUE[kind]
    assert not (shape.must | shape.may) & RESERVED
