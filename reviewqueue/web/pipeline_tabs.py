"""The pages of one pipeline: groups in one row, and the pages of the group one is in, in a row below it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: the `tab` that its template says it is, the name of its address, and who sees it where not everybody."""

    tab: str
    name: str
    view: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """One page, or several under a name of their own; the name leads to the first of them."""

    name: str
    entries: tuple[Entry, ...]


GROUPS: Final = (
    Group(
        "Overview",
        (
            Entry("overview", "Overview", "pipeline"),
            Entry("alarms", "Alarms", "alarms"),
        ),
    ),
    Group(
        "Confidence",
        (
            Entry("calibration", "Calibration", "calibration"),
            Entry("bands", "Bands", "bands"),
            Entry("coverage", "Error and coverage", "coverage"),
            Entry("segments", "Segments", "segments"),
            Entry("compare", "Compare", "compare"),
            Entry("drift", "Drift", "drift"),
            Entry("signals", "Signals", "signals"),
            Entry("calibrators", "Calibrators", "calibrators"),
            Entry("golden", "Golden sets", "golden_sets", frozenset({"owner", "auditor", "admin"})),
        ),
    ),
    Group(
        "Rules",
        (
            Entry("policies", "Policies", "policies"),
            Entry("second_opinion", "Second opinion", "second_opinion"),
            Entry("tiers", "Cost and latency", "tiers"),
            Entry("planner", "Planner", "planner"),
        ),
    ),
    Group(
        "Review",
        (
            Entry("tasks", "Tasks", "tasks"),
            Entry("reviewers", "Reviewers", "reviewers"),
            Entry("cleaning", "Second looks", "cleaning"),
            Entry("gold", "Gold tasks", "gold", frozenset({"owner", "auditor", "admin"})),
            Entry("form", "Review form", "review_form"),
        ),
    ),
    Group(
        "Settings",
        (
            Entry("settings", "Settings", "settings"),
            Entry("redaction", "Redaction", "redaction"),
            Entry("retention", "Retention", "retention"),
        ),
    ),
)
"""In the order of the rows. A new page is one line here; its template includes pipelines/_head.html with its `tab`."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A link of a row; `current` is the value of aria-current: "page" on the very page, "true" within its group."""

    name: str
    address: str
    current: str


@dataclass(frozen=True, slots=True)
class Tabs:
    """`pages` is empty in a group of one page; else `group` says what they are the pages of."""

    groups: tuple[Tab, ...]
    group: str
    pages: tuple[Tab, ...]


def tabs_of(slug: str, tab: str, roles: Collection[str], *, is_below: bool = False) -> Tabs:
    """`is_below`: the page is one below that of the tab."""
    here = "true" if is_below else "page"
    seen = [Group(group.name, tuple(_seen(group, roles))) for group in GROUPS]
    groups = [group for group in seen if group.entries]
    within = next((group for group in groups if tab in {entry.tab for entry in group.entries}), None)
    return Tabs(
        groups=tuple(
            _tab(group.name, group.entries[0], slug, _current_group(group, here) if group is within else "")
            for group in groups
        ),
        group=within.name if within else "",
        pages=tuple(
            _tab(entry.name, entry, slug, here if entry.tab == tab else "")
            for entry in (within.entries if within and len(within.entries) > 1 else ())
        ),
    )


def _seen(group: Group, roles: Collection[str]) -> list[Entry]:
    return [entry for entry in group.entries if not entry.roles or not entry.roles.isdisjoint(roles)]


def _current_group(group: Group, here: str) -> str:
    return here if len(group.entries) == 1 else "true"


def _tab(name: str, entry: Entry, slug: str, current: str) -> Tab:
    return Tab(name, reverse(f"web:{entry.view}", args=[slug]), current)
