"""What is missing: labels that were drawn and never came, numbers gone stale, owners who left, late measurements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from calibration.core.bands import FRESHNESS_DAYS
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.incidents import model_of
from reviewqueue.reports.audit.scope import CLAIMS, DRAWN, OUTCOME, RECEIVED, Scope, plain, time_of

_N: Final = Kind.COUNT
_UNLABELLED: Final = f"""
    SELECT p.slug, c.model, c.model_version, CASE WHEN d.band = '' THEN 'none' ELSE d.band END, d.route, count(*),
           min(c.received_at)
      FROM {CLAIMS} {OUTCOME} WHERE {RECEIVED} AND {DRAWN} AND o.id IS NULL
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 6 DESC, 2, 3, 4, 5"""
_STALE: Final = f"""
    SELECT p.slug, c.model, c.model_version, c.prompt_version, CASE WHEN d.band = '' THEN 'none' ELSE d.band END,
           count(*), max(o.created_at)
      FROM {CLAIMS} LEFT JOIN claims_outcome o ON o.claim_id = c.id AND o.created_at < %(until)s
           AND (o.measures OR o.unmeasured_at >= %(until)s)
     WHERE {RECEIVED} GROUP BY 1, 2, 3, 4, 5
    HAVING max(o.created_at) IS NULL OR max(o.created_at) < %(fresh)s ORDER BY 1, 6 DESC, 2, 3, 4, 5"""
_LATE: Final = """
    SELECT p.slug, t.purpose, count(*), min(t.due_at) FROM review_reviewtask t JOIN pipelines_pipeline p
        ON p.id = t.pipeline_id
     WHERE t.pipeline_id = ANY(%(pipelines)s) AND t.closed_at IS NULL AND t.due_at < %(until)s
     GROUP BY 1, 2 ORDER BY 1, 2"""


def gaps(scope: Scope) -> Section:
    unlabelled, stale = scope.rows(_UNLABELLED), scope.rows(_STALE, fresh=scope.until - timedelta(days=FRESHNESS_DAYS))
    late, owners = scope.rows(_LATE), _owners(scope)
    overdue, more_overdue = scope.entries(["golden.overdue"])
    missing = sum(row[5] for row in unlabelled)
    says = {
        f"{several(missing, 'claim was', 'claims were')} drawn to be labelled and had no outcome at the end.": missing,
        f"{several(len(stale), 'band has', 'bands have')} no label of the last {FRESHNESS_DAYS:.0f} days.": len(stale),
        f"{several(len(owners), 'pipeline has', 'pipelines have')} an owner or deputy who is not active.": len(owners),
        f"{several(len(overdue) + more_overdue, 'measurement was', 'measurements were')} late on a golden set.": len(
            overdue
        ),
        f"{several(sum(row[2] for row in late), 'task that is still open was', 'tasks that are still open were')} due "
        "before the end.": len(late),
    }
    return Section(
        "gaps",
        "Gaps",
        [] if any(says.values()) else ["None was found."],
        [words for words, found in says.items() if found],
        [
            table(
                "unlabelled",
                "Drawn and not labelled",
                columns(
                    "pipeline: Pipeline; model: Model; model_version: Version; band: Band; route: Route; "
                    "claims: Claims; oldest: Oldest",
                    claims=_N, oldest=Kind.TIME,
                ),
                unlabelled,
            ),
            table(
                "stale",
                "Stale numbers",
                columns(
                    "pipeline: Pipeline; model: Model; model_version: Version; prompt_version: Prompt; band: Band; "
                    "claims: Claims; newest: Newest label",
                    claims=_N, newest=Kind.TIME,
                ),
                stale,
            ),
            table("owners", "Pipelines without an active owner or deputy",
                  columns("pipeline: Pipeline; owner: Owner active; deputy: Deputy"), owners),
            table(
                "overdue",
                "Late measurements",
                columns("at: Told; pipeline: Pipeline; golden_set: Golden set; model: Model; due: Due; leaf: Leaf",
                        at=Kind.TIME, due=Kind.TIME, leaf=Kind.LEAF),
                ([plain(each.recorded_at), each.body["pipeline"], each.body["golden_set"], model_of(each.body),
                  time_of(each.body["due_us"]), each.index] for each in overdue),
                more=more_overdue,
            ),
            table("late_tasks", "Tasks past their due time",
                  columns("pipeline: Pipeline; purpose: Purpose; tasks: Tasks; oldest: Due first", tasks=_N,
                          oldest=Kind.TIME), late),
        ],
    )  # fmt: skip


def _owners(scope: Scope) -> list[list[Any]]:
    pipelines = Pipeline.objects.filter(pk__in=scope.pipelines).select_related("owner", "deputy").order_by("slug")
    found = [[each.slug, _word(each.owner), _word(each.deputy) if each.deputy else "none"] for each in pipelines]
    return [row for row in found if row[1] != "active" or row[2] == "not active"]


def _word(user: Any) -> str:
    return "active" if user.is_active else "not active"
