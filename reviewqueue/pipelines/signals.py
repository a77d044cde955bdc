"""What a pipeline declares of the numbers that come with its claims. Pure.

`{"input_risk": {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier", "description": ""}}`

A claim may carry any signal. Only a declared one can be used by a rule of a policy, because only for a declared one is
it said what it measures and which way it points.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.names import RULE, is_name, pointer_to

FAMILIES: Final = ("internal", "agreement", "evidence", "process", "input_risk")
"""What a signal looks at: the model itself, several answers, the sources, how the answer was made, the input."""

ELICITATIONS: Final = (
    "logprob",
    "verbalized_before",
    "verbalized_after",
    "self_consistency",
    "verifier",
    "classifier",
    "other",
)
"""How a number was obtained, in the words of a claim's `elicitation`."""

DIRECTIONS: Final = ("better", "riskier")
"""What a higher value means."""

DERIVED: Final = frozenset({"attempt_agreement"})
"""Signals that intake works out itself: how far the attempts of a case agree."""

MAX_SIGNALS: Final = 50
MAX_DESCRIPTION: Final = 500

_CHOICES: Final = {"family": FAMILIES, "elicitation": ELICITATIONS, "higher_is": DIRECTIONS}


def known_signals(declared: Collection[str]) -> frozenset[str]:
    """The names that a rule of a policy may use."""
    return frozenset(declared) | DERIVED


def directions_of(declared: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Which way each signal points that a calibrator may look at: declared ones, and those worked out at intake."""
    return {name: declared[name]["higher_is"] if name in declared else "better" for name in known_signals(declared)}


def signal_problems(signals: object) -> list[FieldProblem]:
    if not isinstance(signals, Mapping):
        return [FieldProblem("/signals", "type", "Signals are an object: what is declared, by name.")]
    problems = [problem for name, entry in signals.items() for problem in _problems_of(name, entry)]
    if len(signals) > MAX_SIGNALS:
        problems.append(FieldProblem("/signals", "too_many", f"At most {MAX_SIGNALS} signals, as in a claim."))
    return problems


def _problems_of(name: object, entry: object) -> Iterator[FieldProblem]:
    pointer = pointer_to("signals", str(name))
    if not is_name(name):
        yield FieldProblem(pointer, "name", RULE)
    if name in DERIVED:
        yield FieldProblem(pointer, "reserved", "Review Queue works this signal out itself.")
    if not isinstance(entry, Mapping):
        yield FieldProblem(pointer, "type", "A signal is an object with a family, an elicitation and a direction.")
        return
    yield from (
        FieldProblem(pointer + pointer_to(str(field)), "unknown_field", "There is no such field in a signal.")
        for field in entry
        if field not in {*_CHOICES, "description"}
    )
    for field, choices in _CHOICES.items():
        if entry.get(field) not in choices:
            yield FieldProblem(f"{pointer}/{field}", "choice", "This is one of: " + ", ".join(choices) + ".")
    if not _is_description(entry.get("description", "")):
        yield FieldProblem(f"{pointer}/description", "text", f"At most {MAX_DESCRIPTION} printable characters.")


def _is_description(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_DESCRIPTION and (not value or value.isprintable())


def with_every_field(signals: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Sound declarations as they are stored: sorted by name, each with every field."""
    return {
        name: {
            **{field: signals[name][field] for field in _CHOICES},
            "description": signals[name].get("description", ""),
        }
        for name in sorted(signals)
    }
