"""The Celery app and, as one readable table, everything that happens by itself.

Nobody enqueues: beat runs sweeps, and each sweep finds its own work in PostgreSQL. Losing the broker, or a message,
or running one twice costs latency and nothing else.
"""

import os

from celery import Celery, signals
from celery.schedules import schedule
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small fits wait for threads longer than they compute
os.environ.setdefault("OMP_NUM_THREADS", "1")  # and so do small trees

app = Celery("reviewqueue")
app.config_from_object("django.conf:settings", namespace="CELERY")

# What runs, every how many seconds, in which queue.
SWEEPS = [
    ("reviewqueue.ledger.tasks.seal", 5, "seal"),
    ("reviewqueue.ledger.tasks.reconcile", 600, "default"),
    ("reviewqueue.ledger.tasks.take_snapshots", 3600, "default"),
    ("reviewqueue.anchoring.tasks.hand_over", 10, "deliveries"),
    ("reviewqueue.anchoring.tasks.record_receipts", 10, "default"),
    ("reviewqueue.review.tasks.expire_leases", 30, "default"),
    ("reviewqueue.review.tasks.pause_reviewers", 60, "default"),
    ("reviewqueue.policy.tasks.turn_epochs", 600, "default"),
    ("reviewqueue.cascade.tasks.expire_steps", 15, "default"),
    ("reviewqueue.cascade.tasks.reroute_open_claims", 15, "default"),
    ("reviewqueue.cascade.tasks.ask_handlers", 5, "deliveries"),
    ("reviewqueue.deliveries.tasks.find_due", 5, "default"),
    ("reviewqueue.deliveries.tasks.find_happenings", 5, "default"),
    ("reviewqueue.deliveries.tasks.deliver_due", 5, "deliveries"),
    ("reviewqueue.deliveries.tasks.find_overlooked", 3600, "default"),
    ("reviewqueue.deliveries.tasks.watch_silence", 900, "default"),
    ("calibration.tasks.measure_bands", 4, "default"),
    ("calibration.tasks.fit_calibrators", 15, "default"),
    ("calibration.tasks.score_claims", 5, "default"),
    ("calibration.tasks.replay_shadows", 10, "default"),
    ("calibration.tasks.watch_drift", 600, "default"),
    ("calibration.tasks.watch_labels", 10, "default"),
    ("calibration.tasks.set_audit_rates", 600, "default"),
    ("reviewqueue.golden.tasks.watch_traffic", 60, "default"),
    ("reviewqueue.golden.tasks.watch_due", 300, "default"),
    ("reviewqueue.golden.tasks.measure_runs", 10, "default"),
    ("reviewqueue.alarms.tasks.watch", 300, "default"),
    ("reviewqueue.claims.tasks.forget_unused_attachments", 3600, "default"),
    ("calibration.tasks.search_suspects", 60, "default"),
    ("calibration.tasks.search_slices", 60, "default"),
    ("reviewqueue.erasure.tasks.sweep_retention", 600, "default"),
    ("reviewqueue.accounts.tasks.forget_old_requests", 3600, "default"),
    ("reviewqueue.auditors.tasks.run_verifications", 10, "default"),
    ("reviewqueue.reports.tasks.make_reports", 10, "default"),
    ("reviewqueue.reports.tasks.run_schedules", 300, "default"),
    ("reviewqueue.reports.tasks.forget_reports", 3600, "default"),
]

# Above the hard time limit, or a slow sweep would be delivered twice; restored soon after a killed worker.
REDIS = {
    "broker_transport_options": {
        "visibility_timeout": 300,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    }
}
RABBITMQ = {
    "broker_transport_options": {"confirm_publish": True},
    "task_default_queue_type": "quorum",
    "task_create_missing_queue_type": "quorum",
    "worker_detect_quorum_queues": True,
}

app.conf.update(
    imports=sorted({task.rsplit(".", 1)[0] for task, _, _ in SWEEPS}),
    beat_schedule={
        task: {
            "task": task,
            "schedule": schedule(run_every=seconds),
            "options": {"queue": queue, "expires": seconds},
        }
        for task, seconds, queue in SWEEPS
    },
    timezone="UTC",
    task_default_queue="default",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=120,
    task_time_limit=150,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=10,
    worker_enable_soft_shutdown_on_idle=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    **(RABBITMQ if settings.CELERY_BROKER_URL.startswith("amqp") else REDIS),
)


@signals.worker_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
@signals.beat_init.connect  # type: ignore[untyped-decorator]
def refuse_unsafe_login(**_: object) -> None:
    """Celery logs what a receiver raises and goes on, but not the end of the process."""
    from reviewqueue.ledger.logins import UnsafeLogin, guard_process

    try:
        guard_process()
    except UnsafeLogin as unsafe:
        raise SystemExit(str(unsafe)) from unsafe
