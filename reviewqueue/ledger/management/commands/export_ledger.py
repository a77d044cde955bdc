from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.errors import NotFound
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.export import export_ledger


class Command(BaseCommand):
    help = "Exports the sealed ledger into a new folder, which verify_export.py proves without this application."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
        parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="the first day (UTC)")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="the day after the last (UTC)")

    def handle(self, *_: Any, **options: Any) -> None:
        since, until = _midnight(options["since"]), _midnight(options["until"])
        try:
            exported = export_ledger(
                folder=options["folder"], actor=Actor.system("export_ledger"), since=since, until=until
            )
        except (NotFound, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"leaves {exported.first} to {exported.size - 1}, {exported.unsealed} events not sealed yet, "
            f"manifest {exported.manifest_hash}"
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
