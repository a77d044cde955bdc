"""Every refusal of the API as application/problem+json (RFC 9457). The only place where a state becomes a status."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import get_callable
from rest_framework import exceptions as rest

from reviewqueue.api.answers import StandingLabel
from reviewqueue.api.rendering import json_bytes
from reviewqueue.errors import DomainError, FieldProblem, Invalid
from reviewqueue.operations.request_id import request_id

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
PREFIX: Final = "/api/"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one code is answered. Of what an error carries, only the `members` named here reach the caller."""

    status: int
    title: str
    members: Mapping[str, Any] = field(default_factory=dict)  # the types of the members, by name
    headers: Mapping[str, str] = field(default_factory=dict)


KINDS: Final[Mapping[str, Kind]] = {
    "bad_request": Kind(400, "The request cannot be understood"),
    "malformed_json": Kind(400, "The body is not strict JSON"),
    "bad_query": Kind(400, "The query is not valid"),
    "bad_idempotency_key": Kind(400, "The Idempotency-Key is not valid"),
    "unauthorized": Kind(401, "A valid key is needed", headers={"WWW-Authenticate": 'Bearer realm="api"'}),
    "forbidden": Kind(403, "Not allowed"),
    "four_eyes": Kind(403, "Somebody else has to do this"),
    "administrators_decide": Kind(403, "Two administrators have to agree"),
    "not_found": Kind(404, "Not found"),
    "method_not_allowed": Kind(405, "This method is not offered here"),
    "request_timeout": Kind(408, "The body did not come in time"),
    "conflict": Kind(409, "The state does not allow this"),
    "claim_conflict": Kind(409, "The external_id belongs to a different claim", members={"fields": list[str]}),
    "superseded_already": Kind(409, "Another claim supersedes that one"),
    "case_full": Kind(409, "The case has all the attempts it may have"),
    "payload_erased": Kind(409, "What was said in the claim was erased"),
    "erasure_decided": Kind(409, "The erasure was decided already"),
    "mandatory_review": Kind(409, "A person has to review this claim first"),
    "lease_lost": Kind(409, "Somebody else has this task now", members={"label": StandingLabel | None}),
    "lease_at_limit": Kind(409, "The lease cannot be renewed any further"),
    "too_many_attachments": Kind(409, "Too many files that no claim names"),
    "too_many_leases": Kind(409, "Too many tasks in hand"),
    "with_seniors": Kind(409, "A senior decides about this claim"),
    "undo_window_over": Kind(409, "The label can no longer be changed"),
    "change_stands": Kind(409, "The change can no longer be undone"),
    "policy_not_in_state": Kind(409, "The policy version moved on"),
    "policy_outdated": Kind(409, "Another policy version was activated meanwhile"),
    "shadow_taken": Kind(409, "Another policy version runs in shadow"),
    "breaker_not_open": Kind(409, "Automation is allowed again already"),
    "endpoint_exists": Kind(409, "This source already has an endpoint there"),
    "endpoint_not_in_state": Kind(409, "The endpoint is not in a state for this"),
    "too_many_endpoints": Kind(409, "This source has all the endpoints it may have"),
    "too_many_challenges": Kind(409, "The endpoint was challenged too often; wait a while"),
    "delivery_not_replayable": Kind(409, "The delivery is still under way"),
    "one_person_not_in_state": Kind(409, "One-person approval is in this state already"),
    "form_outdated": Kind(409, "Somebody else changed the review form meanwhile"),
    "gold_not_settled": Kind(409, "The truth of this claim is not certain enough"),
    "ledger_damaged": Kind(409, "The stored tree of the ledger is damaged"),
    "search_too_wide": Kind(409, "The search takes too long"),
    "already_pinned": Kind(409, "This checkpoint is kept already"),
    "nothing_sealed": Kind(409, "Nothing of the ledger is sealed yet"),
    "nothing_to_bundle": Kind(409, "There are no entries that could be bundled"),
    "report_damaged": Kind(409, "The stored report is not the one whose hash is in the ledger"),
    "report_not_there": Kind(409, "The report has no file"),
    "scheduled_already": Kind(409, "These reports come by themselves already"),
    "too_many_reports": Kind(409, "Too many reports wait already"),
    "verification_under_way": Kind(409, "The ledger is being verified"),
    "unusable_bundle": Kind(422, "This is no bundle of one claim"),
    "golden_set_exists": Kind(409, "The pipeline has such a golden set already"),
    "golden_set_not_in_use": Kind(409, "Nothing is measured by this golden set"),
    "nothing_to_publish": Kind(409, "There is no draft to publish"),
    "too_many_runs": Kind(409, "Too many golden runs are open"),
    "golden_run_finished": Kind(409, "The golden run is over"),
    "golden_answer_conflict": Kind(409, "The item is answered otherwise in this run"),
    "golden_runs_not_comparable": Kind(409, "These golden runs cannot be compared"),
    "calibrator_in_use": Kind(409, "The calibrator decides already"),
    "calibrator_never_decided": Kind(409, "The calibrator was never in use"),
    "threshold_not_certified": Kind(409, "No threshold is certified there"),
    "nothing_to_watch": Kind(409, "Nothing of this slice can be watched"),
    "too_many_dismissed": Kind(409, "Too many slices are dismissed"),
    "pause_decided": Kind(409, "The pause was decided about before"),
    "nothing_to_look_at": Kind(409, "There is nothing to look at again"),
    "settings_outdated": Kind(409, "Somebody else changed the settings meanwhile"),
    "host_already_named": Kind(409, "The host is named already"),
    "request_in_progress": Kind(409, "The same request is still running", headers={"Retry-After": "1"}),
    "policy_moved_on": Kind(412, "The policy version is not what was seen", members={"revision": str}),
    "too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body is not plain JSON in UTF-8"),
    "invalid": Kind(422, "Some fields are not valid"),
    "idempotency_key_reused": Kind(422, "The Idempotency-Key belongs to another request"),
    "match_required": Kind(428, "If-Match is needed"),
    "rate_limited": Kind(429, "Too many requests", headers={"Retry-After": "1"}),
    "internal_error": Kind(500, "Something went wrong here"),
    "unavailable": Kind(503, "Not available at this moment", headers={"Retry-After": "2"}),
}

