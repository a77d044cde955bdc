"""What so many minutes of review and such prices would mean: thresholds by cost, by capacity and by promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

import numpy as np

from calibration.core.calibrators import predict
from calibration.core.cells import Cells, quantile_places
from calibration.core.costs import Costs, capacity_plan, cost_threshold, effective_threshold
from calibration.core.intervals import FloatArray, clopper_pearson
from calibration.evidence import Atom, fitting_times, segment_names
from calibration.sample import Slice, decidable, gate_of, is_scored, sliced
from reviewqueue.pipelines.costs import costs_of
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Policy, thawed
from reviewqueue.policy.selectors import active_policy
from reviewqueue.reports.coverage import CoveragePage, Curve, coverage_page
from reviewqueue.reports.slips import slips_on_gold

CLAIMS: Final = 4_000
"""A day is planned with as many claims, as the traffic has them; hours and costs are scaled to the real number."""

STEPS: Final = 41
USUAL_REVIEW_COST: Final = 1.0
USUAL_ERROR_COST: Final = 20.0
"""In reviews, where no price of an error is set."""
EVERYTHING: Final = 1.1
"""A threshold below which every claim lies."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is planned with. `catch` is the chance that a review finds an error, `spoil` that it ruins a right one."""

    minutes: float
    minutes_each: float
    error: float
    review: float
    catch: float
    spoil: float

    @property
    def prices(self) -> Costs:
        return Costs(self.error, self.review, self.catch, self.spoil)


@dataclass(frozen=True, slots=True)
class Choice:
    """People review what lies below a threshold of calibrated confidence, and the audit sample of the rest.

    `code`: nothing, cost, capacity, certified, effective, everything. `expected_error` is the share of all claims that
    goes out wrong as the calibrated confidences say, `residual` as labels say, with exact 95 % limits, None without
    labels. Both take it that reviews catch every error.
    """

    code: str
    threshold: float
    reviewed: float
    hours: float
    expected_error: float
    residual: float | None
    low: float
    high: float
    cost_a_day: float


