from celery import shared_task

from reviewqueue.operations.sweeps import run_sweep
from reviewqueue.review.services import leases, pauses


@shared_task
def expire_leases() -> None:
    run_sweep("review.expire_leases", leases.expire_leases)


@shared_task
def pause_reviewers() -> None:
    run_sweep("review.pause_reviewers", pauses.pause_reviewers)
