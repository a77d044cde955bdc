from celery import shared_task

from calibration import auditing, cleaning, monitoring, scoring, services, shadowing, slicing, watching
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def measure_bands() -> None:
    run_sweep("calibration.measure_bands", services.measure_bands)


@shared_task
def fit_calibrators() -> None:
    run_sweep("calibration.fit_calibrators", services.fit_calibrators)


@shared_task
def score_claims() -> None:
    run_sweep("calibration.score_claims", scoring.score_claims)


@shared_task
def replay_shadows() -> None:
    run_sweep("calibration.replay_shadows", shadowing.replay_shadows)


@shared_task
def watch_drift() -> None:
    run_sweep("calibration.watch_drift", watching.watch_drift)


@shared_task
def watch_labels() -> None:
    run_sweep("calibration.watch_labels", monitoring.watch_labels)


@shared_task
def set_audit_rates() -> None:
    run_sweep("calibration.set_audit_rates", auditing.set_audit_rates)


@shared_task
def search_suspects() -> None:
    run_sweep("calibration.search_suspects", cleaning.search_all)


@shared_task
def search_slices() -> None:
    run_sweep("calibration.search_slices", slicing.search_slices)
