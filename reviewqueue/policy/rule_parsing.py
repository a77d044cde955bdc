"""The rules over signals of a policy document, read from JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reviewqueue.policy.document import HELD, IF_MISSING, NEXT_STEPS, Demand, Route, SignalRule
from reviewqueue.policy.fields import Fields, nullable, number, one_of, text

MOST_RULES: Final = 50
NAME: Final = text(80)
EDGE: Final = nullable(number(0, 1))
ROUTES: Final[tuple[Route, ...]] = ("uncertain", *HELD)
"""A rule only ever makes an outcome stricter, so it can ask for nothing else."""


def signal_rules(document: Fields) -> tuple[SignalRule, ...]:
    entries = document.entries("rules", most=MOST_RULES)
    rows = [Fields.of(value, pointer, document.problems) for pointer, value in entries]
    rules = [_rule(fields) for fields in rows]
    refuse_same_names(rows, [rule.name for rule in rules], "rule")
    return tuple(rules)


def refuse_same_names(rows: Sequence[Fields], names: Sequence[str], what: str) -> None:
    """People call things by their names, so a name is given once."""
    seen: set[str] = set()
    for fields, name in zip(rows, names, strict=True):
        if "name" not in fields.bad and name in seen:
            fields.refuse("name", "duplicate", f"another {what} has this name")
        seen.add(name)


def _rule(fields: Fields) -> SignalRule:
    rule = SignalRule(
        name=fields.required("name", NAME, stand_in=""),
        signal=fields.required("signal", NAME, stand_in=""),
        at_least=fields.optional("at_least", EDGE, default=None),
        below=fields.optional("below", EDGE, default=None),
        if_missing=fields.optional("if_missing", one_of(IF_MISSING), default="apply"),
        demand=Demand(
            route=fields.required("route", one_of(ROUTES), stand_in="review"),
            next_step=fields.optional("next_step", nullable(one_of(NEXT_STEPS)), default=None),
        ),
    )
    fields.close()
    if fields.is_object:
        _check_edge(fields, rule)
        check_next_step(fields, rule.demand)
    return rule


def _check_edge(fields: Fields, rule: SignalRule) -> None:
    if not fields.bad & {"at_least", "below"} and (rule.at_least is None) == (rule.below is None):
        fields.refuse("at_least", "one_edge", "a rule has either at_least or below")


def check_next_step(fields: Fields, demand: Demand) -> None:
    if fields.bad & {"route", "next_step"}:
        return
    if demand.route == "uncertain" and demand.next_step is None:
        fields.refuse("next_step", "needed_by_route", "an uncertain answer says what to do next")
    if demand.route != "uncertain" and demand.next_step is not None:
        fields.refuse("next_step", "not_used_by_route", "only an uncertain answer has a next step")
