"""Every address of the site, for every role, inside and outside its scope."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import override_settings
from django.urls import get_resolver, reverse
from django.utils import timezone

from calibration.cleaning import search_pipeline, start
from reviewqueue.accounts import services as accounts
from reviewqueue.auditors.services import run_waiting
from reviewqueue.auditors.services import start_verification as ask_for_verification
from reviewqueue.claims.attachments import store_attachment
from reviewqueue.deliveries.models import Delivery
from reviewqueue.deliveries.services import endpoints
from reviewqueue.erasure.services import ask_for_claim
from reviewqueue.golden.services import drafts, sets, watching
from reviewqueue.golden.services.sets import Terms
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.keys import create_key
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyVersion
from reviewqueue.reports.schedules import schedule_reports
from reviewqueue.reports.services import make_waiting
from tests import files
from tests.services.auditors.steps import keep_newest
from tests.services.calibration.test_clean import labelled_answers
from tests.services.erasure.steps import erased
from tests.services.golden.steps import questions, set_for_step
from tests.services.reports.steps import asked
from tests.services.review.golden import pause
from tests.services.review.steps import keep_filter, moved, submit, taken
from tests.web.heat import heat_of
from tests.web.visitor import Visitor, text_of
from tests.world import POLICY, SETUP, World

PEOPLE = ("rita", "sam", "olga", "ada", "adam", "nora")
ALLOWED = (200, 204, 303, 422)
FORMS = {
    *(
        "keys",
        "revise",
        "settings",
        "second_opinion",
        "breakers",
        "breaker_reset",
        "one_person",
        "policy_new",
        "flagged",
        "task_change",
        "queue_rules",
        "redaction",
    ),
    *("reviewers", "gold"),
    *("checkpoints", "compare_checkpoints", "verifications", "verify_bundle"),
    *("golden_sets", "golden_set", "golden_draft"),
    *("webhook_new", "webhook", "webhook_hosts"),
    *("change_password", "new_person", "person", "new_source", "source", "new_pipeline"),
    "cleaning",
    "segments",
    "review_form",
    *("retention", "erasures", "erasure"),
    *("reports", "report_schedules"),
}
"""Addresses that show the form they take."""
OPEN_TO_ALL = {"login", "logout", "choose_password", "healthz", "readyz"}

FIGURES = {"rita": 403, "sam": 200, "olga": 200, "ada": 200, "adam": 200, "nora": 404}
FIGURES_ELSEWHERE = {"rita": 404, "sam": 404, "olga": 404, "ada": 200, "adam": 200, "nora": 404}
DECIDES = {"rita": 403, "sam": 403, "olga": 303, "ada": 403, "adam": 303, "nora": 404}
DECIDES_ELSEWHERE = {"rita": 404, "sam": 404, "olga": 404, "ada": 403, "adam": 303, "nora": 404}


def everybody(status: int, **others: int) -> dict[str, int]:
    return {name: others.get(name, status) for name in PEOPLE}


Place = Callable[[World], list[object]]


def ritas_lease(world: World) -> list[object]:
    world.claim()
    return [taken(world.rita).pk]


def claim_with_a_file(world: World) -> list[object]:
    file, _ = store_attachment(source=world.source, content=files.png(), now=timezone.now())
    return [world.claim(context=[{"kind": "image", "attachment": str(file.pk)}]).pk, file.pk]


def ritas_lease_with_a_file(world: World) -> list[object]:
    _, file = claim_with_a_file(world)
    return [taken(world.rita).pk, file]


def ritas_filter(world: World) -> list[object]:
    return [keep_filter(world, world.rita).pk]


def ritas_label(world: World) -> list[object]:
    world.claim()
    return [submit(taken(world.rita)).label.pk]


def unlabelled_claim(world: World) -> list[object]:
    return [world.claim().pk]


def labelled_claim(world: World) -> list[object]:
    claim = world.claim()
    submit(taken(world.rita))
    return [claim.pk]


def seal() -> None:
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "signing.key"
        create_key(key, name=settings.LEDGER_ORIGIN)
        with override_settings(LEDGER_SIGNING_KEY_FILE=str(key)):
            ledger.seal()


def sealed_claim(world: World) -> list[object]:
    place = labelled_claim(world)
    seal()
    return place


def sealed_entry(world: World) -> list[object]:
    seal()
    return [0]


def sealed_ledger(world: World) -> list[object]:
    seal()
    return []


def adas_pin(world: World) -> list[object]:
    seal()
    return [keep_newest(world.ada, remark="at the audit").pk]


def verified_ledger(world: World) -> list[object]:
    ask_for_verification(by=world.ada)
    run_waiting()
    return []


def run_under_way(world: World) -> list[object]:
    return [ask_for_verification(by=world.ada).pk]


def a_report(world: World, pipeline: Pipeline | None) -> list[object]:
    seal()
    world.claim(category="refunds")
    report = asked(world.ada, pipeline)
    make_waiting()
    return [report.pk]


def report_here(world: World) -> list[object]:
    return a_report(world, world.pipeline)


def some_reports(world: World) -> list[object]:
    report_here(world)
    return []


def a_schedule(world: World) -> list[object]:
    world.sam.email = "sam@example.org"
    world.sam.save()
    return [schedule_reports(by=world.ada, pipeline=world.pipeline, every="month", recipients=[world.sam]).pk]


def a_schedule_exists(world: World) -> list[object]:
    a_schedule(world)
    return []


def report_of_all(world: World) -> list[object]:
    return a_report(world, None)


def here(world: World) -> list[object]:
    return [world.pipeline.slug]


def elsewhere(world: World) -> list[object]:
    other = pipelines.create_pipeline(
        slug="elsewhere", name="Elsewhere", question="Right?", owner=world.otto, categories=["refunds"],
        segment_values={"workflow": ["legal"]}, actor=SETUP,
    )  # fmt: skip
    policies.propose(pipeline=other, document=POLICY, proposer=world.otto)
    return [other.slug]


def looked_at_again(world: World) -> list[object]:
    """A round of second looks, one of which was overturned, and a search that found more."""
    labelled_answers(world, 20)
    search_pipeline(world.pipeline, now=timezone.now() + timedelta(hours=1))
    start(pipeline=world.pipeline, by=world.olga, wanted=1)
    submit(taken(world.ravi))
    submit(taken(world.ravi))
    return [world.pipeline.slug]


def measured_by_segment(world: World) -> list[object]:
    """Every kind of cell, a sentence about an inversion and a slice to watch."""
    heat_of(world)
    return [world.pipeline.slug]


def two_ways_here(world: World) -> list[object]:
    """One input with two kinds of confidence, and a label for each."""
    for way in ("logprob", "verbalized_after"):
        world.claim(elicitation=way, input="What does it cost?")
        submit(taken(world.rita))
    return [world.pipeline.slug]


def draft_here(world: World) -> list[object]:
    return [world.pipeline.slug, policies.propose(pipeline=world.pipeline, document=POLICY, proposer=world.otto).number]


def draft_elsewhere(world: World) -> list[object]:
    return [*elsewhere(world), 1]


def approved_here(world: World) -> list[object]:
    slug, number = draft_here(world)
    policies.approve(version=world.pipeline.policies.get(number=number), approver=world.adam)
    return [slug, number]


def approved_elsewhere(world: World) -> list[object]:
    slug, number = draft_elsewhere(world)
    version = PolicyVersion.objects.get(pipeline__slug=slug, number=number)
    policies.approve(version=version, approver=world.adam)
    return [slug, number]


def in_shadow(world: World) -> list[object]:
    slug, number = draft_here(world)
    policies.start_shadow(version=world.pipeline.policies.get(number=number), by=world.otto)
    return [slug, number]


def in_shadow_elsewhere(world: World) -> list[object]:
    slug, number = draft_elsewhere(world)
    policies.start_shadow(version=PolicyVersion.objects.get(pipeline__slug=slug, number=number), by=world.adam)
    return [slug, number]


def breaker_here(world: World) -> list[object]:
    breaker = policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="incident")
    return [world.pipeline.slug, breaker.pk]


def change_here(world: World) -> list[object]:
    return [world.pipeline.slug, moved(world).pk]


def endpoint_here(world: World) -> list[object]:
    endpoint, _ = endpoints.create_endpoint(source=world.source, url="https://hooks.example.com/", by=world.adam)
    return [endpoint.pk]


def endpoint_elsewhere(world: World) -> list[object]:
    """Of a source that posts to no pipeline of olga's."""
    source = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    endpoint, _ = endpoints.create_endpoint(source=source, url="https://hooks.example.com/", by=world.adam)
    return [endpoint.pk]


