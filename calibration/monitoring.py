"""Watching labels: when a band that decides breaks its promise, it stops deciding at once, however often one looks.

Each sweep carries the state of every monitor on by the labels that came in since. What a transaction that is still open
may add to the last minutes is expected: the stored state ends before them, and they are read again every time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from calibration.core.monitor import CalibrationEDetector, EDetector, Signal
from calibration.evidence import LATEST_COMMIT, Subject
from calibration.models import BandStat, Finding, FindingKind, Monitor, MonitorCursor, MonitorKind
from calibration.streams import START, Stream, StreamLabel, by_stream, labels_after, measured_until, streams
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import BandState, Breaker, BreakerCause, PolicyVersion
from reviewqueue.policy.selectors import ActivePolicy, active_policy
from reviewqueue.transactions import service

SYSTEM: Final = Actor.system("calibration")
HORIZON_DAYS: Final = 90
LEAST_HORIZON: Final = 1_800
"""Labels within which a false alarm is promised to be rare: 90 days of them, and never fewer than 20 a day bring."""

DELTA: Final = 0.05
"""The chance of any false alarm among a pipeline's monitors of one kind within their horizon."""

RECENT: Final = 100
"""How many of the newest labels a stream remembers: to say what it looks like now, and to take a burst of one input
for one label."""

Key = tuple[str, Subject, str]
Labelled = tuple[StreamLabel, float | None]
Detector = EDetector | CalibrationEDetector


