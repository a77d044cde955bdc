"""The pages of a pipeline as links: groups, and the pages of the group one is in."""

from __future__ import annotations

import pytest

from reviewqueue.web import pipeline_tabs
from reviewqueue.web.pipeline_tabs import GROUPS, Entry, Group, Tab, tabs_of


def current(tabs: tuple[Tab, ...]) -> dict[str, str]:
    return {tab.name: tab.current for tab in tabs if tab.current}


def test_a_group_of_one_page_is_that_page_and_has_no_second_row(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Group("Overview", (Entry("overview", "Overview", "pipeline"),))
    monkeypatch.setattr(pipeline_tabs, "GROUPS", (alone, *pipeline_tabs.GROUPS[1:]))
    tabs = tabs_of("support", "overview", ())
    assert current(tabs.groups) == {"Overview": "page"}
    assert (tabs.group, tabs.pages) == ("Overview", ())
    assert tabs.groups[0].address == "/pipelines/support/"


def test_a_page_of_a_group_is_marked_in_both_rows() -> None:
    tabs = tabs_of("support", "signals", ())
    assert current(tabs.groups) == {"Confidence": "true"}
    assert current(tabs.pages) == {"Signals": "page"}


def test_below_a_page_nothing_says_that_it_is_the_page() -> None:
    tabs = tabs_of("support", "policies", (), is_below=True)
    assert current(tabs.groups) == {"Rules": "true"}
    assert current(tabs.pages) == {"Policies": "true"}


def test_what_a_role_may_not_see_is_not_linked() -> None:
    assert "Gold tasks" in [tab.name for tab in tabs_of("support", "tasks", ["owner"]).pages]
    assert "Gold tasks" not in [tab.name for tab in tabs_of("support", "tasks", ["senior"]).pages]


def test_no_page_stands_in_two_places() -> None:
    tabs = [entry.tab for group in GROUPS for entry in group.entries]
    assert len(tabs) == len(set(tabs))


def test_an_unknown_page_is_in_no_group() -> None:
    tabs = tabs_of("support", "elsewhere", ())
    assert (current(tabs.groups), tabs.group, tabs.pages) == ({}, "", ())
