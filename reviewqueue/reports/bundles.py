"""A report with the entries it rests on and the one that holds its hash: what the offline verifier proves, and counts
the figures of again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, Forbidden
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.export import Enclosed, Exported
from reviewqueue.ledger.verify_export import REPORT_PROOF
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.own_entry import proof_of
from reviewqueue.reports.selectors import text_of
from reviewqueue.reports.services import MAKERS
from reviewqueue.transfers.evidence import export_evidence

MOST_ENTRIES: Final = 200_000
"""Of a bundle that somebody waits for in a browser; more are exported by the command."""


class NothingToBundle(Conflict):
    code = "nothing_to_bundle"


def bundle_of(*, report: AuditReport, by: User) -> IO[bytes]:
    """A zip file, which is an export and so an entry. Raises Forbidden, NothingToBundle, ReportNotThere."""
    if not has_role(by, MAKERS):
        raise Forbidden("Exports are made by auditors and administrators.")
    if report.entries > MOST_ENTRIES:
        raise NothingToBundle(
            f"This report rests on {report.entries:,} entries, too many to wait for: "
            f"`manage.py export_report {report.pk} FOLDER` writes them."
        )
    role = Role.AUDITOR if has_role(by, [Role.AUDITOR]) else Role.ADMIN
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        export_report(report=report, path=path, actor=Actor.user(by.pseudonym, role=role.value))
        return path.open("rb")


def export_report(*, report: AuditReport, path: Path, actor: Actor) -> Exported:
    """As `transfers.evidence.export_evidence`, of the leaves that the report speaks of; with it and its proof."""
    text = text_of(report)
    if report.first is None or report.tree_size is None or not report.entries:
        raise NothingToBundle("Nothing was recorded in the period of this report: there are no entries to prove.")
    return export_evidence(
        path=path,
        actor=actor,
        since=report.since,
        until=report.until,
        leaves=(report.first, report.tree_size),
        also=[Enclosed("report.json", [text]), Enclosed(REPORT_PROOF, [proof_of(report)])],
    )
