from celery import shared_task

from calibration import services
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def measure_bands() -> None:
    run_sweep("calibration.measure_bands", services.measure_bands)


@shared_task
def fit_calibrators() -> None:
    run_sweep("calibration.fit_calibrators", services.fit_calibrators)
