"""How things look in answers: the field names of the contract, filled from what services and selectors return."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from calibration.selectors import BandRow, ModelBands
from calibration.slicing import watched_in
from reviewqueue.claims.selectors import instant, outcome_answer
from reviewqueue.pipelines.content_views import with_every_view
from reviewqueue.policy.selectors import ActivePolicy
from reviewqueue.review.selectors import label_answer
from reviewqueue.review.services.labels import Labelled

if TYPE_CHECKING:
    from reviewqueue.claims.models import Attachment
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.review.models import Lease

_STATES: Final = {"validated": "validated", "breach": "breach", "stale": "stale"}


def lease_answer(lease: Lease) -> dict[str, Any]:
    return {"id": str(lease.pk), "expires_at": instant(lease.expires_at)}


def labelled_answer(labelled: Labelled) -> dict[str, Any]:
    """`reveal` is there when the label was blind: what was hidden until it was given."""
    answer = {
        "label": label_answer(labelled.label),
        "outcome": outcome_answer(labelled.outcome) if labelled.outcome else None,
    }
    return answer | {"reveal": labelled.reveal} if labelled.reveal is not None else answer


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": str(attachment.pk),
        "media_type": attachment.media_type,
        "size": attachment.size,
        "sha256": bytes(attachment.digest).hex(),
    }


def attachment_answer(attachment: Attachment) -> dict[str, Any]:
    uploaded_at, used = instant(attachment.uploaded_at), attachment.used_at is not None
    return {**_file(attachment), "uploaded_at": uploaded_at, "used": used}


def attached_file(attachment: Attachment, content: bytes) -> dict[str, Any]:
    return {**_file(attachment), "content": base64.b64encode(content).decode()}


def pipeline_answer(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "slug": pipeline.slug,
        "name": pipeline.name,
        "description": pipeline.description,
        "owner": pipeline.owner.username,
        "categories": list(pipeline.categories),
        "segments": pipeline.segment_values,
        "links": {"self": f"/api/v1/pipelines/{pipeline.slug}"},
    }


def pipeline_detail(
    pipeline: Pipeline,
    policy: ActivePolicy | None,
    tables: Iterable[ModelBands],
    *,
    one_person: bool,
    stopped: bool,
) -> dict[str, Any]:
    return {
        **pipeline_answer(pipeline),
        "elicitation": pipeline.elicitation or None,
        "watched": [list(attributes) for attributes in watched_in(pipeline)],
        "signals": pipeline.signals,
        "costs": pipeline.costs or None,
        "content_views": with_every_view(pipeline.content_views),
        "one_person_approval": one_person,
        "stopped": stopped,
        "active_policy": {"number": policy.number, "document_hash": policy.document_hash} if policy else None,
        "calibrators": _calibrators(policy),
        "bands": [
            {**_subject(table), "band": row.band, "route": row.route, "state": _state(row), "measured": row.state}
            for table in tables
            for row in table.rows
        ],
    }


def _calibrators(policy: ActivePolicy | None) -> list[dict[str, str]]:
    """The maps in use: one per model, model version and prompt version."""
    entries = policy.policy.calibrators if policy else ()
    return [
        {**dict(zip(("model", "model_version", "prompt_version"), entry.subject, strict=True)), "name": entry.name}
        for entry in entries
    ]


def bands_answer(tables: Iterable[ModelBands]) -> list[dict[str, Any]]:
    return [
        {**_subject(table), "calibrator": table.calibrator, "bands": [_band_answer(row) for row in table.rows]}
        for table in tables
    ]


def _subject(table: ModelBands) -> dict[str, str]:
    return {
        "model": table.model,
        "model_version": table.model_version,
        "prompt_version": table.prompt_version,
    }


def _band_answer(row: BandRow) -> dict[str, Any]:
    return {
        "band": row.band,
        "route": row.route,
        "n_routed": row.n_routed,
        "n_sampled": row.n_sampled,
        "n_labelled": row.n_labelled,
        "n_apart": row.n_apart,
        "apart_labelled": row.apart_labelled,
        "apart_right": row.apart_right,
        "mean_confidence": row.mean_confidence,
        "accuracy": row.accuracy,
        "low": row.low,
        "high": row.high,
        "level": row.level,
        "n_pending": row.n_pending,
        "pending_low": row.pending_low,
        "pending_high": row.pending_high,
        "required": row.required,
        "labels_missing": row.labels_missing,
        "state": _state(row),
        "measured": row.state,
    }


def _state(row: BandRow) -> str:
    """The contract knows four states; why a band is not validated is told by `measured`."""
    return _STATES.get(row.state, "unvalidated")
