"""Review for tools and scripts; the web pages use the same services."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import answers, attachment_answers, bodies, examples
from reviewqueue.api.authentication import person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, Holder, Link, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.shapes import attached_file, labelled_answer, lease_answer
from reviewqueue.claims.attachments import attachment_of, content_of
from reviewqueue.pipelines.selectors import WORKING_ROLES, pipeline_for
from reviewqueue.review.reading_again import record_past_lease
from reviewqueue.review.selectors import Nothing, lease_for, task_view
from reviewqueue.review.services import handing_over, labels, leases, on_hold, returning
from reviewqueue.review.services.labels import LabelAnswer

REVIEW: Final[dict[str, Any]] = {"scope": "review", "holder": Holder.PERSON}
THE_LEASE: Final = {"lease_id": "$response.body#/lease/id"}
THE_LABEL: Final = {"label_id": "$response.body#/label/id"}


class ReviewTake(Operation):
    @promises(
        "take_task",
        **REVIEW,
        body=Body(bodies.Take, {"one pipeline": examples.TAKE, "anything": {}}, required=False),
        answers={
            200: Answer(
                "A task and the lease on it.",
                answers.TaskInHand,
                examples.TASK_IN_HAND,
                links={
                    "label": Link("submit_label", THE_LEASE),
                    "renew": Link("renew_lease", THE_LEASE),
                    "hold": Link("hold_lease", THE_LEASE),
                    "hand over": Link("hand_over_lease", THE_LEASE),
                    "release": Link("release_lease", THE_LEASE),
                },
            ),
            204: Answer(
                "There is nothing to take.",
                headers={"X-Queue-Reason": "Why not: `empty`, `all_leased`, `no_skill`, `no_access` or `paused`."},
            ),
        },
        problems=("not_found", "too_many_leases"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Take the next task.

        The most urgent one that this person may work on. It holds what its `blind` degree allows and nothing else.
        """
        reviewer = person_of(request)

        def take(body: Any) -> Reply:
            wanted = read_as(bodies.Take, body)
            pipeline = pipeline_for(reviewer, wanted.pipeline, WORKING_ROLES) if wanted.pipeline else None
            taken = leases.take(reviewer=reviewer, pipeline=pipeline, purpose=wanted.purpose, category=wanted.category)
            if isinstance(taken, Nothing):
                return Reply(204, headers={"X-Queue-Reason": taken.reason}, effect=False)
            return Reply(200, task_view(taken))

        return self.write(take)


class LeaseAttachment(Operation):
    @promises(
        "read_attachment",
        **REVIEW,
        answers={200: Answer("The file.", attachment_answers.AttachedFile, attachment_answers.ATTACHED_FILE)},
    )
    def get(self, request: Request, lease_id: UUID, attachment_id: UUID) -> Response:
        """Read a file that came with the claim under review.

        One that a context item of the task names as `attachment`. Show it as its `media_type`, and run nothing of it.
        """
        lease = lease_for(person_of(request), lease_id)
        file = attachment_of(lease.task.claim, attachment_id)
        record_past_lease(lease)
        return Response(attached_file(file, content_of(file)))


class LeaseRenew(Operation):
    @promises(
        "renew_lease",
        **REVIEW,
        body=Body(bodies.Nothing, {"nothing to say": {}}, required=False),
        answers={200: Answer("The lease with its new end.", answers.Renewed, examples.RENEWED)},
        problems=("lease_lost", "lease_at_limit", "too_many_leases", "payload_erased"),
    )
    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        """Ask for more time."""
        reviewer = person_of(request)

        def renew(body: Any) -> Reply:
            read_as(bodies.Nothing, body)
            return Reply(200, {"lease": lease_answer(leases.renew(reviewer=reviewer, lease_id=lease_id))})

        return self.write(renew)


class LeaseHold(Operation):
    @promises(
        "hold_lease",
        **REVIEW,
        body=Body(bodies.Hold, {"for an hour": examples.HOLD}),
        answers={200: Answer("The lease with its new end.", answers.Renewed, examples.RENEWED)},
        problems=("lease_lost", "lease_at_limit", "too_many_leases", "payload_erased"),
    )
    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        """Keep a task for later.

        Nobody else gets it before, and it still counts among the five that one person may hold. A day after it was
        taken, at the longest, it goes back to the queue.
        """
        reviewer = person_of(request)

        def put_on_hold(body: Any) -> Reply:
            minutes = read_as(bodies.Hold, body).minutes
            lease = on_hold.put_on_hold(reviewer=reviewer, lease_id=lease_id, minutes=minutes)
            return Reply(200, {"lease": lease_answer(lease)})

        return self.write(put_on_hold)


