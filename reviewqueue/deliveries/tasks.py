from celery import shared_task

from reviewqueue.deliveries import alarms
from reviewqueue.deliveries.services import happenings, outbox, sending
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def find_due() -> None:
    run_sweep("deliveries.find_due", outbox.find_due)


@shared_task
def find_happenings() -> None:
    run_sweep("deliveries.find_happenings", happenings.find_recent)


@shared_task
def find_overlooked() -> None:
    run_sweep("deliveries.find_overlooked", lambda: outbox.find_overlooked() + happenings.find_overlooked())


@shared_task
def watch_silence() -> None:
    run_sweep("deliveries.watch_silence", alarms.watch)


@shared_task
def deliver_due() -> None:
    run_sweep("deliveries.deliver_due", sending.deliver_due)
