"""Whether the context that came with a claim bears out its output. Lexical: words are compared, not meanings.

A sentence that says the opposite in the same words counts as supported, and a faithful paraphrase in other words does
not. The score is a reason to look, and no proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from reviewqueue.verifiers.finding import PASSED, CannotTell, Claim, Finding, Work, pointed_at
from reviewqueue.verifiers.texts import citations, is_number, passages, sentences, texts_in, without_citations, words

SHORTEST_WORD: Final = 3
"""Shorter words are mostly grammar. In writing without spaces every run of letters is one word."""


@dataclass(frozen=True, slots=True)
class EvidenceCoverage:
    """The score is the share of the output's sentences that the context supports.

    A sentence is supported by a passage that holds at least the share `support` of its words, and every number of it.
    """

    kind: ClassVar[str] = "evidence_coverage"
    field: str
    support: float
    at_least: float

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "support": self.support, "at_least": self.at_least}

    def run(self, claim: Claim, work: Work) -> Finding:
        said, known = _texts(pointed_at(claim, self.field)), _texts([each.get("text", "") for each in claim.context])
        work.spend((sum(map(len, said)) + sum(map(len, known))) // 2)
        claims = [found for text in said for each in sentences(text) if (found := _content(without_citations(each)))]
        if not claims:
            raise CannotTell("nothing_said")
        if not known:
            raise CannotTell("no_context")
        places = _Places(_content(passage) for text in known for passage in passages(text))
        work.spend(sum(places.weight(each) for each in claims))
        supported = sum(places.support(each, self.support) for each in claims)
        return Finding.scored(supported / len(claims), self.at_least, "unsupported")


def _texts(value: object) -> list[str]:
    return [text for text in texts_in(value) if text.strip()]


def _content(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, as far as their length tells, and all its numbers."""
    return frozenset(word for word in words(text) if is_number(word) or len(word) >= SHORTEST_WORD)


class _Places:
    """In which passages each word stands."""

    def __init__(self, contents: Iterable[frozenset[str]]) -> None:
        self._of: dict[str, set[int]] = {}
        for place, content in enumerate(contents):
            for word in content:
                self._of.setdefault(word, set()).add(place)

    def weight(self, sentence: frozenset[str]) -> int:
        return sum(len(self._of.get(word, ())) + 1 for word in sentence)

    def support(self, sentence: frozenset[str], share: float) -> bool:
        held = Counter(place for word in sentence for place in self._of.get(word, ()))
        numbers = [self._of.get(word, set()) for word in sentence if is_number(word)]
        return any(
            count >= share * len(sentence) and all(place in places for places in numbers)
            for place, count in held.items()
        )


@dataclass(frozen=True, slots=True)
class Citations:
    """Passes when the output has at least `least` citations and each of them points at a piece of context.

    A citation is a number from 1, an id or a title of a piece of context in square brackets, several of them parted by
    commas or semicolons. The score is the share that points at something.
    """

    kind: ClassVar[str] = "citations"
    field: str
    least: int

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "least": self.least}

    def run(self, claim: Claim, work: Work) -> Finding:
        said = _texts(pointed_at(claim, self.field))
        work.spend(sum(map(len, said)) // 5 + 5 * len(claim.context))
        names = _names(claim)
        cited = [name for text in said for group in citations(text) for name in _members(group, names)]
        if len(cited) < self.least:
            return Finding("fail", note="too_few_citations")
        if not cited:
            return PASSED
        return Finding.scored(sum(name in names for name in cited) / len(cited), 1.0, "points_nowhere")


def _names(claim: Claim) -> frozenset[str]:
    named = (str(each.get(key) or "") for each in claim.context for key in ("id", "title"))
    numbered = (str(place) for place in range(1, len(claim.context) + 1))
    return frozenset(_named(name) for name in (*numbered, *named) if name.strip())


def _members(group: str, names: frozenset[str]) -> list[str]:
    """A title may hold a comma itself."""
    if _named(group) in names:
        return [_named(group)]
    return [_named(part) for part in group.replace(";", ",").split(",") if part.strip()]


def _named(text: str) -> str:
    return " ".join(text.casefold().split())
