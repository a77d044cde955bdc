"""Claims of a pipeline with redaction rules: masked before anything is stored, the same answer to the same request."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.claims.models import Claim
from reviewqueue.claims.repeats import ClaimConflict
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.claims.selectors import answer_of, claim_of_source, contents_of
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import Invalid
from reviewqueue.golden.items import Item
from reviewqueue.golden.models import GoldenAnswer
from reviewqueue.golden.services import drafts
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.selectors import life_of_claim
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import Label
from reviewqueue.review.services.leases import save_draft
from tests.services.golden.steps import answered, golden_set, publish, started
from tests.services.review.steps import submit, taken
from tests.world import World

RULES: list[dict[str, Any]] = [
    {"id": "email", "kind": "email"},
    {"id": "card", "kind": "card", "output": False},
    {"id": "name", "kind": "mask", "path": "/metadata/name"},
    {"id": "who", "kind": "drop", "path": "/context/*/id"},
]
CARD = "4111 1111 1111 1111"
SECRET = {
    "input": f"jane@example.org paid with {CARD}",
    "output": f"Ask jane@example.org about {CARD}.",
    "alternatives": [{"output": "joe@example.org", "confidence": 0.1}],
    "context": [{"kind": "chat", "id": "jane", "text": "from jane@example.org", "url": "https://x.org/?m=j@x.org"}],
    "metadata": {"name": "Jane", "plan": "pro"},
    "external_id": "ticket-secret",
}


def redact(world: World, *rules: dict[str, Any]) -> None:
    change_settings(pipeline=world.pipeline, changes={"redaction": list(rules)}, by=world.olga)


def everything_stored() -> str:
    """Every text of the claim's rows and of the ledger."""
    with connection.cursor() as cursor:
        found = []
        for table in ("claims_claim", "claims_claimpayload", "claims_decision", "review_reviewtask", "ledger.event"):
            cursor.execute(f"SELECT string_agg(row::text, ' ') FROM {table} AS row")
            found.append(cursor.fetchone()[0] or "")
    return " ".join(found)


def test_nothing_of_what_is_masked_is_stored(world: World) -> None:
    redact(world, *RULES)
    claim = world.claim(**SECRET)
    content = contents_of([claim.pk])[claim.pk]
    assert content["input"] == "[redacted:email] paid with [redacted:card]"
    assert content["output"] == f"Ask [redacted:email] about {CARD}."
    assert content["alternatives"] == [{"output": "[redacted:email]", "confidence": 0.1}]
    assert content["metadata"] == {"name": "[redacted:name]", "plan": "pro"}
    [item] = content["context"]
    assert (item["id"], item["text"], item["url"]) == (None, "from [redacted:email]", None)
    for secret in ("jane@example.org", "joe@", "j@x.org", "Jane"):
        assert secret not in everything_stored()


def test_the_ledger_and_the_answer_say_how_many_places_each_rule_took(world: World) -> None:
    redact(world, *RULES)
    submitted = world.submit(**SECRET)
    places = {"card": 1, "email": 5, "name": 1, "who": 1}
    claim_id = submitted.answer["id"]
    decided = life_of_claim(Claim.objects.get(pk=claim_id).pk)[0]
    assert decided.body["redacted"] == places
    assert submitted.answer["redacted"] == places
    assert answer_of(claim_of_source(world.source, Claim.objects.get().pk))["redacted"] == places
    assert "redacted" not in world.submit(input="plain").answer


def test_what_is_repeated_gets_the_first_answer_whatever_the_rules_are_by_then(world: World) -> None:
    redact(world, *RULES)
    first = world.submit(**SECRET)
    again = world.submit(**SECRET)
    assert (again.created, again.answer) == (False, first.answer)
    redact(world, {"id": "ip", "kind": "ip"})
    assert world.submit(**SECRET).answer == first.answer
    redact(world)
    assert world.submit(**SECRET).answer == first.answer
    assert Claim.objects.count() == 1


def test_a_claim_from_before_there_were_rules_is_recognised(world: World) -> None:
    first = world.submit(**SECRET)
    redact(world, *RULES)
    assert world.submit(**SECRET).answer == first.answer


def test_other_secrets_under_the_same_name_are_a_conflict_that_tells_nothing(world: World) -> None:
    redact(world, *RULES)
    world.submit(**SECRET)
    with pytest.raises(ClaimConflict) as conflict:
        world.submit(**{**SECRET, "input": f"joan@example.org paid with {CARD}"})
    assert conflict.value.facts["fields"] == ["redacted"]
    with pytest.raises(ClaimConflict) as conflict:
        world.submit(**{**SECRET, "confidence": 0.5})
    assert conflict.value.facts["fields"] == ["confidence"]


