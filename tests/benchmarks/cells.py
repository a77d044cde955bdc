"""Time to keep cells up and to answer from them, beside going through the labels themselves.

    DATABASE_URL=… python -m tests.benchmarks.cells                        # 10 thousand to a million labels
    DATABASE_URL=… python -m tests.benchmarks.cells --sizes 10000 10000000

Rows are made by SQL, with triggers asleep: labels of 90 days, three categories, two languages, confidences of two
decimals, three in ten of them accepted and drawn at 20 % (so with four claims beside each that nobody looked at).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Final

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from sklearn.isotonic import IsotonicRegression  # noqa: E402

from calibration import selectors  # noqa: E402
from calibration.models import Cell  # noqa: E402
from calibration.services import forget_derived, measure_pipeline  # noqa: E402
from calibration.tallying import tally  # noqa: E402
from tests.benchmarks.own_database import own_database, say  # noqa: E402
from tests.world import IDENTITY, MODEL, POLICY, World  # noqa: E402

SIZES: Final = (10_000, 100_000, 1_000_000)
DAYS: Final = 90
NEW: Final = 100
FOREVER: Final = 86_400.0

# One row of `n` is one claim: its draw, its truth and its place follow from its number.
ROWS: Final = """
CREATE TEMP TABLE made AS
SELECT *, NOT accepted OR u < 0.2 AS drawn,
       CASE WHEN accepted THEN 0.2 ELSE 1 END AS rate, round((1 - 0.6 * v * v)::numeric, 2)::float8 AS confidence,
       (lpad(to_hex((ms)::bigint), 12, '0') || '7000' || left(md5(n::text), 16))::uuid AS id,
       to_timestamp(ms / 1000) AS at
  FROM (SELECT n, %(start)s + n * %(step)s AS ms, n %% 22 >= 7 AS accepted, random() AS u, random() AS v, random() AS w
          FROM generate_series(0, %(claims)s - 1) AS n) drawn;
INSERT INTO claims_claim (id, source_id, pipeline_id, external_id, model, model_version, prompt_version, category,
    segments, confidence, elicitation, signals, fingerprint, content_hash, received_at, status, event_id)
SELECT id, %(source)s, %(pipeline)s, id::text, 'acme-lm', '2026-10-01', 'v14',
       (ARRAY['general', 'pricing', 'refunds'])[1 + n %% 3],
       jsonb_build_object('workflow', 'qa', 'language', (ARRAY['en', 'de'])[1 + n / 3 %% 2]),
       confidence, 'verbalized_after', '{}', sha256(id::text::bytea), sha256(id::text::bytea), at, 'decided', 10 + 2 * n
  FROM made;
INSERT INTO claims_decision (id, claim_id, number, standing, pipeline_id, route, band, band_state, reasons, mandatory,
    audit_u, audit_rate, audit_sampled, inclusion_probability, facts, decided_at, event_id)
SELECT gen_random_uuid(), id, 1, true, %(pipeline)s, CASE WHEN accepted THEN 'accept' ELSE 'review' END, '',
       'validated', '{}', false, u, rate, accepted AND drawn, rate, '{}', at, 11 + 2 * n
  FROM made;
INSERT INTO claims_outcome (id, claim_id, pipeline_id, number, standing, correct, basis, measures, told_by, created_at,
    event_id)
SELECT gen_random_uuid(), id, %(pipeline)s, 1, true, w < confidence, 'labels', true, '', at + interval '1 hour',
       1000000000 + n
  FROM made WHERE drawn;
