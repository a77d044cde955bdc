from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.errors import DomainError
from reviewqueue.ledger.actors import Actor
from reviewqueue.reports.bundles import export_report
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.own_entry import own_entry


class Command(BaseCommand):
    help = "Exports an audit report with the entries it rests on, for verify_export.py to prove and to compute again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("report", type=UUID, help="its id, as in its address")
        parser.add_argument("path", type=Path, help="a folder, or a file ending in .zip, that does not exist yet")

    def handle(self, *_: Any, **options: Any) -> None:
        report = AuditReport.objects.filter(pk=options["report"]).first()
        if report is None:
            raise CommandError("There is no such report.")
        try:
            is_sealed = own_entry(report).index is not None
            exported = export_report(report=report, path=options["path"], actor=Actor.system("export_report"))
        except (DomainError, OSError) as error:
            raise CommandError(error.detail if isinstance(error, DomainError) else str(error)) from error
        self.stdout.write(
            f"leaves {exported.first} to {exported.size - 1} with report.json, manifest {exported.manifest_hash}"
        )
        if not is_sealed:
            self.stderr.write(
                "The entry that holds the hash of this report was not sealed yet: verify_export.py calls the bundle "
                "incomplete. It is sealed within seconds; export the report again then."
            )
