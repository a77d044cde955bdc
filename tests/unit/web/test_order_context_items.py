"""Evidence in pieces: one per item, one per conversation, with the passages that the output points at."""

from __future__ import annotations

from typing import Any

from reviewqueue.web.content_views import FIRST_SHOWN, text_view
from reviewqueue.web.context_items import Passage, evidence_of

DOCUMENT = {"kind": "document", "title": "Prices", "text": "The Pro plan costs 18 EUR per seat."}


def message(text: str, role: str = "user") -> dict[str, Any]:
    return {"kind": "message", "title": "", "text": text, "url": None, "role": role, "id": None}


def task(output: Any, *context: dict[str, Any]) -> dict[str, Any]:
    return {"id": "t", "claim": {"output": output}, "context": list(context)}


def test_messages_in_a_row_are_one_conversation_and_numbers_go_on() -> None:
    pieces = evidence_of(task("x", DOCUMENT, message("a"), message("b", "agent"), DOCUMENT, message("c"))).pieces
    assert [(piece.number, [turn["content"] for turn in piece.turns]) for piece in pieces] == [
        (1, []),
        (2, ["a", "b"]),
        (4, []),
        (5, []),
    ]


def test_a_citation_of_a_message_leads_to_its_conversation() -> None:
    (pointer,) = evidence_of(task("So it was said [3].", DOCUMENT, message("a"), message("b"))).pointers
    assert (pointer.anchor, pointer.has_passage) == ("evidence-t-2", False)


def test_a_message_that_holds_the_words_still_leads_to_its_conversation() -> None:
    (pointer,) = evidence_of(task("“refunds within 14 days”", message("refunds within 14 days"), message("b"))).pointers
    assert (pointer.anchor, pointer.has_passage) == ("evidence-t-1", True)


def test_passages_that_overlap_are_one_and_every_pointer_leads_there() -> None:
    evidence = evidence_of(task("“Pro plan costs 18 EUR” and “costs 18 EUR per seat”", DOCUMENT))
    (passage,) = evidence.pieces[0].passages
    assert DOCUMENT["text"][passage.start : passage.end] == "Pro plan costs 18 EUR per seat"
    assert [pointer.anchor for pointer in evidence.pointers] == [passage.anchor] * 2


def test_without_an_output_nothing_points_anywhere() -> None:
    hidden = {"id": "t", "claim": {}, "context": [DOCUMENT]}
    assert evidence_of(hidden).pointers == []
    assert evidence_of(hidden).pieces[0].passages == []


def test_highlighting_changes_no_character_and_stays_escaped() -> None:
    text = view = "a <b> “quoted\u200b words” & more"
    shown = text_view(view, [Passage(6, 22, "here")])
    assert shown.head.html.count('<mark class="passage" id="here" tabindex="-1">') == 1
    assert shown.head.html.count("</mark>") == 1
    assert shown.head.marks == 1
    assert text_view(text).head.html.replace(" ", "") in shown.head.html.replace(
        '<mark class="passage" id="here" tabindex="-1">', ""
    ).replace("</mark>", "").replace(" ", "")


def test_a_passage_over_the_cut_is_highlighted_on_both_sides_and_named_once() -> None:
    shown = text_view("x" * FIRST_SHOWN * 2, [Passage(FIRST_SHOWN - 5, FIRST_SHOWN + 5, "here")])
    assert ('id="here"' in shown.head.html, 'id="here"' in shown.rest.html) == (True, False)
    assert shown.rest.html.startswith('<mark class="passage" tabindex="-1">xxxxx</mark>')