class LeaseHandOver(Operation):
    @promises(
        "hand_over_lease",
        **REVIEW,
        body=Body(bodies.HandOver, {"to a colleague": examples.HAND_OVER}),
        answers={204: Answer("Handed over, now or before.")},
        problems=("lease_lost", "payload_erased"),
    )
    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        """Hand a task to a colleague.

        For a day nobody else is given it, and it comes before everything else in their queue; then it is anybody's.
        """
        reviewer = person_of(request)

        def hand_over(body: Any) -> Reply:
            given = read_as(bodies.HandOver, body)
            handing_over.hand_over(reviewer=reviewer, lease_id=lease_id, to=given.to, note=given.note)
            return Reply(204)

        return self.write(hand_over)


class LeaseRelease(Operation):
    @promises(
        "release_lease",
        **REVIEW,
        body=Body(bodies.Release, {"passed on": examples.RELEASE, "put back": {"reason": "back"}}, required=False),
        answers={204: Answer("Given back, now or before.")},
        problems=("lease_lost", "payload_erased"),
    )
    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        """Give a task back.

        With a reason it is passed on for good: this person does not get it again.
        """
        reviewer = person_of(request)

        def release(body: Any) -> Reply:
            why = read_as(bodies.Release, body)
            leases.release(reviewer=reviewer, lease_id=lease_id, reason=why.reason, note=why.note)
            return Reply(204)

        return self.write(release)


class LeaseLabel(Operation):
    @promises(
        "submit_label",
        **REVIEW,
        body=Body(bodies.LabelBody, {"right": examples.LABEL, "wrong": examples.CORRECTION}),
        answers={
            201: Answer(
                "The label, and the outcome if it settled the claim.",
                answers.Labelled,
                examples.LABELLED,
                links={"revise": Link("revise_label", THE_LABEL)},
            ),
            200: Answer("The same label again: the first answer.", answers.Labelled, examples.LABELLED),
        },
        problems=("lease_lost", "payload_erased"),
    )
    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        """Give a label.

        Where the output is hidden the verdict is null and `output` is the reviewer's own answer, which the server
        compares. A lease that ran out still counts as long as nobody took over.
        """
        reviewer = person_of(request)

        def label(body: Any) -> Reply:
            answer = _answer_in(read_as(bodies.LabelBody, body))
            labelled = labels.submit_label(reviewer=reviewer, lease_id=lease_id, answer=answer)
            return Reply(201 if labelled.created else 200, labelled_answer(labelled))

        return self.write(label)


class LabelRevise(Operation):
    @promises(
        "revise_label",
        **REVIEW,
        body=Body(bodies.Revision, {"a slip": examples.REVISION}),
        answers={
            201: Answer("The further revision.", answers.Labelled, examples.REVISED),
            200: Answer("The same revision again.", answers.Labelled, examples.REVISED),
        },
        problems=("undo_window_over", "with_seniors", "payload_erased"),
    )
    def post(self, request: Request, label_id: UUID) -> HttpResponse:
        """Change a label, within the undo seconds or when a senior has returned it.

        A change of mind is a further label that counts from now on; the first one stays. The same answer again, to a
        label that was returned, stands by it.
        """
        reviewer = person_of(request)

        def revise(body: Any) -> Reply:
            given = read_as(bodies.Revision, body)
            labelled = labels.revise_label(
                reviewer=reviewer, label_id=label_id, answer=_answer_in(given), reason=given.reason
            )
            return Reply(201 if labelled.created else 200, labelled_answer(labelled))

        return self.write(revise)


class LabelReturned(Operation):
    @promises(
        "return_label",
        **REVIEW,
        body=Body(bodies.Return, {"a doubt": examples.RETURN}),
        answers={204: Answer("Returned, now or before.")},
        problems=("with_seniors", "payload_erased"),
    )
    def post(self, request: Request, label_id: UUID) -> HttpResponse:
        """Give a label back to its reviewer.

        For seniors of the pipeline, about labels of others in tasks that are closed. The reviewer changes it or stands
        by it, with `revise_label`.
        """
        senior = person_of(request)

        def give_back(body: Any) -> Reply:
            comment = read_as(bodies.Return, body).comment
            returning.return_label(senior=senior, label_id=label_id, comment=comment)
            return Reply(204)

        return self.write(give_back)


def _answer_in(given: bodies.LabelBody) -> LabelAnswer:
    return LabelAnswer(
        verdict=given.verdict,
        output=given.output,
        error_types=tuple(given.error_types),
        note=given.note,
        answers=given.answers,
        seconds=given.seconds,
    )