def test_twins_in_a_batch_and_its_preview_are_recognised_by_what_was_submitted(world: World) -> None:
    redact(world, *RULES)
    body = world.claim_body(**SECRET)
    other = {**body, "input": "joan@example.org"}
    now = timezone.now()
    foreseen = intake.preview_batch(source=world.source, bodies=[body, body, other], now=now)
    done = intake.submit_batch(source=world.source, bodies=[body, body, other], now=now)
    assert [each.status for each in foreseen] == [each.status for each in done] == [201, 200, 409]


def test_inputs_that_differ_in_secrets_alone_are_one_cluster(world: World) -> None:
    redact(world, *RULES)
    one, two = world.claim(input="a@example.org asks"), world.claim(input="b@example.org asks")
    assert bytes(one.fingerprint) == bytes(two.fingerprint)
    assert bytes(one.content_hash) != bytes(two.content_hash)


def test_the_stored_hash_cannot_be_made_by_whoever_guesses_the_text(world: World) -> None:
    redact(world, *RULES)
    body = world.claim_body(**SECRET)
    now = datetime.now(UTC)
    submission = parse_submission(body, now=now)
    intake.submit(source=world.source, submission=submission, now=now)
    assert bytes(Claim.objects.get().content_hash) != submission.content_hash


def test_a_change_of_the_rules_is_an_event_that_says_no_pattern(world: World) -> None:
    redact(world, {"id": "order", "kind": "pattern", "pattern": "ORD-[0-9]{6}"})
    leaf = Event.objects.filter(kind="pipeline.changed").latest("id").leaf
    assert json.loads(leaf)["body"]["changed"] == ["redaction"]
    assert "ORD" not in leaf


def test_comments_of_reviewers_are_masked_too(world: World) -> None:
    redact(world, *RULES)
    world.claim(confidence=0.3)
    lease = taken(world.rita)
    save_draft(reviewer=world.rita, lease_id=lease.pk, draft={"note": "Told jane@example.org", "verdict": "correct"})
    lease.refresh_from_db()
    assert lease.draft == {"note": "Told [redacted:email]", "verdict": "correct"}
    submit(lease, LabelAnswer(verdict="correct", note="Told jane@example.org so."))
    assert Label.objects.get().note == "Told [redacted:email] so."


def test_a_right_answer_that_is_reported_is_masked_like_the_output(world: World) -> None:
    redact(world, *RULES)
    claim = world.claim()
    report = Report(False, output=f"Ask jane@example.org about {CARD}.", told_by="jane@example.org")
    outcome, created = report_outcome(source=world.source, claim_id=claim.pk, report=report)
    assert created
    stored = claim.outcomes.get(pk=outcome.pk)
    assert (stored.output, stored.told_by) == (f"Ask [redacted:email] about {CARD}.", "[redacted:email]")
    assert report_outcome(source=world.source, claim_id=claim.pk, report=report) == (stored, False)


def test_golden_items_hold_nothing_to_be_masked(world: World) -> None:
    redact(world, *RULES)
    golden = golden_set(world)
    with pytest.raises(Invalid) as invalid:
        drafts.put_items(golden_set=golden, items=[Item(key="one", input="ask jane@example.org", answer="yes")])
    assert [(problem.pointer, problem.code) for problem in invalid.value.problems] == [("/one/input", "redacted")]
    assert drafts.put_items(golden_set=golden, items=[Item(key="one", input="ask", answer="yes")]).size == 1


def test_what_models_answer_to_golden_items_is_compared_as_it_came_and_kept_masked(world: World) -> None:
    made = golden_set(world)
    publish(world, made, [Item(key="one", input="ask", answer="Ask jane@example.org"), Item(key="two", answer="no")])
    redact(world, *RULES)
    run = started(world, made)
    bodies = [{"key": "one", "output": "ask jane@example.org", "confidence": 0.9}]
    assert answered(run, bodies)[0] == [201]
    assert answered(run, bodies)[0] == [200]
    answer = GoldenAnswer.objects.get()
    assert answer.right
    assert answer.payload.output == "ask [redacted:email]"
    redact(world)
    assert answered(run, bodies)[0] == [200]
    assert answered(run, [{**bodies[0], "output": "ask joe@example.org"}])[0] == [409]


def statements_of_a_claim(world: World) -> int:
    with CaptureQueriesContext(connection) as queries:
        world.submit()
    return len(queries)


def test_rules_cost_no_statement(world: World) -> None:
    world.submit()
    without = statements_of_a_claim(world)
    redact(world, *RULES)
    assert statements_of_a_claim(world) == without


def test_without_rules_a_submission_is_taken_as_it_is(world: World) -> None:
    """The very object: nothing is copied, walked or hashed again."""
    from reviewqueue.claims.redaction import masked
    from reviewqueue.redaction.rules import rules_for

    submission = parse_submission(world.claim_body(), now=timezone.now())
    assert masked(submission, rules_for([]), key=b"") is submission
