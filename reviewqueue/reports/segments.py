"""The segments of a pipeline as people and programs read them: the heat table, and what the last search found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from calibration.core.inversions import Inversion, Side, in_words
from calibration.core.segments import AND, Attributes, declared_as
from calibration.evidence import Subject
from calibration.heat import HeatCell, HeatRow, HeatTable, heat_tables
from calibration.models import DismissedSlice, SliceSearch
from calibration.slicing import attributes_in, dismissed_of, last_search, watched_in
from reviewqueue.claims.selectors import instant
from reviewqueue.pipelines.models import Pipeline

DIMENSIONS: Final = {"model": "model version", "prompt": "prompt version"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is wrong with a slice, beyond doubt: too many errors, or too much promised. `p` is corrected."""

    kind: str
    value: float
    low: float
    high: float
    rest: float
    p: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """A slice that is worse than the rest. `attributes` is what of it can be watched; nothing where it has neither a
    category nor a segment."""

    name: str
    words: str
    inputs: int
    confidence: float
    accuracy: float
    evidence: list[Evidence]
    attributes: Attributes
    is_watched: bool

    @property
    def declared(self) -> str:
        return declared_as(self.attributes)

    @property
    def chance(self) -> str:
        """The corrected chance of a false finding, of the surest evidence."""
        p = self.evidence[0].p
        return "0.1 %" if p < 0.001 else f"{p * 100:.1f} %"


@dataclass(frozen=True, slots=True)
class NamedInversion:
    subject: Subject
    found: Inversion
    words: str


@dataclass(frozen=True, slots=True)
class SegmentPage:
    """`searched` is None until the first search."""

    watched: tuple[Attributes, ...]
    tables: list[HeatTable]
    searched: SliceSearch | None
    proposals: list[Proposal]
    inversions: list[NamedInversion]
    dismissed: list[tuple[DismissedSlice, str]]


def segment_page(pipeline: Pipeline, *, sort: str = "worst") -> SegmentPage:
    """Four queries, whatever the number of claims: policy, statistics, the last search, what was dismissed."""
    watched, search, dismissed = watched_in(pipeline), last_search(pipeline), dismissed_of(pipeline)
    hidden = {each.name for each in dismissed}
    return SegmentPage(
        watched=watched,
        tables=heat_tables(pipeline, sort=sort),
        searched=search,
        proposals=[each for each in _proposals(search, watched) if each.name not in hidden],
        inversions=[_inversion(each) for each in (search.inversions if search else ())],
        dismissed=[(each, facts_in_words(each.facts)) for each in dismissed],
    )


def _proposals(search: SliceSearch | None, watched: Sequence[Attributes]) -> list[Proposal]:
    """One for each slice, however many things are wrong with it; what can be watched first, then surest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in search.slices if search else ():
        found.setdefault(each["name"], []).append(each)
    proposals = [_proposal(name, kinds, watched) for name, kinds in found.items()]
    return sorted(proposals, key=lambda each: not each.attributes)


def _proposal(name: str, kinds: Sequence[Mapping[str, Any]], watched: Sequence[Attributes]) -> Proposal:
    first = kinds[0]
    attributes = attributes_in(first["facts"])
    fields = Evidence.__dataclass_fields__
    return Proposal(
        name=name,
        words=facts_in_words(first["facts"]),
        inputs=first["inputs"],
        confidence=first["confidence"],
        accuracy=first["accuracy"],
        evidence=[Evidence(**{field: kind[field] for field in fields}) for kind in kinds],
        attributes=attributes,
        is_watched=attributes in watched,
    )


def facts_in_words(facts: Iterable[Sequence[str]]) -> str:
    return AND.join(f"{_dimension(dimension)}={value}" for dimension, value in facts)


def _dimension(dimension: str) -> str:
    return DIMENSIONS.get(dimension, dimension.partition(":")[2] or dimension)


def _inversion(stored: Mapping[str, Any]) -> NamedInversion:
    other, auroc = stored["other"], stored["auroc"]
    found = Inversion(
        kind=stored["kind"],
        surer=Side(**stored["surer"]),
        other=Side(**other) if other else None,
        auroc=tuple(auroc) if auroc else None,
        p=stored["p"],
    )
    subject = Subject(*(stored[name] for name in Subject._fields))
    return NamedInversion(subject, found, in_words(found))


# --- as plain values ------------------------------------------------------------------------------------------------


def plain_segments(page: SegmentPage) -> dict[str, Any]:
    """What the page shows, as the REST answer and the downloads have it."""
    return {
        "watched": [list(each) for each in page.watched],
        "models": [_plain_table(table) for table in page.tables],
        "search": _plain_search(page) if page.searched else None,
    }


def _plain_table(table: HeatTable) -> dict[str, Any]:
    return {
        "model": table.model,
        "model_version": table.model_version,
        "prompt_version": table.prompt_version,
        "calibrator": table.calibrator,
        "segments": [_plain_row(row) for row in table.rows],
    }


def _plain_row(row: HeatRow) -> dict[str, Any]:
    return {
        "segment": row.segment,
        "n_routed": row.n_routed,
        "n_labelled": row.n_labelled,
        "mean_confidence": row.mean_confidence,
        "accuracy": row.accuracy,
        "low": row.low,
        "high": row.high,
        "gap": row.gap,
        "gap_beyond_doubt": row.gap_is_shown,
        "bands": [_plain_cell(cell) for cell in row.cells],
    }


def _plain_cell(cell: HeatCell) -> dict[str, Any]:
    return {
        "band": cell.band,
        "route": cell.route,
        "evidence": cell.verdict,
        "n_routed": cell.n_routed,
        "n_labelled": cell.n_labelled,
        "accuracy": cell.accuracy,
        "low": cell.low,
        "high": cell.high,
        "lower_bound": cell.lower,
        "gate_labels": cell.gate_labels,
        "labels_missing": cell.labels_missing,
        "required": cell.required,
        "state": cell.state or "unmeasured",
    }


def _plain_search(page: SegmentPage) -> dict[str, Any]:
    searched = page.searched
    assert searched is not None
    return {
        "searched_at": instant(searched.searched_at),
        "labels": searched.labels,
        "slices_looked_at": searched.looked_at,
        "slices_tested": searched.tested,
        "slices": [
            {
                "slice": each.words,
                "watch": list(each.attributes),
                "watched": each.is_watched,
                "inputs": each.inputs,
                "mean_confidence": each.confidence,
                "accuracy": each.accuracy,
                "evidence": [asdict(kind) for kind in each.evidence],
            }
            for each in page.proposals
        ],
        "inversions": [
            {**each.subject._asdict(), "kind": each.found.kind, "words": each.words, "p": each.found.p}
            for each in page.inversions
        ],
    }