def delivery_here(world: World) -> list[object]:
    """Something that was given up; a challenge could not be sent again."""
    [endpoint_id] = endpoint_here(world)
    Delivery.objects.filter(endpoint=endpoint_id).update(type="outcome.settled", state="dead")
    return [Delivery.objects.get(endpoint=endpoint_id).pk]


def ritas_pause(world: World) -> list[object]:
    return [pause(world).pk]


def ritas_pause_here(world: World) -> list[object]:
    pause(world)
    return [world.pipeline.slug]


def golden_here(world: World) -> list[object]:
    """A golden set that measured two versions, with a draft of more items, and something that is late."""
    made, _ = set_for_step(world, "runs")
    drafts.put_items(golden_set=made, items=questions(12))
    world.claim(model_version="2026-11-01")
    watching.watch_traffic()
    return [world.pipeline.slug, made.name]


def golden_places(world: World) -> list[object]:
    return golden_here(world)[:1]


def golden_elsewhere(world: World) -> list[object]:
    [slug] = elsewhere(world)
    other = Pipeline.objects.get(slug=slug)
    sets.create_set(pipeline=other, name="prices", terms=Terms(owner=world.otto), by=world.otto)
    return [slug, "prices"]


def golden_version_here(world: World) -> list[object]:
    return [*golden_here(world), 1]


