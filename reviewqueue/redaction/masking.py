"""What is left of texts and JSON values when rules were applied, and how many places each rule took. Pure.

Applying rules again changes nothing, and what is left between the masks fits no pattern: what still fits after
ROUNDS, because taking something away made a new match, is taken away as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reviewqueue.redaction.finding import Span
from reviewqueue.redaction.rules import PARTS, FieldRule, PatternRule, Rules, looks_in_numbers, mask

ROUNDS: Final = 4
_GONE: Final = object()


@dataclass(slots=True)
class Redaction:
    """Applies rules, and counts: places by the id of the rule."""

    rules: Rules
    places: Counter[str] = field(default_factory=Counter)

    def content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Of the content of a claim. Fields come first, patterns look at what is left."""
        parts: dict[str, Any] = dict(content)
        for rule in self.rules.fields:
            parts = self._field(parts, rule)
        spared = self.rules.for_output
        return {
            name: self.value(value, spared if name == "output" else None) if name in PARTS else value
            for name, value in parts.items()
        }

    def value(self, value: Any, rules: Rules | None = None) -> Any:
        """The same structure; every text, and every name of a member, without what the patterns find."""
        rules = rules or self.rules
        if not rules.patterns:
            return value
        if isinstance(value, str):
            return self.text(value, rules)
        if isinstance(value, dict):
            return self._members(value, rules)
        if isinstance(value, list):
            return [self.value(each, rules) for each in value]
        return self._number(value, rules)

    def text(self, text: str, rules: Rules | None = None) -> str:
        rules = rules or self.rules
        if not rules.patterns:
            return text
        pieces: list[str] = []
        end = 0
        for left in rules.masks.finditer(text):
            pieces += [*self._piece(text[end : left.start()], rules.patterns, 1), left.group()]
            end = left.end()
        return "".join([*pieces, *self._piece(text[end:], rules.patterns, 1)])

    def _piece(self, piece: str, patterns: Sequence[PatternRule], round_: int) -> Iterator[str]:
        """A piece without masks, as it is left."""
        end = 0
        for start, stop, rule in _apart(piece, patterns) if piece else ():
            if round_ == ROUNDS:
                self.places[rule.id] += 1
                yield mask(rule.id)
                return
            yield from self._piece(piece[end:start], patterns, round_ + 1)
            self.places[rule.id] += 1
            yield mask(rule.id)
            end = stop
        if end == 0:
            yield piece
        else:
            yield from self._piece(piece[end:], patterns, round_ + 1)

    def _members(self, members: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
        """Names that are the same when masked get further masks, in the order of what they were."""
        names: dict[str, str] = {}
        taken = set(members)
        for name in sorted(members):
            masked = self.text(name, rules)
            while masked != name and masked in taken:
                masked += mask(rules.patterns[0].id)
            names[name] = masked
            taken.add(masked)
        return {names[name]: self.value(each, rules) for name, each in members.items()}

    def _number(self, value: Any, rules: Rules) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            for rule in rules.patterns:
                if looks_in_numbers(rule) and rule.find(str(value)):
                    self.places[rule.id] += 1
                    return mask(rule.id)
        return value

    def _field(self, parts: dict[str, Any], rule: FieldRule) -> dict[str, Any]:
        left: dict[str, Any] = self._at(parts, rule.steps, rule)
        return {name: left.get(name) for name in parts}

    def _at(self, value: Any, steps: Sequence[str], rule: FieldRule) -> Any:
        if not steps:
            return self._taken(value, rule)
        step, *rest = steps
        if isinstance(value, dict):
            names = list(value) if step == "*" else [step] if step in value else []
            changed = {name: self._at(value[name], rest, rule) for name in names}
            return {name: left for name in value if (left := changed.get(name, value[name])) is not _GONE}
        if isinstance(value, list):
            kept = [
                self._at(each, rest, rule) if step in ("*", str(place)) else each for place, each in enumerate(value)
            ]
            return [each for each in kept if each is not _GONE]
        return value

    def _taken(self, value: Any, rule: FieldRule) -> Any:
        if rule.drops:
            self.places[rule.id] += 1
            return _GONE
        if value is None or value == mask(rule.id):
            return value
        self.places[rule.id] += 1
        return mask(rule.id)


def _apart(piece: str, patterns: Sequence[PatternRule]) -> Iterator[tuple[int, int, PatternRule]]:
    """What all patterns find, in order; what overlaps is one place, of the pattern that begins first."""
    found: list[tuple[Span, int]] = sorted(
        (span, place) for place, rule in enumerate(patterns) for span in rule.find(piece)
    )
    current: tuple[int, int, int] | None = None
    for (start, stop), place in found:
        if current and start < current[1]:
            current = (current[0], max(current[1], stop), current[2])
            continue
        if current:
            yield current[0], current[1], patterns[current[2]]
        current = (start, stop, place)
    if current:
        yield current[0], current[1], patterns[current[2]]


def masked_text(text: str, rules: Rules) -> str:
    return Redaction(rules).text(text)


def masked_output(output: Any, rules: Rules) -> Any:
    """An output, or what it should have been, as it would be in a claim."""
    return Redaction(rules).content({"output": output})["output"]
