"""What changes between two policies, in words for the owner, and whether people will look at less than before.

A change is *looser* when it can let some claim pass with less human attention or on weaker evidence, *stricter* when it
can only do the opposite, and *neutral* otherwise. What could go either way counts as looser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from reviewqueue.policy.document import (
    AUTOMATING,
    BLIND_DEGREES,
    HELD,
    Band,
    CalibratorEntry,
    Policy,
    Release,
    Route,
    band_for,
    edge_text,
    thawed,
)
from reviewqueue.policy.fields import child
from reviewqueue.policy.rule_changes import Change, Direction, rule_changes, verifier_changes
from reviewqueue.policy.sampling_changes import sampling_changes

RELEASED: Final[dict[Route, int]] = {
    "reject": 0,
    "uncertain": 0,
    "escalate": 0,
    "review": 0,
    "accept_flagged": 1,
    "accept": 2,
}
"""How far an output gets before a person has seen it."""

ATTENTION: Final[dict[Route, int]] = {
    "accept": 0,
    "reject": 0,
    "accept_flagged": 1,
    "uncertain": 1,
    "review": 2,
    "escalate": 3,
}
"""How much human attention a claim gets; an uncertain one goes to people when no next step is taken."""


def difference(before: Policy, after: Policy) -> tuple[Change, ...]:
    """Every difference in effect. Empty for equal documents, and for those that differ in order or defaults alone."""
    return (
        *_band_changes(before, after),
        *_cut_changes(before, after),
        *_mandatory_changes(before, after),
        *rule_changes(before, after),
        *verifier_changes(before, after),
        *_calibrator_changes(before, after),
        *_term_changes(before, after),
        *sampling_changes(before.sampling, after.sampling),
    )


def is_looser(before: Policy, after: Policy) -> bool:
    """Whether anything at all could pass with less human attention or on weaker evidence than before."""
    return any(change.direction == "looser" for change in difference(before, after))


def loosens_mandatory(before: Policy, after: Policy) -> bool:
    """Whether a rule of mandatory review was taken out or sends claims to a less senior person."""
    return any(
        change.direction == "looser" and change.pointer.startswith("/mandatory") for change in difference(before, after)
    )


# --- single values ---------------------------------------------------------------------------------------------


def _neutral(*_values: object) -> Direction:
    return "neutral"


def _more_is_stricter(before: float, after: float) -> Direction:
    return "stricter" if after > before else "looser"


def _more_is_looser(before: float, after: float) -> Direction:
    return "looser" if after > before else "stricter"


def _later_is_stricter(degrees: tuple[str, ...]) -> Callable[[str, str], Direction]:
    return lambda before, after: _more_is_stricter(degrees.index(before), degrees.index(after))


TERMS: Final[tuple[tuple[str, str, Callable[..., Direction]], ...]] = (
    ("/mode", "mode", _later_is_stricter(("active", "shadow"))),
    ("/certainty", "certainty asked of a measured accuracy", _more_is_stricter),
    ("/freshness_days", "number of days before an accuracy figure is stale", _more_is_looser),
    ("/step_minutes", "number of minutes a next step may take", _more_is_looser),
    ("/step_budget", "number of attempts of one case", _more_is_looser),
    ("/review/labels_needed", "number of labels needed where a band does not say", _more_is_stricter),
    ("/review/max_labels", "number of labels before a senior decides", _neutral),
    ("/review/blind", "degree of blindness in review", _later_is_stricter(BLIND_DEGREES)),
    ("/review/due_minutes", "number of minutes until a review is due", _neutral),
    ("/review/lease_minutes", "number of minutes a reviewer holds a task", _neutral),
    ("/review/undo_seconds", "number of seconds to change one's mind", _neutral),
    ("/sampling/epoch", "epoch of the sampling key", _neutral),
    ("/mandatory/route", "route of mandatory review", _later_is_stricter(HELD)),
)
"""Where each term stands in the document, what it is called, and which way it points."""


def _term_changes(before: Policy, after: Policy) -> Iterator[Change]:
    for pointer, name, direction_of in TERMS:
        old, new = _term(before, pointer), _term(after, pointer)
        if old != new:
            yield Change(pointer, f"The {name}: {old} becomes {new}", old, new, direction_of(old, new))


def _term(policy: Policy, pointer: str) -> object:
    value: object = policy
    for name in pointer[1:].split("/"):
        value = getattr(value, name)
    return value


# --- bands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of confidence that lies in one band before and in one band after."""

    low: float
    high: float
    old: Band
    new: Band
    old_labels: int
    new_labels: int
    place: int


