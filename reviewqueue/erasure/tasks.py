from celery import shared_task

from reviewqueue.erasure import services
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def sweep_retention() -> None:
    run_sweep("erasure.sweep_retention", services.sweep_retention)
