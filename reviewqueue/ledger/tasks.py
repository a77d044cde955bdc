"""Sweeps of the ledger; the schedule is in reviewqueue/celery.py."""

from __future__ import annotations

import logging

from celery import shared_task

from reviewqueue.ledger import selectors, services
from reviewqueue.ledger.actors import Actor

log = logging.getLogger(__name__)


@shared_task
def seal() -> None:
    if added := services.seal().added:
        log.info("sealed %d events", added)


@shared_task
def reconcile() -> None:
    if orphans := selectors.unlisted_events():
        log.error("events without a leaf and not on the work list: %s", orphans)


@shared_task
def verify() -> None:
    report = services.run_verification(actor=Actor.system("ledger"))
    log.log(logging.INFO if report.sound else logging.ERROR, "verified the ledger: %s", report.summary())