Comparison = tuple[object, object, str, Direction]
"""Value before, value after, what it means, direction."""


def _band_changes(before: Policy, after: Policy) -> Iterator[Change]:
    stretches = _stretches(before, after)
    for name, compare in _COMPARISONS.items():
        for found, run in groupby(stretches, key=compare):
            if found is not None:
                yield _band_change(name, list(run), found)


def _band_change(name: str, run: list[_Stretch], found: Comparison) -> Change:
    """One change for neighbouring stretches that change in the same way."""
    old, new, meaning, direction = found
    span = f"Confidence {edge_text(run[0].low)} to {edge_text(run[-1].high)}"
    is_gone = name == "release" and run[0].new.release is None
    pointer = f"/bands/{run[0].place}" if is_gone else f"/bands/{run[0].place}/{name}"
    return Change(pointer, f"{span}: {meaning}", old, new, direction)


def _stretches(before: Policy, after: Policy) -> list[_Stretch]:
    edges = [*sorted({*before.lows, *after.lows}), 1.0]
    return [_stretch(before, after, low, high) for low, high in pairwise(edges)]


def _stretch(before: Policy, after: Policy, low: float, high: float) -> _Stretch:
    old, new = band_for(before, low), band_for(after, low)
    labels = before.labels_needed_in(old), after.labels_needed_in(new)
    return _Stretch(low, high, old, new, *labels, place=after.bands.index(new))


def _compare_routes(stretch: _Stretch) -> Comparison | None:
    old, new = stretch.old.route, stretch.new.route
    if old == new:
        return None
    loosens = RELEASED[new] > RELEASED[old] or ATTENTION[new] < ATTENTION[old]
    held_until_earned = old in AUTOMATING and new == "uncertain"  # what nobody has measured went to people before
    return old, new, f"{old} becomes {new}", "looser" if loosens or held_until_earned else "stricter"


def _compare_steps(stretch: _Stretch) -> Comparison | None:
    old, new = stretch.old.next_step, stretch.new.next_step
    if old == new or old is None or new is None:
        return None
    return old, new, f"the next step is {new} instead of {old}", "neutral"


def _compare_audits(stretch: _Stretch) -> Comparison | None:
    old, new = stretch.old.audit_rate, stretch.new.audit_rate
    if old == new:
        return None
    direction = _more_is_stricter(_share_seen(stretch.old), _share_seen(stretch.new))
    return old, new, f"people see {new * 100:g}% of the claims instead of {old * 100:g}%", direction


def _share_seen(band: Band) -> float:
    """An automating band without audit can never be validated, so all its claims are held."""
    return 1.0 if band.automates and band.audit_rate == 0 else band.audit_rate


def _compare_accuracies(stretch: _Stretch) -> Comparison | None:
    old, new = stretch.old.required_accuracy, stretch.new.required_accuracy
    if old == new or old is None or new is None:
        return None
    return old, new, f"the accuracy to be earned is {new:g} instead of {old:g}", _more_is_stricter(old, new)


def _compare_labels(stretch: _Stretch) -> Comparison | None:
    old, new = stretch.old_labels, stretch.new_labels
    if old == new or stretch.old.labels_needed is stretch.new.labels_needed is None:
        return None  # where no band says anything, the change is one of the review terms
    return old, new, f"{new} labels are needed instead of {old}", _more_is_stricter(old, new)


def _compare_releases(stretch: _Stretch) -> Comparison | None:
    old, new = stretch.old.release, stretch.new.release
    if old == new:
        return None
    before, after = _release_in_words(old), _release_in_words(new)
    direction: Direction = "stricter" if _releases_less(stretch, old, new) else "looser"
    return before, after, f"{before} becomes {after}", direction


def _releases_less(stretch: _Stretch, old: Release | None, new: Release | None) -> bool:
    """Never so where claims are handed back: what a release passes there is held until it has earned its route."""
    if old is None or stretch.old.route != "review":
        return False
    return new is None or (
        set(new.verifiers) >= set(old.verifiers)
        and RELEASED[new.route] <= RELEASED[old.route]
        and new.audit_rate >= old.audit_rate
        and new.required_accuracy >= old.required_accuracy
    )


def _release_in_words(release: Release | None) -> str:
    if release is None:
        return "nothing is released"
    names = ", ".join(f"“{name}”" for name in release.verifiers)
    terms = f"right in {release.required_accuracy * 100:g}%, {release.audit_rate * 100:g}% seen by people"
    return f"{release.route} for what {names} pass ({terms})"


