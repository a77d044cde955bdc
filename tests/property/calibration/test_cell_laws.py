"""Whatever happens to claims in whatever order, the cells are what counting every row gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calibration.evidence import Atom, atoms
from calibration.history import cells_as_of
from calibration.models import Cell, CellMark, LabelledInput
from calibration.tallying import forget_cells, tally
from reviewqueue.claims.models import Claim
from tests.services.calibration.rows import at, claim_of, fitted, settle, withdraw
from tests.world import World

some = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

draws = st.sampled_from([
    {"audit_rate": 1.0},
    {"audit_rate": 1.0},
    {"audit_rate": 1.0},
    {"audit_rate": 1.0, "reasons": ("band_unvalidated", "signal_rule")},
    {"audit_rate": 1.0, "route": "uncertain"},
    {"audit_rate": 0.5, "route": "accept"},
    {"audit_rate": 0.2, "route": "accept"},
])  # fmt: skip
posts = st.fixed_dictionaries({
    "day": st.integers(0, 2),
    "hour": st.sampled_from([0.0, 9.0, 15.0, 23.9]),
    "question": st.sampled_from(["", "one", "one"]),
    "confidence": st.sampled_from([0.0, 0.57, 0.7, 0.70004, 0.95, 1.0]),
    "audit_u": st.sampled_from([0.0, 0.1, 0.2, 0.4, 0.9]),
    "model_version": st.sampled_from(["1", "1", "1", "2"]),
    "category": st.sampled_from(["general", "pricing"]),
    "segments": st.sampled_from([{}, {"workflow": "qa", "language": "en"}]),
    "elicitation": st.sampled_from(["logprob", "verbalized_after"]),
    "passed": st.sampled_from([(), ("0a", "0b")]),
    "draw": draws,
})  # fmt: skip
verdicts = st.tuples(
    st.integers(0, 7), st.sampled_from([True, True, False, False, None]), st.sampled_from([True, True, False])
)
posting = posts.map(lambda post: ("post", post))
settling = verdicts.map(lambda verdict: ("settle", verdict))
withdrawing = st.integers(0, 7).map(lambda place: ("withdraw", place))
fitting = st.tuples(st.integers(0, 3), st.sampled_from([9.0, 12.0])).map(lambda moment: ("fit", moment))
counting = st.just(("count", None))
happenings = st.lists(posting | settling | settling | withdrawing | fitting | counting, min_size=4, max_size=12)

afterthoughts = st.lists(settling | settling | withdrawing, min_size=3, max_size=8)


def happen(world: World, claims: list[Claim], kind: str, what: Any) -> None:
    if kind == "post":
        named = {**what, **what["draw"]}
        moment = at(named.pop("day"), named.pop("hour"))
        named.pop("draw")
        claims.append(claim_of(world, received_at=moment, **named))
    elif kind == "fit":
        fitted(world, at(*what))
    elif kind == "count":
        tally(world.pipeline)
    elif claims and kind == "settle":
        place, correct, may_measure = what
        settle(claims[place % len(claims)], correct, may_measure=may_measure)
    elif claims and kind == "withdraw":
        withdraw(claims[what % len(claims)])


def counted(world: World) -> list[Atom]:
    assert tally(world.pipeline).complete
    return sorted(atoms(world.pipeline.pk), key=repr)


def stored(world: World) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    names = [field.attname for field in Cell._meta.concrete_fields if field.attname != "id"]
    inputs = LabelledInput.objects.order_by("claim_id").values_list("claim_id", "fit_half")
    return sorted(Cell.objects.values_list(*names), key=repr), list(inputs)


@contextmanager
def undone() -> Iterator[None]:
    """One history after another, each in the same empty world."""
    start = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(start)


POST: dict[str, Any] = {
    **{"day": 0, "hour": 9.0, "question": "one", "confidence": 0.7, "audit_u": 0.1, "model_version": "1"},
    **{"category": "general", "segments": {}, "elicitation": "logprob", "passed": (), "draw": {"audit_rate": 1.0}},
}
TWICE_ASKED = [("post", POST), ("post", {**POST, "day": 1})]


@some
@example(first=TWICE_ASKED, history=[("settle", (1, True, True)), ("count", None)], later=[("settle", (0, True, True))])
@example(first=TWICE_ASKED, history=[("settle", (n, True, True)) for n in (0, 1)], later=[("withdraw", 0)])
@given(first=st.lists(posting, min_size=4, max_size=8), history=happenings, later=afterthoughts)
def test_cells_are_those_of_the_rows_now_and_of_any_moment_before(
    world: World, first: list[tuple[str, Any]], history: list[tuple[str, Any]], later: list[tuple[str, Any]]
) -> None:
    with undone():
        claims: list[Claim] = []
        for kind, what in first + history:
            happen(world, claims, kind, what)
        then, before = timezone.now(), counted(world)
        assert before == sorted(cells_as_of(world.pipeline, then), key=repr)
        for kind, what in later:
            happen(world, claims, kind, what)
        assert sorted(cells_as_of(world.pipeline, then), key=repr) == before
        assert counted(world) == sorted(cells_as_of(world.pipeline, timezone.now()), key=repr)
        swept = stored(world)
        assert not CellMark.objects.exists()
        assert counted(world) is not None
        assert stored(world) == swept, "twice is once"
        forget_cells(world.pipeline)
        counted(world)
        assert stored(world) == swept, "from nothing the same"
