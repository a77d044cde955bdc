"""The figures a proposed policy rests on, put in order for a page. Pure; whatever is not there is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LOWER_IS_BETTER: Final = frozenset({"log_loss", "brier", "ece", "ece_debiased", "smooth_ece", "mce", "aurc"})
HIGHER_IS_BETTER: Final = frozenset({"auroc", "accuracy"})
FIGURE_NAMES: Final = {
    "log_loss": "Log loss",
    "brier": "Brier score",
    "ece": "Calibration error (ECE)",
    "ece_debiased": "Calibration error, debiased",
    "smooth_ece": "Calibration error, smooth",
    "mce": "Largest gap of a bin",
    "auroc": "Telling right from wrong (AUROC)",
    "aurc": "Area under risk and coverage",
}
FACT_NAMES: Final = {
    "calibrator": "Calibrator",
    "kind": "Kind",
    "model": "Model",
    "model_version": "Model version",
    "prompt_version": "Prompt version",
    "fit_labels": "Fitted on labels",
    "judged_labels": "Judged on other labels",
    "by_attribute": "Segments treated apart, by",
}
SMALLEST_DIFFERENCE: Final = 5e-5


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric under what decides now and under the proposal; `change` is "better", "worse" or ""."""

    name: str
    champion: float | None
    candidate: float | None
    change: str


@dataclass(frozen=True, slots=True)
class Evidence:
    facts: list[tuple[str, Any]]
    champion: str
    candidate: str
    figures: list[Figure]
    comparison: Mapping[str, Any]
    reasons: list[str]
    warnings: list[str]
    band_columns: list[str]
    bands: list[list[Any]]


def evidence_tables(evidence: Mapping[str, Any]) -> Evidence | None:
    """None when a version was proposed without figures."""
    if not evidence:
        return None
    champion, candidate = _mapping(evidence, "champion"), _mapping(evidence, "candidate")
    bands = [row for row in evidence.get("bands") or () if isinstance(row, Mapping)]
    columns = list(dict.fromkeys(name for row in bands for name in row))
    return Evidence(
        facts=[(title, evidence[name]) for name, title in FACT_NAMES.items() if evidence.get(name)],
        champion=str(champion.get("name", "now")),
        candidate=str(candidate.get("name", "proposed")),
        figures=_figures(champion, candidate),
        comparison=_mapping(evidence, "comparison"),
        reasons=[str(each) for each in evidence.get("reasons") or ()],
        warnings=[str(each) for each in evidence.get("warnings") or ()],
        band_columns=columns,
        bands=[[row.get(name) for name in columns] for row in bands],
    )


def _mapping(evidence: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = evidence.get(name)
    return value if isinstance(value, Mapping) else {}


def _figures(champion: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[Figure]:
    names = [name for name in dict.fromkeys([*champion, *candidate]) if _number(champion, name, candidate)]
    return [
        Figure(
            FIGURE_NAMES.get(name, name.replace("_", " ").capitalize()),
            champion.get(name),
            candidate.get(name),
            _change(name, champion.get(name), candidate.get(name)),
        )
        for name in names
    ]


def _number(champion: Mapping[str, Any], name: str, candidate: Mapping[str, Any]) -> bool:
    values = [side[name] for side in (champion, candidate) if side.get(name) is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _change(name: str, before: float | None, after: float | None) -> str:
    if before is None or after is None or abs(after - before) < SMALLEST_DIFFERENCE:
        return ""
    if name in LOWER_IS_BETTER:
        return "better" if after < before else "worse"
    if name in HIGHER_IS_BETTER:
        return "better" if after > before else "worse"
    return ""
