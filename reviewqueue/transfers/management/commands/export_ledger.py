from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.errors import NotFound
from reviewqueue.ledger.actors import Actor
from reviewqueue.transfers.evidence import export_evidence


class Command(BaseCommand):
    help = (
        "Exports the sealed ledger, with the policies it names, for verify_export.py to prove without this application."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a folder, or a file ending in .zip, that does not exist yet")
        parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="the first day (UTC)")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="the day after the last (UTC)")
        parser.add_argument(
            "--payloads", action="store_true", help="also what the claims said, readable, with its salts"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        since, until = _midnight(options["since"]), _midnight(options["until"])
        try:
            exported = export_evidence(
                path=options["path"],
                actor=Actor.system("export_ledger"),
                since=since,
                until=until,
                with_payloads=options["payloads"],
            )
        except (NotFound, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"leaves {exported.first} to {exported.size - 1}, {exported.unsealed} events not sealed yet, "
            f"manifest {exported.manifest_hash}"
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
