"""Claims, leases, labels, outcomes, policies, erasures and crashes in any order, committed: all of it can be proven."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase
from hypothesis import settings as run_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pytest_django import Settings

from reviewqueue.claims.models import Claim, Decision, Outcome
from reviewqueue.claims.reporting import MandatoryReview, Report, report_outcome
from reviewqueue.claims.services import PayloadErased
from reviewqueue.errors import DomainError, Forbidden
from reviewqueue.intake import ClaimConflict
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.services import seal
from reviewqueue.ledger.verify_export import Key, Unusable, Verification
from reviewqueue.pipelines.models import Role
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import Label, Lease
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.leases import LeaseLost
from reviewqueue.transfers.evidence import export_evidence
from tests.invariants import Operation, violations
from tests.reset import reset_database
from tests.services.erasure.steps import erased
from tests.services.ledger.cast import prepare_sealing
from tests.services.review.steps import end_now, newcomer, review_terms, undo_windows_pass
from tests.world import World, make_world

PEOPLE = st.sampled_from(["rita", "ravi", "sam", "selma"])
VERDICTS = st.sampled_from(["correct", "incorrect"])
CATEGORIES = st.sampled_from(["general", "pricing", "refunds"])
AUDITOR = Actor.user("0198f0c2-0000-7000-8000-0000000000a0", role="auditor")


EXAMPLES, STEPS = 20, 30


class Crash(BaseException):
    """The process ends here: nobody catches it."""


class Crashing:
    """Raises at a write to the database, counted from 0."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "COPY", "WITH")):
            if self.left == 0:
                raise Crash
            self.left -= 1
        return execute(sql, *rest)


def counts() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Claim, Decision, Lease, Label, Outcome, Event))


