"""Calibration maps that look at a claim's signals beside its confidence, as JSON. Standard library only.

    {"kind": "combined", "slope": a >= 0, "eps": e, "intercept": b,
     "signals": {name: {"slope": s, "eps": e, "centre": m, "missing": u, "higher_is": "better" or "riskier"}},
     "offsets": {segment: [A, B]}}                                                                  (offsets optional)
        logit p = (a + A) logit(c) + b + B + for each signal: s (logit(v) - m) where the claim carries it, else u

    {"kind": "boosted", "slope": a >= 0, "intercept": b, "baseline": r,
     "signals": [{"name": name, "higher_is": "better" or "riskier"}], "trees": [[node, ...], ...]}
        logit p = a (r + the leaf that each tree ends in) + b

A node is a leaf [value], or a split [feature, threshold, left, right, missing]: feature 0 is the confidence and i the
i-th signal; a value <= threshold goes to the node at place `left` of the tree, a larger one to `right`, and a missing
one to `right` where `missing` is 1 and to `left` where it is 0. Nodes come after the ones that lead to them.

Every map is non-decreasing in confidence, and where `higher_is` says which way a signal points (it may be left out) the
map never goes against it: `combined_problems` and `boosted_problems` refuse any other. A value outside [0, 1] counts as
missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from calibration.core.map_numbers import (
    EPS_RANGE,
    LARGEST_COEFFICIENT,
    Problem,
    field_problems,
    key_problems,
    logit,
    number_problem,
    offset_problems,
    pointer_to,
)

Signals = Mapping[str, float]
Params = Mapping[str, object]
Node = Sequence[float]

SIGNAL_KINDS: Final = frozenset({"combined", "boosted"})

BETTER: Final = "better"
RISKIER: Final = "riskier"
DIRECTIONS: Final = (BETTER, RISKIER)

MOST_SIGNALS: Final = 60
MOST_TREES: Final = 100
MOST_NODES: Final = 31
LONGEST_NAME: Final = 120

LEAF: Final = 1
SPLIT: Final = 5
"""How many numbers make a leaf, and a split."""


def signals_of(params: Params) -> list[str]:
    """The signals that a map looks at, in its own order; none for a map of the confidence alone."""
    named = params.get("signals")
    if params.get("kind") == "combined":
        return list(cast(Mapping[str, object], named))
    if params.get("kind") == "boosted":
        return [cast(str, entry["name"]) for entry in cast(Sequence[Params], named)]
    return []


def combined_logit(params: Params, confidence: float, signals: Signals, segment: str | None) -> float:
    offsets = cast(Mapping[str, Sequence[float]], params.get("offsets", {}))
    extra_slope, extra_intercept = offsets.get(segment, (0.0, 0.0)) if segment is not None else (0.0, 0.0)
    total = cast(float, params["intercept"]) + extra_intercept
    total += (cast(float, params["slope"]) + extra_slope) * logit(confidence, cast(float, params["eps"]))
    for name, term in cast(Mapping[str, Mapping[str, float]], params["signals"]).items():
        value = signals.get(name)
        if value is None or not 0 <= value <= 1:
            total += term["missing"]
        else:
            total += term["slope"] * (logit(value, term["eps"]) - term["centre"])
    return total


def boosted_logit(params: Params, confidence: float, signals: Signals, _segment: str | None) -> float:
    values = [confidence, *(_value(signals.get(name)) for name in signals_of(params))]
    raw = cast(float, params["baseline"])
    for tree in cast(Sequence[Sequence[Node]], params["trees"]):
        node = tree[0]
        while len(node) == SPLIT:
            node = tree[_next(node, values[int(node[0])])]
        raw += node[0]
    return cast(float, params["slope"]) * raw + cast(float, params["intercept"])


def _value(value: float | None) -> float:
    return math.nan if value is None or not 0 <= value <= 1 else value


def _next(node: Node, value: float) -> int:
    goes_right = node[4] == 1 if math.isnan(value) else value > node[1]
    return int(node[3] if goes_right else node[2])


# --- problems --------------------------------------------------------------------------------------------------

_TERM: Final = frozenset({"slope", "eps", "centre", "missing"})
_DIRECTION: Final = frozenset({"higher_is"})


def combined_problems(params: Params) -> Iterator[Problem]:
    yield from field_problems(params, "slope", 0, LARGEST_COEFFICIENT)
    yield from field_problems(params, "intercept", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    yield from field_problems(params, "eps", *EPS_RANGE)
    yield from offset_problems(params)
    terms = params.get("signals", {})
    if not isinstance(terms, Mapping):
        yield "/signals", "not_an_object", "signals is an object of signal to its coefficients"
        return
    if len(terms) > MOST_SIGNALS:
        yield "/signals", "too_many", f"at most {MOST_SIGNALS} signals"
        return
    for name, term in terms.items():
        yield from _term_problems(term, "/signals" + pointer_to(name))


def _term_problems(term: object, at: str) -> Iterator[Problem]:
    if not isinstance(term, Mapping):
        yield at, "not_an_object", "a signal has a slope, an eps, a centre and what it counts where it is missing"
        return
    yield from key_problems(term, _TERM, _DIRECTION, of="a signal", at=at)
    for key in ("slope", "centre", "missing"):
        yield from field_problems(term, key, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT, at)
    yield from field_problems(term, "eps", *EPS_RANGE, at)
    yield from _direction_problems(term, at)
    slope = term.get("slope", 0)
    if number_problem(slope, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT) is None:
        against = {BETTER: slope < 0, RISKIER: slope > 0}
        if isinstance(direction := term.get("higher_is"), str) and against.get(direction):
            yield f"{at}/slope", "against_direction", f"a higher value is {direction}"


def _direction_problems(entry: Params, at: str) -> Iterator[Problem]:
    if "higher_is" in entry and entry["higher_is"] not in DIRECTIONS:
        yield f"{at}/higher_is", "choice", f"one of {', '.join(DIRECTIONS)}, or nothing at all"


def boosted_problems(params: Params) -> Iterator[Problem]:
    yield from field_problems(params, "slope", 0, LARGEST_COEFFICIENT)
    for key in ("intercept", "baseline"):
        yield from field_problems(params, key, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    signs: list[int] = []
    found = list(_named_signal_problems(params.get("signals", []), signs))
    yield from found
    trees = params.get("trees", [])
    if not isinstance(trees, list | tuple):
        yield "/trees", "not_a_list", "trees is a list of trees"
    elif len(trees) > MOST_TREES:
        yield "/trees", "too_many", f"at most {MOST_TREES} trees"
    elif not found:
        for place, tree in enumerate(trees):
            yield from _tree_problems(tree, f"/trees/{place}", [1, *signs])


def _named_signal_problems(entries: object, signs: list[int]) -> Iterator[Problem]:
    """Also fills `signs`: 1 where more is better, -1 where it is riskier, 0 where neither is said."""
    if not isinstance(entries, list | tuple):
        yield "/signals", "not_a_list", "signals is a list of objects, each with a name"
        return
    if len(entries) > MOST_SIGNALS:
        yield "/signals", "too_many", f"at most {MOST_SIGNALS} signals"
        return
    names = set()
    for place, entry in enumerate(entries):
        at = f"/signals/{place}"
        if not isinstance(entry, Mapping):
            yield at, "not_an_object", "a signal is an object with a name"
            continue
        yield from key_problems(entry, frozenset({"name"}), _DIRECTION, of="a signal", at=at)
        yield from _direction_problems(entry, at)
        name = entry.get("name", "")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            yield f"{at}/name", "text", f"a name has 1 to {LONGEST_NAME} characters"
        elif name in names:
            yield f"{at}/name", "duplicate", "is named twice"
        else:
            names.add(name)
        direction = entry.get("higher_is")
        signs.append({BETTER: 1, RISKIER: -1}.get(direction, 0) if isinstance(direction, str) else 0)


def _tree_problems(tree: object, at: str, signs: Sequence[int]) -> Iterator[Problem]:
    if not isinstance(tree, list | tuple):
        yield at, "not_a_list", "a tree is a list of nodes"
        return
    if not 0 < len(tree) <= MOST_NODES:
        yield at, "wrong_length", f"a tree has 1 to {MOST_NODES} nodes"
        return
    problems = [problem for place in range(len(tree)) for problem in _node_problems(tree, place, at, len(signs))]
    yield from problems
    if not problems:
        yield from _shape_problems(tree, at, signs)


def _node_problems(tree: Sequence[object], place: int, at: str, features: int) -> Iterator[Problem]:
    at = f"{at}/{place}"
    node = tree[place]
    if not isinstance(node, list | tuple) or len(node) not in (LEAF, SPLIT):
        yield at, "wrong_length", "a node is [value], or [feature, threshold, left, right, missing]"
        return
    if len(node) == LEAF:
        if problem := number_problem(node[0], -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT):
            yield f"{at}/0", *problem
        return
    bounds = [(0, features - 1), None, (place + 1, len(tree) - 1), (place + 1, len(tree) - 1), (0, 1)]
    for position, (value, bound) in enumerate(zip(node, bounds, strict=True)):
        low, high = bound or (-LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
        problem = number_problem(value, low, high)
        if problem is None and bound is not None and value != int(value):
            problem = ("not_whole", "must be a whole number")
        if problem:
            yield f"{at}/{position}", *problem


def _shape_problems(tree: Sequence[Node], at: str, signs: Sequence[int]) -> Iterator[Problem]:
    """Every node but the first has one node that leads to it, and no split goes against a direction."""
    led_to = [int(child) for node in tree if len(node) == SPLIT for child in (node[2], node[3])]
    if sorted(led_to) != list(range(1, len(tree))):
        yield at, "not_a_tree", "every node but the first is the left or right of exactly one other"
        return
    least, most = [0.0] * len(tree), [0.0] * len(tree)
    for place in reversed(range(len(tree))):
        node = tree[place]
        if len(node) == LEAF:
            least[place] = most[place] = node[0]
            continue
        feature, left, right = int(node[0]), int(node[2]), int(node[3])
        least[place], most[place] = min(least[left], least[right]), max(most[left], most[right])
        if (signs[feature] > 0 and most[left] > least[right]) or (signs[feature] < 0 and least[left] < most[right]):
            code = "decreasing" if feature == 0 else "against_direction"
            yield f"{at}/{place}", code, "its left and right go against what the feature says"
