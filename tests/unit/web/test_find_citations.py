"""What an output points at in its evidence, and what points at nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.web.citations import MOST, Cited, cited_in

CONTEXT: list[dict[str, Any]] = [
    {
        "kind": "document",
        "title": "Price list",
        "id": "prices",
        "text": "Plans.\n\nThe Pro plan costs 18 EUR per seat.\n",
    },
    {
        "kind": "document",
        "title": "Terms, 2026",
        "text": "Cancel any time.\n\nRefunds are paid within 14 days of the\n  cancellation.",
    },
    {"kind": "message", "text": None},
]


def passages(output: Any, context: Any = CONTEXT) -> list[tuple[str, str | None]]:
    """What was said, and the passage it points at; None where it points at nothing."""
    return [(each.said, passage_of(each, context)) for each in cited_in(output, context)]


def passage_of(cited: Cited, context: Any) -> str | None:
    if cited.item is None:
        return None
    return str(context[cited.item]["text"] or "")[cited.start : cited.end]


PRO = "The Pro plan costs 18 EUR per seat."
REFUNDS = "Refunds are paid within 14 days of the\n  cancellation."


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Pro costs 18 EUR per seat [1].", [("1", PRO)]),
        ("Pro costs 18 EUR per seat [prices].", [("prices", PRO)]),
        ("Pro costs 18 EUR per seat [PRICE  LIST].", [("PRICE  LIST", PRO)]),
        ("Refunds take 14 days [Terms, 2026].", [("Terms, 2026", REFUNDS)]),
        ("Pro costs 18 EUR [1; 2].", [("1", PRO), ("2", "")]),
        ("Pro costs 19 EUR per seat [1].", [("1", "")]),
        ("All is well [7].", [("7", None)]),
        ("In those days [1999] and [sic] and [a link](x).", []),
        (
            "It says “Refunds are paid within 14 days of the cancellation”.",
            [
                ("Refunds are paid within 14 days of the cancellation", REFUNDS.removesuffix(".")),
            ],
        ),
        ('It says "the pro plan costs 18 eur".', [("the pro plan costs 18 eur", "The Pro plan costs 18 EUR")]),
        ("It says “Pro plans are free for everybody”.", [("Pro plans are free for everybody", None)]),
        ("A “word” is no quote.", []),
        ({"answer": "18 EUR", "quote": "costs 18 EUR per seat"}, [("costs 18 EUR per seat", "costs 18 EUR per seat")]),
        ({"sources": [1, "Terms, 2026", "nowhere", 9]}, [("1", ""), ("Terms, 2026", ""), ("9", None)]),
        (
            {"citations": [{"source": "prices", "quote": "18 EUR per seat"}]},
            [("prices", ""), ("18 EUR per seat", "18 EUR per seat")],
        ),
        (None, []),
        (18, []),
    ],
)
def test_quotes_and_citations_lead_to_their_passages(output: Any, expected: list[tuple[str, str | None]]) -> None:
    assert passages(output) == expected


def test_the_same_pointer_is_found_once_and_many_are_cut() -> None:
    assert passages("Pro costs 18 EUR per seat [1]. Pro costs 18 EUR per seat [1].") == [("1", PRO)]
    assert len(cited_in(" ".join(f"[{number}]" for number in range(200)), CONTEXT)) == MOST


def test_a_long_paragraph_is_narrowed_to_the_sentence() -> None:
    text = (
        "Some words about nothing at all. " * 20 + "Support answers within 4 hours. " + "More words follow here. " * 20
    )
    assert passages("Support answers within 4 hours [1].", [{"kind": "document", "text": text}]) == [
        ("1", "Support answers within 4 hours.")
    ]


def test_without_evidence_nothing_is_asked() -> None:
    assert cited_in("See [1] and “some words that are quoted”.", []) == []


@given(st.text(), st.lists(st.text(), min_size=1, max_size=3))
def test_every_passage_lies_within_its_text(output: str, texts: list[str]) -> None:
    context = [{"kind": "document", "text": text, "title": text[:5]} for text in texts]
    for each in cited_in(f"{output} [1] “{texts[0]}”", context):
        assert each.item is None or 0 <= each.start <= each.end <= len(texts[each.item])
