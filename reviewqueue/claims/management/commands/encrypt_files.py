from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reviewqueue.claims.attachments import encrypt_some_files


class Command(BaseCommand):
    help = "Encrypts attached files that were stored before files were encrypted. May be stopped and begun again."

    def handle(self, *_: Any, **options: Any) -> None:
        total = 0
        while done := encrypt_some_files():
            total += done
        if options["verbosity"]:
            self.stdout.write(f"{total} files were encrypted.")
