"""Which language a text is in, by py3langid: 97 languages, no network, the same answer everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

from reviewqueue.verifiers.finding import CannotTell, Claim, Finding, Unusable, Work, text_at

LOOKED_AT: Final = 2_000
FEWEST_LETTERS: Final = 20
"""Below, a guess is hardly better than chance."""


@dataclass(frozen=True, slots=True)
class Language:
    """Passes when the text is in one of the languages (ISO 639-1). The score is how likely that is."""

    kind: ClassVar[str] = "language"
    field: str
    languages: tuple[str, ...]
    at_least: float

    def __post_init__(self) -> None:
        unknown = sorted(set(self.languages) - set(_identifier().labels))
        if unknown:
            raise Unusable("no language is known as " + ", ".join(unknown)[:100])

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "languages": list(self.languages), "at_least": self.at_least}

    def run(self, claim: Claim, work: Work) -> Finding:
        text = text_at(claim, self.field)[:LOOKED_AT]
        if sum(map(str.isalpha, text)) < FEWEST_LETTERS:
            raise CannotTell("too_short_to_tell")
        work.spend(3_000 + 2 * len(text))
        likely = sum(share for language, share in _identifier().rank(text) if language in self.languages)
        return Finding.scored(min(likely, 1.0), self.at_least, "other_language")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # loads numpy tables; only where a policy asks

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
