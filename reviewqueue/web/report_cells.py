"""The cells of a report's tables as HTML: tens of thousands on one page, for which a template each is too slow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from reviewqueue.web.templatetags.show import duration, figure, percent, visible
from reviewqueue.web.wording import EVENTS

RIGHT: Final = frozenset({"count", "share", "seconds"})
_NOTHING: Final = format_html('<span class="hint">{}</span>', "–")
_RIGHT: Final = format_html(' class="{}"', "right")
_ANY_CLAIM: Final = UUID(int=0)
_ANY_LEAF: Final = 0


class Writer:
    """Writes the rows of one report; `names` are of people, and leaves are links for whoever sees the ledger."""

    def __init__(self, names: Mapping[str, str], *, sees_ledger: bool) -> None:
        self._names = names
        self._claim = reverse("web:claim", args=[_ANY_CLAIM]).replace(str(_ANY_CLAIM), "{}")
        leaf = reverse("web:ledger_entry", args=[_ANY_LEAF]).replace(str(_ANY_LEAF), "{}")
        self._leaf = leaf if sees_ledger else ""
        self._known: dict[str, SafeString] = {}
        self._writers: dict[str, Callable[[Any], SafeString | str]] = {
            "count": figure,
            "share": percent,
            "seconds": duration,
            "time": lambda value: format_html('<span class="nowrap">{} {}</span>', value[:10], value[11:19]),
            "claim": lambda value: format_html('<a class="hash" href="{}">{}</a>', self._claim.format(value), value),
            "leaf": self._leaf_link,
            "person": self._person,
            "pseudonym": lambda value: format_html('<span class="hash">{}</span>', visible(value)),
        }

    def row(self, columns: Sequence[Mapping[str, str]], row: Sequence[Any]) -> SafeString:
        cells = zip(columns, row, strict=True)
        return format_html_join(
            "",
            "<td{}>{}</td>",
            ((_RIGHT if column["kind"] in RIGHT else "", self._cell(column, value)) for column, value in cells),
        )

    def _cell(self, column: Mapping[str, str], value: Any) -> SafeString | str:
        if value is None or value == "":
            return _NOTHING
        return self._writers.get(column["kind"], self._event if column["name"] == "event" else self._text)(value)

    def _leaf_link(self, value: int) -> SafeString | str:
        return (
            format_html('<a href="{}">{}</a>', self._leaf.format(value), figure(value)) if self._leaf else figure(value)
        )

    def _person(self, value: object) -> SafeString:
        return self._text(", ".join(self._names.get(each, each) for each in str(value).split()))

    def _event(self, value: str) -> SafeString:
        return self._text(EVENTS.get(value, value))

    def _text(self, value: object) -> SafeString:
        """The same words stand in many rows."""
        text = str(value)
        if text not in self._known:
            self._known[text] = visible(text)
        return self._known[text]
