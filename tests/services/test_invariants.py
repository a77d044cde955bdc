"""The checker of whole histories finds nothing in a sound one, and names whatever somebody broke."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.claims.models import Decision
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.note import VerifierKey
from tests.invariants import Operation, violations
from tests.ledger_reset import unprotected_ledger
from tests.services.erasure.steps import erased
from tests.services.ledger.cast import prepare_sealing
from tests.services.review.steps import WRONG, label_next, run_out, taken
from tests.world import IDENTITY, POLICY, World

Done = list[Operation]


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> VerifierKey:
    return prepare_sealing(settings, tmp_path)


@pytest.fixture
def done(committed_world: World, key: VerifierKey) -> Done:
    """Claims that were accepted, held, labelled, settled from outside and erased; a lease that ran out."""
    world, noted = committed_world, []
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    claims = [world.claim(confidence=confidence) for confidence in (0.99, 0.98, 0.7, 0.7, 0.3)]
    claims.append(world.claim(category="refunds", confidence=0.99))
    noted += [Operation("claim", each.external_id, "ok", str(each.pk)) for each in claims]
    run_out(taken(world.rita))
    for person, answer in ((world.ravi, WRONG), (world.rita, None), (world.sam, None)):
        label = (label_next(person, answer) if answer else label_next(person)).label
        noted.append(Operation("label", str(label.lease_id), "ok", str(label.pk)))
    wish = erased(world, claims[0])
    noted.append(Operation("erasure", str(claims[0].pk), "ok", str(wish.pk)))
    ledger.seal()
    return noted


def test_a_sound_history_has_no_violation(done: Done, key: VerifierKey) -> None:
    assert Decision.objects.filter(route="accept").count() == 2
    assert Decision.objects.filter(mandatory=True).count() == 1
    assert violations(done, keys=[key]) == []


def without(what: str) -> Callable[[Done], Done]:
    return lambda done: [each for each in done if each.what != what]


def as_if(what: str, state: str) -> Callable[[Done], Done]:
    return lambda done: [
        Operation(each.what, each.key, state, None) if each.what == what else each  # type: ignore[arg-type]
        for each in done
    ]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (without("claim"), "is there, and nobody asked for it"),
        (as_if("claim", "fail"), "was refused and is there"),
        (without("label"), "is there, and nobody asked for it"),
        (as_if("label", "fail"), "was refused and is there"),
        (as_if("erasure", "fail"), "was refused and is there"),
        (lambda done: [*done, Operation("claim", "lost", "ok", "x")], "claim lost: was acknowledged as ['x']"),
        (lambda done: [*done, Operation("claim", done[0].key, "ok", "x")], "was acknowledged under several names"),
        (lambda done: [*done, Operation("outcome", "lost", "ok", "x")], "x was acknowledged and is not there"),
        (lambda done: [*done, Operation("label", "lost", "ok", "x")], "label of lease lost: was acknowledged"),
    ],
)
def test_what_clients_were_told_is_held_against_what_is_there(
    done: Done, key: VerifierKey, seen: Callable[[Done], Done], words: str
) -> None:
    assert any(words in problem for problem in violations(seen(done), keys=[key]))


def test_who_got_no_answer_may_find_it_done_or_not(done: Done, key: VerifierKey) -> None:
    unsure = [*as_if("claim", "unknown")(done), Operation("claim", "never-came", "unknown")]
    assert violations(unsure, keys=[key]) == []


BROKEN: dict[str, tuple[str, str]] = {
    "a lease granted too early": (
        "UPDATE review_lease SET ended_at = ended_at + interval '1 hour', expires_at = expires_at + interval '1 hour'"
        " WHERE end_reason = 'expired'",
        "was live",
    ),
    "a label in another's name": (
        "UPDATE review_label SET reviewer_id = (SELECT id FROM accounts_user WHERE username = 'olga')",
        "by somebody else than had the lease",
    ),
    "a label that went": ("DELETE FROM review_label WHERE verdict = 'incorrect'", "0 rows and 1 entries"),
    "another verdict": ("UPDATE review_label SET verdict = 'correct'", "verdict"),
    "a mandatory claim let go": (
        "UPDATE claims_decision SET mandatory = true WHERE route = 'accept'",
        "is under mandatory review and went to accept",
    ),
    "another route": ("UPDATE claims_decision SET route = 'escalate'", "its facts give"),
    "another draw": (
        "UPDATE claims_decision SET audit_u = 0.25, facts = jsonb_set(facts, '{audit_u}', '0.25')",
        "its audit number is not that of its epoch",
    ),
    "a text that came back": (
        "INSERT INTO claims_claimpayload SELECT id, 'x' FROM claims_claim c"
        " WHERE NOT EXISTS (SELECT FROM claims_claimpayload p WHERE p.claim_id = c.id)",
        "is erased and has a text",
    ),
    "an outcome that went": ("DELETE FROM claims_outcome", "0 rows and 1 entries"),
    "an entry that waits for ever": ("INSERT INTO ledger.pending SELECT max(id) FROM ledger.event", "1 wait"),
    "an entry that went": ("DELETE FROM ledger.event WHERE kind = 'label.submitted'", "1 rows and 0 entries"),
    "a leaf that went": ("DELETE FROM ledger.leaf WHERE leaf_index = 3", "leaf"),
}


CONSTRAINTS = ("decision_mandatory_goes_to_people",)


class Undone(Exception):
    pass


@pytest.mark.parametrize("damage", BROKEN)
def test_damage_is_named(done: Done, key: VerifierKey, damage: str) -> None:
    statement, words = BROKEN[damage]
    found: list[str] = []
    with suppress(Undone), unprotected_ledger() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        for name in CONSTRAINTS:
            cursor.execute(f"ALTER TABLE claims_decision DROP CONSTRAINT {name}")
        cursor.execute(statement)
        assert cursor.rowcount
        found = violations(done, keys=[key])
        raise Undone
    assert any(words in problem for problem in found), found
