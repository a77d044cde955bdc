from celery import shared_task

from reviewqueue.accounts import services
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def forget_old_requests() -> None:
    run_sweep("accounts.forget_old_requests", services.forget_old_requests)
