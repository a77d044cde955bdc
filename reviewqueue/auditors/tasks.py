from celery import shared_task

from reviewqueue.auditors import services
from reviewqueue.operations.sweeps import run_sweep

HOURS = 3600


@shared_task(soft_time_limit=6 * HOURS, time_limit=6 * HOURS + 60)
def run_verifications() -> None:
    run_sweep("auditors.run_verifications", services.run_waiting)
