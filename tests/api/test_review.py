"""Review over REST: take, renew, give back, label, change one's mind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from reviewqueue.ledger.models import Event
from reviewqueue.review.models import Label, Lease, ReviewSlot, ReviewTask
from tests.api.caller import Caller, assert_problem, key_for, lease_path, row_counts, taken
from tests.world import World

CORRECT = {"verdict": "correct", "seconds": 12.4}


def run_out(work: dict[str, Any]) -> None:
    """Moves the lease and its slot into the past."""
    past = timezone.now() - timedelta(minutes=1)
    Lease.objects.filter(pk=work["lease"]["id"]).update(expires_at=past)
    ReviewSlot.objects.update(free_at=past)


def test_a_reviewer_takes_labels_and_the_claim_is_settled(helpdesk: Caller, rita: Caller, world: World) -> None:
    claim = helpdesk.post("/claims", world.claim_body()).json()
    work = taken(rita, pipeline="support-answers", purpose=None)
    assert work["task"]["claim"]["id"] == claim["id"]
    assert set(work["lease"]) == {"id", "expires_at"}
    response = rita.post(lease_path(work, "label"), CORRECT)
    assert response.status_code == 201
    answer = response.json()
    assert answer["label"]["verdict"] == "correct"
    assert answer["outcome"]["correct"] is True
    assert "reveal" not in answer
    shown = helpdesk.get(f"/claims/{claim['id']}").json()
    assert (shown["status"], shown["outcome"]["basis"]) == ("settled", "labels")


def test_a_correction_may_hold_a_number_that_the_database_writes_out(rita: Caller, world: World) -> None:
    world.claim()
    wrong = {"verdict": "incorrect", "output": [[-3.630273575630337e16, False]]}
    answer = rita.post(lease_path(taken(rita), "label"), wrong)
    assert answer.status_code == 201
    assert answer.json()["outcome"]["correct"] is False


def test_nothing_to_take_is_204_with_a_reason(rita: Caller, ravi: Caller, world: World) -> None:
    stranger = Caller(key_for(world.nora, "review"))
    for caller, reason in ((rita, "empty"), (stranger, "no_access")):
        response = caller.post("/reviews/take")
        assert (response.status_code, response.content) == (204, b"")
        assert response["X-Queue-Reason"] == reason
    world.claim()
    taken(rita)
    assert ravi.post("/reviews/take")["X-Queue-Reason"] == "all_leased"


def test_a_queue_one_has_no_part_in_is_404_and_one_may_not_work_in_403(rita: Caller, world: World) -> None:
    assert_problem(rita.post("/reviews/take", {"pipeline": "elsewhere"}), 404)
    assert_problem(Caller(key_for(world.nora, "review")).post("/reviews/take", {"pipeline": "support-answers"}), 404)
    assert_problem(Caller(key_for(world.olga, "review")).post("/reviews/take", {"pipeline": "support-answers"}), 403)


def test_the_same_label_again_is_200_and_a_different_one_409(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    path = lease_path(taken(rita), "label")
    first = rita.post(path, CORRECT)
    before = row_counts()
    again = rita.post(path, CORRECT)
    assert again.status_code == 200
    assert again.content == first.content
    problem = assert_problem(rita.post(path, {"verdict": "incorrect"}), 409, "lease_lost")  # B62
    assert problem["label"]["verdict"] == "correct"
    assert row_counts() == before


def test_a_repeated_label_under_an_idempotency_key_is_replayed(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    path = lease_path(taken(rita), "label")
    first = rita.post(path, CORRECT, idempotency_key="l-1")
    again = rita.post(path, CORRECT, idempotency_key="l-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Label.objects.count() == 1


def test_a_repeated_take_under_an_idempotency_key_is_the_same_lease(
    helpdesk: Caller, rita: Caller, world: World
) -> None:
    assert rita.post("/reviews/take", idempotency_key="t-1").status_code == 204
    helpdesk.post("/claims", world.claim_body())
    helpdesk.post("/claims", world.claim_body())
    first = rita.post("/reviews/take", idempotency_key="t-1")
    assert first.status_code == 200
    assert rita.post("/reviews/take", idempotency_key="t-1").content == first.content
    assert Lease.objects.count() == 1


def test_a_late_label_counts_as_long_as_nobody_took_over(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    work = taken(rita)
    run_out(work)
    answer = rita.post(lease_path(work, "label"), CORRECT)
    assert answer.status_code == 201
    assert answer.json()["label"]["late"] is True


def test_a_label_after_somebody_took_over_is_409_and_shows_only_what_may_be_seen(
    helpdesk: Caller, rita: Caller, ravi: Caller, world: World
) -> None:
    helpdesk.post("/claims", world.claim_body())
    work = taken(rita)
    run_out(work)
    other = taken(ravi)
    lost = assert_problem(rita.post(lease_path(work, "label"), CORRECT), 409, "lease_lost")
    assert lost["label"] is None
    ravi.post(lease_path(other, "label"), {"verdict": "incorrect", "note": "wrong price"})
    lost = assert_problem(rita.post(lease_path(work, "label"), CORRECT), 409, "lease_lost")
    assert lost["label"]["verdict"] == "incorrect"


def test_another_persons_lease_and_label_are_404(helpdesk: Caller, rita: Caller, ravi: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    work = taken(rita)
    for action, body in (("label", CORRECT), ("renew", None), ("release", {"reason": "other"})):
        assert_problem(ravi.post(lease_path(work, action), body), 404)  # B60
    label = rita.post(lease_path(work, "label"), CORRECT).json()["label"]
    revision = {"verdict": "incorrect", "reason": "slip"}
    assert_problem(ravi.post(f"/labels/{label['id']}/revise", revision), 404)


def test_renewing_gives_more_time(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    work = taken(rita)
    Lease.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    for body in (None, {}):
        response = rita.post(lease_path(work, "renew"), body)
        assert response.status_code == 200
        assert set(response.json()) == {"lease"}
    assert Lease.objects.get().expires_at > timezone.now() + timedelta(minutes=5)
    assert_problem(rita.post(lease_path(work, "renew"), {"minutes": 600}), 422)


def test_a_task_given_back_goes_to_the_next_person(helpdesk: Caller, rita: Caller, ravi: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    work = taken(rita)
    response = rita.post(lease_path(work, "release"), {"reason": "need_context", "note": "Which plan?"})
    assert (response.status_code, response.content) == (204, b"")
    assert rita.post(lease_path(work, "release"), {"reason": "need_context"}).status_code == 204
    assert rita.post("/reviews/take").status_code == 204
    assert taken(ravi)["task"]["id"] == work["task"]["id"]
    assert not Event.objects.filter(leaf__contains="Which plan?").exists()


def test_a_change_of_mind_is_a_further_label(helpdesk: Caller, rita: Caller, world: World) -> None:
    claim = helpdesk.post("/claims", world.claim_body()).json()
    label = rita.post(lease_path(taken(rita), "label"), CORRECT).json()["label"]
    revised = rita.post(f"/labels/{label['id']}/revise", {"verdict": "incorrect", "reason": "slip"})
    assert revised.status_code == 201
    assert revised.json()["label"]["revision"] == 1
    assert helpdesk.get(f"/claims/{claim['id']}").json()["outcome"]["correct"] is False
    again = rita.post(f"/labels/{label['id']}/revise", {"verdict": "incorrect", "reason": "slip"})
    assert again.status_code == 200
    assert Label.objects.count() == 2


def test_a_change_of_mind_comes_in_time_or_not_at_all(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    label = rita.post(lease_path(taken(rita), "label"), CORRECT).json()["label"]
    ReviewTask.objects.update(undo_seconds=0)
    late = rita.post(f"/labels/{label['id']}/revise", {"verdict": "incorrect", "reason": "slip"})
    assert_problem(late, 409, "undo_window_over")


def test_a_sixth_task_in_hand_is_409(helpdesk: Caller, rita: Caller, world: World) -> None:
    for _ in range(6):
        helpdesk.post("/claims", world.claim_body())
    for _ in range(5):
        taken(rita)
    assert_problem(rita.post("/reviews/take"), 409, "too_many_leases")  # B63


def test_a_bad_label_is_refused_and_pointed_at(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    path = lease_path(taken(rita), "label")
    before = row_counts()
    for body, pointer in (
        ({}, "/verdict"),
        ({"verdict": "maybe"}, "/verdict"),
        ({"verdict": 1}, "/verdict"),
        ({"verdict": "correct", "note": "x" * 100_000}, "/note"),
        ({"verdict": "correct", "seconds": -1}, "/seconds"),
        ({"verdict": "correct", "seconds": True}, "/seconds"),
        ({"verdict": "incorrect", "error_types": ["elsewhere"]}, "/error_types"),
        ({"verdict": "correct", "lease_no": 1}, "/lease_no"),
        ({"verdict": "correct", "reviewer": "ravi"}, "/reviewer"),
        ([], ""),
    ):  # B59
        problem = assert_problem(rita.post(path, body), 422, "invalid")
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert_problem(rita.post(path, b'{"verdict": "correct", "note": "a\\u0000"}'), 400)
    assert_problem(rita.post(path), 400)
    assert row_counts() == before
    assert rita.post(path, CORRECT).status_code == 201


def test_a_task_is_kept_for_later_and_answered_then(rita: Caller, ravi: Caller, world: World) -> None:
    world.claim()
    work = taken(rita)
    kept = rita.post(lease_path(work, "hold"), {"minutes": 90})
    assert kept.status_code == 200
    assert kept.json()["lease"]["expires_at"] > work["lease"]["expires_at"]
    assert ravi.post("/reviews/take")["X-Queue-Reason"] == "all_leased"
    assert_problem(ravi.post(lease_path(work, "hold"), {"minutes": 90}), 404)
    for minutes in (0, 1441, "60", 1.5, None):
        refused = assert_problem(rita.post(lease_path(work, "hold"), {"minutes": minutes}), 422)
        assert [problem["pointer"] for problem in refused["errors"]] == ["/minutes"]
    assert rita.post(lease_path(work, "label"), CORRECT).status_code == 201
    assert_problem(rita.post(lease_path(work, "hold"), {"minutes": 90}), 409, code="lease_lost")


def test_a_task_is_handed_to_a_colleague(rita: Caller, ravi: Caller, world: World) -> None:
    world.claim()
    work = taken(rita)
    for to in ("nobody", "rita", ""):
        refused = assert_problem(rita.post(lease_path(work, "hand-over"), {"to": to}), 422)
        assert [problem["pointer"] for problem in refused["errors"]] == ["/to"]
    assert_problem(ravi.post(lease_path(work, "hand-over"), {"to": "ravi"}), 404)
    for _ in range(2):
        assert rita.post(lease_path(work, "hand-over"), {"to": "ravi", "note": "yours"}).status_code == 204
    assert taken(ravi)["task"]["id"] == work["task"]["id"]
    assert_problem(rita.post(lease_path(work, "label"), CORRECT), 409, code="lease_lost")


def test_a_senior_returns_a_label_and_its_reviewer_stands_by_it(rita: Caller, world: World) -> None:
    world.claim()
    label = rita.post(lease_path(taken(rita), "label"), CORRECT).json()["label"]
    sam, path = Caller(key_for(world.sam, "review")), f"/labels/{label['id']}/return"
    assert_problem(rita.post(path, {"comment": "why?"}), 404)
    assert_problem(sam.post(path, {"comment": ""}), 422)
    for _ in range(2):
        assert sam.post(path, {"comment": "March?"}).status_code == 204
    ReviewTask.objects.update(undo_seconds=0)
    same = rita.post(f"/labels/{label['id']}/revise", {**CORRECT, "reason": "returned"})
    assert same.status_code == 200
    changed = rita.post(f"/labels/{label['id']}/revise", {"verdict": "incorrect", "reason": "returned"})
    assert_problem(changed, 409, code="undo_window_over")


def test_a_bad_take_release_or_revision_is_refused(helpdesk: Caller, rita: Caller, world: World) -> None:
    helpdesk.post("/claims", world.claim_body())
    work = taken(rita)
    for path, body in (
        ("/reviews/take", {"purpose": "audit"}),
        ("/reviews/take", {"purpose": "nonsense"}),
        ("/reviews/take", {"reviewer": "ravi"}),
        ("/reviews/take", []),
        (lease_path(work, "release"), {"reason": "bored"}),
        (lease_path(work, "release"), {"reason": "other", "note": 7}),
    ):
        assert_problem(rita.post(path, body), 422, "invalid")
    label = rita.post(lease_path(work, "label"), CORRECT).json()["label"]
    for body in ({"verdict": "incorrect"}, {"verdict": "incorrect", "reason": "because"}, {"reason": "slip"}):
        assert_problem(rita.post(f"/labels/{label['id']}/revise", body), 422, "invalid")