@dataclass(frozen=True, slots=True)
class Watched:
    """The state of a stream: its detector, the counts behind it, the newest labels as (input, broke the promise)."""

    detector: Detector
    wrong: int = 0
    first_at: datetime | None = None
    newest_at: datetime | None = None
    recent: tuple[tuple[str, bool], ...] = ()

    @classmethod
    def beginning(cls, stream: Stream) -> Watched:
        return cls(CalibrationEDetector() if stream.allowed is None else EDetector(stream.allowed))

    def after(self, labels: Sequence[Labelled], *, refuses: bool) -> Watched:
        recent, bets, wrong = list(self.recent), [], self.wrong
        first_at, newest_at = self.first_at, self.newest_at
        for label, calibrated in labels:
            name = label.fingerprint.hex()[:16]
            if any(name == known for known, _ in recent):
                continue
            broken = label.correct == refuses
            recent = [*recent, (name, broken)][-RECENT:]
            bets.append((label.correct, calibrated, broken))
            wrong += broken
            first_at, newest_at = first_at or label.settled_at, label.settled_at
        return Watched(self._bet(bets), wrong, first_at, newest_at, tuple(recent))

    def _bet(self, labels: Sequence[tuple[bool, float | None, bool]]) -> Detector:
        if isinstance(self.detector, EDetector):
            return self.detector.after(broken for _, _, broken in labels)
        return self.detector.after((right, p) for right, p, _ in labels if p is not None)

    @property
    def horizon(self) -> float:
        """Labels of 90 days at the pace there has been."""
        if self.first_at is None or self.newest_at is None:
            return LEAST_HORIZON
        days = max((self.newest_at - self.first_at) / timedelta(days=1), 1.0)
        return max(LEAST_HORIZON, HORIZON_DAYS * self.detector.seen / days)

    def as_json(self) -> dict[str, Any]:
        return {
            "detector": self.detector.as_json(),
            "wrong": self.wrong,
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "newest_at": self.newest_at.isoformat() if self.newest_at else None,
            "recent": [list(each) for each in self.recent],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Watched:
        kind = EDetector if "alpha" in state["detector"] else CalibrationEDetector
        return cls(
            kind.from_json(state["detector"]),
            state["wrong"],
            _moment(state["first_at"]),
            _moment(state["newest_at"]),
            tuple((name, broken) for name, broken in state["recent"]),
        )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a state means: the largest value of its wager so far, and the value that would be an alarm."""

    statistic: float
    threshold: float
    signal: Signal
    direction: str = ""


def standing(watched: Watched, *, streams_sharing: int) -> Standing:
    """`streams_sharing` is the number of streams that share the chance of a false alarm."""
    detector, shared = watched.detector, max(streams_sharing, 1)
    threshold = watched.horizon * shared / DELTA
    if isinstance(detector, EDetector):
        signal = detector.signal(horizon=watched.horizon, delta=DELTA, streams=shared)
        return Standing(detector.highest, threshold, signal)
    over, under = detector.signals(horizon=watched.horizon, delta=DELTA, streams=shared)
    is_over = detector.highest_over >= detector.highest_under
    signal, highest = (over, detector.highest_over) if is_over else (under, detector.highest_under)
    direction = "" if signal == Signal.QUIET else "over" if is_over else "under"
    return Standing(highest, 2 * threshold, signal, direction)


def watch_labels() -> int:
    """Returns how many alarms were raised."""
    return sum(watch_labels_of(pipeline) for pipeline in Pipeline.objects.order_by("id"))


@service
def watch_labels_of(pipeline: Pipeline, *, now: datetime | None = None) -> int:
    """Carries every monitor of a pipeline on; whatever raises an alarm now is acted on in the same transaction."""
    now = now or timezone.now()
    active = active_policy(pipeline.pk)
    if active is None:
        return 0
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)
    wanted = {stream.key: stream for stream in streams(pipeline, active)}
    rows = _carried_on(pipeline, active, wanted, now)
    found = 0
    for row in rows:
        if row.signal == Signal.ALARM:
            found += _outcome_alarm(row, active) if row.kind == MonitorKind.OUTCOME else _calibration_alarm(row)
    return found


def _carried_on(pipeline: Pipeline, active: ActivePolicy, wanted: Mapping[Key, Stream], now: datetime) -> list[Monitor]:
    stored = {_key(row): row for row in Monitor.objects.filter(pipeline=pipeline)}
    cursor = MonitorCursor.objects.filter(pipeline=pipeline).first()
    upto = cursor.upto if cursor else START
    same_past = cursor is not None and measured_until(pipeline.pk, upto) == cursor.consumed
    kept = {key: row for key, row in stored.items() if same_past and key in wanted and row.rule == wanted[key].rule}
    Monitor.objects.filter(pk__in=[row.pk for key, row in stored.items() if key not in kept]).delete()
    first = min((stream.since for key, stream in wanted.items() if key not in kept), default=upto)
    closed = max(now - LATEST_COMMIT, upto)
    labels = by_stream(wanted, list(labels_after(pipeline.pk, min(first, upto))), active.policy)
    states = {}
    for key, stream in wanted.items():
        settled = Watched.from_json(kept[key].settled) if key in kept else Watched.beginning(stream)
        begun = upto if key in kept else stream.since
        new = [each for each in labels[key] if each[0].settled_at > begun]
        settled = settled.after([each for each in new if each[0].settled_at <= closed], refuses=stream.refuses)
        current = settled.after([each for each in new if each[0].settled_at > closed], refuses=stream.refuses)
        states[key] = settled, current
    MonitorCursor.objects.update_or_create(
        pipeline=pipeline, defaults={"upto": closed, "consumed": measured_until(pipeline.pk, closed)}
    )
    return _stored(pipeline, wanted, kept, states)


def _key(row: Monitor) -> Key:
    return (row.kind, Subject(row.model, row.model_version, row.prompt_version), row.band)


def _stored(
    pipeline: Pipeline,
    wanted: Mapping[Key, Stream],
    kept: Mapping[Key, Monitor],
    states: Mapping[Key, tuple[Watched, Watched]],
) -> list[Monitor]:
    sharing = {
        kind: sum(1 for key, (_, current) in states.items() if key[0] == kind and current.detector.seen)
        for kind in MonitorKind.values
    }
    rows = []
    for key, (settled, current) in states.items():
        stream, at = wanted[key], standing(current, streams_sharing=sharing[key[0]])
        values: dict[str, Any] = {
            "calibrator": stream.calibrator,
            "rule": stream.rule,
            "settled": settled.as_json(),
            "state": current.as_json(),
            "labels": current.detector.seen,
            "wrong": current.wrong,
            "statistic": at.statistic,
            "threshold": at.threshold,
            "signal": at.signal.value,
            "direction": at.direction,
            "newest_at": current.newest_at,
        }
        row = kept.get(key) or Monitor(
            pipeline=pipeline, kind=stream.kind, band=stream.band, **stream.subject._asdict()
        )
        if row.pk is None or any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.save()
        rows.append(row)
    return rows


# --- alarms ----------------------------------------------------------------------------------------------------


def _outcome_alarm(row: Monitor, active: ActivePolicy) -> int:
    """The band loses its right to decide at once, and a breaker stops its model until a person has looked.

    Where the band has not earned that right there is nothing to take away.
    """
    subject = _subject(row)
    deciding = BandState.objects.filter(policy_version=active.version_id, band=row.band, state="validated", **subject)
    if not deciding.exists():
        return 0
    version = PolicyVersion.objects.select_related("pipeline").get(pk=active.version_id)
    figures = _figures(row)
    policies.set_band_state(
        version=version,
        **subject,
        band=row.band,
        state="breach",
        figures={
            "labelled": row.labels,
            "right": row.labels - row.wrong,
            "required_ppm": 1_000_000 - figures["allowed_ppm"],
        },
    )
    BandStat.objects.filter(policy_version=version, segment="", band=row.band, **subject).update(state="breach")
    breaker = policies.trip_breaker(
        pipeline=version.pipeline,
        subject=(row.model, row.model_version, row.prompt_version),
        cause=BreakerCause.OUTCOME,
        figures={**figures, "band": row.band, "calibrator": row.calibrator},
    )
    _found(row, FindingKind.OUTCOME, figures, breaker)
    return 1


def _calibration_alarm(row: Monitor) -> int:
    """Said once for each calibrator and each time a person allowed automation again. The next sweep fits anew."""
    since = datetime.fromtimestamp(row.rule["since_us"] / 1_000_000, tz=timezone.get_current_timezone())
    told = Finding.objects.filter(
        pipeline=row.pipeline, kind=FindingKind.CALIBRATION, calibrator=row.calibrator, found_at__gt=since
    )
    if told.filter(**_subject(row)).exists():
        return 0
    _found(row, FindingKind.CALIBRATION, {**_figures(row), "direction": row.direction}, None)
    return 1


def _subject(row: Monitor) -> dict[str, Any]:
    return {"model": row.model, "model_version": row.model_version, "prompt_version": row.prompt_version}


def _figures(row: Monitor) -> dict[str, Any]:
    """As the ledger holds them: whole numbers."""
    recent = [broken for _, broken in row.state["recent"]]
    figures = {
        "labelled": row.labels,
        "wrong": row.wrong,
        "recent_labelled": len(recent),
        "recent_wrong": sum(recent),
        "statistic": round(min(row.statistic, 1e15)),
        "threshold": round(row.threshold),
        "window_from_us": row.rule["since_us"],
        "window_to_us": round(row.newest_at.timestamp() * 1_000_000) if row.newest_at else row.rule["since_us"],
    }
    allowed = row.rule["allowed"]
    return figures if allowed is None else {**figures, "allowed_ppm": round(allowed * 1_000_000)}


def _found(row: Monitor, kind: FindingKind, figures: dict[str, Any], breaker: Breaker | None) -> Finding:
    entry = ledger.append(
        event="drift.alarm",
        actor=SYSTEM,
        pipeline=row.pipeline.slug,
        detector=kind.value,
        band=row.band or None,
        calibrator=row.calibrator,
        **_subject(row),
        **figures,
    )
    return Finding.objects.create(
        pipeline=row.pipeline,
        kind=kind,
        **_subject(row),
        band=row.band,
        calibrator=row.calibrator,
        figures=figures,
        breaker=breaker,
        event_id=entry.id,
    )
