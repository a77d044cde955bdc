from celery import shared_task

from reviewqueue.golden.services import watching
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def watch_traffic() -> None:
    run_sweep("golden.watch_traffic", watching.watch_traffic)


@shared_task
def watch_due() -> None:
    run_sweep("golden.watch_due", watching.watch_due)


@shared_task
def measure_runs() -> None:
    run_sweep("golden.measure_runs", watching.measure_runs)
