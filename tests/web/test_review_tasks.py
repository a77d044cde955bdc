"""Taking a task, answering it, and what comes next: with htmx and without."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import Label, Lease, ReviewTask, Skip
from reviewqueue.review.services import leases
from tests.services.review.steps import CHOICE, ask_for_choices, review_terms, run_out, submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World


def at(name: str, lease: Lease) -> str:
    return reverse(f"web:{name}", args=[lease.pk])


def test_start_reviewing_leads_to_the_task_and_the_answer_to_the_next_one(world: World, rita: Visitor) -> None:
    first, second = world.claim(), world.claim()
    task = rita.post("/queue/take/")["Location"]
    assert rita.get(task).status_code == 200
    answered = rita.post(task + "label/", {"verdict": "correct", "seconds": "3.5", "note": ""})
    assert answered.status_code == 303
    assert answered["Location"] != task
    label = Label.objects.get()
    assert (label.claim_id, label.verdict, label.seconds) == (first.pk, "correct", 3.5)
    assert Lease.objects.get(ended_at__isnull=True).task.claim_id == second.pk


def test_with_htmx_the_next_task_is_the_answer_and_the_address_follows(world: World, rita: Visitor) -> None:
    world.claim()
    world.claim(input="the second question")
    lease = taken(world.rita)
    answer = rita.ajax("post", at("label", lease), {"verdict": "incorrect", "correction": "12 EUR"})
    page = text_of(answer)
    next_lease = Lease.objects.get(ended_at__isnull=True)
    assert answer["HX-Push-Url"] == at("task", next_lease)
    assert "<html" not in page
    assert "the second question" in page
    assert "Saved: <strong>Incorrect</strong>" in page
    assert reverse("web:revise", args=[Label.objects.get().pk]) in page


def test_when_nothing_is_left_the_queue_says_why(world: World, rita: Visitor) -> None:
    world.claim()
    answer = rita.ajax("post", at("label", taken(world.rita)), {"verdict": "correct"})
    assert answer["HX-Redirect"] == "/queue/"
    assert "All done" in text_of(rita.get("/queue/"))


def test_an_answer_without_a_verdict_is_refused_and_keeps_what_was_written(world: World, rita: Visitor) -> None:
    world.claim()
    answer = rita.ajax("post", at("label", taken(world.rita)), {"note": "my long note"})
    assert answer.status_code == 422
    assert "Choose an answer." in text_of(answer)
    assert "my long note" in text_of(answer)
    assert not Label.objects.exists()


def test_what_the_service_refuses_is_said_beside_the_field(world: World, rita: Visitor) -> None:
    ask_for_choices(world)
    world.claim(output="true")
    sent = {"choice": "false", "note": "x" * 10_001}
    answer = rita.post(at("label", taken(world.rita)), sent)
    assert answer.status_code == 422
    assert "at most 10000 characters" in text_of(answer)


def test_a_correction_written_before_the_verdict_turned_correct_does_not_count(world: World, rita: Visitor) -> None:
    world.claim()
    rita.post(at("label", taken(world.rita)), {"verdict": "correct", "correction": "left over"})
    assert Label.objects.get().output is None


@pytest.mark.parametrize(
    ("choice", "verdict", "output"),
    [("true", "correct", None), ("false", "incorrect", "false"), ("cannot_judge",) * 2 + (None,)],
)
def test_a_choice_is_compared_with_the_output_that_was_shown(
    world: World, rita: Visitor, choice: str, verdict: str, output: str | None
) -> None:
    ask_for_choices(world)
    world.claim(output="True")
    rita.post(at("label", taken(world.rita)), {"choice": choice})
    label = Label.objects.get()
    assert (label.verdict, label.output) == (verdict, output)


def test_a_blind_choice_is_compared_by_the_service_and_revealed_afterwards(world: World, rita: Visitor) -> None:
    world.activate(review_terms(blind="answer"))
    ask_for_choices(world)
    world.claim(output="true", confidence=0.95)
    world.claim(output="true")
    answer = rita.ajax("post", at("label", taken(world.rita)), {"choice": "false"})
    label = Label.objects.get()
    assert (label.verdict, label.output) == ("incorrect", "false")
    assert "The model answered <bdi>true</bdi> and said 95 %; you disagreed." in text_of(answer)
    assert CHOICE["options"] == ["true", "false"]


def test_a_draft_comes_back_with_the_page(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    rita.ajax("post", at("draft", lease), {"verdict": "incorrect", "correction": "12 EUR", "note": "half a"})
    page = text_of(Visitor(world.rita).get(at("task", lease)))
    assert 'value="incorrect" data-key="x 2" checked' in page
    assert "12 EUR</textarea>" in page
    assert "half a</textarea>" in page


def test_a_lease_that_ran_out_still_takes_the_answer(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    assert "Your hold ran out" in text_of(rita.get(at("task", lease)))
    rita.post(at("label", lease), {"verdict": "correct"})
    assert Label.objects.get().late


def test_an_answer_that_came_too_late_is_shown_beside_the_one_that_stands(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    submit(taken(world.ravi))
    answer = rita.ajax("post", at("label", lease), {"verdict": "incorrect", "correction": "my words", "note": "mine"})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "Your answer was not saved" in page
    assert "my words" in page
    assert "<strong>Correct</strong>" in page
    lease.refresh_from_db()
    assert lease.draft["correction"] == "my words"
    assert Label.objects.count() == 1


def test_the_page_of_a_task_that_is_over_says_so_and_keeps_the_draft(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    leases.save_draft(reviewer=world.rita, lease_id=lease.pk, draft={"note": "kept words"})
    run_out(lease)
    submit(taken(world.ravi))
    page = rita.get(at("task", lease))
    assert page.status_code == 409
    assert "kept words" in text_of(page)


def test_a_skip_needs_a_reason_and_brings_the_next_task(world: World, rita: Visitor) -> None:
    world.claim()
    world.claim()
    lease = taken(world.rita)
    assert rita.post(at("skip", lease))["Location"] == at("task", lease)
    assert not Skip.objects.exists()
    skipped = rita.post(at("skip", lease), {"reason": "need_context"})
    assert Skip.objects.get().reason == "need_context"
    assert skipped["Location"] == at("task", Lease.objects.get(ended_at__isnull=True))


def test_an_escalation_needs_a_note_and_the_senior_reads_it(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    assert rita.post(at("skip", lease), {"reason": "escalate"})["Location"] == at("task", lease)
    assert "Say in a note" in text_of(rita.get(at("task", lease)))
    assert not Skip.objects.exists()
    rita.post(at("skip", lease), {"reason": "escalate", "note": "Two <b>lists</b> disagree"})
    page = text_of(Visitor(world.sam).get(at("task", taken(world.sam))))
    assert "Two &lt;b&gt;lists&lt;/b&gt; disagree" in page


def test_the_clock_is_answered_alone_and_says_when_the_task_is_lost(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    renewed = rita.ajax("post", at("renew", lease), **{"HX-Target": "lease"})
    assert 'data-seconds="59' in text_of(renewed) or 'data-seconds="600"' in text_of(renewed)
    assert "<html" not in text_of(renewed)
    run_out(lease)
    submit(taken(world.ravi))
    lost = rita.ajax("post", at("renew", lease), **{"HX-Target": "lease"})
    assert lost.status_code == 409
    assert "Not yours any more" in text_of(lost)
    assert rita.post(at("renew", lease)).status_code == 303


def test_a_task_and_an_answer_take_a_bounded_number_of_queries(world: World, rita: Visitor) -> None:
    for _ in range(3):
        world.claim(context=[{"kind": "document", "title": "t", "text": "x"}] * 20)
    lease = taken(world.rita)
    with CaptureQueriesContext(connection) as of_page:
        rita.get(at("task", lease))
    with CaptureQueriesContext(connection) as of_answer:
        rita.ajax("post", at("label", lease), {"verdict": "correct"})
    assert len(of_page) <= 10
    assert len(of_answer) <= 60


def test_an_answer_can_be_taken_back_while_the_window_is_open(world: World, rita: Visitor) -> None:
    world.claim()
    label = submit(taken(world.rita)).label
    address = reverse("web:revise", args=[label.pk])
    assert 'value="correct" data-key="a 1" checked' in text_of(rita.get(address))
    assert rita.post(address, {"verdict": "incorrect", "reason": "slip"})["Location"] == "/queue/"
    assert list(Label.objects.order_by("revision").values_list("verdict", flat=True)) == ["correct", "incorrect"]


def test_a_choice_is_preselected_when_it_is_taken_back(world: World, rita: Visitor) -> None:
    ask_for_choices(world)
    world.claim(output="true")
    rita.post(at("label", taken(world.rita)), {"choice": "true"})
    page = text_of(rita.get(reverse("web:revise", args=[Label.objects.get().pk])))
    assert 'value="true" data-key="1" checked' in page


def test_somebody_who_lost_a_pipeline_goes_on_with_the_others(world: World, rita: Visitor) -> None:
    for _ in range(2):
        world.claim()
    task = rita.post("/queue/take/", {"pipeline": world.pipeline.slug})["Location"]
    Pipeline.objects.filter(pk=world.pipeline.pk).update(slug="renamed")
    assert rita.post(task + "label/", {"verdict": "correct"})["Location"].startswith("/review/")


def test_after_the_window_the_answer_stays(world: World, rita: Visitor) -> None:
    world.activate(review_terms(undo_seconds=0))
    world.claim()
    label = submit(taken(world.rita)).label
    refused = rita.post(reverse("web:revise", args=[label.pk]), {"verdict": "incorrect", "reason": "slip"})
    assert refused.status_code == 409
    assert Label.objects.count() == 1
    assert "Undo" not in text_of(rita.get("/queue/"))


def test_keeping_a_task_for_later_keeps_what_was_written_and_brings_the_next_one(world: World, rita: Visitor) -> None:
    world.claim()
    world.claim(input="the second question")
    first = taken(world.rita)
    answer = rita.ajax("post", at("hold", first), {"minutes": "60", "note": "ask the shop"})
    assert "the second question" in text_of(answer)
    assert "Kept for you until" in text_of(answer)
    first.refresh_from_db()
    assert first.draft["note"] == "ask the shop"
    queue = text_of(rita.get("/queue/"))
    assert "kept until" in queue
    assert "ask the shop" in text_of(rita.get(at("task", first)))


def test_start_reviewing_leads_past_what_is_kept_for_later(world: World, rita: Visitor) -> None:
    world.claim()
    world.claim()
    first = taken(world.rita)
    rita.post(at("hold", first), {"minutes": "30"})
    second = Lease.objects.exclude(pk=first.pk).get()
    assert rita.post("/queue/take/")["Location"] == at("task", second)


def test_how_long_a_task_is_kept_is_one_of_the_choices(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    assert rita.post(at("hold", lease), {"minutes": "7"})["Location"] == at("task", lease)
    assert "Choose how long to keep the task." in text_of(rita.get(at("task", lease)))
    lease.refresh_from_db()
    assert lease.held_until is None


def test_a_task_is_handed_to_a_colleague_who_sees_by_whom_and_why(world: World, rita: Visitor) -> None:
    world.claim(input="the first question")
    world.claim(input="the second question")
    lease = taken(world.rita)
    assert 'value="ravi"' in text_of(rita.get(at("task", lease)))
    answer = rita.ajax("post", at("hand_over", lease), {"to": "ravi", "note": "<b>You know</b> this"})
    assert "the second question" in text_of(answer)
    assert "Handed to Ravi" in text_of(answer)
    ravi = Visitor(world.ravi)
    assert "1 task waits for you alone" in text_of(ravi.get("/queue/"))
    page = text_of(ravi.get(ravi.post("/queue/take/")["Location"]))
    assert "Handed to you by Rita" in page
    assert "&lt;b&gt;You know&lt;/b&gt; this" in page


def test_handing_a_task_to_nobody_keeps_it(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    for to in ("", "nobody"):
        assert rita.post(at("hand_over", lease), {"to": to})["Location"] == at("task", lease)
    page = text_of(rita.get(at("task", lease)))
    assert "Choose who is to get the task." in page
    assert "Nobody of that name reviews here." in page


def test_a_senior_returns_a_label_from_the_page_of_its_claim(world: World, rita: Visitor) -> None:
    claim = world.claim()
    label = submit(taken(world.rita)).label
    sam = Visitor(world.sam)
    page = f"/claims/{claim.pk}/"
    assert "Return it to Rita" in text_of(sam.get(page))
    assert "Return it to" not in text_of(rita.get(page))
    given = sam.post(reverse("web:return_label", args=[label.pk]), {"comment": "<i>March?</i>"})
    assert given["Location"] == page
    shown = text_of(sam.get(page))
    assert "Sam returned it" in shown
    assert "Return it to" not in shown
    queue = text_of(rita.get("/queue/"))
    assert "Returned to you" in queue
    assert "&lt;i&gt;March?&lt;/i&gt;" in queue
    ReviewTask.objects.update(undo_seconds=0)
    revise = reverse("web:revise", args=[label.pk])
    assert "Save it unchanged to stand by your answer." in text_of(rita.get(revise))
    rita.post(revise, {"verdict": "correct", "reason": "returned"})
    assert "Kept as it was." in text_of(rita.get("/queue/"))
    assert "Returned to you" not in text_of(rita.get("/queue/"))


def test_a_return_without_a_comment_says_what_is_missing(world: World) -> None:
    claim = world.claim()
    label = submit(taken(world.rita)).label
    sam = Visitor(world.sam)
    sam.post(reverse("web:return_label", args=[label.pk]), {"comment": " "})
    assert "Say what there is to think about." in text_of(sam.get(f"/claims/{claim.pk}/"))
