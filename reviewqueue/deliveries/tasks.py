from celery import shared_task

from reviewqueue.deliveries.services import outbox, sending
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def find_due() -> None:
    run_sweep("deliveries.find_due", outbox.find_due)


@shared_task
def find_overlooked() -> None:
    run_sweep("deliveries.find_overlooked", outbox.find_overlooked)


@shared_task
def deliver_due() -> None:
    run_sweep("deliveries.deliver_due", sending.deliver_due)
