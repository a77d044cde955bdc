"""What proves the life of one claim, as a file to take along."""

from __future__ import annotations

from typing import Any

from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.ledger.bundle import claim_bundle
from reviewqueue.payloads.selectors import opened
from reviewqueue.reports.claim_life import ClaimLife


def bundle_of(life: ClaimLife, *, with_text: bool) -> dict[str, Any]:
    """The bundle of a claim for somebody who sees its life; with its text and salt for whoever may read that.

    Raises:
        Forbidden: this person does not see the claim's entries, or not all of them yet.
        NotFound: no entry is sealed, or the text is not there or not theirs to read.
    """
    if not life.entries:
        raise Forbidden("The ledger of a claim is for seniors, owners, auditors and admins.")
    if life.hides_entries:
        raise Forbidden("Some of the entries stay closed until the review is over, and so does the proof of all.")
    if with_text and not life.content:
        raise NotFound("The text of this claim was erased, or is not for you.")
    return claim_bundle(life.claim.pk, payload=_payload(life) if with_text else None)


def _payload(life: ClaimLife) -> dict[str, Any]:
    said = opened([life.claim.pk])[life.claim.pk]
    return {"salt": said.salt.hex(), "text": said.text.decode()}
