"""Very many (policy, claim) pairs from one seed, for rules that must hold a million times.

Plain random numbers instead of Hypothesis: hundreds of times as many pairs a second, at the price of shrinking. More
than half of the claims are mandatory, and about a quarter of those would be decided without a person were it not for
that rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from reviewqueue.policy.document import AUTOMATING, GRAY, HELD, LADDER, NEXT_STEPS, SEEN_IN_FULL, Policy
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.verifiers.finding import Finding
from tests.property.policy.strategies import (
    CATEGORIES,
    CHECKED,
    DIGESTS,
    SEGMENTS,
    SIGNALS,
    STATES,
    SUBJECTS,
    VERIFIERS,
    without_unknown_verifiers,
)

MAPS: tuple[dict[str, Any], ...] = (
    {"kind": "identity"},
    {"kind": "platt", "slope": 1.2, "intercept": 0.5, "eps": 0.02, "offsets": {"workflow=refund": [0.0, 2.0]}},
    {"kind": "beta", "a": 0.8, "b": 1.1, "intercept": 0.2, "eps": 1e-6},
    {"kind": "isotonic", "x": [0.2, 0.5, 0.9], "y": [0.1, 0.6, 0.99]},
    {"kind": "histogram", "edges": [0.5, 0.9], "y": [0.3, 0.8, 0.99]},
)


def pairs(seed: int, *, policies: int, claims_each: int) -> Iterator[tuple[Policy, Facts]]:
    rng = Random(seed)
    for _ in range(policies):
        policy = parse_policy(random_document(rng))
        for _ in range(claims_each):
            yield policy, random_facts(rng, policy)


def random_document(rng: Random) -> dict[str, Any]:
    cuts = sorted(rng.sample(range(1, 1000), rng.randrange(4)))
    routes = sorted(rng.choices(LADDER, k=len(cuts) + 1), key=LADDER.index)
    spans = zip([0, *cuts], [*cuts, 1000], routes, strict=True)
    document = {
        "schema": 1,
        "bands": [_random_band(rng, low / 1000, high / 1000, route) for low, high, route in spans],
        "mandatory": {
            "categories": rng.sample(CATEGORIES, rng.randrange(len(CATEGORIES))),
            "segments": {name: [rng.choice(values)] for name, values in SEGMENTS.items() if rng.random() < 0.3},
            "route": rng.choice(HELD),
        },
        "calibrators": [_random_calibrator(rng, subject) for subject in SUBJECTS if rng.random() < 0.9],
        "review": {"blind": rng.choice(["none", "score", "answer"])},
        "sampling": {"epoch": "2026-1"},
        "mode": "shadow" if rng.random() < 0.05 else "active",
        "rules": [_random_rule(rng, place) for place in range(rng.choice((0, 0, 1, 2)))],
        "verifiers": [_random_verifier(rng, name) for name in VERIFIERS if rng.random() < 0.25],
    }
    return without_unknown_verifiers(document)


def _random_verifier(rng: Random, name: str) -> dict[str, Any]:
    route = rng.choice(["uncertain", *HELD])
    return {
        "name": name,
        **VERIFIERS[name],
        "if_unknown": rng.choice(("fail", "skip")),
        "route": route,
        "next_step": rng.choice(NEXT_STEPS) if route == "uncertain" else None,
    }


def _random_rule(rng: Random, place: int) -> dict[str, Any]:
    route = rng.choice(["uncertain", *HELD])
    return {
        "name": f"rule {place}",
        "signal": rng.choice(SIGNALS),
        rng.choice(("at_least", "below")): rng.random(),
        "if_missing": rng.choice(("apply", "skip")),
        "route": route,
        "next_step": rng.choice(NEXT_STEPS) if route == "uncertain" else None,
    }


def _random_band(rng: Random, low: float, high: float, route: str) -> dict[str, Any]:
    band: dict[str, Any] = {"low": low, "high": high, "route": route}
    if route == "uncertain":
        band["next_step"] = rng.choice(NEXT_STEPS)
    if route in AUTOMATING:
        band["required_accuracy"] = 0.95
    if route not in SEEN_IN_FULL:
        band["audit_rate"] = rng.choice([0, 0.05, 0.05, 0.2, 1])
        band["unaudited_waiver"] = band["audit_rate"] == 0
    if route in GRAY and rng.random() < 0.7:
        released = rng.choice(("accept", "accept_flagged"))
        band["release"] = {
            "verifiers": [rng.choice(tuple(VERIFIERS))],
            "route": released,
            "required_accuracy": 0.95,
            "audit_rate": 0.1 if released == "accept" else 1,
        }
    return band


def _random_calibrator(rng: Random, subject: tuple[str, str, str]) -> dict[str, Any]:
    model, model_version, prompt_version = subject
    return {
        "model": model,
        "model_version": model_version,
        "prompt_version": prompt_version,
        "name": "map",
        "map": rng.choice(MAPS),
    }


def random_facts(rng: Random, policy: Policy) -> Facts:
    model, model_version, prompt_version = rng.choice(SUBJECTS)
    all_validated = rng.random() < 0.8
    return Facts(
        model=model,
        model_version=model_version,
        prompt_version=prompt_version,
        category=rng.choice(CATEGORIES) if rng.random() < 0.95 else None,
        confidence=rng.choice((rng.random(), 1.0, 0.0, rng.choice(policy.bands).low)),
        audit_u=rng.random(),
        segments={name: rng.choice(values) for name, values in SEGMENTS.items() if rng.random() < 0.8},
        band_states={band.key: "validated" if all_validated else rng.choice(STATES) for band in policy.measured_bands},
        breaker=rng.random() < 0.05,
        attempt=rng.randrange(1, 5),
        step_expired=rng.random() < 0.05,
        signals={name: rng.random() for name in SIGNALS if rng.random() < 0.7},
        case_mandatory=rng.random() < 0.05,
        checks={digest: Finding(rng.choice(("pass", *CHECKED))) for digest in DIGESTS if rng.random() < 0.9},  # type: ignore[arg-type]
    )