def golden_run_here(world: World) -> list[object]:
    made, run = set_for_step(world, "runs")
    return [world.pipeline.slug, made.name, run.pk]


def two_golden_runs(world: World) -> list[object]:
    made, run = set_for_step(world, "runs")
    return [world.pipeline.slug, made.name, run.pk, made.runs.exclude(pk=run.pk).get().pk]


def one_erasure(world: World) -> list[object]:
    """Asked for by adam."""
    return [ask_for_claim(by=world.adam, claim_id=world.claim().pk, basis="objection").pk]


def wished_erasure(world: World) -> list[object]:
    """One that waits, and one that is done."""
    erased(world, world.claim())
    one_erasure(world)
    return []


def rita_with_a_key(world: World) -> list[object]:
    accounts.issue_key(holder=world.rita, name="notebook", scopes=["review"], actor=SETUP)
    return [world.rita.pseudonym]


def the_source(world: World) -> list[object]:
    return [world.source.slug]


def nowhere(world: World) -> list[object]:
    return []


# Name of the address, method, where it leads, and the status for each person.
TABLE: list[tuple[str, str, Place, dict[str, int]]] = [
    ("home", "get", nowhere, everybody(303)),
    ("queue", "get", nowhere, everybody(200)),
    ("last_answers", "get", nowhere, everybody(403, rita=200, sam=200)),
    ("keys", "get", nowhere, everybody(200)),
    ("keys", "post", nowhere, everybody(422)),
    ("flagged", "get", here, everybody(403, rita=200, sam=200, nora=404)),
    ("flagged", "get", elsewhere, everybody(404, ada=403, adam=403)),
    ("flagged", "post", here, everybody(403, rita=303, sam=303, nora=404)),
    ("part", "get", here, everybody(403, rita=200, sam=200, nora=404)),
    ("part", "get", elsewhere, everybody(404, ada=403, adam=403)),
    ("save_filter", "post", here, everybody(303, nora=404)),
    ("save_filter", "post", elsewhere, everybody(404, ada=303, adam=303)),
    ("forget_filter", "post", ritas_filter, everybody(303)),
    ("take", "post", nowhere, everybody(403, rita=303, sam=303)),
    ("task", "get", ritas_lease, everybody(404, rita=200)),
    ("label", "post", ritas_lease, everybody(404, rita=422)),
    ("skip", "post", ritas_lease, everybody(404, rita=303)),
    ("hold", "post", ritas_lease, everybody(404, rita=303)),
    ("calming", "post", ritas_lease, everybody(404, rita=303)),
    ("attachment", "get", ritas_lease_with_a_file, everybody(404, rita=200)),
    ("hand_over", "post", ritas_lease, everybody(404, rita=303)),
    ("renew", "post", ritas_lease, everybody(404, rita=303)),
    ("release", "post", ritas_lease, everybody(404, rita=303)),
    ("draft", "post", ritas_lease, everybody(404, rita=200)),
    ("ready", "post", ritas_lease, everybody(404, rita=204)),
    ("let_go", "post", ritas_lease, everybody(204)),
    ("return_label", "post", ritas_label, everybody(404, sam=303)),
    ("revise", "get", ritas_label, everybody(404, rita=200)),
    ("revise", "post", ritas_label, everybody(404, rita=422)),
    ("pipelines", "get", nowhere, everybody(200, rita=403, nora=403)),
    ("pipeline", "get", here, FIGURES),
    ("pipeline", "get", elsewhere, FIGURES_ELSEWHERE),
    ("bands", "get", here, FIGURES),
    ("bands", "get", elsewhere, FIGURES_ELSEWHERE),
    ("segments", "get", measured_by_segment, FIGURES),
    ("segments", "get", elsewhere, FIGURES_ELSEWHERE),
    ("segments", "post", here, {**DECIDES, "olga": 404, "adam": 404}),
    ("segments", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 404}),
    ("compare", "get", two_ways_here, FIGURES),
    ("compare", "get", elsewhere, FIGURES_ELSEWHERE),
    ("signals", "get", here, FIGURES),
    ("signals", "get", elsewhere, FIGURES_ELSEWHERE),
    ("calibration", "get", here, FIGURES),
    ("calibration", "get", elsewhere, FIGURES_ELSEWHERE),
    ("drift", "get", here, FIGURES),
    ("drift", "get", elsewhere, FIGURES_ELSEWHERE),
    ("planner", "get", here, FIGURES),
    ("planner", "get", elsewhere, FIGURES_ELSEWHERE),
    ("coverage", "get", here, FIGURES),
    ("coverage", "get", elsewhere, FIGURES_ELSEWHERE),
    ("coverage_draft", "post", here, {**DECIDES, "olga": 409, "adam": 403}),
    ("coverage_draft", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("calibrators", "get", here, FIGURES),
    ("calibrators", "get", elsewhere, FIGURES_ELSEWHERE),
    ("roll_back", "post", here, {**DECIDES, "olga": 404, "adam": 403}),
    ("roll_back", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("tiers", "get", here, FIGURES),
    ("tiers", "get", elsewhere, FIGURES_ELSEWHERE),
    ("cleaning", "get", looked_at_again, FIGURES),
    ("cleaning", "get", elsewhere, FIGURES_ELSEWHERE),
    ("cleaning", "post", here, {**DECIDES, "olga": 422, "adam": 422}),
    ("cleaning", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("own_figures", "get", nowhere, everybody(403, rita=200, sam=200)),
    ("appeal", "post", ritas_pause, everybody(404, rita=422)),
    ("reviewers", "get", ritas_pause_here, FIGURES),
    ("reviewers", "get", elsewhere, FIGURES_ELSEWHERE),
    ("reviewers", "post", ritas_pause_here, everybody(403, sam=422, nora=404)),
    ("gold", "get", here, everybody(200, rita=403, sam=403, nora=404)),
    ("gold", "get", elsewhere, FIGURES_ELSEWHERE),
    ("gold", "post", here, {**DECIDES, "olga": 422, "adam": 422}),
    ("gold", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("golden_sets", "get", golden_places, everybody(200, rita=403, sam=403, nora=404)),
    ("golden_sets", "get", elsewhere, FIGURES_ELSEWHERE),
    ("golden_sets", "post", here, {**DECIDES, "olga": 422, "adam": 403}),
    ("golden_sets", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("golden_set", "get", golden_here, everybody(200, rita=403, sam=403, nora=404)),
    ("golden_set", "get", golden_elsewhere, FIGURES_ELSEWHERE),
    ("golden_set", "post", golden_here, {**DECIDES, "olga": 422, "adam": 403}),
    ("golden_set", "post", golden_elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("golden_draft", "get", golden_here, everybody(200, rita=403, sam=403, nora=404)),
    ("golden_draft", "post", golden_here, {**DECIDES, "olga": 422, "adam": 403}),
    ("golden_draft", "post", golden_elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("golden_version", "get", golden_version_here, everybody(200, rita=403, sam=403, nora=404)),
    ("golden_run", "get", golden_run_here, everybody(200, rita=403, sam=403, nora=404)),
    ("golden_compare", "get", two_golden_runs, everybody(200, rita=403, sam=403, nora=404)),
    ("review_form", "get", here, FIGURES),
    ("review_form", "get", elsewhere, FIGURES_ELSEWHERE),
    ("review_form", "post", here, {**DECIDES, "olga": 200, "adam": 200}),
    ("review_form", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 200}),
    ("review_form_preview", "post", here, {**DECIDES, "olga": 200, "adam": 200}),
    ("review_form_preview", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 200}),
    ("settings", "get", here, FIGURES),
    ("settings", "get", elsewhere, FIGURES_ELSEWHERE),
    ("settings", "post", here, {**DECIDES, "olga": 422, "adam": 422}),
    ("settings", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("retention", "get", here, FIGURES),
    ("retention", "get", elsewhere, FIGURES_ELSEWHERE),
    ("retention", "post", here, {**DECIDES}),
    ("retention", "post", elsewhere, {**DECIDES_ELSEWHERE}),
    ("erasures", "get", wished_erasure, everybody(200, rita=403, olga=403, nora=403)),
    ("erasures", "post", nowhere, everybody(403, adam=422)),
    ("erasure", "get", one_erasure, everybody(404, sam=200, ada=200, adam=200)),
    ("erasure", "post", one_erasure, everybody(404, sam=422, ada=422, adam=403)),
    ("second_opinion", "get", here, FIGURES),
    ("second_opinion", "get", elsewhere, FIGURES_ELSEWHERE),
    ("second_opinion", "post", here, {**DECIDES, "olga": 422, "adam": 422}),
    ("second_opinion", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("queue_rules", "get", here, FIGURES),
    ("queue_rules", "get", elsewhere, FIGURES_ELSEWHERE),
    ("queue_rules", "post", here, {**DECIDES, "olga": 422, "adam": 422}),
    ("queue_rules", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("alarms", "get", here, FIGURES),
    ("alarms", "get", elsewhere, FIGURES_ELSEWHERE),
    ("redaction", "get", here, FIGURES),
    ("redaction", "get", elsewhere, FIGURES_ELSEWHERE),
    ("redaction", "post", here, {**DECIDES, "olga": 422, "adam": 422}),
    ("redaction", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("skills", "post", here, {**DECIDES, "olga": 404, "adam": 404}),
    ("skills", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 404}),
    ("tasks", "get", here, FIGURES),
    ("tasks", "get", elsewhere, FIGURES_ELSEWHERE),
    ("tasks_change", "post", here, everybody(403, sam=422, adam=422, nora=404)),
    ("tasks_change", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("task_change", "get", change_here, FIGURES),
    ("task_change", "post", change_here, everybody(403, sam=303, nora=404)),
    ("policies", "get", here, FIGURES),
    ("policies", "get", elsewhere, FIGURES_ELSEWHERE),
    ("policy", "get", draft_here, FIGURES),
    ("policy", "get", draft_elsewhere, FIGURES_ELSEWHERE),
    ("policy_new", "get", here, {**DECIDES, "olga": 200, "adam": 403}),
    ("policy_new", "get", elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("policy_new", "post", here, {**DECIDES, "olga": 422, "adam": 403}),
    ("policy_new", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 403}),
    ("active_specification", "get", here, FIGURES),
    ("active_specification", "get", elsewhere, dict.fromkeys(PEOPLE, 404)),
    ("specification", "get", draft_here, FIGURES),
    ("specification", "get", draft_elsewhere, FIGURES_ELSEWHERE),
    ("policy_backtest", "get", draft_here, FIGURES),
    ("policy_backtest", "get", draft_elsewhere, FIGURES_ELSEWHERE),
    ("policy_shadow", "get", in_shadow, FIGURES),
    ("policy_shadow", "get", draft_elsewhere, FIGURES_ELSEWHERE),
    ("shadow_start", "post", draft_here, DECIDES),
    ("shadow_start", "post", draft_elsewhere, DECIDES_ELSEWHERE),
    ("shadow_stop", "post", in_shadow, DECIDES),
    ("shadow_stop", "post", in_shadow_elsewhere, DECIDES_ELSEWHERE),
    ("breakers", "get", here, FIGURES),
    ("breakers", "get", elsewhere, FIGURES_ELSEWHERE),
    ("breakers", "post", here, {**DECIDES, "sam": 422, "olga": 422, "adam": 422}),
    ("breakers", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("breaker_reset", "get", breaker_here, {**DECIDES, "olga": 200, "adam": 200}),
    ("breaker_reset", "post", breaker_here, {**DECIDES, "olga": 422, "adam": 422}),
    ("one_person", "get", here, FIGURES),
    ("one_person", "get", elsewhere, FIGURES_ELSEWHERE),
    ("one_person", "post", here, {**DECIDES, "olga": 403, "adam": 422}),
    ("one_person", "post", elsewhere, {**DECIDES_ELSEWHERE, "adam": 422}),
    ("policy_approve", "post", draft_here, DECIDES),
    ("policy_approve", "post", draft_elsewhere, DECIDES_ELSEWHERE),
    ("policy_retire", "post", approved_here, DECIDES),
    ("policy_retire", "post", approved_elsewhere, DECIDES_ELSEWHERE),
    ("policy_activate", "post", draft_here, DECIDES),
    ("policy_activate", "post", draft_elsewhere, DECIDES_ELSEWHERE),
    ("policy_reject", "post", draft_here, DECIDES),
    ("policy_reject", "post", draft_elsewhere, DECIDES_ELSEWHERE),
    ("change_password", "get", nowhere, everybody(200)),
    ("change_password", "post", nowhere, everybody(422)),
    ("people", "get", nowhere, everybody(403, ada=200, adam=200)),
    ("new_person", "get", nowhere, everybody(403, adam=200)),
    ("new_person", "post", nowhere, everybody(403, adam=422)),
    ("person", "get", rita_with_a_key, everybody(403, ada=200, adam=200)),
    ("person", "post", rita_with_a_key, everybody(403, adam=422)),
    ("sources", "get", nowhere, everybody(403, ada=200, adam=200)),
    ("new_source", "get", nowhere, everybody(403, adam=200)),
    ("new_source", "post", nowhere, everybody(403, adam=422)),
    ("source", "get", the_source, everybody(403, ada=200, adam=200)),
    ("source", "post", the_source, everybody(403, adam=422)),
    ("new_pipeline", "get", nowhere, everybody(403, adam=200)),
    ("new_pipeline", "post", nowhere, everybody(403, adam=422)),
    ("webhooks", "get", nowhere, everybody(403, olga=200, ada=200, adam=200)),
    ("webhook_new", "get", nowhere, everybody(403, adam=200)),
    ("webhook_new", "post", nowhere, everybody(403, adam=422)),
    ("webhook", "get", endpoint_here, everybody(403, olga=200, ada=200, adam=200)),
    ("webhook", "get", endpoint_elsewhere, everybody(403, olga=404, ada=200, adam=200)),
    ("webhook", "post", endpoint_here, everybody(403, adam=422)),
    ("webhook", "post", endpoint_elsewhere, everybody(403, olga=404, adam=422)),
    ("webhook_hosts", "get", nowhere, everybody(403, ada=200, adam=200)),
    ("webhook_hosts", "post", nowhere, everybody(403, adam=422)),
    ("delivery_replay", "post", delivery_here, everybody(403, adam=303)),
    ("ledger", "get", nowhere, everybody(403, ada=200, adam=200)),
    ("ledger_entry", "get", sealed_entry, everybody(403, ada=200, adam=200)),
    ("checkpoints", "get", sealed_ledger, everybody(403, ada=200, adam=200)),
    ("checkpoints", "post", nowhere, everybody(403, ada=422)),
    ("pin", "get", adas_pin, everybody(403, ada=200)),
    ("compare_checkpoints", "get", sealed_ledger, everybody(403, ada=200, adam=200)),
    ("compare_checkpoints", "post", nowhere, everybody(403, ada=422, adam=422)),
    ("reports", "get", some_reports, everybody(200, rita=403, nora=403)),
    ("reports", "post", nowhere, everybody(403, ada=422, adam=422)),
    ("report", "get", report_here, everybody(200, rita=403, nora=403)),
    ("report_schedules", "get", a_schedule_exists, everybody(403, ada=200, adam=200)),
    ("report_schedules", "post", nowhere, everybody(403, ada=422, adam=422)),
    ("report_schedule_end", "post", a_schedule, everybody(403, ada=303, adam=303)),
    ("report_bundle", "post", report_here, everybody(403, ada=200, adam=200)),
    ("report", "get", report_of_all, everybody(404, rita=403, nora=403, ada=200, adam=200)),
    ("samples", "get", nowhere, everybody(403, ada=200, adam=200)),
    ("verifications", "get", verified_ledger, everybody(403, ada=200, adam=200)),
    ("verifications", "post", nowhere, everybody(403, ada=303, adam=303)),
    ("verification", "get", run_under_way, everybody(403, ada=200, adam=200)),
    ("verify_bundle", "get", nowhere, everybody(403, ada=200, adam=200)),
    ("verify_bundle", "post", nowhere, everybody(403, ada=422, adam=422)),
    ("claim_bundle", "get", sealed_claim, everybody(200, rita=403, nora=404)),
    ("claim", "get", unlabelled_claim, everybody(200, rita=404, nora=404)),
    ("break_glass", "post", unlabelled_claim, everybody(403, rita=404, nora=404, adam=303)),
    ("claim", "get", labelled_claim, everybody(200, nora=404)),
    ("claim_file", "get", claim_with_a_file, everybody(200, rita=404, adam=404, nora=404)),
]


def names_of_addresses() -> dict[str, Callable[..., object]]:
    [web] = [each for each in get_resolver().url_patterns if getattr(each, "namespace", None) == "web"]
    return {pattern.name: pattern.callback for pattern in web.url_patterns}


def test_every_address_is_in_the_table_or_open_to_all() -> None:
    assert set(names_of_addresses()) - OPEN_TO_ALL == {name for name, *_ in TABLE}


AUDITORS_WRITE = {
    *("checkpoints", "verifications"),  # pins, and verifications to be run
    *("compare_checkpoints", "verify_bundle"),  # which keep nothing
    "erasure",  # the second of two persons
    *("keys", "change_password", "save_filter", "forget_filter", "let_go"),  # of their own account
}


def test_an_auditor_writes_pins_verifications_and_reports_and_nothing_else_of_others() -> None:
    written = {name for name, method, _, statuses in TABLE if method == "post" and statuses["ada"] in ALLOWED}
    assert {name for name in written if not name.startswith("report")} == AUDITORS_WRITE


def test_every_view_is_guarded_but_those_open_to_all() -> None:
    unguarded = {name for name, view in names_of_addresses().items() if not getattr(view, "guarded", False)}
    assert unguarded == OPEN_TO_ALL


@pytest.mark.parametrize(("name", "method", "place", "expected"), TABLE)
def test_a_page_answers_each_role_as_the_table_says_and_sends_strangers_to_log_in(
    world: World, name: str, method: str, place: Place, expected: dict[str, int]
) -> None:
    address = reverse(f"web:{name}", args=place(world))
    written = Event.objects.count()
    assert_sends_strangers_to_log_in(address, method)
    for person in PEOPLE:
        before = transaction.savepoint()
        response = getattr(Visitor(world.people[person]), method)(address)
        assert response.status_code == expected[person], person
        if expected[person] not in ALLOWED:
            assert Event.objects.count() == written, person
        transaction.savepoint_rollback(before)
    if method == "post" and name not in FORMS:
        assert Visitor(world.olga).get(address).status_code == 405


def assert_sends_strangers_to_log_in(address: str, method: str) -> None:
    plain = getattr(Visitor(), method)(address)
    assert plain.status_code == 302
    assert plain["Location"].startswith("/login/")
    ajax = Visitor().ajax(method, address, **{"HX-Current-URL": "http://testserver/queue/"})
    assert (ajax.status_code, ajax.content) == (401, b"")
    assert ajax.get("HX-Redirect") == ("/login/?next=/queue/" if method == "get" else None)


def test_a_disabled_account_is_a_stranger(world: World) -> None:
    rita = Visitor(world.rita)
    world.rita.is_active = False
    world.rita.save(update_fields=["is_active"])
    assert rita.get("/queue/").status_code == 302


def test_out_of_scope_and_not_there_look_the_same(world: World) -> None:
    sam = Visitor(world.sam)
    [slug] = elsewhere(world)
    hidden, missing = sam.get(f"/pipelines/{slug}/"), sam.get("/pipelines/no-such/")
    assert hidden.status_code == missing.status_code == 404
    assert without_tokens(hidden) == without_tokens(missing)


def without_tokens(response: HttpResponse) -> str:
    """A token is new in every answer."""
    return re.sub(r"[A-Za-z0-9]{64}", "token", text_of(response))
