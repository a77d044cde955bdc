"""Audit reports: asked for, followed and fetched."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.accounts.models import User
from reviewqueue.api.answers import Count
from reviewqueue.api.audit_answers import Hash
from reviewqueue.api.authentication import holder_of, person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, Holder, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import CURSOR, LIMIT, Cursor, limit_in
from reviewqueue.claims.selectors import instant
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.selectors import pipelines_for
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.own_entry import proof_of
from reviewqueue.reports.selectors import READERS, report_for, report_page, text_of
from reviewqueue.reports.services import ask_for_report

AUDIT: Final[dict[str, Any]] = {"scope": "audit", "holder": Holder.PERSON}
Moment = Annotated[datetime, Meta(tz=True)]


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a report shall be about; the future is cut off."""

    pipeline: Annotated[str | None, Meta(description="The slug of one; null or left out: all pipelines.")] = None
    since: Annotated[Moment, Meta(description="From when, with an offset.")]
    until: Annotated[Moment, Meta(description="To before when, with an offset; at most five years later.")]


class Report(Struct, frozen=True, kw_only=True):
    """`first` to before `tree_size` are the leaves it speaks of, under the checkpoint of that size and `root`."""

    id: str
    pipeline: Annotated[str | None, Meta(description="Null: all pipelines.")]
    since: str
    until: str
    state: Annotated[str, Meta(description="waiting, running, done, failed, or expired: its file is not kept.")]
    percent_done: Count
    failure: str | None
    asked_at: str
    scheduled: bool
    finished_at: str | None
    first: Count | None
    tree_size: Count | None
    root: Hash | None
    sha256: Annotated[Hash | None, Meta(description="Of `report.json`, as the ledger has it.")]


class ReportPage(Struct, frozen=True, kw_only=True):
    results: list[Report]
    next: str | None


