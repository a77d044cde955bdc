from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    name = "reviewqueue.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from reviewqueue.ledger.grants import grant_after_migrate
        from reviewqueue.ledger.logins import login_is_safe

        register(login_is_safe, Tags.database, deploy=True)
        post_migrate.connect(grant_after_migrate, sender=self, dispatch_uid="ledger.grants")
