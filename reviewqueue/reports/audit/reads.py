"""Who read what claims said, what was erased, and what left the house."""

from __future__ import annotations

from typing import Final

from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import Scope, plain

VIEWED: Final = ("payload.viewed",)
ERASED: Final = ("payload.erased", "erasure.requested", "erasure.refused", "person.erased")
EXPORTED: Final = ("export.created",)
_KINDS: Final = {"at": Kind.TIME, "claim": Kind.CLAIM, "actor": Kind.PERSON, "leaf": Kind.LEAF, "rows": Kind.COUNT}


def reads(scope: Scope) -> Section:
    viewed, more_viewed = scope.entries_about_claims(VIEWED)
    erased, more_erased = scope.entries_about_claims(ERASED)
    exported, more_exported = scope.entries(EXPORTED)
    return Section(
        "reads",
        "Reads, erasures and exports",
        [
            f"{several(len(viewed) + more_viewed, 'reading', 'readings')} of what a claim said, "
            f"{several(len(erased) + more_erased, 'entry', 'entries')} about erasure and "
            f"{several(len(exported) + more_exported, 'export', 'exports')} are recorded. Reading is recorded where "
            "the pipeline asks for it."
        ],
        tables=[
            table(
                "viewed",
                "Payloads that were read",
                columns("at: When; claim: Claim; actor: By; role: As; leaf: Leaf", **_KINDS),
                (
                    [plain(each.recorded_at), plain(each.claim), each.actor, each.body["actor"].get("role"), each.index]
                    for each in viewed
                ),
                more=more_viewed,
            ),
            table(
                "erased",
                "Erasures",
                columns("at: When; event: What; claim: Claim; basis: Basis; actor: By; leaf: Leaf", **_KINDS),
                (
                    [
                        plain(each.recorded_at),
                        each.kind,
                        plain(each.claim),
                        each.body.get("basis"),
                        each.actor,
                        each.index,
                    ]
                    for each in erased
                ),
                more=more_erased,
            ),
            table(
                "exports",
                "Exports and reports",
                columns("at: When; format: Form; rows: Rows; actor: By; leaf: Leaf", **_KINDS),
                (
                    [plain(each.recorded_at), each.body.get("format"), each.body.get("rows"), each.actor, each.index]
                    for each in exported
                ),
                more=more_exported,
            ),
        ],
    )
