from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reviewqueue.payloads.services import rewrap_some


class Command(BaseCommand):
    help = "Wraps the keys of all payloads under the first of PAYLOAD_KEYS. Then the older ones can go."

    def handle(self, *_: Any, **options: Any) -> None:
        total = 0
        while done := rewrap_some():
            total += done
        if options["verbosity"]:
            self.stdout.write(f"{total} keys are wrapped under the new master key.")
