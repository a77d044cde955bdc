"""What the note of a finding means, as the end of a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOTES: Final[Mapping[str, str]] = {
    "missing": "what it looks at is not there",
    "not_a_text": "what it looks at is not a text",
    "not_a_number": "what it looks at is not a number",
    "not_a_list": "what it looks at is not a list",
    "not_json": "the text does not hold JSON",
    "schema": "the value does not have the shape it must have",
    "no_match": "the pattern was not found",
    "matches": "a pattern was found that must not be there",
    "too_small": "the number is too small",
    "too_large": "the number is too large",
    "no_unit": "the number has no unit",
    "other_unit": "the number has another unit",
    "several_numbers": "there are several numbers",
    "too_long_to_read": "the text is too long to look for a number",
    "does_not_hold": "the sum does not add up",
    "no_result": "the expression has no result here",
    "not_comparable": "two values of different kinds cannot be compared",
    "other_lengths": "two lists have different lengths",
    "not_allowed": "the value is not one of those allowed",
    "too_short": "the text is too short",
    "too_long": "the text is too long",
    "other_language": "the text seems to be in another language",
    "too_short_to_tell": "the text is too short to tell its language",
    "unsupported": "too few of its sentences are borne out by the context",
    "nothing_said": "there is no sentence to look for",
    "no_context": "no context came with it",
    "too_few_citations": "it cites too little",
    "points_nowhere": "it cites something that is not in its context",
    "too_much_work": "the checks of this claim would take too long",
    "not_checked": "it was not made when the claim came in",
}


def in_words(note: str) -> str:
    return NOTES.get(note, note.replace("_", " "))
