"""What changes in how much is audited. More labels are stricter; what could go either way counts as looser."""

from __future__ import annotations

from collections.abc import Iterator

from reviewqueue.policy.document import Ramp, Sampling
from reviewqueue.policy.fields import child
from reviewqueue.policy.rule_changes import Change, Direction


def sampling_changes(before: Sampling, after: Sampling) -> Iterator[Change]:
    if before.ramp != after.ramp:
        old, new = _ramp_in_words(before.ramp), _ramp_in_words(after.ramp)
        direction = _ramp_direction(before.ramp, after.ramp)
        meaning = f"Bands that begin to decide: {old} becomes {new}"
        yield Change("/sampling/ramp", meaning, before.ramp and old, after.ramp and new, direction)
    for attribute in sorted({*before.floors, *after.floors}):
        labels = before.floors.get(attribute), after.floors.get(attribute)
        yield from _count_change(child("/sampling/floors", attribute), f"each {attribute} of a band", *labels)
    minimum = before.weekly_minimum, after.weekly_minimum
    yield from _count_change("/sampling/weekly_minimum", "each band that decides", *minimum)
    extra = before.weekly_extra, after.weekly_extra
    yield from _count_change("/sampling/weekly_extra", "the bands that need them most", *extra)


def _count_change(pointer: str, of: str, old: int | None, new: int | None) -> Iterator[Change]:
    if (old or 0) != (new or 0):
        meaning = f"Labels a week for {of}: at least {old or 0} becomes at least {new or 0}"
        yield Change(pointer, meaning, old, new, "stricter" if (new or 0) > (old or 0) else "looser")


def _ramp_direction(old: Ramp | None, new: Ramp | None) -> Direction:
    if old is None or new is None:
        return "looser" if new is None else "stricter"
    lasts = new.first_rate >= old.first_rate and new.labels >= old.labels and new.days >= old.days
    return "stricter" if lasts else "looser"


def _ramp_in_words(ramp: Ramp | None) -> str:
    if ramp is None:
        return "the band's own audit rate"
    return f"{ramp.first_rate * 100:g}% audited until {ramp.labels} audit labels and {ramp.days} days"
