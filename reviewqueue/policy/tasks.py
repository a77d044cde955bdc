from celery import shared_task

from reviewqueue.operations.sweeps import run_sweep
from reviewqueue.policy import services


@shared_task
def turn_epochs() -> None:
    run_sweep("policy.turn_epochs", services.turn_epochs)
