"""Laws of backtests: nothing gets lost, the same policy moves nothing, and the estimates keep their promises."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.backtest import BacktestReport, Expected, Fate, backtest_report, error_share

quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)

ACCEPTED = Fate("accept", "high", "right", 0.1, "audit", 0.1, 1.0, "right")
KINDS = [
    ACCEPTED,
    Fate("accept_flagged", "upper", "right", 0.2, "flagged", 1.0, 1.0, "right"),
    Fate("review", "middle", "", None, "review", 2.0, 1.0, "right"),
    Fate("escalate", "lower", "", None, "escalate", 1.0, 1.0, "right"),
    Fate("uncertain", "lower", "", None, "", 0.0, 1.0, "right"),
    Fate("reject", "low", "wrong", 0.3, "audit", 0.5, 1.0, "right"),
]
knowledge = st.sampled_from([
    (0.0, "not_drawn"), (0.1, "not_drawn"), (0.1, "pending"), (0.1, "right"), (0.1, "wrong"), (0.5, "right"),
    (0.5, "not_drawn"), (1.0, "right"), (1.0, "wrong"), (1.0, "pending"), (1.0, "unjudged"),
])  # fmt: skip


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Fate, Fate]:
    """Two fates of one claim: what is known of it is the same, whatever is done with it."""
    chance, evidence = draw(knowledge)
    before, after = draw(st.sampled_from(KINDS)), draw(st.sampled_from(KINDS))
    return (
        before._replace(chance=chance, evidence=evidence),
        after._replace(chance=chance, evidence=evidence),
    )  # type: ignore[arg-type]


tallies = st.dictionaries(pairs(), st.integers(1, 500), max_size=12)


def estimates(report: BacktestReport) -> list[Expected]:
    sides = (report.before, report.after)
    of_bands = [band.error for side in sides for band in side.bands]
    return [*(side.error for side in sides), *of_bands, *(move.accuracy for move in report.moves)]


@quick
@given(tallies)
def test_every_claim_is_counted_once_on_either_side(tally: dict[tuple[Fate, Fate], int]) -> None:
    report = backtest_report(tally, days=3)
    claims = sum(tally.values())
    assert report.claims == report.before.claims == report.after.claims == claims
    assert sum(move.claims for move in report.moves) == claims
    for side in (report.before, report.after):
        assert sum(band.claims for band in side.bands) == side.decided
        assert 0 <= side.alone <= side.decided <= claims - side.handed_back
    if claims:
        assert math.isclose(sum(move.share for move in report.moves), 1)


@quick
@given(tallies)
def test_an_estimate_lies_within_its_limits_or_is_not_given(tally: dict[tuple[Fate, Fate], int]) -> None:
    for each in estimates(backtest_report(tally, days=3)):
        assert 0 <= each.low <= each.high <= 1
        assert (each.value is None) == (each.unknown_share > 0)
        if each.value is not None:
            assert each.low <= each.value + 1e-9
            assert each.value <= each.high + 1e-9


@quick
@given(tallies)
def test_the_same_policy_moves_nothing_and_has_the_same_figures_twice(tally: dict[tuple[Fate, Fate], int]) -> None:
    same: Counter[tuple[Fate, Fate]] = Counter()
    for (before, _), n in tally.items():
        same[before, before] += n
    report = backtest_report(same, days=3)
    assert report.moved == 0
    assert report.before == report.after


@quick
@given(tallies)
def test_swapping_the_policies_swaps_the_sides(tally: dict[tuple[Fate, Fate], int]) -> None:
    report = backtest_report(tally, days=3)
    swapped = backtest_report({(after, before): n for (before, after), n in tally.items()}, days=3)
    assert (swapped.before, swapped.after) == (report.after, report.before)
    assert {(move.before, move.after, move.claims) for move in report.moves} == {
        (move.after, move.before, move.claims) for move in swapped.moves
    }


@quick
@given(tallies, st.integers(1, 500))
def test_claims_nobody_could_label_never_narrow_an_error(tally: dict[tuple[Fate, Fate], int], more: int) -> None:
    dark = KINDS[0]._replace(chance=0.0, evidence="not_drawn")
    error = backtest_report(tally, days=3).after.error
    darker = error_share([*((after, n) for (_, after), n in tally.items() if after.promise), (dark, more)])
    assert darker.high - darker.low >= error.high - error.low - 1e-9
    assert darker.value is None


def past(generator: np.random.Generator) -> tuple[list[tuple[Fate, int]], float]:
    """1,500 claims a policy would accept: a fifth was reviewed and is worse, the rest was accepted and audited."""
    held = generator.random(1_500) < 0.2
    chance = np.where(held, 1.0, 0.15)
    wrong = generator.random(1_500) < np.where(held, 0.2, 0.04)
    drawn = generator.random(1_500) < chance
    tally: Counter[Fate] = Counter()
    for each_chance, each_wrong, each_drawn in zip(chance.tolist(), wrong.tolist(), drawn.tolist(), strict=True):
        seen = ("wrong" if each_wrong else "right") if each_drawn else "not_drawn"
        tally[ACCEPTED._replace(chance=each_chance, evidence=seen)] += 1  # type: ignore[arg-type]
    return list(tally.items()), float(wrong.mean())


def test_the_error_is_estimated_without_bias_though_people_saw_the_worse_part_more_often() -> None:
    generator = np.random.default_rng(11)
    errors, naive = [], []
    for _ in range(300):
        fates, truth = past(generator)
        labelled = sum(n for fate, n in fates if fate.evidence in ("right", "wrong"))
        naive.append(sum(n for fate, n in fates if fate.evidence == "wrong") / labelled - truth)
        errors.append((error_share(fates).value or 0.0) - truth)
    assert abs(np.mean(errors)) < 4 * np.std(errors) / math.sqrt(300)
    assert np.mean(naive) > 0.04


def test_the_intervals_hold_the_true_error_in_nineteen_of_twenty_periods() -> None:
    generator = np.random.default_rng(12)
    truth = 0.2 * 0.2 + 0.8 * 0.04
    found = [error_share(past(generator)[0]) for _ in range(400)]
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400)


def test_limits_hold_even_when_whole_strata_were_never_labelled() -> None:
    generator = np.random.default_rng(13)
    missed = 0
    for _ in range(200):
        fates, _ = past(generator)
        hidden = int(generator.integers(1, 400))
        hidden_wrong = generator.random()
        truth = (1_500 * (0.2 * 0.2 + 0.8 * 0.04) + hidden * hidden_wrong) / (1_500 + hidden)
        error = error_share([*fates, (ACCEPTED._replace(chance=0.0, evidence="not_drawn"), hidden)])
        assert error.value is None
        missed += not error.low <= truth <= error.high
    assert missed <= 200 * 0.05