_EXAMPLE: Final[dict[str, Any]] = {
    "id": "5f0c8f0e-8a51-4b7e-9d52-3f1f0a6b7c11",
    "pipeline": "support-answers",
    "since": "2026-10-01T00:00:00.000Z",
    "until": "2026-11-01T00:00:00.000Z",
    "state": "done",
    "percent_done": 100,
    "failure": None,
    "asked_at": "2026-11-02T08:00:00.000Z",
    "scheduled": False,
    "finished_at": "2026-11-02T08:00:14.000Z",
    "first": 1200,
    "tree_size": 5400,
    "root": "5b0e9b4bb2a4c55ac0f4e07ebd4b5ee3bd25ee1d7cea6b1c6e6f0d5a8b1f2c3d",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_WAITING: Final[dict[str, Any]] = {
    **_EXAMPLE,
    "state": "waiting",
    "percent_done": 0,
    **dict.fromkeys(("finished_at", "first", "tree_size", "root", "sha256")),
}
_DOCUMENT: Final[dict[str, Any]] = {
    "format": "reviewqueue-audit-report/1",
    "report": _EXAMPLE["id"],
    "origin": "review-queue/example/0198f0c2",
    "pipeline": "support-answers",
    "since": "2026-10-01T00:00:00.000Z",
    "until": "2026-11-01T00:00:00.000Z",
    "checkpoint": {"size": 5400, "root": _EXAMPLE["root"], "note": "…"},
    "first": 1200,
    "ledger_figures": {},
    "unsealed": 0,
    "not_promised": [],
    "sections": [],
}
_PROOF: Final[dict[str, Any]] = {
    "format": "reviewqueue-report-proof/1",
    "report": _EXAMPLE["id"],
    "sealed": True,
    "leaf": '{"body":{"actor":…,"event":"export.created",…},"id":"…","recorded_us":1793606414000000,"v":1}',
    "index": 5412,
    "checkpoint": "review-queue/example/0198f0c2\n5420\n…\n\n— …\n",
    "proof": [_EXAMPLE["root"]],
    "consistency": [_EXAMPLE["root"]],
}


class Reports(Operation):
    @promises(
        "list_reports",
        **AUDIT,
        parameters=(CURSOR, LIMIT),
        answers={200: Answer("A page of reports.", ReportPage, {"results": [_EXAMPLE], "next": None})},
    )
    def get(self, request: Request) -> Response:
        """List audit reports, newest first.

        Auditors and admins see all; owners and seniors those of their pipelines.
        """
        person, query = person_of(request), request.query_params
        cursor = Cursor(salt="reports", holder=holder_of(request), wanted={})
        position = cursor.position_in(query)
        found, further = report_page(person, before=_place(position) if position else None, limit=limit_in(query))
        shown = cursor.text(f"{further[0].isoformat()} {further[1]}") if further else None
        return Response({"results": [report_answer(each) for each in found], "next": shown})

    @promises(
        "ask_for_report",
        **AUDIT,
        body=Body(
            Wish,
            {
                "a month": {
                    "pipeline": "support-answers",
                    "since": "2026-10-01T00:00:00Z",
                    "until": "2026-11-01T00:00:00Z",
                }
            },
        ),
        answers={202: Answer("It begins within ten seconds.", Report, _WAITING)},
        problems=("too_many_reports",),
    )
    def post(self, request: Request) -> HttpResponse:
        """Ask for an audit report.

        For auditors and admins. Follow it by its id until its state is `done`, then fetch `report.json`.
        """
        person = person_of(request)

        def ask(body: Any) -> Reply:
            wish = read_as(Wish, body)
            pipeline = _pipeline(person, wish.pipeline) if wish.pipeline is not None else None
            report = ask_for_report(by=person, pipeline=pipeline, since=wish.since, until=wish.until)
            return Reply(202, report_answer(report))

        return self.write(ask)


class ReportDetail(Operation):
    @promises("get_report", **AUDIT, answers={200: Answer("The report.", Report, _EXAMPLE)}, problems=("not_found",))
    def get(self, request: Request, report_id: UUID) -> Response:
        """Get how far an audit report is, and what it rests on."""
        return Response(report_answer(report_for(person_of(request), report_id)))


class ReportFile(Operation):
    @promises(
        "get_report_file",
        **AUDIT,
        answers={200: Answer("The report, byte by byte as it was hashed.", dict[str, Any], _DOCUMENT)},
        problems=("not_found", "report_not_there", "report_damaged"),
    )
    def get(self, request: Request, report_id: UUID) -> HttpResponse:
        """Get `report.json` of an audit report that is done.

        Sections of sentences and tables, and `ledger_figures`, which the offline verifier computes again.
        """
        text = text_of(report_for(person_of(request), report_id))
        return HttpResponse(text, content_type="application/json")


class ReportProof(Operation):
    @promises(
        "get_report_proof",
        **AUDIT,
        answers={200: Answer("The entry and its proofs, for the offline verifier.", dict[str, Any], _PROOF)},
        problems=("not_found", "report_not_there", "report_damaged"),
    )
    def get(self, request: Request, report_id: UUID) -> HttpResponse:
        """Get the proof of an audit report: the entry that holds the SHA-256 of its `report.json`.

        With the proof of its place under a later checkpoint, and that this continues the one the report rests on.
        `sealed` is false, and both are empty, for the seconds until the entry is sealed.
        """
        return HttpResponse(proof_of(report_for(person_of(request), report_id)), content_type="application/json")


def _pipeline(person: User, slug: str) -> Pipeline:
    pipeline = pipelines_for(person, READERS).filter(slug=slug).first()
    if pipeline is None:
        raise Invalid([FieldProblem("/pipeline", "unknown", "There is no such pipeline.")])
    return pipeline


def _place(position: str) -> tuple[datetime, UUID]:
    at, _, last = position.partition(" ")
    return datetime.fromisoformat(at), UUID(last)


def report_answer(report: AuditReport) -> dict[str, Any]:
    return {
        "id": str(report.pk),
        "pipeline": report.pipeline.slug if report.pipeline else None,
        "since": instant(report.since),
        "until": instant(report.until),
        "state": report.state,
        "percent_done": report.percent_done,
        "failure": report.failure or None,
        "asked_at": instant(report.asked_at),
        "scheduled": report.schedule_id is not None,
        "finished_at": instant(report.finished_at) if report.finished_at else None,
        "first": report.first,
        "tree_size": report.tree_size,
        "root": report.root or None,
        "sha256": report.digest or None,
    }
