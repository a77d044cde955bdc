from celery import shared_task

from reviewqueue.operations.sweeps import run_sweep
from reviewqueue.reports import schedules, services

HOURS = 3600


@shared_task(soft_time_limit=2 * HOURS, time_limit=2 * HOURS + 60)
def make_reports() -> None:
    run_sweep("reports.make_reports", services.make_waiting)


@shared_task(soft_time_limit=600, time_limit=660)
def run_schedules() -> None:
    run_sweep("reports.run_schedules", schedules.run_schedules)


@shared_task
def forget_reports() -> None:
    run_sweep("reports.forget_reports", services.forget_old)
