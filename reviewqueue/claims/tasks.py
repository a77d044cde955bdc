from celery import shared_task
from django.utils import timezone

from reviewqueue.claims import attachments
from reviewqueue.operations.sweeps import run_sweep


@shared_task
def forget_unused_attachments() -> None:
    run_sweep("claims.forget_unused_attachments", lambda: attachments.forget_unused(now=timezone.now()))
