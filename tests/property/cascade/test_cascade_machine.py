"""Claims, answers, labels, handlers, policies and time in any order: whatever is not done, somebody is asked for it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, ClassVar, TypeVar

import pytest
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from reviewqueue.cascade.asking import ask_handlers
from reviewqueue.cascade.models import Attempt, SecondaryHandler, Step
from reviewqueue.cascade.services import handlers, rerouting, steps
from reviewqueue.cascade.services.cases import SupersededAlready
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.reporting import MandatoryReview, Report, report_outcome
from reviewqueue.errors import Forbidden
from reviewqueue.pipelines.models import Role
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.rerouting import STRICTNESS, rerouted
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import policy_of
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import Label, Lease, ReviewSlot, ReviewTask
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.leases import LeaseLost, TooManyLeases
from tests.services.cascade.steps import STEP_MINUTES, cascading, time_passes
from tests.services.deliveries.steps import allow
from tests.services.review.steps import newcomer, run_out, undo_windows_pass
from tests.unit.deliveries.receiver import Receiver, here, status
from tests.world import POLICY, World

EVERYTHING = ["general", "pricing", "refunds"]
REVIEW = POLICY["review"] | {"undo_seconds": 0}
POLICIES = {
    "retry": cascading("retry", review=REVIEW),
    "secondary": cascading("secondary", review=REVIEW, step_budget=2),
    "abstain": cascading("abstain", review=REVIEW),
    "two labels": cascading("ask", review={**REVIEW, "labels_needed": 2}),
    "pricing is mandatory": cascading(
        "retry", review=REVIEW, mandatory={"categories": ["pricing", "refunds"], "segments": {}, "route": "review"}
    ),
    "all is for seniors": cascading(
        "retry", review=REVIEW, mandatory={"categories": EVERYTHING, "segments": {}, "route": "escalate"}
    ),
}
PEOPLE = st.sampled_from(["rita", "ravi", "sam", "selma"])
VERDICTS = st.sampled_from(["correct", "incorrect", "cannot_judge"])
CONFIDENCES = st.sampled_from([0.2, 0.5, 0.5, 0.7, 0.97])
CATEGORIES = st.sampled_from(["general", "general", "pricing", "refunds"])
PLACES = st.integers(0, 50)
DRAW = ("audit_u", "audit_rate", "audit_sampled", "inclusion_probability")

T = TypeVar("T", bound=Model)


def chosen(things: QuerySet[T], place: int) -> T | None:
    """One of them. What there is depends on the draw of audit samples, and what Hypothesis draws must not."""
    found = list(things)
    return found[place % len(found)] if found else None


class CascadeMachine(RuleBasedStateMachine):
    world: ClassVar[World]
    receiver: ClassVar[Receiver]

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.released: set[Any] = set()

    def teardown(self) -> None:
        """When all time is over, nobody waits for a caller any more; what was wrong does not reach the next run."""
        try:
            self._all_time_passes()
        finally:
            transaction.savepoint_rollback(self.savepoint)

    def _all_time_passes(self) -> None:
        for claim in Claim.objects.filter(status="awaiting_step"):
            time_passes(claim, minutes=STEP_MINUTES + 1)
        steps.expire_steps()
        assert not Claim.objects.filter(status="awaiting_step").exists()
        self.every_claim_is_done_or_somebody_is_asked_for_it()

    # --- what happens -------------------------------------------------------------------------------------------

    @initialize(
        name=st.sampled_from(["secondary", "secondary", *sorted(POLICIES)]),
        claims=st.lists(st.tuples(CONFIDENCES, CATEGORIES), min_size=2, max_size=6),
    )
    def a_policy_is_active_and_claims_come_in(self, name: str, claims: list[tuple[float, str]]) -> None:
        self._activate(name)
        self.world.validate_band()
        self.claims_come_in(claims)

    @rule(claims=st.lists(st.tuples(CONFIDENCES, CATEGORIES), min_size=1, max_size=3))
    def claims_come_in(self, claims: list[tuple[float, str]]) -> None:
        for confidence, category in claims:
            self.world.submit(confidence=confidence, category=category)

    @rule(place=PLACES, confidence=CONFIDENCES, category=CATEGORIES, output=st.sampled_from(["18 EUR", "15 EUR"]))
    def a_claim_is_answered(self, place: int, confidence: float, category: str, output: str) -> None:
        earlier = chosen(Claim.objects.order_by("pk"), place)
        if earlier is None:
            return
        body = {"confidence": confidence, "category": category, "output": output, "supersedes": str(earlier.pk)}
        if Attempt.objects.filter(claim=earlier, standing=False).exists():
            with pytest.raises(SupersededAlready):
                self.world.submit(**body)
            return
        waited = earlier.status == "awaiting_step"
        self.world.submit(**body)
        assert Claim.objects.get(pk=earlier.pk).status == ("decided" if waited else earlier.status)

    @rule(opinion=st.sampled_from([0.5, 0.7, 0.97, None]))
    def the_handler_is_asked(self, opinion: float | None) -> None:
        said = {"output": "18 EUR", "confidence": opinion, "model": "acme-lm", "model_version": "2026-10-01"}
        self.receiver.answers[:] = [status(200, json.dumps(said).encode())]
        Step.objects.filter(closed_at=None).update(next_try_at=None)
        ask_handlers(resolve=here)

    @rule(minutes=st.integers(1, 2 * STEP_MINUTES), swept=st.booleans())
    def time_goes_by(self, minutes: int, swept: bool) -> None:
        for claim in Claim.objects.filter(steps__closed_at=None, steps__isnull=False):
            time_passes(claim, minutes=minutes)
        if swept:
            self.the_sweep_looks_for_steps_that_are_over()

    @rule()
    def the_sweep_looks_for_steps_that_are_over(self) -> None:
        steps.expire_steps()
        assert not Step.objects.filter(closed_at=None, due_at__lte=timezone.now()).exists()

    @rule(name=st.sampled_from(sorted(POLICIES)), validated=st.booleans(), swept=st.booleans())
    def the_policy_changes(self, name: str, validated: bool, swept: bool) -> None:
        self._activate(name)
        if validated:
            self.world.validate_band()
        if swept:
            self.open_claims_are_routed_again()

    @rule()
    def open_claims_are_routed_again(self) -> None:
        self.released |= set(Claim.objects.filter(status="decided").values_list("pk", flat=True))
        before = dict(Decision.objects.filter(standing=True, claim__in=self.released).values_list("claim", "pk"))
        rerouting.reroute_open_claims()
        after = dict(Decision.objects.filter(standing=True, claim__in=self.released).values_list("claim", "pk"))
        assert before == after

    @rule(person=PEOPLE)
    def somebody_takes_a_task(self, person: str) -> None:
        self._take(person)

    @rule(person=PEOPLE, verdict=VERDICTS)
    def somebody_takes_a_task_and_labels_it(self, person: str, verdict: str) -> None:
        if lease := self._take(person):
            self._label(lease, verdict)

    @rule(place=PLACES, verdict=VERDICTS)
    def who_holds_a_task_labels_it(self, place: int, verdict: str) -> None:
        held = Lease.objects.filter(ended_at=None).select_related("reviewer").order_by("granted_at")
        if lease := chosen(held, place):
            self._label(lease, verdict)

    @rule(swept=st.booleans())
    def holds_run_out(self, swept: bool) -> None:
        for lease in Lease.objects.filter(ended_at=None):
            run_out(lease)
        if swept:
            leases.expire_leases()

    @rule(place=PLACES, correct=st.booleans())
    def the_truth_is_reported(self, place: int, correct: bool) -> None:
        claim = chosen(Claim.objects.order_by("pk"), place)
        if claim is None:
            return
        waits_for_a_person = (
            claim.decisions.filter(standing=True, mandatory=True).exists() and not claim.labels.exists()
        )
        report = Report(correct=correct, told_by="a customer")
        if waits_for_a_person:
            with pytest.raises(MandatoryReview):
                report_outcome(source=self.world.source, claim_id=claim.pk, report=report)
        else:
            report_outcome(source=self.world.source, claim_id=claim.pk, report=report)

    # --- what must be true --------------------------------------------------------------------------------------

    @invariant()
    def every_claim_is_done_or_somebody_is_asked_for_it(self) -> None:
        slots = ReviewSlot.objects.filter(task=OuterRef("pk"), done=False, due_at__isnull=False)
        open_tasks = ReviewTask.objects.filter(
            Exists(slots), claim=OuterRef("pk"), closed_at=None, due_at__isnull=False
        )
        open_steps = Step.objects.filter(claim=OuterRef("pk"), closed_at=None, due_at__isnull=False)
        claims = Claim.objects.annotate(is_with_people=Exists(open_tasks), is_with_its_caller=Exists(open_steps))
        for claim in claims:
            match claim.status:
                case "awaiting_step":
                    assert claim.is_with_its_caller
                case "in_review":
                    assert claim.is_with_people
                    assert not claim.is_with_its_caller
                case "decided":
                    assert not claim.is_with_its_caller
                case other:
                    assert other == "settled"

    @invariant()
    def one_attempt_of_a_case_stands_and_it_is_the_last(self) -> None:
        cases: dict[Any, list[tuple[int, bool]]] = {}
        for case, number, standing in Attempt.objects.order_by("case", "number").values_list(
            "case", "number", "standing"
        ):
            cases.setdefault(case, []).append((number, standing))
        for attempts in cases.values():
            assert attempts == [(number, number == len(attempts)) for number in range(1, len(attempts) + 1)]

    @invariant()
    def mandatory_claims_are_never_automated_nor_settled_without_a_person(self) -> None:
        mandatory = Claim.objects.filter(decisions__mandatory=True).distinct()
        for claim in mandatory.prefetch_related("decisions", "labels", "outcomes"):
            standing = next(decision for decision in claim.decisions.all() if decision.standing)
            assert standing.mandatory
            assert standing.route in ("review", "escalate")
            assert claim.status in ("in_review", "settled")
            settled_since = [outcome for outcome in claim.outcomes.all() if outcome.created_at > standing.decided_at]
            assert not settled_since or claim.labels.exists()

    @invariant()
    def decisions_get_stricter_keep_their_draw_and_replay(self) -> None:
        decisions = Decision.objects.select_related("policy_version").order_by("claim", "number")
        by_claim: dict[Any, list[Decision]] = {}
        for decision in decisions:
            by_claim.setdefault(decision.claim_id, []).append(decision)
        for chain in by_claim.values():
            assert [decision.standing for decision in chain] == [False] * (len(chain) - 1) + [True]
            for before, after in pairwise(chain):
                assert STRICTNESS[after.route] >= STRICTNESS[before.route]
                assert [getattr(before, name) for name in DRAW] == [getattr(after, name) for name in DRAW]
                version = after.policy_version
                again = route(facts_from_json(after.facts), policy_of(version.pk, version.document_hash))
                replayed = rerouted(before, again, labels_needed=0)
                assert replayed is not None
                assert (replayed.route, list(replayed.reasons)) == (after.route, after.reasons)

    @invariant()
    def the_database_would_commit_this(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    # --- how it is done -----------------------------------------------------------------------------------------

    def _activate(self, name: str) -> None:
        self.world.activate(POLICIES[name])

    def _take(self, person: str) -> Lease | None:
        undo_windows_pass()
        try:
            lease = leases.take(reviewer=self.world.people[person])
        except TooManyLeases:
            return None
        return lease if isinstance(lease, Lease) else None

    def _label(self, lease: Lease, verdict: str) -> None:
        """What somebody held before anything became stricter still counts."""
        mine = Label.objects.filter(task=lease.task_id, reviewer=lease.reviewer_id).exists()
        try:
            labels.submit_label(reviewer=lease.reviewer, lease_id=lease.pk, answer=LabelAnswer(verdict))
        except LeaseLost:
            lease.refresh_from_db()
            assert mine or lease.ended_at is not None or lease.slot.lease_no != lease.lease_no
        except Forbidden:
            assert lease.reviewer.username in ("sam", "selma")  # who gave one of the labels this is about


def test_whatever_happens_every_claim_ends_or_is_asked_for(world: World) -> None:
    world.people["selma"] = newcomer(world, "selma", Role.SENIOR)
    with Receiver(encrypted=False) as receiver:
        allow(world, receiver)
        handlers.register_handler(
            pipeline=world.pipeline, url=receiver.url, model="acme-lm", timeout_seconds=5, by=world.olga
        )
        SecondaryHandler.objects.update(verified_at=timezone.now())
        CascadeMachine.world, CascadeMachine.receiver = world, receiver
        run_state_machine_as_test(
            CascadeMachine,
            settings=settings(
                max_examples=30,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