@dataclass(frozen=True, slots=True)
class Step:
    threshold: float
    hours: float
    cost_a_day: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one model version, as if all minutes were for its claims. `by_cost` is 0 where no review pays.

    `effective` is the stricter of cost and promise, None where nothing is certified: then everything is held.
    `minutes_short` is what mandatory claims and the audit sample alone need beyond the minutes.
    """

    model: str
    model_version: str
    prompt_version: str
    calibrator: str | None
    claims_a_day: float
    labels: int
    by_cost: float
    by_capacity: float
    certified: float | None
    effective: float | None
    reason: str | None
    hours_for_promise: float | None
    minutes_short: float
    choices: tuple[Choice, ...]
    steps: tuple[Step, ...]

    def choice(self, code: str) -> Choice | None:
        return next((each for each in self.choices if each.code == code), None)


@dataclass(frozen=True, slots=True)
class PlannerPage:
    terms: Terms
    currency: str
    max_error: float
    certainty: float
    not_shown: int
    results: tuple[Plan, ...]


def planner_page(
    pipeline: Pipeline,
    asked: Mapping[str, float | None],
    *,
    max_error: float | None,
    certainty: float | None,
    now: datetime,
) -> PlannerPage:
    """What is not asked for is as it is: prices as they are set, time and slips of reviews as they are measured."""
    found = coverage_page(pipeline, max_error=max_error, certainty=certainty, now=now)
    terms, currency = _terms(pipeline, found, asked)
    active, fitted = active_policy(pipeline.pk), fitting_times(pipeline)
    policy = active.policy if active else None
    plans = []
    for curve in found.results:
        atoms = _calibrated(decidable(policy, sliced(pipeline, Slice(curve.subject))), policy)
        gate = gate_of(atoms, fitted.get(curve.calibrator or ""))
        plans.append(plan_of(gate.sample, gate.traffic, terms, curve, found.audit_rate))
    return PlannerPage(terms, currency, found.max_error, found.certainty, found.not_shown, tuple(plans))


def _calibrated(found: list[Atom], policy: Policy | None) -> list[Atom]:
    """Of one subject, with the confidence that its calibrator makes of the stated one."""
    entry = policy.calibrator_of.get(found[0].place.subject) if policy and found else None
    if entry is None or is_scored(entry):
        return found
    params = cast("dict[str, Any]", thawed(entry.map))
    p = predict(
        params, [atom.place.confidence for atom in found], segment_names(params, (atom.place for atom in found))
    )
    places = (replace(atom.place, confidence=float(each)) for atom, each in zip(found, p, strict=True))
    return [replace(atom, place=place) for atom, place in zip(found, places, strict=True)]


def _terms(pipeline: Pipeline, found: CoveragePage, asked: Mapping[str, float | None]) -> tuple[Terms, str]:
    costs, slips = costs_of(pipeline.costs), slips_on_gold(pipeline)
    review = (costs.review if costs else None) or USUAL_REVIEW_COST
    usual = {
        "minutes": round(found.minutes_a_day) or 60.0,
        "minutes_each": found.seconds_a_label * found.labels_each / 60,
        "error": (costs.error if costs else None) or USUAL_ERROR_COST * review,
        "review": review * found.labels_each,
        "catch": slips.specificity if slips else 1.0,
        "spoil": 1 - slips.sensitivity if slips else 0.0,
    }
    chosen = {name: value if asked.get(name) is None else asked[name] for name, value in usual.items()}
    return Terms(**{name: float(value or 0.0) for name, value in chosen.items()}), costs.currency if costs else ""


# --- one model version. Pure ------------------------------------------------------------------------------------------


def plan_of(sample: Cells, traffic: Cells, terms: Terms, curve: Curve, audit_rate: float) -> Plan:
    """`sample` holds equally drawn labels, `traffic` the claims that confidence may decide; both calibrated."""
    day = _Day(sample, _as_claims(traffic), terms, curve, audit_rate)
    by_cost, certified = cost_threshold(terms.prices), curve.chosen.edge if curve.chosen else None
    by_capacity, short = day.capacity(certified)
    effective = effective_threshold(certified, by_cost)
    wanted = {
        "nothing": 0.0,
        "cost": by_cost,
        "capacity": by_capacity,
        "certified": certified,
        "effective": effective,
        "everything": EVERYTHING,
    }
    choices = tuple(day.choice(code, value) for code, value in wanted.items() if value is not None)
    promise = next((each.hours for each in choices if each.code == "certified"), None)
    return Plan(
        **curve.subject._asdict(),
        calibrator=curve.calibrator,
        claims_a_day=curve.claims_a_day,
        labels=round(sample.labels),
        by_cost=by_cost,
        by_capacity=by_capacity,
        certified=certified,
        effective=effective,
        reason=curve.reason,
        hours_for_promise=promise,
        minutes_short=short,
        choices=choices,
        steps=tuple(day.step(float(threshold)) for threshold in np.linspace(0, 1, STEPS)),
    )


def _as_claims(traffic: Cells) -> FloatArray:
    """So many claims with the confidences of the traffic, lowest first."""
    if not len(traffic.n):
        return np.empty(0)
    return traffic.confidence[quantile_places(traffic.n, (np.arange(CLAIMS) + 0.5) / CLAIMS)]


@dataclass(frozen=True)
class _Day:
    """`p` are the calibrated confidences of a day's claims, those that rules send to people anyhow left out."""

    sample: Cells
    p: FloatArray
    terms: Terms
    curve: Curve
    audit_rate: float

    @property
    def decided(self) -> float:
        """Claims a day that confidence may decide."""
        return self.curve.claims_a_day * self.curve.decidable_share

    @property
    def held_minutes(self) -> float:
        return (self.curve.claims_a_day - self.decided) * self.terms.minutes_each

    def capacity(self, certified: float | None) -> tuple[float, float]:
        """Everything below this can be reviewed, and the minutes that are missing for what has to be."""
        left = self.terms.minutes - self.held_minutes
        if not len(self.p) or not self.decided:
            return EVERYTHING, max(-left, 0.0)
        scale = self.decided / len(self.p)
        plan = capacity_plan(
            self.p,
            self.terms.minutes_each,
            minutes=max(left, 0.0) / scale,
            audited=_evenly(len(self.p), self.audit_rate),
            certified=certified,
        )
        short = max(-left, 0.0) + plan.minutes_short * scale
        if plan.threshold is None:
            return 0.0, short
        above = self.p[self.p > plan.threshold]
        return float(above[0]) if len(above) else EVERYTHING, short

    def choice(self, code: str, threshold: float) -> Choice:
        step = self.step(threshold)
        out = self.p >= threshold
        residual, low, high = self._residual(threshold)
        claims = max(self.curve.claims_a_day, 1e-9)
        return Choice(
            code=code,
            threshold=min(threshold, 1.0),
            reviewed=1 - float(out.mean()) * self.decided / claims if len(self.p) else 1.0,
            hours=step.hours,
            expected_error=float((1 - self.p)[out].sum()) / max(len(self.p), 1) * self.curve.decidable_share,
            residual=residual,
            low=low,
            high=high,
            cost_a_day=step.cost_a_day,
        )

    def _residual(self, threshold: float) -> tuple[float | None, float, float]:
        labels = self.sample.labels
        if not labels:
            return None, 0.0, 1.0
        through = float(self.sample.wrong[self.sample.confidence >= threshold].sum())
        low, high = clopper_pearson(through, labels)
        share = self.curve.decidable_share
        return through / labels * share, float(low) * share, float(high) * share

    def step(self, threshold: float) -> Step:
        terms, audited = self.terms, self.audit_rate
        seen = self.p < threshold
        cost_seen = terms.review + terms.error * ((1 - terms.catch) * (1 - self.p) + terms.spoil * self.p)
        cost_out = audited * terms.review + terms.error * (1 - self.p)
        each = float(np.where(seen, cost_seen, cost_out).mean()) if len(self.p) else 0.0
        share = float(np.where(seen, 1.0, audited).mean()) if len(self.p) else 0.0
        held = self.curve.claims_a_day - self.decided
        return Step(
            threshold=threshold,
            hours=(self.decided * share * terms.minutes_each + self.held_minutes) / 60,
            cost_a_day=self.decided * each + held * terms.review,
        )


def _evenly(n: int, share: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """So many of n places, as far from one another as they can be."""
    reached = np.floor(np.arange(n + 1) * share + 1e-9)
    flags: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.diff(reached) > 0
    return flags
