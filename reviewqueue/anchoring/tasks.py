"""Sweeps; the schedule is in reviewqueue/celery.py."""

from celery import shared_task

from reviewqueue.anchoring import services
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def hand_over() -> None:
    run_sweep("anchoring.hand_over", services.hand_over_due)


@shared_task
def record_receipts() -> None:
    run_sweep("anchoring.record_receipts", services.record_receipts)