DROP TABLE made"""

PLAIN: Final = """
    SELECT width_bucket(c.confidence, 0, 1.0000001, 15), count(*), avg(c.confidence), avg(o.correct::int)
      FROM claims_outcome o
      JOIN claims_claim c ON c.id = o.claim_id
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE o.pipeline_id = %s AND o.measures AND o.correct IS NOT NULL
     GROUP BY 1"""

LABELS: Final = """
    SELECT c.confidence, o.correct::int
      FROM claims_outcome o JOIN claims_claim c ON c.id = o.claim_id
     WHERE o.pipeline_id = %s AND o.measures AND o.correct IS NOT NULL"""


def fill(world: World, labels: int) -> None:
    """Nothing but so many labels, spread over the same days whatever their number."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    claims = labels * 22 // 10  # of 22 claims seven are reviewed, and three of the other fifteen are drawn
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE claims_claim, claims_decision, claims_outcome CASCADE")
        cursor.execute(
            ROWS,
            {
                "start": float(start.timestamp() * 1000),
                "step": DAYS * 86_400_000 / claims,
                "claims": claims,
                "source": world.source.pk,
                "pipeline": world.pipeline.pk,
            },
        )
        cursor.execute("SET session_replication_role = origin")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def new_labels(world: World) -> None:
    """A hundred labels of the newest day, taken back and given again."""
    newest = """UPDATE claims_outcome SET measures = %s WHERE claim_id IN (
        SELECT claim_id FROM claims_outcome WHERE pipeline_id = %s ORDER BY claim_id DESC LIMIT %s)"""
    with connection.cursor() as cursor:
        cursor.execute(newest, [False, world.pipeline.pk, NEW])
        tally(world.pipeline, seconds=FOREVER)
        cursor.execute(newest, [True, world.pipeline.pk, NEW])


def plain_sql(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PLAIN, [world.pipeline.pk])
        cursor.fetchall()


def isotonic(world: World) -> tuple[float, float]:
    """Seconds to read every label and to fit scikit-learn's isotonic regression on them."""
    began = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(LABELS, [world.pipeline.pk])
        labels = np.array(cursor.fetchall(), dtype=float)
    read = perf_counter() - began
    return read, timed(lambda: IsotonicRegression(out_of_bounds="clip").fit(labels[:, 0], labels[:, 1]))


def report(name: str, seconds: list[float]) -> None:
    say(f"  {name:<44} {median(seconds) * 1000:12,.1f} ms  ({min(seconds) * 1000:,.1f} to {max(seconds) * 1000:,.1f})")


def measure(world: World, labels: int, rounds: int) -> None:
    pipeline, now = world.pipeline, timezone.now()
    forget_derived(pipeline)
    first = timed(lambda: tally(pipeline, seconds=FOREVER))
    rows = Cell.objects.count()
    say(f"{labels:,} labels: {rows:,} cells, {labels / first:,.0f} labels/s")
    report("every cell from nothing", [first])
    report("bands measured from cells", [timed(lambda: measure_pipeline(pipeline))])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    refreshed = []
    for _ in range(rounds):
        new_labels(world)
        refreshed.append(timed(lambda: tally(pipeline, seconds=FOREVER)))
    report(f"{NEW} new labels of one day", refreshed)
    report("nothing new", [timed(lambda: tally(pipeline)) for _ in range(rounds)])
    report("bands measured again", [timed(lambda: measure_pipeline(pipeline)) for _ in range(1)])
    asked: dict[str, Callable[[], object]] = {
        "answer: band table": lambda: selectors.band_table(pipeline),
        "answer: ECE and the other metrics": lambda: selectors.reliability(pipeline, **MODEL, calibrated=False),
        "answer: certified threshold": lambda: selectors.certificates(pipeline, max_error=0.1, certainty=0.95, now=now),
        "beside: 15 bins over the labels, plain SQL": lambda: plain_sql(world),
    }
    for name, work in asked.items():
        report(name, [timed(work) for _ in range(rounds)])
    read, fitted = zip(*(isotonic(world) for _ in range(rounds)), strict=True)
    report("beside: reading every label", list(read))
    report("beside: scikit-learn isotonic on them", list(fitted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of labels")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with own_database() as world:
        world.activate({**POLICY, "calibrators": [IDENTITY]})
        for labels in args.sizes:
            fill(world, labels)
            measure(world, labels, args.rounds)


if __name__ == "__main__":
    main()
