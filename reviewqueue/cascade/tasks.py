from celery import shared_task

from reviewqueue.cascade import asking
from reviewqueue.cascade.services import rerouting, steps
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def expire_steps() -> None:
    run_sweep("cascade.expire_steps", steps.expire_steps)


@shared_task
def reroute_open_claims() -> None:
    run_sweep("cascade.reroute_open_claims", rerouting.reroute_open_claims)


@shared_task
def ask_handlers() -> None:
    run_sweep("cascade.ask_handlers", asking.ask_handlers)
