"""A run of a golden set: answers in batches, compared at once, finished once, and never claims."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction
from django.utils import timezone

from calibration import services as calibration
from calibration.selectors import band_table, subjects
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.golden import measuring
from reviewqueue.golden.models import GoldenAnswer, GoldenAnswerPayload, GoldenRun
from reviewqueue.golden.selectors import answers_digest, is_whole
from reviewqueue.golden.services import runs, sets, watching
from reviewqueue.golden.services.runs import TooManyAnswers, TooManyRuns
from reviewqueue.golden.services.sets import GoldenSetNotInUse
from reviewqueue.ledger.models import Event
from reviewqueue.review.models import ReviewTask
from tests.services.golden.steps import (
    answer_bodies,
    answered,
    erase,
    finished,
    golden_set,
    publish,
    published,
    questions,
    started,
)
from tests.world import MODEL, World


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "DRAWS", 20)


REFUSED = (ProgrammingError, InternalError, IntegrityError)


def entries(kind: str) -> list[dict[str, object]]:
    return [json.loads(event.leaf)["body"] for event in Event.objects.filter(kind=kind).order_by("id")]


def test_a_run_is_complete_with_its_last_answer_and_says_how_many_were_right(world: World) -> None:
    run = started(world, published(world))
    statuses, half = answered(run, answer_bodies(5))
    assert statuses == [201] * 5
    assert (half.state, half.answered, half.missing) == ("open", 5, 5)
    _, whole = answered(run, answer_bodies(5, lambda place: place != 7, first=6))
    assert (whole.state, whole.answered, whole.right, whole.missing) == ("complete", 10, 9, 0)
    assert whole.report["measures"]["accuracy"]["value"] == 0.9
    assert whole.report["measures"]["ece_mass"]["note"] == "too_few_labels"


def test_its_ledger_entries_hold_counts_figures_and_a_digest_and_no_text(world: World) -> None:
    run = finished(world, published(world), right=lambda place: place > 2)
    [begun] = entries("golden.run_started")
    assert begun["run"] == str(run.pk)
    assert (begun["golden_set"], begun["golden_version"], begun["size"]) == ("prices", 1, 10)
    [ended] = entries("golden.run_completed")
    assert (ended["answered"], ended["right"], ended["missing"], ended["accuracy_ppm"]) == (10, 8, 0, 800_000)
    assert ended["lower_ppm"] < 800_000 < ended["upper_ppm"]
    assert ended["digest"] == answers_digest(run).hex()
    assert "EUR" not in json.dumps([begun, ended])
    assert "no idea" not in json.dumps(ended)


def test_the_same_answer_again_is_no_second_one_and_another_answer_is_refused(world: World) -> None:
    run = started(world, published(world))
    answered(run, answer_bodies(3))
    again = [*answer_bodies(2), {**answer_bodies(3)[2], "output": "4 EUR"}, *answer_bodies(1, first=4)]
    statuses, after = answered(run, again)
    assert statuses == [200, 200, 409, 201]
    assert after.answered == 4
    assert GoldenAnswer.objects.filter(run=run).count() == 4


def test_of_twins_in_one_batch_the_first_counts(world: World) -> None:
    [body] = answer_bodies(1)
    statuses, _ = answered(started(world, published(world)), [body, body, {**body, "confidence": 0.1}])
    assert statuses == [201, 200, 409]


def test_each_answer_stands_or_falls_alone(world: World) -> None:
    [good] = answer_bodies(1)
    bad = [{**good, "key": "plan-99"}, {**good, "confidence": 90}, "nonsense", {"key": "plan-2"}, {**good, "more": 1}]
    results, after = runs.answer_batch(run=started(world, published(world)), bodies=[*bad, good], now=timezone.now())
    assert [result.status for result in results] == [422] * 5 + [201]
    pointers = [[problem.pointer for problem in result.error.problems] for result in results[:5]]
    assert pointers == [["/key"], ["/confidence"], [""], ["/confidence", "/output"], ["/more"]]
    assert after.answered == 1


def test_closing_counts_what_is_missing_and_ends_the_run_for_good(world: World) -> None:
    run = started(world, published(world))
    answered(run, answer_bodies(9))
    closed = runs.close_run(run=run, now=timezone.now())
    assert (closed.state, closed.missing) == ("closed", 1)
    assert not is_whole(closed)
    assert runs.close_run(run=run, now=timezone.now()).finished_at == closed.finished_at
    statuses, after = answered(run, [*answer_bodies(2), *answer_bodies(1, first=10)])
    assert statuses == [200, 200, 409]
    assert after.answered == 9
    [ended] = entries("golden.run_completed")
    assert (ended["missing"], ended["state"]) == (1, "closed")


def test_a_run_nobody_answered_can_be_closed_and_has_no_figures(world: World) -> None:
    closed = runs.close_run(run=started(world, published(world)), now=timezone.now())
    assert closed.report["measures"]["accuracy"] == {"value": None, "lo": None, "hi": None, "note": "no_labels"}
    assert watching.measure_runs() == 0


def test_a_batch_has_at_most_a_thousand_answers(world: World) -> None:
    with pytest.raises(TooManyAnswers):
        runs.answer_batch(run=started(world, published(world)), bodies=[{}] * 1_001, now=timezone.now())


def test_nothing_is_measured_by_a_set_that_is_not_published_or_is_retired(world: World) -> None:
    made = golden_set(world)
    with pytest.raises(GoldenSetNotInUse):
        started(world, made)
    publish(world, made, questions(2))
    sets.retire_set(golden_set=made, by=world.olga)
    with pytest.raises(GoldenSetNotInUse):
        started(world, made)
    sets.retire_set(golden_set=made, by=world.olga, retired=False)
    assert started(world, made).size == 2


def test_open_runs_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_OPEN", 2)
    made = published(world)
    started(world, made)
    first = started(world, made)
    with pytest.raises(TooManyRuns):
        started(world, made)
    runs.close_run(run=first, now=timezone.now())
    started(world, made)


def test_a_run_stays_with_the_version_it_was_begun_on(world: World) -> None:
    made = published(world)
    run = started(world, made)
    publish(world, made, questions(12))
    _, after = answered(run, answer_bodies(10))
    assert (after.state, after.version.number) == ("complete", 1)


def test_the_sweep_adds_intervals_once_and_leaves_what_the_policy_promised_then(world: World) -> None:
    run = finished(world, published(world, 30), 30, right=lambda place: place % 3 > 0)
    assert run.report["draws"] == 0
    assert (watching.measure_runs(), watching.measure_runs()) == (1, 0)
    after = GoldenRun.objects.get(pk=run.pk)
    brier = after.report["measures"]["brier"]
    assert brier["lo"] < brier["value"] < brier["hi"]
    assert after.report["measures"]["brier"]["value"] == run.report["measures"]["brier"]["value"]
    assert after.report["promises"] == run.report["promises"]


def test_figures_of_each_segment_come_with_the_run(world: World) -> None:
    run = finished(world, published(world), right=lambda place: place % 2 == 1)
    rows = {row["segment"]: (row["n"], row["right"]) for row in run.report["segments"]}
    assert rows == {"category=pricing": (10, 5), "language=en": (5, 5), "language=de": (5, 0)}


def test_two_hundred_answers_have_calibration_errors(world: World) -> None:
    run = finished(world, published(world, 200), 200, right=lambda place: place % 10 > 0, confidence=0.9)
    assert run.report["measures"]["ece_mass"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert run.report["measures"]["smooth_ece"]["value"] == pytest.approx(0.0, abs=1e-3)


def test_inputs_that_come_twice_are_one_input(world: World) -> None:
    made = golden_set(world)
    twins = questions(4)
    publish(world, made, [*twins[:2], *[_named(twins[0], f"again-{place}") for place in range(3)]])
    run = started(world, made)
    bodies = [
        *answer_bodies(2),
        *[{"key": f"again-{place}", "output": "1 EUR", "confidence": 0.9} for place in range(3)],
    ]
    _, after = answered(run, bodies)
    assert after.report["inputs"] == 2


def _named(item, key):  # type: ignore[no-untyped-def]  # a test's own shorthand
    from msgspec.structs import replace

    return replace(item, key=key)


# --- never claims ---------------------------------------------------------------------------------------------------


def test_answers_are_no_claims_and_touch_nothing_that_measures_the_traffic(world: World) -> None:
    world.validate_band()
    for number in range(3):
        world.claim(external_id=f"real-{number}")
    calibration.measure_bands()
    before, last = (Claim.objects.count(), Decision.objects.count(), ReviewTask.objects.count()), Event.objects.last()
    table, known = band_table(world.pipeline), subjects(world.pipeline)
    finished(world, published(world, 60), 60, right=lambda _: False, model_version="2026-11-01")
    finished(world, published(world, 60, name="again"), 60, right=lambda _: False)
    calibration.measure_bands()
    watching.measure_runs()
    assert (Claim.objects.count(), Decision.objects.count(), ReviewTask.objects.count()) == before
    assert band_table(world.pipeline) == table
    assert subjects(world.pipeline) == known
    assert watching.watch_traffic() == 1
    assert last is not None
    assert set(Event.objects.filter(id__gt=last.pk).values_list("kind", flat=True)) <= {
        *("golden.set_created", "golden.published", "golden.run_started", "golden.run_completed"),
    }


def test_a_good_golden_run_validates_no_band(world: World) -> None:
    finished(world, published(world, 400), 400, confidence=0.95)
    world.claim()
    calibration.measure_bands()
    assert {row.state for table in band_table(world.pipeline) for row in table.rows} == {"unmeasured"}
    assert world.submit(confidence=0.99).answer["decision"]["route"] == "review"


# --- worse than promised --------------------------------------------------------------------------------------------


def test_a_version_beyond_doubt_worse_than_the_policy_promises_is_a_finding(world: World) -> None:
    """The band from 0.9 on may be wrong in one of ten."""
    made = published(world, 60)
    fair = finished(world, made, 60, right=lambda place: place % 8 > 0, confidence=0.95)
    poor = finished(world, made, 60, right=lambda place: place % 3 > 0, confidence=0.95, model_version="2026-11-01")
    [promise] = fair.report["promises"]
    assert (promise["band"], promise["n"], promise["errors"], promise["worse"]) == ("0.90-1.00", 60, 7, False)
    [promise] = poor.report["promises"]
    assert (promise["errors"], promise["worse"]) == (20, True)
    assert promise["error_lower"] > promise["allowed"] == pytest.approx(0.1)
    assert [entry["worse_bands"] for entry in entries("golden.run_completed")] == [[], ["0.90-1.00"]]
    assert world.pipeline.breakers.count() == 0


def test_what_falls_into_no_promising_band_finds_nothing(world: World) -> None:
    poor = finished(world, published(world, 60), 60, right=lambda _: False, confidence=0.5)
    [promise] = poor.report["promises"]
    assert (promise["n"], promise["worse"], promise["error_upper"]) == (0, False, 1.0)


# --- what stays -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda run: GoldenRun.objects.filter(pk=run.pk).update(right=1),
        lambda run: GoldenRun.objects.filter(pk=run.pk).update(state="open", finished_at=None, finished_event=None),
        lambda run: GoldenRun.objects.filter(pk=run.pk).update(model_version="better"),
        lambda run: GoldenRun.objects.filter(pk=run.pk).delete(),
        lambda run: GoldenAnswer.objects.filter(run=run).update(right=True),
        lambda run: run.answers.first().delete(),
        lambda run: GoldenAnswerPayload.objects.filter(answer__run=run).update(ciphertext=b""),
        lambda run: GoldenAnswer.objects.create(
            run=run, item=run.version.items.first(), confidence=1, right=True, content_hash=b"", commitment=b"",
            answered_at=timezone.now(),
        ),
    ],
)  # fmt: skip
def test_the_database_refuses_to_rewrite_a_run(world: World, change) -> None:  # type: ignore[no-untyped-def]
    run = finished(world, published(world), right=lambda _: False)
    with pytest.raises(REFUSED), transaction.atomic():
        change(run)


def test_texts_can_be_erased_and_figures_and_digests_stay(world: World) -> None:
    made = published(world)
    run = finished(world, made)
    digests = answers_digest(run), bytes(run.version.digest)
    erase(world, made, "plan-1")
    after = GoldenRun.objects.select_related("version").get(pk=run.pk)
    assert (answers_digest(after), bytes(after.version.digest)) == digests
    assert after.report["measures"]["accuracy"]["value"] == 1.0
    next_run = started(world, made)
    assert next_run.size == 9
    statuses, over = answered(next_run, answer_bodies(10))
    assert statuses == [422] + [201] * 9
    assert over.state == "complete"


def test_who_answers_a_hundred_times_as_much_asks_the_database_no_more_often(
    world: World, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    run = started(world, published(world, 300))
    with django_assert_max_num_queries(12):
        answered(run, answer_bodies(2))
    with django_assert_max_num_queries(12):
        answered(run, answer_bodies(200, first=3))


def test_nothing_is_told_of_a_run_before_it_is_over(world: World) -> None:
    run = started(world, published(world))
    answered(run, answer_bodies(3))
    assert entries("golden.run_completed") == []
    assert GoldenRun.objects.get(pk=run.pk).report is None


def test_signals_come_with_answers(world: World) -> None:
    [body] = answer_bodies(1)
    statuses, _ = answered(started(world, published(world)), [{**body, "signals": {"agreement": 0.5}}])
    assert statuses == [201]
    assert GoldenAnswer.objects.get().signals == {"agreement": 0.5}


def test_the_model_of_a_run_is_named_as_claims_name_it(world: World) -> None:
    run = started(world, published(world))
    assert run.subject == tuple(MODEL.values())
    assert run.started_at <= timezone.now() + timedelta(seconds=1)
