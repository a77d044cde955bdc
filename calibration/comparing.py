"""Ways to obtain confidence, prompt versions and model versions side by side, everything else being equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from calibration.core.comparing import Difference, GroupFigures, Sample, difference, group_figures
from calibration.recent import LabelState, RecentLabel, RecentLabels, recent_labels, state_of_labels
from reviewqueue.pipelines.models import Pipeline

BYS: Final = ("elicitation", "prompt_version", "model_version")
ANCHORED: Final = "verbalized_after"
"""Confidence that is asked for after the answer leans on that answer."""

MOST_GROUPS: Final = 6
MOST_CHOICES: Final = 40

Names = tuple[tuple[str, str], ...]

_APART: Final[Mapping[str, tuple[str, ...]]] = {
    "elicitation": ("elicitation",),
    "prompt_version": ("prompt_version",),
    "model_version": ("model", "model_version"),
}
"""What tells the groups apart; all of the others are the same in a comparison."""

_ALL: Final = ("model", "model_version", "prompt_version", "elicitation")


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose by its `key`: the names that make it, and how many labels it has."""

    key: str
    names: Names
    labels: int
    groups: int = 1

    @property
    def named(self) -> dict[str, str]:
        return dict(self.names)


@dataclass(frozen=True, slots=True)
class Group:
    """One of what is compared; `difference` is it less the one it is held against, None for that one itself."""

    choice: Choice
    figures: GroupFigures
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`within` is what all groups have in common; `against` the key of the group that others are held against.

    `labels` is how many there are in all, `not_shown` counts groups with fewer labels than those that are shown.
    """

    by: str
    labels: int
    choices: list[Choice]
    within: Choice | None
    against: str
    groups: list[Group]
    not_shown: int


def comparison(pipeline: Pipeline, *, by: str, within: str = "", against: str = "") -> Comparison:
    """Of the newest labels. What is chosen by a key that is not there is chosen by most labels instead.

    Two queries at most; worked out once for the same labels and choice.
    """
    return _comparison(pipeline.pk, state_of_labels(pipeline.pk), by, within, against)


@lru_cache(maxsize=64)
def _comparison(pipeline_id: int, _state: LabelState, by: str, within: str, against: str) -> Comparison:
    labels = _labels(pipeline_id, _state)
    places = _by_names(labels, [name for name in _ALL if name not in _APART[by]])
    choices = [
        Choice(_key(names), names, len(rows), groups=len({_names(labels.rows[row], _APART[by]) for row in rows}))
        for names, rows in places.items()
    ]
    choices.sort(key=lambda each: (each.groups < 2, -each.labels, each.names))
    chosen = next((each for each in choices if each.key == within), choices[0] if choices else None)
    if chosen is None:
        return Comparison(by, 0, [], None, "", [], 0)
    own = RecentLabels([labels.rows[row] for row in places[chosen.names]])
    groups, not_shown, reference = _groups(own, by, against)
    return Comparison(by, len(labels), choices[:MOST_CHOICES], chosen, reference, groups, not_shown)


@lru_cache(maxsize=4)
def _labels(pipeline_id: int, _state: LabelState) -> RecentLabels:
    return recent_labels(pipeline_id)


def _groups(labels: RecentLabels, by: str, against: str) -> tuple[list[Group], int, str]:
    """In the order in which they first came; held against the first of them unless another was chosen."""
    places = _by_names(labels, _APART[by])
    largest = sorted(places, key=lambda names: (-len(places[names]), names))[:MOST_GROUPS]
    shown = [names for names in places if names in largest]
    choices = {names: Choice(_key(names), names, len(places[names])) for names in shown}
    samples = {names: _sample(labels, places[names]) for names in shown}
    reference = next((names for names in shown if choices[names].key == against), shown[0])
    others = max(len(shown) - 1, 1)
    groups = [
        Group(
            choice=choices[names],
            figures=group_figures(samples[names]),
            difference=None
            if names == reference
            else difference(samples[names], samples[reference], comparisons=others),
        )
        for names in shown
    ]
    return groups, len(places) - len(shown), choices[reference].key


def _by_names(labels: RecentLabels, wanted: Iterable[str]) -> dict[Names, list[int]]:
    names = tuple(wanted)
    found: dict[Names, list[int]] = {}
    for place, row in enumerate(labels.rows):
        found.setdefault(_names(row, names), []).append(place)
    return found


def _names(row: RecentLabel, wanted: tuple[str, ...]) -> Names:
    return tuple((name, _NAME[name](row)) for name in wanted)


_NAME: Final[Mapping[str, Callable[[RecentLabel], str]]] = {
    "model": lambda row: row.subject.model,
    "model_version": lambda row: row.subject.model_version,
    "prompt_version": lambda row: row.subject.prompt_version,
    "elicitation": lambda row: row.elicitation,
}


def _sample(labels: RecentLabels, rows: list[int]) -> Sample:
    own = np.array(rows)
    return Sample(labels.confidence[own], labels.right[own], labels.weight[own], labels.fingerprint[own])


def _key(names: Names) -> str:
    """Short, and the same as long as the names are."""
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:12]
