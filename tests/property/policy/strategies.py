"""Hypothesis strategies: any JSON value, any valid policy, any facts a claim may bring to a policy."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reviewqueue.policy.document import (
    AUTOMATING,
    BLIND_DEGREES,
    GRAY,
    HELD,
    IF_MISSING,
    IF_UNKNOWN,
    LADDER,
    MODES,
    NEXT_STEPS,
    SEEN_IN_FULL,
    Policy,
)
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.verifiers.finding import Finding

CATEGORIES = ("pricing", "health", "legal", "smalltalk")
SEGMENTS = {"workflow": ("qa", "refund"), "language": ("en", "de", "ar")}
SIGNALS = ("input_risk", "evidence", "attempt_agreement")
SUBJECTS = (("acme-lm", "1", ""), ("acme-lm", "2", "v14"), ("other", "2026-10-01", "v1"))
VERIFIERS: dict[str, dict[str, Any]] = {
    "short": {"kind": "length", "at_most": 500},
    "no links": {"kind": "pattern", "pattern": "https?://", "forbidden": True},
    "cited": {"kind": "citations"},
}
CHECKED = ("pass", "fail", "unknown")
STATES = ("unmeasured", "provisional", "validated", "failed", "stale", "breach", "unvalidated")

json_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=8)
probabilities = st.floats(0, 1)
confidences = st.none() | probabilities | st.integers(0, 100).map(lambda percent: percent / 100)
audit_numbers = st.integers(0, 2**53 - 1).map(lambda bits: bits / 2**53)
edges = st.integers(1, 9_999).map(lambda value: value / 10_000)
inner_shares = st.integers(1, 99_999_999).map(lambda value: value / 100_000_000)


def rising(values: st.SearchStrategy[float], *, size: int, unique: bool) -> st.SearchStrategy[list[float]]:
    return st.lists(values, min_size=size, max_size=size, unique=unique).map(sorted)


def stepped(kind: str, x: str, knots: int, *, extra: int) -> st.SearchStrategy[dict[str, Any]]:
    """A map given by `knots` places and one value for each, or one value more."""
    return st.fixed_dictionaries(
        {
            "kind": st.just(kind),
            x: rising(edges, size=knots, unique=True),
            "y": rising(inner_shares, size=knots + extra, unique=False),
        }
    )


slopes, intercepts, clips = st.floats(0, 5), st.floats(-3, 3), st.sampled_from([1e-6, 0.02])
offsets = st.dictionaries(
    st.sampled_from(["category=health", "workflow=qa", "language=ar"]),
    st.tuples(st.floats(0, 1), intercepts).map(list),
    max_size=2,
)
calibration_maps: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"kind": st.just("identity")}),
    st.fixed_dictionaries(
        {"kind": st.just("platt"), "slope": slopes, "intercept": intercepts, "eps": clips},
        optional={"offsets": offsets},
    ),
    st.fixed_dictionaries({"kind": st.just("beta"), "a": slopes, "b": slopes, "intercept": intercepts, "eps": clips}),
    *(stepped("isotonic", "x", knots, extra=0) for knots in (1, 2, 5)),
    *(stepped("histogram", "edges", knots, extra=1) for knots in (1, 4)),
)


def band_terms(route: str) -> st.SearchStrategy[dict[str, Any]]:
    needed: dict[str, st.SearchStrategy[Any]] = {"route": st.just(route)}
    if route == "uncertain":
        needed["next_step"] = st.sampled_from(NEXT_STEPS)
    if route in AUTOMATING:
        needed["required_accuracy"] = inner_shares
    if route not in SEEN_IN_FULL:
        needed["audit_rate"] = st.just(0) | st.just(1) | inner_shares
    optional: dict[str, st.SearchStrategy[Any]] = {"labels_needed": st.integers(1, 3)}
    if route in GRAY:
        optional["release"] = releases
    return st.fixed_dictionaries(needed, optional=optional).map(waived)


releases = st.builds(
    lambda names, terms: {"verifiers": names, **terms},
    st.lists(st.sampled_from(sorted(VERIFIERS)), min_size=1, max_size=2, unique=True),
    st.one_of(
        st.fixed_dictionaries(
            {"route": st.just("accept"), "required_accuracy": inner_shares, "audit_rate": inner_shares}
        ),
        st.fixed_dictionaries({"route": st.just("accept_flagged"), "required_accuracy": inner_shares}),
    ),
)


def waived(band: dict[str, Any]) -> dict[str, Any]:
    return {**band, "unaudited_waiver": band.get("audit_rate") == 0}


def tiled(terms: list[dict[str, Any]], cuts: list[float]) -> list[dict[str, Any]]:
    """As many bands as there are cuts and one more, in the order the ladder asks for."""
    rising_terms = sorted(terms[: len(cuts) + 1], key=lambda band: LADDER.index(band["route"]))
    spans = zip([0.0, *cuts], [*cuts, 1.0], rising_terms, strict=True)
    return [{**band, "low": low, "high": high} for low, high, band in spans]


bands = st.builds(
    tiled,
    st.lists(st.one_of(*map(band_terms, LADDER)), min_size=5, max_size=5),
    st.lists(edges, max_size=4, unique=True).map(sorted),
)
calibrator_lists = st.lists(
    st.builds(
        lambda subject, name, each: (
            dict(zip(("model", "model_version", "prompt_version"), subject, strict=True)) | {"name": name, "map": each}
        ),
        st.sampled_from(SUBJECTS),
        names,
        calibration_maps,
    ),
    max_size=3,
    unique_by=lambda entry: (entry["model"], entry["model_version"]),
)
mandatory_rules = st.fixed_dictionaries(
    {
        "categories": st.lists(st.sampled_from(CATEGORIES), unique=True),
        "segments": st.fixed_dictionaries(
            {},
            optional={
                attribute: st.lists(st.sampled_from(values), min_size=1, unique=True)
                for attribute, values in SEGMENTS.items()
            },
        ),
        "route": st.sampled_from(HELD),
    }
)
next_steps = st.sampled_from(NEXT_STEPS)
demands = st.one_of(
    st.fixed_dictionaries({"route": st.sampled_from(HELD)}),
    st.fixed_dictionaries({"route": st.just("uncertain"), "next_step": next_steps}),
)
rule_edges = st.one_of(
    st.fixed_dictionaries({"at_least": probabilities}), st.fixed_dictionaries({"below": probabilities})
)
signal_rules = st.lists(
    st.builds(
        lambda name, signal, edge, missing, demand: {"name": name, "signal": signal, **edge, **missing, **demand},
        names,
        st.sampled_from(SIGNALS),
        rule_edges,
        st.fixed_dictionaries({}, optional={"if_missing": st.sampled_from(IF_MISSING)}),
        demands,
    ),
    max_size=3,
    unique_by=lambda rule: rule["name"],
)
verifier_lists = st.lists(
    st.builds(
        lambda name, unknown, demand: {"name": name, **VERIFIERS[name], **unknown, **demand},
        st.sampled_from(sorted(VERIFIERS)),
        st.fixed_dictionaries({}, optional={"if_unknown": st.sampled_from(IF_UNKNOWN)}),
        demands,
    ),
    max_size=3,
    unique_by=lambda verifier: verifier["name"],
)
review_terms = st.fixed_dictionaries(
    {},
    optional={
        "lease_minutes": st.integers(2, 60),
        "labels_needed": st.integers(1, 3),
        "max_labels": st.integers(3, 9),
        "due_minutes": st.integers(1, 10_000),
        "blind": st.sampled_from(BLIND_DEGREES),
        "undo_seconds": st.integers(0, 60),
    },
)


def without_unknown_verifiers(document: dict[str, Any]) -> dict[str, Any]:
    """Bands release by verifiers that the document has."""
    known = {verifier["name"] for verifier in document.get("verifiers", ())}
    bands = [
        {key: value for key, value in band.items() if key != "release" or known.issuperset(value["verifiers"])}
        for band in document["bands"]
    ]
    return {**document, "bands": bands}


labels_a_week = st.integers(1, 500)
sampling_terms = st.fixed_dictionaries(
    {"epoch": names},
    optional={
        "ramp": st.fixed_dictionaries(
            {"first_rate": inner_shares}, optional={"labels": st.integers(0, 500), "days": st.integers(0, 60)}
        ),
        "floors": st.dictionaries(st.sampled_from(["category", *SEGMENTS]), labels_a_week, max_size=3),
        "weekly_minimum": labels_a_week,
        "weekly_extra": labels_a_week,
    },
)
documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "schema": st.just(1),
        "bands": bands,
        "mandatory": mandatory_rules,
        "calibrators": calibrator_lists,
        "review": review_terms,
        "sampling": sampling_terms,
        "mode": st.sampled_from(MODES),
    },
    optional={
        "certainty": st.integers(50, 99).map(lambda percent: percent / 100),
        "freshness_days": st.integers(1, 365),
        "step_minutes": st.integers(1, 600),
        "step_budget": st.integers(1, 5),
        "rules": signal_rules,
        "verifiers": verifier_lists,
    },
).map(without_unknown_verifiers)
DIGESTS = [
    verifier.digest
    for verifier in parse_policy(
        {
            "schema": 1,
            "bands": [{"low": 0, "high": 1, "route": "review"}],
            "mandatory": {},
            "sampling": {"epoch": "1"},
            "verifiers": [{"name": name, "route": "review", **check} for name, check in VERIFIERS.items()],
        }
    ).verifiers
]
policies: st.SearchStrategy[Policy] = documents.map(parse_policy)

claims = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(SUBJECTS),
        "category": st.none() | st.sampled_from(CATEGORIES),
        "confidence": confidences,
        "audit_u": audit_numbers,
        "segments": st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(values) for name, values in SEGMENTS.items()}
        ),
        "breaker": st.booleans(),
        "attempt": st.integers(1, 5),
        "step_expired": st.booleans(),
        "signals": st.fixed_dictionaries({}, optional=dict.fromkeys(SIGNALS, probabilities)),
        "case_mandatory": st.booleans(),
        "checks": st.fixed_dictionaries(
            {}, optional={digest: st.sampled_from(CHECKED).map(Finding) for digest in DIGESTS}
        ),
    }
)
states = st.lists(st.none() | st.sampled_from(STATES), min_size=10, max_size=10)
worked_out = st.lists(st.none() | probabilities, min_size=10, max_size=10)


def facts_of(
    policy: Policy, claim: dict[str, Any], drawn: list[str | None], rates: list[float | None] | None = None
) -> Facts:
    """A claim with a state, and an audit rate that was worked out, for some of the policy's bands."""
    found = zip(policy.measured_bands, rates or (), strict=False)
    claim = {**claim, "audit_rates": {band.key: rate for band, rate in found if rate is not None}}
    model, model_version, prompt_version = claim["subject"]
    named = {band.key: state for band, state in zip(policy.measured_bands, drawn, strict=False) if state is not None}
    rest = {name: value for name, value in claim.items() if name != "subject"}
    return Facts(model=model, model_version=model_version, prompt_version=prompt_version, band_states=named, **rest)


policies_with_facts: st.SearchStrategy[tuple[Policy, Facts]] = st.builds(
    lambda policy, claim, drawn, rates: (policy, facts_of(policy, claim, drawn, rates)),
    policies,
    claims,
    states,
    worked_out,
)