_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (RequestDataTooBig, "too_large"),
    (SuspiciousOperation, "bad_request"),
    (Http404, "not_found"),
    (PermissionDenied, "forbidden"),
    (rest.NotAuthenticated, "unauthorized"),
    (rest.AuthenticationFailed, "unauthorized"),
    (rest.PermissionDenied, "forbidden"),
    (rest.NotFound, "not_found"),
    (rest.MethodNotAllowed, "method_not_allowed"),
    (rest.UnsupportedMediaType, "unsupported_media_type"),
    (rest.APIException, "bad_request"),
    (OperationalError, "unavailable"),
    (InterfaceError, "unavailable"),
)
"""Codes of what the frameworks and the database raise; the first match counts."""


def problem_response(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's exception handler. What nobody expected is logged here and told to nobody."""
    request: HttpRequest = context["request"]._request
    if isinstance(error, DomainError):
        return _domain_problem(request, error)
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "internal_error")
    if KINDS[code].status >= 500:
        log.error("%s in request %s", type(error).__name__, request_id(request), exc_info=error)
    answer = problem(request, code)
    if isinstance(error, rest.MethodNotAllowed):
        answer["Allow"] = ", ".join(context["view"].allowed_methods)
    return answer


def problem(
    request: HttpRequest,
    code: str,
    *,
    kind: Kind | None = None,
    detail: str = "",
    errors: tuple[FieldProblem, ...] = (),
    members: Mapping[str, object] | None = None,
) -> HttpResponse:
    """The answer for `code`; `kind` where the code is not in the table itself."""
    kind = kind or KINDS[code]
    if kind.status in (401, 403):
        log.info("refused request %s: %s", request_id(request), code)
    body: dict[str, object] = {
        "type": problem_type(code),
        "title": kind.title,
        "status": kind.status,
        "detail": without_long_quotes(detail or f"{kind.title}."),
        "code": code,
        "instance": request_id(request),
        **(members or {}),
    }
    if errors:
        body["errors"] = [
            {"pointer": one.pointer, "code": one.code, "detail": without_long_quotes(one.detail)} for one in errors
        ]
    return HttpResponse(json_bytes(body), status=kind.status, content_type=MEDIA_TYPE, headers=dict(kind.headers))


def problem_type(code: str) -> str:
    return f"urn:reviewqueue:problem:{code}"


def without_long_quotes(text: str) -> str:
    """What is quoted may be input: of that, at most 64 characters go back. An apostrophe opens no quote."""
    return re.sub(r"(?<!\w)(['`\"])([^'`\"]{64})[^'`\"]+", r"\1\2…", text)


def _domain_problem(request: HttpRequest, error: DomainError) -> HttpResponse:
    kind = _kind_of(error)
    return problem(
        request,
        error.code,
        kind=kind,
        detail=error.detail,
        errors=error.problems if isinstance(error, Invalid) else (),
        members={name: error.facts[name] for name in kind.members if name in error.facts},
    )


def _kind_of(error: DomainError) -> Kind:
    """The row of the error's own code, or that of the nearest state it is a special case of."""
    codes = (getattr(state, "code", "") for state in type(error).__mro__)
    return next((KINDS[code] for code in codes if code in KINDS), KINDS["internal_error"])


def api_or_page(code: str, page: str) -> Callable[..., HttpResponse]:
    """An error handler for the root URLconf: a problem below /api/, elsewhere the page with this (dotted) name."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if f"{request.path_info}/".startswith(PREFIX):
            return problem(request, code)
        view: Callable[..., HttpResponse] = get_callable(page)
        return view(request, *args, **kwargs)

    return handler
