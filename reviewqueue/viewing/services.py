"""Records that somebody reads what claims say, and lets an administrator read one for a short time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim
from reviewqueue.claims.services import PayloadErased
from reviewqueue.errors import FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.pipelines.models import Pipeline, Role, ViewRecording
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.redaction.masking import masked_text
from reviewqueue.redaction.rules import rules_for
from reviewqueue.transactions import service
from reviewqueue.viewing.models import BreakGlass, PayloadView
from reviewqueue.viewing.selectors import open_glass, role_of_reader

QUIET_FOR: Final = timedelta(minutes=15)
"""Reading the same claim again within this time is the same reading."""
GLASS_FOR: Final = timedelta(minutes=30)
SHORTEST_REASON: Final = 15
LONGEST_REASON: Final = 2_000
PURPOSES: Final = ("claim_page", "file", "bundle", "own_answers", "past_lease", "flagged_list", "missed_gold")
_LOOKS_OVER: Final = (Role.AUDITOR, Role.ADMIN)


def record_views(
    *, viewer: User, claims: Sequence[Claim], purpose: str, glass: BreakGlass | None = None, now: datetime | None = None
) -> int:
    """One `payload.viewed` for each of the claims whose pipeline asks for it, unless the last one of this person was
    less than QUIET_FOR ago; returns how many. Reading by break-glass is always recorded.

    Called before anything is shown: what cannot be recorded is not read.
    """
    asked = _asked_of(viewer, claims) if glass is None else {claim.pk for claim in claims}
    moment = now or timezone.now()
    due = asked - _recorded_since(viewer, asked, moment - QUIET_FOR) if asked else set()
    return _record(viewer, due, purpose, glass, moment) if due else 0


def _asked_of(viewer: User, claims: Sequence[Claim]) -> set[UUID]:
    """The claims of which this person's reading is to be recorded. One query, none where there are no claims."""
    if not claims:
        return set()
    places = {claim.pipeline_id for claim in claims}
    rules = dict(
        Pipeline.objects.filter(pk__in=places)
        .exclude(views_recorded=ViewRecording.OFF)
        .values_list("pk", "views_recorded")
    )
    asking = {
        place
        for place, rule in rules.items()
        if rule == ViewRecording.EVERYBODY or role_of_reader(viewer, place) in _LOOKS_OVER
    }
    return {claim.pk for claim in claims if claim.pipeline_id in asking}


def _recorded_since(viewer: User, claim_ids: Collection[UUID], since: datetime) -> set[UUID]:
    views = PayloadView.objects.filter(viewer=viewer, claim__in=claim_ids, at__gt=since)
    return set(views.values_list("claim_id", flat=True))


@service
def _record(viewer: User, due: Collection[UUID], purpose: str, glass: BreakGlass | None, now: datetime) -> int:
    """Holds the claims meanwhile, whose chains the entries are in: the same person in two windows is one reading."""
    held = list(
        Claim.objects.select_for_update(no_key=True, of=("self",))
        .select_related("pipeline")
        .filter(pk__in=due)
        .order_by("pk")
    )
    known = _recorded_since(viewer, due, now - QUIET_FOR)
    read = [claim for claim in held if claim.pk not in known]
    entries = ledger.append_many([_entry(viewer, claim, purpose, glass) for claim in read])
    rows = [
        PayloadView(viewer=viewer, claim=claim, at=now, event_id=entry.id)
        for claim, entry in zip(read, entries, strict=True)
    ]
    PayloadView.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["viewer", "claim"], update_fields=["at", "event"]
    )
    return len(rows)


def _entry(viewer: User, claim: Claim, purpose: str, glass: BreakGlass | None) -> Entry:
    role = Role.ADMIN if glass else role_of_reader(viewer, claim.pipeline_id)
    fields: dict[str, object] = {
        "pipeline": claim.pipeline.slug,
        "payload": claim.pk,
        "user": viewer.pseudonym,
        "purpose": purpose,
    }
    if glass:
        fields["break_glass"] = glass.pk
    return Entry("payload.viewed", Actor.user(viewer.pseudonym, role=role.value if role else None), claim.pk, fields)


@service
def break_glass(*, admin: User, claim_id: UUID, reason: str, now: datetime | None = None) -> BreakGlass:
    """Lets an administrator read one claim for GLASS_FOR. While that lasts, asking again is the same right.

    Raises:
        Forbidden: this person is no administrator.
        PayloadErased: the text was erased.
        Invalid: the reason is missing, too short or too long.
    """
    if not has_role(admin, [Role.ADMIN]):
        raise Forbidden("Break-glass is for administrators.")
    claim = claims.lock_claim(claim_id)
    moment = now or timezone.now()
    already = open_glass(admin, claim_id, now=moment)
    if already:
        return already
    if not hasattr(claim, "payload"):
        raise PayloadErased("What this claim said was erased, so there is nothing to read.")
    words = " ".join(reason.split())
    if not SHORTEST_REASON <= len(words) <= LONGEST_REASON or not words.isprintable():
        detail = f"Say in {SHORTEST_REASON} to {LONGEST_REASON:,} characters why you have to read this text."
        raise Invalid([FieldProblem("/reason", "range", detail)])
    kept = masked_text(words, rules_for(claim.pipeline.redaction))
    glass = BreakGlass(
        user=admin, pipeline_id=claim.pipeline_id, claim=claim, reason=kept, began_at=moment, until=moment + GLASS_FOR
    )
    commitment = claims.payload_commitment(bytes(claim.payload.salt), {"break_glass": str(glass.pk), "reason": kept})
    entry = ledger.append(
        event="payload.break_glass",
        actor=Actor.user(admin.pseudonym, role=Role.ADMIN.value),
        claim=claim.pk,
        pipeline=claim.pipeline.slug,
        payload=claim.pk,
        break_glass=glass.pk,
        until_us=round(glass.until.timestamp() * 1_000_000),
        note_commitment=commitment,
    )
    glass.event_id = entry.id
    glass.save(force_insert=True)
    return glass
