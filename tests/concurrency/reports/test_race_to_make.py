"""Several workers that look for reports at the same moment, with real commits: each report is made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.models import Event
from reviewqueue.reports.audit.building import STEPS
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.services import make_waiting
from tests.concurrency.review.test_race_for_leases import at_once
from tests.services.ledger.cast import prepare_sealing
from tests.services.reports.steps import asked
from tests.world import World


def test_each_report_is_made_once_and_tells_how_far_it_is(
    committed_world: World, settings: Any, tmp_path: Path
) -> None:
    prepare_sealing(settings, tmp_path)
    committed_world.claim(category="refunds")
    ledger.seal()
    for _ in range(5):
        asked(committed_world.ada, committed_world.pipeline)
    assert sum(at_once([make_waiting] * 4)) == 5
    assert set(AuditReport.objects.values_list("state", "tries", "done")) == {("done", 1, STEPS)}
    assert Event.objects.filter(kind="export.created").count() == 5
