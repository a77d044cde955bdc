from celery import shared_task

from reviewqueue.alarms import services
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def watch() -> None:
    run_sweep("alarms.watch", services.watch)
