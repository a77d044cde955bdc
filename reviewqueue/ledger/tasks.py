"""Sweeps of the ledger; the schedule is in reviewqueue/celery.py."""

from __future__ import annotations

import logging

from celery import shared_task

from reviewqueue.ledger import accuracy, selectors, services

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
def take_snapshots() -> None:
    if taken := accuracy.take_snapshots():
        log.info("stated the accuracy of %d subjects", taken)