_COMPARISONS: Final[dict[str, Callable[[_Stretch], Comparison | None]]] = {
    "route": _compare_routes,
    "next_step": _compare_steps,
    "audit_rate": _compare_audits,
    "required_accuracy": _compare_accuracies,
    "labels_needed": _compare_labels,
    "release": _compare_releases,
}


def _cut_changes(before: Policy, after: Policy) -> Iterator[Change]:
    old, new = before.lows[1:], after.lows[1:]
    if old == new:
        return
    cuts = f"The bands are cut at {_edges(new)} instead of {_edges(old)}; each new band is measured by itself"
    recut = _earned_edges(before) ^ _earned_edges(after)
    inside = any(_decides(band_for(before, edge)) and _decides(band_for(after, edge)) for edge in recut)
    yield Change("/bands", cuts, list(old), list(new), "looser" if inside else "neutral")


def _earned_edges(policy: Policy) -> set[float]:
    """Edges between two bands that both decide by themselves, and so answer for their accuracy apart."""
    deciding = [(below, above) for below, above in pairwise(policy.bands) if _decides(below) and _decides(above)]
    return {above.low for _, above in deciding}


def _decides(band: Band) -> bool:
    return band.automates or band.release is not None


def _edges(edges: tuple[float, ...]) -> str:
    return ", ".join(map(edge_text, edges)) or "no edge"


# --- mandatory review ------------------------------------------------------------------------------------------


def _mandatory_changes(before: Policy, after: Policy) -> Iterator[Change]:
    old, new = _mandatory_rules(before), _mandatory_rules(after)
    for name in [name for name in old if name not in new]:
        yield Change(old[name], f"Claims of {name} need not go to a person any more", name, None, "looser")
    for name in [name for name in new if name not in old]:
        yield Change(new[name], f"Claims of {name} always go to a person", None, name, "stricter")


def _mandatory_rules(policy: Policy) -> dict[str, str]:
    """What always goes to a person, and where the document says so."""
    categories = {
        f"category {name}": f"/mandatory/categories/{place}" for place, name in enumerate(policy.mandatory.categories)
    }
    segments = {
        f"{attribute} {value}": child(child("/mandatory/segments", attribute), place)
        for attribute, values in policy.mandatory.segments.items()
        for place, value in enumerate(values)
    }
    return categories | segments


# --- calibrators -----------------------------------------------------------------------------------------------


def _calibrator_changes(before: Policy, after: Policy) -> Iterator[Change]:
    for place, new in enumerate(after.calibrators):
        old = before.calibrator_of.get(new.subject)
        if old != new:
            yield _calibrator_change(f"/calibrators/{place}", old, new)
    for place, old in enumerate(before.calibrators):
        if old.subject not in after.calibrator_of:
            meaning = f"{_subject(old)}: no longer calibrated, so no band decides by itself for it"
            direction: Direction = "looser" if _people_differ(after) else "stricter"
            yield Change(f"/calibrators/{place}", meaning, _calibrator(old), None, direction)


def _calibrator_change(pointer: str, old: CalibratorEntry | None, new: CalibratorEntry) -> Change:
    if old is None:
        meaning = f"{_subject(new)}: calibrated by {new.name}, so that validated bands may decide by themselves for it"
        return Change(pointer, meaning, None, _calibrator(new), "looser")
    if old.map == new.map:
        meaning = f"{_subject(new)}: {old.name} is called {new.name}"
        return Change(pointer, meaning, _calibrator(old), _calibrator(new), "neutral")
    meaning = f"{_subject(new)}: {new.name} instead of {old.name}; a claim may fall into another band, up or down"
    return Change(pointer, meaning, _calibrator(old), _calibrator(new), "looser")


def _people_differ(policy: Policy) -> bool:
    """Whether it matters which band a claim falls into when no band may decide by itself."""
    treatments = {
        ("review", 1.0, policy.labels_needed_in(band), None)
        if band.automates
        else (band.route, band.audit_rate, policy.labels_needed_in(band), _passed_on(band))
        for band in policy.bands
    }
    return len(treatments) > 1


def _passed_on(band: Band) -> Release | None:
    """Where claims are handed back, those that verifiers pass are held instead while no band has earned its route."""
    return band.release if band.route == "uncertain" else None


def _subject(entry: CalibratorEntry) -> str:
    prompt = f", prompt {entry.prompt_version}" if entry.prompt_version else ""
    return f"{entry.model} {entry.model_version}{prompt}"


def _calibrator(entry: CalibratorEntry) -> dict[str, object]:
    return {"name": entry.name, "map": thawed(entry.map)}
