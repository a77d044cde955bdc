"""The ledger: its entries, its signed checkpoints, and proofs that need nobody's word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import audit_answers, audit_examples
from reviewqueue.api.authentication import caller_of, holder_of, person_of
from reviewqueue.api.contract import Answer, Holder, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import (
    CURSOR,
    LIMIT,
    SINCE,
    UNTIL,
    Cursor,
    choice,
    identifier,
    limit_in,
    span_in,
    text,
    whole,
)
from reviewqueue.claims import auditing
from reviewqueue.claims.selectors import instant
from reviewqueue.errors import NotFound
from reviewqueue.ledger import selectors as ledger
from reviewqueue.ledger.events import CATALOGUE

AUDIT: Final[dict[str, Any]] = {"scope": "audit", "holder": Holder.EITHER}
TEXT: Final = "text/plain"
MOST: Final = 999_999_999
SUBJECT: Final = identifier("subject", "Only entries about this claim.")
KIND: Final = choice("kind", "Only entries of this kind.", sorted(CATALOGUE))
ACTOR: Final = text("actor", "Only entries by this actor: `<kind>:<pseudonymous id>`.")
SIZE: Final = whole("size", "The size of the tree to prove it in; the latest checkpoint's if left out.", 1, MOST)
FIRST: Final = whole("from", "The smaller size; 0 if left out.", 0, MOST)
SECOND: Final = whole("to", "The larger size; the latest checkpoint's if left out.", 0, MOST)


class Events(Operation):
    @promises(
        "list_events",
        scope="audit",
        holder=Holder.PERSON,
        parameters=(SUBJECT, KIND, ACTOR, SINCE, UNTIL, CURSOR, LIMIT),
        answers={
            200: Answer("A page of entries.", audit_answers.LedgerEventPage, audit_examples.EVENT_PAGE),
        },
    )
    def get(self, request: Request) -> Response:
        """List entries of the ledger, newest first.

        Auditors and admins read everything; everybody what they did themselves; a senior also how settled claims of
        their pipelines were decided, an owner the life of their policies. A page may be short, or empty, and still
        have a `next`: go on until that is null.
        """
        person, query = person_of(request), request.query_params
        since, until = span_in(query)
        subject, kind, actor = SUBJECT.value_in(query), KIND.value_in(query), ACTOR.value_in(query)
        wanted = ledger.EntryFilter(
            claims=[subject] if subject else None,
            kinds=[kind] if kind else (),
            actors=[actor] if actor else None,
            since=since,
            until=until,
        )
        bound = {"subject": subject, "kind": kind, "actor": actor, "since": since, "until": until}
        cursor = Cursor(salt="events", holder=holder_of(request), wanted=bound)
        position = cursor.position_in(query)
        page = auditing.entries_for(
            person, filters=wanted, before=int(position) if position else None, limit=limit_in(query)
        )
        return Response(
            {
                "results": [_event(entry) for entry in page.entries],
                "next": cursor.text(str(page.next)) if page.next is not None else None,
            }
        )


class EventProof(Operation):
    @promises(
        "prove_event",
        **AUDIT,
        parameters=(SIZE,),
        answers={200: Answer("The proof.", audit_answers.Inclusion, audit_examples.INCLUSION)},
        problems=("ledger_damaged",),
    )
    def get(self, request: Request, index: int) -> Response:
        """Prove that an entry is in the ledger.

        An inclusion proof of the entry at `index` in the tree of `size` entries. A source gets those of its own
        claims, a reviewer those of what they did themselves, everybody else with a role any.
        """
        auditing.require_provable(caller_of(request), index)
        proof = ledger.inclusion_proof(index=index, size=SIZE.value_in(request.query_params))
        return Response(
            {
                "index": proof.index,
                "size": proof.size,
                "leaf_hash": proof.leaf_hash.hex(),
                "hashes": _hex(proof.hashes),
                "root": proof.root.hex(),
                "checkpoint": proof.note,
            }
        )


class Checkpoints(Operation):
    @promises(
        "list_checkpoints",
        **AUDIT,
        parameters=(CURSOR, LIMIT),
        answers={
            200: Answer("A page of checkpoints.", audit_answers.LedgerCheckpointPage, audit_examples.CHECKPOINT_PAGE),
        },
    )
    def get(self, request: Request) -> Response:
        """List signed checkpoints, largest first."""
        auditing.require_reader_of_checkpoints(caller_of(request))
        cursor = Cursor(salt="checkpoints", holder=holder_of(request), wanted={})
        position, limit = cursor.position_in(request.query_params), limit_in(request.query_params)
        found = ledger.checkpoints(before=int(position) if position else None, limit=limit + 1)
        page = found[:limit]
        further = cursor.text(str(page[-1].tree_size)) if len(found) > limit else None
        return Response(
            {
                "results": [
                    {
                        "size": row.tree_size,
                        "root": bytes(row.root).hex(),
                        "sealed_at": instant(row.sealed_at),
                        "note": row.note,
                    }
                    for row in page
                ],
                "next": further,
            }
        )


class LatestCheckpoint(Operation):
    @promises(
        "get_latest_checkpoint",
        **AUDIT,
        answers={200: Answer("The signed note.", str, audit_examples.NOTE, media_type=TEXT)},
        problems=("not_found",),
    )
    def get(self, request: Request) -> HttpResponse:
        """Get the latest checkpoint.

        A signed note (c2sp.org/tlog-checkpoint). 404 before anything is sealed.
        """
        auditing.require_reader_of_checkpoints(caller_of(request))
        checkpoint = ledger.latest_checkpoint()
        if checkpoint is None:
            raise NotFound("Nothing is sealed yet.")
        return HttpResponse(checkpoint.note, content_type=f"{TEXT}; charset=utf-8")


class LedgerConsistency(Operation):
    @promises(
        "prove_consistency",
        **AUDIT,
        parameters=(FIRST, SECOND),
        answers={200: Answer("The proof.", audit_answers.Consistency, audit_examples.CONSISTENCY)},
        problems=("not_found", "ledger_damaged"),
    )
    def get(self, request: Request) -> Response:
        """Prove that nothing before a checkpoint was changed.

        A consistency proof: the tree of size `from` is a prefix of the tree of size `to`. 404 where there is no tree
        of either size.
        """
        auditing.require_reader_of_checkpoints(caller_of(request))
        query = request.query_params
        proof = ledger.consistency_proof(first=FIRST.value_in(query) or 0, second=SECOND.value_in(query))
        return Response(
            {
                "first": proof.first,
                "second": proof.second,
                "hashes": _hex(proof.hashes),
                "first_root": proof.first_root.hex(),
                "second_root": proof.second_root.hex(),
            }
        )


def _event(entry: ledger.LedgerEntry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "id": str(entry.uuid),
        "kind": entry.kind,
        "actor": entry.actor,
        "claim": str(entry.claim) if entry.claim else None,
        "recorded_at": instant(entry.recorded_at),
        "leaf": entry.leaf,
        "leaf_hash": entry.leaf_hash.hex(),
    }


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [hash_.hex() for hash_ in hashes]
