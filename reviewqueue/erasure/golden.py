"""Erasing a golden item: input, known answer and note in every version of its set, and what models answered to it."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.erasure import outside, selectors
from reviewqueue.erasure.forgetting import RANDOM_BYTES
from reviewqueue.erasure.models import Erasure, ErasureState, because
from reviewqueue.golden.models import (
    GoldenAnswer,
    GoldenAnswerPayload,
    GoldenItem,
    GoldenItemPayload,
    GoldenRun,
    GoldenSet,
    RunState,
)
from reviewqueue.golden.services.sets import lock_set
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.payloads.models import GoldenKey
from reviewqueue.transactions import joins_transaction


def named(item: GoldenItem) -> dict[str, Any]:
    """What entries say of it: never its key, which people choose."""
    golden_set = item.version.golden_set
    payload = GoldenItemPayload.objects.filter(item=item).values_list("pk", flat=True).first()
    return {
        "pipeline": golden_set.pipeline.slug,
        "golden_set": golden_set.name,
        **({"payload": payload} if payload else {}),
    }


def held(by: User, *, golden_set: str, key: str) -> GoldenItem:
    """The item that is asked about, its set held. Raises NotFound."""
    joins_transaction()
    item = selectors.golden_item_for_erasure(by, golden_set=golden_set, key=key)
    lock_set(item.version.golden_set)
    return item


def wishes_about(item: GoldenItem) -> QuerySet[Erasure]:
    """Whichever version of the item they were asked for."""
    return Erasure.objects.filter(golden_item__version__golden_set=item.version.golden_set, golden_item__key=item.key)


def erase_item(
    item: GoldenItem, erasure: Erasure, *, actor: Actor, second_approver: str | None, reason: str = ""
) -> None:
    """Joins the caller's transaction. The erasure comes first: the database asks for it.

    Open runs are held meanwhile, so that no answer is taken in while its item goes. In a draft the item is taken out.
    """
    joins_transaction()
    golden_set = item.version.golden_set
    lock_set(golden_set)
    now = erasure.decided_at or timezone.now()
    list(GoldenRun.objects.filter(golden_set=golden_set, state=RunState.OPEN).order_by("pk").select_for_update())
    GoldenItem.objects.filter(version__golden_set=golden_set, version__published_at=None, key=item.key).delete()
    items = GoldenItem.objects.filter(version__golden_set=golden_set, key=item.key)
    payloads = list(GoldenItemPayload.objects.filter(item__in=items).order_by("pk").values_list("pk", flat=True))
    about: dict[str, Any] = {"pipeline": golden_set.pipeline.slug, "golden_set": golden_set.name}
    terms: dict[str, Any] = {
        "basis": erasure.basis,
        "second_approver": second_approver,
        "erasure": erasure.pk,
        **because(reason),
    }
    erased = partial(ledger.append, event="payload.erased", actor=actor, **about, **terms)
    entries = [erased(payload=payload) for payload in payloads]
    erasure.state, erasure.event_id = ErasureState.ERASED, entries[0].id
    erasure.save()
    _forget(items, golden_set)
    for payload, entry in zip(payloads, entries, strict=True):
        outside.remember(kind="golden", subject=payload, basis=erasure.basis, event=entry.uuid, at=now)


def _forget(items: QuerySet[GoldenItem], golden_set: GoldenSet) -> None:
    """Keys first; then what was said, and the hashes that it could be tried out against."""
    answers = GoldenAnswer.objects.filter(run__golden_set=golden_set, item__in=items)
    GoldenKey.objects.filter(payload__item__in=items).delete()
    GoldenItemPayload.objects.filter(item__in=items).delete()
    GoldenAnswerPayload.objects.filter(answer__in=answers).delete()
    items.update(fingerprint=secrets.token_bytes(RANDOM_BYTES))
    answers.update(content_hash=secrets.token_bytes(RANDOM_BYTES))