class WholeMachine(RuleBasedStateMachine):
    sealing: ClassVar[Callable[[], VerifierKey]]

    def __init__(self) -> None:
        super().__init__()
        reset_database()
        self.key = type(self).sealing()
        self.world: World = make_world()
        self.world.people["selma"] = newcomer(self.world, "selma", Role.SENIOR)
        self.mandatory = ["refunds"]
        self._activate()
        self.done: list[Operation] = []
        self.claims: dict[str, dict[str, Any]] = {}
        self.labelled: dict[Any, tuple[str, str]] = {}
        self.erased: set[str] = set()
        self.must_be_seen: set[str] = set()

    @rule(category=CATEGORIES, confidence=st.sampled_from([0.3, 0.7, 0.97]))
    def a_claim_comes_in(self, category: str, confidence: float) -> None:
        self.a_claim(f"case-{len(self.claims)}", category, confidence)

    def a_claim(self, name: str, category: str, confidence: float) -> None:
        body = {"external_id": name, "category": category, "confidence": confidence, "input": name}
        answer = self.world.submit(**body).answer
        self.claims[name] = {**body, "id": answer["id"]}
        self.done.append(Operation("claim", name, "ok", answer["id"]))
        if category in self.mandatory:
            self.must_be_seen.add(answer["id"])

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), changed=st.booleans())
    def a_claim_comes_in_again(self, data: Any, changed: bool) -> None:
        known = data.draw(st.sampled_from(list(self.claims.values())))
        body = {name: value for name, value in known.items() if name != "id"}
        if changed or known["external_id"] in self.erased:
            with pytest.raises(ClaimConflict):
                self.world.submit(**{**body, **({"output": "Nothing."} if changed else {})})
            return
        again = self.world.submit(**body)
        assert (again.created, again.answer["id"]) == (False, known["id"])

    @rule(person=PEOPLE, verdict=VERDICTS, late=st.booleans())
    def take_and_label(self, person: str, verdict: str, late: bool) -> None:
        if lease := self._take(person):
            if late:
                end_now(lease)
                leases.expire_leases()
            self._label(lease, verdict)

    @rule(first=PEOPLE, second=PEOPLE, verdict=VERDICTS)
    def somebody_takes_over_and_the_first_answers_too(self, first: str, second: str, verdict: str) -> None:
        if lease := self._take(first):
            end_now(lease)
            others = self._take(second)
            self._label(lease, verdict)
            if others:
                self._label(others, verdict)

    @rule(person=PEOPLE, renewed=st.booleans())
    def take(self, person: str, renewed: bool) -> None:
        lease = self._take(person)
        if lease and renewed:
            leases.renew(reviewer=lease.reviewer, lease_id=lease.pk)

    @precondition(lambda self: Lease.objects.exists())
    @rule(data=st.data(), verdict=VERDICTS)
    def label_under_any_lease(self, data: Any, verdict: str) -> None:
        self._label(data.draw(st.sampled_from(list(Lease.objects.order_by("granted_at")))), verdict)

    @precondition(lambda self: Lease.objects.filter(ended_at=None).exists())
    @rule(data=st.data())
    def a_lease_runs_out(self, data: Any) -> None:
        end_now(data.draw(st.sampled_from(list(Lease.objects.filter(ended_at=None).order_by("granted_at")))))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), correct=st.booleans())
    def an_outcome_is_told_from_outside(self, data: Any, correct: bool) -> None:
        name = data.draw(st.sampled_from(list(self.claims)))
        claim, report = self.claims[name]["id"], Report(correct, told_by="a look outside")
        try:
            outcome, _ = report_outcome(source=self.world.source, claim_id=UUID(claim), report=report)
        except MandatoryReview:
            assert Decision.objects.get(claim=claim, standing=True).mandatory
        except PayloadErased:
            assert name in self.erased
        else:
            self.done.append(Operation("outcome", name, "ok", str(outcome.pk)))

    @rule(stricter=st.booleans())
    def the_policy_changes(self, stricter: bool) -> None:
        if stricter and "pricing" not in self.mandatory:
            self.mandatory = ["refunds", "pricing"]
        self._activate()

    @precondition(lambda self: len(self.erased) < len(self.claims))
    @rule(data=st.data())
    def a_claim_is_erased(self, data: Any) -> None:
        name = data.draw(st.sampled_from([name for name in self.claims if name not in self.erased]))
        claim = Claim.objects.get(pk=self.claims[name]["id"])
        wish = erased(self.world, claim)
        self.erased.add(name)
        self.done.append(Operation("erasure", str(claim.pk), "ok", str(wish.pk)))

    @rule()
    def seal(self) -> None:
        seal()

    @rule(statement=st.integers(0, 12), person=PEOPLE, what=st.sampled_from(["claim", "take", "label"]))
    def crash(self, statement: int, person: str, what: str) -> None:
        """The process ends at one of its writes: all is as before. Or it comes through, if it writes less often."""
        lease = self._take(person) if what == "label" else None
        if what == "label" and lease is None:
            return
        before = counts()
        with suppress(Crash), connection.execute_wrapper(Crashing(statement)):
            if what == "claim":
                self.a_claim(f"case-{len(self.claims)}", "general", 0.7)
            elif lease:
                self._label(lease, "correct")
            else:
                self._take(person, at_once=True)
            return
        assert counts() == before

    @invariant()
    def what_was_acknowledged_is_there_and_nothing_else(self) -> None:
        assert {str(pk) for pk in Claim.objects.values_list("pk", flat=True)} == {
            claim["id"] for claim in self.claims.values()
        }
        given = Label.objects.filter(revision=0).values_list("lease_id", "reviewer__username", "verdict")
        assert {lease: (person, verdict) for lease, person, verdict in given} == self.labelled

    @invariant()
    def one_lease_is_live_on_a_slot(self) -> None:
        live = list(Lease.objects.filter(ended_at=None).values_list("slot_id", flat=True))
        assert len(live) == len(set(live))

    @invariant()
    def no_mandatory_claim_is_settled_without_a_label(self) -> None:
        settled = {
            str(pk) for pk in Claim.objects.filter(status__in=["decided", "settled"]).values_list("pk", flat=True)
        }
        seen = {str(pk) for pk in Label.objects.values_list("task__claim_id", flat=True)}
        assert settled & self.must_be_seen <= seen

    def teardown(self) -> None:
        seal()
        assert violations(self.done, keys=[self.key]) == []
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "export"
            export_evidence(path=folder, actor=AUDITOR)
            assert self._verified(folder) == (0, [])
            entries = folder / "entries-0000.jsonl"
            flipped = bytearray(entries.read_bytes())
            place = len(self.done) * 7919 % len(flipped)
            flipped[place] ^= 1 << place % 8
            entries.write_bytes(flipped)
            with suppress(Unusable):
                assert self._verified(folder)[0] != 0

    def _verified(self, folder: Path) -> tuple[int, list[str]]:
        verification = Verification(folder, [Key.parse(str(self.key))], [], 600_000_000)
        return verification.run(), verification.findings

    def _activate(self) -> None:
        document = review_terms(undo_seconds=0, labels_needed=2)
        document["mandatory"] = {**document["mandatory"], "categories": self.mandatory}
        document["sampling"] = {"epoch": f"2026-{self.world.policy.pk}"}
        self.world.activate(document)

    def _take(self, person: str, *, at_once: bool = False) -> Lease | None:
        if not at_once:
            undo_windows_pass()
        try:
            lease = leases.take(reviewer=self.world.people[person])
        except DomainError:
            return None
        return lease if isinstance(lease, Lease) else None

    def _label(self, lease: Lease, verdict: str) -> None:
        known = self.labelled.get(lease.pk)
        try:
            made = labels.submit_label(reviewer=lease.reviewer, lease_id=lease.pk, answer=LabelAnswer(verdict))
        except (LeaseLost, PayloadErased, Forbidden):
            self.done.append(Operation("label", str(lease.pk), "fail"))
            return
        assert made.created == (known is None)
        self.labelled[lease.pk] = known or (lease.reviewer.username, verdict)
        self.done.append(Operation("label", str(lease.pk), "ok", str(made.label.pk)))


def test_whatever_happens_the_export_proves_all_that_was_acknowledged(
    committed_db: None, settings: Settings, tmp_path: Path
) -> None:
    WholeMachine.sealing = staticmethod(lambda: prepare_sealing(settings, Path(tempfile.mkdtemp(dir=tmp_path))))
    run_state_machine_as_test(
        WholeMachine,
        settings=run_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.generate,),  # a history is told in full; to shorten it would take minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
