from celery import shared_task

from reviewqueue.operations.sweeps import run_sweep
from reviewqueue.review.services import leases


@shared_task
def expire_leases() -> None:
    run_sweep("review.expire_leases", leases.expire_leases)
