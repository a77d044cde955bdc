"""What another policy would have done with past claims: what moves, how often it errs, what people would have to do.

Labels are a biased sample of the past: people see every held claim and a few of the others. So an error is estimated as
that of a band is, post-stratified by the chance of a label, and a claim that nobody was meant to judge stays unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from calibration.core.bands import Stratum, band_accuracy, unlabelled_share

Evidence = Literal["not_drawn", "pending", "unjudged", "right", "wrong"]
Promise = Literal["right", "wrong", ""]
Purpose = Literal["review", "escalate", "flagged", "audit", ""]

PURPOSES: Final[tuple[Purpose, ...]] = ("review", "escalate", "flagged", "audit")
LEVEL: Final = 0.95


class Fate(NamedTuple):
    """What one policy does with a claim, and what is known of its output.

    `promise` is what the decision asserts of the output before anybody has looked ("" when people decide first or
    nothing is decided), `allowed` the error rate it may have. `labels` is the expected number of labels people give it,
    for `purpose`. `chance` is the known chance that the claim got a label which may count under this policy, 0 when by
    design it could not; `evidence` what came of that: "unjudged" when people looked and could not tell.
    """

    route: str
    band: str
    promise: Promise
    allowed: float | None
    purpose: Purpose
    labels: float
    chance: float
    evidence: Evidence


Tally = Mapping[tuple[Fate, Fate], int]
"""How many claims met each pair of fates, under the policy before and under the one after."""

Counted = Iterable[tuple[Fate, int]]


@dataclass(frozen=True)
class Expected:
    """A share with its 95 % interval. `value` is None when part of the claims is in no sample that has a label.

    `unknown_share` is that part; `low` and `high` then count all of it as good and as bad. `allowed` is the mean error
    rate that the claims may have, None where some of them carry no promise.
    """

    value: float | None
    low: float
    high: float
    labels: int
    pending: int
    unknown_share: float
    allowed: float | None = None

    @property
    def verdict(self) -> Literal["within", "above", "open"]:
        """Whether the whole interval lies within what is allowed, or above it."""
        if self.allowed is None or self.low <= self.allowed < self.high:
            return "open"
        return "within" if self.high <= self.allowed else "above"


@dataclass(frozen=True)
class Move:
    """Claims that go one way before and another (or the same) after; `accuracy` is the share of right outputs."""

    before: str
    after: str
    claims: int
    share: float
    accuracy: Expected

    @property
    def moves(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class BandError:
    band: str
    route: str
    claims: int
    share: float
    error: Expected


@dataclass(frozen=True)
class Load:
    """Labels people are expected to give, all claims of the period counted."""

    purpose: Purpose
    labels: float
    per_day: float


@dataclass(frozen=True)
class Side:
    """One policy over the whole period.

    `decided` claims are accepted or refused before anybody has looked; `error` is the share of them decided wrongly.
    `alone` are those nobody has to look at afterwards either, but for the audit sample. `handed_back` are neither
    decided nor seen by people yet.
    """

    claims: int
    decided: int
    alone: int
    handed_back: int
    error: Expected
    bands: tuple[BandError, ...]
    loads: tuple[Load, ...]

    @property
    def coverage(self) -> float | None:
        """Share of the claims that no person has to look at."""
        return self.alone / self.claims if self.claims else None

    @property
    def labels_per_day(self) -> float:
        return sum(load.per_day for load in self.loads)


@dataclass(frozen=True)
class BacktestReport:
    claims: int
    labelled: int
    moves: tuple[Move, ...]
    before: Side
    after: Side

    @property
    def moved(self) -> int:
        return sum(move.claims for move in self.moves if move.moves)


def backtest_report(tally: Tally, *, days: float, sample_rate: float = 1.0) -> BacktestReport:
    """What a tally says. Loads are scaled from the claims drawn (a share `sample_rate` of all) to the whole period.

    Raises ValueError unless days > 0 and 0 < sample_rate <= 1.
    """
    if not days > 0 or not 0 < sample_rate <= 1:
        raise ValueError("days must be above 0 and sample_rate in (0, 1]")
    scale = 1 / sample_rate
    return BacktestReport(
        claims=sum(tally.values()),
        labelled=sum(n for (_, after), n in tally.items() if after.evidence in ("right", "wrong")),
        moves=tuple(_moves(tally)),
        before=_side([(before, n) for (before, _), n in tally.items()], scale, days),
        after=_side([(after, n) for (_, after), n in tally.items()], scale, days),
    )


def _moves(tally: Tally) -> Iterator[Move]:
    """In the order of their names, which is that of no importance: who shows them sorts them."""
    total = sum(tally.values())
    pairs: dict[tuple[str, str], list[tuple[Fate, int]]] = defaultdict(list)
    for (before, after), n in tally.items():
        pairs[before.route, after.route].append((after, n))
    for (before_route, after_route), fates in sorted(pairs.items()):
        claims = sum(n for _, n in fates)
        yield Move(before_route, after_route, claims, claims / total, right_share(fates))


def _side(fates: list[tuple[Fate, int]], scale: float, days: float) -> Side:
    decided = [(fate, n) for fate, n in fates if fate.promise]
    return Side(
        claims=sum(n for _, n in fates),
        decided=sum(n for _, n in decided),
        alone=sum(n for fate, n in decided if fate.purpose in ("audit", "")),
        handed_back=sum(n for fate, n in fates if not fate.promise and not fate.purpose),
        error=error_share(decided),
        bands=tuple(_by_band(decided)),
        loads=tuple(_load(purpose, fates, scale, days) for purpose in PURPOSES),
    )


def _by_band(decided: list[tuple[Fate, int]]) -> Iterator[BandError]:
    total = sum(n for _, n in decided)
    bands: dict[tuple[str, str], list[tuple[Fate, int]]] = defaultdict(list)
    for fate, n in decided:
        bands[fate.band, fate.route].append((fate, n))
    for (band, route), fates in sorted(bands.items()):
        claims = sum(n for _, n in fates)
        yield BandError(band, route, claims, claims / total, error_share(fates))


def _load(purpose: Purpose, fates: Counted, scale: float, days: float) -> Load:
    labels = scale * sum(fate.labels * n for fate, n in fates if fate.purpose == purpose)
    return Load(purpose, labels, labels / days)


def right_share(fates: Counted) -> Expected:
    """The share of right outputs among these claims."""
    return _expected(_strata((fate, n, fate.evidence == "right") for fate, n in fates))


def error_share(decided: Counted) -> Expected:
    """The share of wrong decisions among these decided claims: a wrong output accepted, a right one refused."""
    decided = list(decided)
    strata = _strata(
        (fate, n, fate.evidence in ("right", "wrong") and fate.evidence != fate.promise) for fate, n in decided
    )
    claims = sum(n for _, n in decided)
    allowed = None
    if claims and all(fate.allowed is not None for fate, _ in decided):
        allowed = sum((fate.allowed or 0.0) * n for fate, n in decided) / claims
    return _expected(strata, allowed)


def _strata(fates: Iterable[tuple[Fate, int, bool]]) -> list[Stratum]:
    """One per chance of a label: claims are known, labels are sampled. A hit is counted as `right`.

    What people could not judge is left out, as it is where bands are measured.
    """
    counts: dict[float, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("claims", "pending", "labelled", "hits"), 0)
    )
    for fate, n, hit in fates:
        if fate.evidence == "unjudged":
            continue
        stratum = counts[fate.chance]
        stratum["claims"] += n
        stratum["pending"] += n * (fate.evidence == "pending")
        stratum["labelled"] += n * (fate.evidence in ("right", "wrong"))
        stratum["hits"] += n * hit
    return [
        Stratum(
            claims=found["claims"],
            sampled=found["labelled"] + found["pending"],
            labelled=found["labelled"],
            right=found["hits"],
            pending=found["pending"],
            rate=chance,
        )
        for chance, found in sorted(counts.items())
    ]


def _expected(strata: list[Stratum], allowed: float | None = None) -> Expected:
    """The share of hits, its interval stretched by whatever no label speaks for."""
    known = [stratum for stratum in strata if stratum.labelled]
    unknown = unlabelled_share(strata) if strata else 1.0
    estimate = band_accuracy(known, conf=LEVEL)
    return Expected(
        value=estimate.est if not unknown else None,
        low=(1 - unknown) * estimate.lo,
        high=min((1 - unknown) * estimate.hi + unknown, 1.0),
        labels=estimate.n,
        pending=sum(stratum.pending for stratum in strata),
        unknown_share=unknown,
        allowed=allowed,
    )
