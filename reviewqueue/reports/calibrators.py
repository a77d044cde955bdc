"""Every calibrator of a pipeline: what it is, what it was judged by, and when it was in use by whose word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from calibration.evidence import Subject
from calibration.models import Calibrator
from reviewqueue.errors import NotFound
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.selectors import active_policy
from reviewqueue.reports.plain import plain

NEWEST: Final = 50
VERSIONS: Final = 500


@dataclass(frozen=True, slots=True)
class Use:
    """A policy version that had the calibrator in it, from when to when it decided, and who approved it."""

    version: int
    since: datetime
    until: datetime | None
    approved_by: list[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A fitted calibrator. `figures` holds candidate and champion on the half it was not fitted on, and the verdict."""

    name: str
    model: str
    model_version: str
    prompt_version: str
    kind: str
    map: Mapping[str, Any]
    fit_labels: int
    judged_labels: int
    figures: Mapping[str, Any]
    status: str
    fitted_at: datetime
    proposed_in: int | None
    uses: list[Use]

    @property
    def subject(self) -> Subject:
        return Subject(self.model, self.model_version, self.prompt_version)

    @property
    def in_use(self) -> bool:
        return any(use.until is None for use in self.uses)

    @property
    def was_in_use(self) -> bool:
        return bool(self.uses) and not self.in_use

    @property
    def reasons(self) -> list[str]:
        return [str(reason) for reason in self.figures.get("reasons") or ()]


@dataclass(frozen=True, slots=True)
class History:
    """Newest first. `by_hand` names what the active policy has in it and no sweep ever fitted."""

    kept: list[Kept]
    older: int
    by_hand: list[str]


# A calibrator is named in documents; who approved is read beside it. Versions that never decided used nothing.
_USES: Final = """
    SELECT entry ->> 'name', version.number, version.activated_at, version.retired_at,
           ARRAY(SELECT COALESCE(NULLIF(trim(concat_ws(' ', person.first_name, person.last_name)), ''),
                                 person.username)
                   FROM accounts_user AS person
                  WHERE person.id IN (version.approved_by_id, version.second_approved_by_id) ORDER BY person.id)
      FROM (SELECT * FROM policy_policyversion
             WHERE pipeline_id = %s AND activated_at IS NOT NULL ORDER BY number DESC LIMIT %s) AS version
     CROSS JOIN LATERAL jsonb_array_elements(version.document -> 'calibrators') AS entry
     WHERE entry ->> 'name' = ANY(%s) ORDER BY version.number"""


def history_figures(history: History) -> dict[str, Any]:
    """As JSON values."""
    results = [{**plain(kept), "in_use": kept.in_use} for kept in history.kept]
    return {"results": results, "older": history.older, "by_hand": history.by_hand}


def calibrator_named(pipeline: Pipeline, name: str) -> Calibrator:
    """Raises NotFound."""
    found = Calibrator.objects.filter(pipeline=pipeline, name=name).select_related("pipeline").first()
    if found is None:
        raise NotFound("There is no such calibrator.")
    return found


def history_of(pipeline: Pipeline) -> History:
    """The newest fifty, in four queries."""
    rows = Calibrator.objects.filter(pipeline=pipeline).select_related("proposed_in")
    found = list(rows.order_by("-number")[:NEWEST])
    uses = _uses(pipeline, [row.name for row in found])
    active = active_policy(pipeline.pk)
    named = [entry.name for entry in active.policy.calibrators] if active else []
    fitted = set(rows.filter(name__in=named).values_list("name", flat=True))
    return History(
        kept=[_kept(row, uses.get(row.name, [])) for row in found],
        older=max(rows.count() - len(found), 0),
        by_hand=[name for name in named if name not in fitted],
    )


def _uses(pipeline: Pipeline, names: list[str]) -> dict[str, list[Use]]:
    with connection.cursor() as cursor:
        cursor.execute(_USES, [pipeline.pk, VERSIONS, names])
        rows = cursor.fetchall()
    found: dict[str, list[Use]] = {}
    for name, *use in rows:
        found.setdefault(name, []).append(Use(*use))
    return found


def _kept(row: Calibrator, uses: list[Use]) -> Kept:
    return Kept(
        name=row.name,
        model=row.model,
        model_version=row.model_version,
        prompt_version=row.prompt_version,
        kind=row.kind,
        map=row.map,
        fit_labels=row.fit_labels,
        judged_labels=row.judged_labels,
        figures=row.figures,
        status=row.status,
        fitted_at=row.fitted_at,
        proposed_in=row.proposed_in.number if row.proposed_in else None,
        uses=uses,
    )
