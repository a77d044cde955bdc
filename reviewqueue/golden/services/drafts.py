"""The items of a golden set: a draft is filled, corrected and published, and then never changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Max
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import new_id
from reviewqueue.claims.services import payload_commitment
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.golden import texts
from reviewqueue.golden.items import MOST_ITEMS, MOST_PROBLEMS, Item
from reviewqueue.golden.models import GoldenItem, GoldenItemPayload, GoldenSet, GoldenVersion
from reviewqueue.golden.selectors import (
    draft_of,
    item_with_content,
    items_digest,
    names_of,
    not_comparable,
    version_in_use,
    with_texts,
)
from reviewqueue.golden.services.sets import GoldenSetNotInUse, lock_set
from reviewqueue.ledger import services as ledger
from reviewqueue.payloads.models import GoldenKey
from reviewqueue.payloads.vault import new_key
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.names import pointer_to
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.rights import actor_in
from reviewqueue.redaction.masking import Redaction
from reviewqueue.redaction.rules import Rules, rules_for
from reviewqueue.transactions import service

ROWS_AT_ONCE: Final = 2_000


class NothingToPublish(Conflict):
    """There is no draft, or it is empty, or it is what is in use already."""

    code = "nothing_to_publish"


@dataclass(frozen=True, slots=True)
class Put:
    """What became of items that were put into a draft."""

    version: GoldenVersion
    added: int
    replaced: int
    removed: int
    size: int


@service
def put_items(*, golden_set: GoldenSet, items: Sequence[Item], replace: bool = False) -> Put:
    """Puts items into the draft: one of a known key takes the place of the former. `replace`: the others are gone.

    Without a draft one is begun, with the items that are in use now. Raises Invalid when there would be too many, or
    when a redaction pattern of the pipeline finds something: an item is asked and compared as it is, never masked.
    """
    locked = lock_set(golden_set)
    _check_nothing_to_mask(items, rules_for(locked.pipeline.redaction))
    version = draft_of(locked) or _begun(locked, empty=replace)
    places = dict(version.items.values_list("key", "place"))
    kept = {} if replace else places
    keys = {item.key for item in items}
    size = len(kept.keys() | keys)
    if size > MOST_ITEMS:
        raise Invalid(
            [FieldProblem("", "too_many", f"A set has at most {MOST_ITEMS:,} items; these would be {size:,}.")]
        )
    gone = version.items.all() if replace else version.items.filter(key__in=keys)
    gone.delete()
    following = max(kept.values(), default=0)
    new = 0
    placed: list[tuple[int, Item]] = []
    for item in items:
        if item.key in kept:
            placed.append((kept[item.key], item))
        else:
            new += 1
            placed.append((following + new, item))
    _write(version, placed)
    replaced = len(keys & places.keys())
    removed = len(places.keys() - keys) if replace else 0
    return Put(version, added=len(keys) - replaced, replaced=replaced, removed=removed, size=size)


@service
def remove_items(*, golden_set: GoldenSet, keys: Collection[str]) -> int:
    """Takes items out of the draft; returns how many. Without a draft one is begun with what is in use."""
    locked = lock_set(golden_set)
    version = draft_of(locked) or _begun(locked)
    found = version.items.filter(key__in=keys)
    number = found.count()
    found.delete()
    return number


@service
def discard_draft(*, golden_set: GoldenSet) -> bool:
    """What is in use stays. False when there was no draft."""
    draft = draft_of(lock_set(golden_set))
    if draft is None:
        return False
    draft.delete()
    return True


@service
def publish(*, golden_set: GoldenSet, by: User) -> GoldenVersion:
    """The draft becomes the version that models are measured by, and is never changed again.

    Raises:
        Forbidden: by somebody who does not own the pipeline.
        NothingToPublish: there is no draft, it is empty, or it says what the version in use says.
        GoldenSetNotInUse: the set is retired.
        Invalid: an answer that no machine can compare; the pointers begin with the keys of the items.
    """
    pipeline = golden_set.pipeline
    if not has_role(by, [Role.OWNER], pipeline_id=pipeline.pk):
        raise Forbidden("An owner of the pipeline publishes its golden sets.")
    locked = lock_set(golden_set)
    draft = draft_of(locked)
    size = draft.items.count() if draft else 0
    if locked.retired_at is not None:
        raise GoldenSetNotInUse("This golden set is retired.")
    if draft is None or not size:
        raise NothingToPublish("There is no draft with items.")
    bad = not_comparable(draft, most=MOST_PROBLEMS)
    if bad:
        raise Invalid(
            [FieldProblem(f"{pointer_to(row.key)}/answer", "not_comparable", detail) for row, detail in bad],
            "Some answers cannot be compared by a machine.",
        )
    if _says_the_same(draft, version_in_use(locked)):
        raise NothingToPublish("The draft says what the version in use says.")
    digest = items_digest(draft)
    entry = ledger.append(
        event="golden.published",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        golden_set=locked.name,
        golden_version=draft.number,
        size=size,
        digest=digest,
    )
    draft.published_at, draft.published_by = timezone.now(), by
    draft.size, draft.digest, draft.event_id = size, digest, entry.id
    draft.save(update_fields=["published_at", "published_by", "size", "digest", "event"])
    return draft


def _check_nothing_to_mask(items: Sequence[Item], rules: Rules) -> None:
    problems = []
    for item in items if rules.patterns else ():
        for name, value in item.content.items():
            found = Redaction(rules)
            found.value(value)
            problems += [
                FieldProblem(
                    f"{pointer_to(item.key)}/{name}", "redacted", f"The redaction rule {rule} finds something."
                )
                for rule in sorted(found.places)
            ]
    if problems:
        raise Invalid(problems[:MOST_PROBLEMS], "Golden items are never masked, so they hold nothing to be masked.")


def _begun(golden_set: GoldenSet, *, empty: bool = False) -> GoldenVersion:
    """A new draft, with the items of the version in use. What was erased there is not in it."""
    last = golden_set.versions.aggregate(last=Max("number"))["last"] or 0
    draft = GoldenVersion.objects.create(golden_set=golden_set, number=last + 1, created_at=timezone.now())
    in_use = version_in_use(golden_set)
    if in_use is not None and not empty:
        rows = with_texts(in_use.items.filter(payload__isnull=False)).order_by("place", "id")
        _write(draft, [(row.place, item_with_content(row)) for row in rows])
    return draft


def _write(version: GoldenVersion, placed: Sequence[tuple[int, Item]]) -> None:
    names = names_of(version.golden_set.pipeline)
    keys = [new_key(new_id()) for _ in placed]
    rows = [
        GoldenItem(
            version=version,
            key=item.key,
            place=place,
            comparison=item.comparison,
            tolerance=item.tolerance,
            category=item.category or "",
            segments=item.segments,
            fingerprint=names.fingerprint(item),
            commitment=payload_commitment(key.salt, item.content),
        )
        for (place, item), key in zip(placed, keys, strict=True)
    ]
    GoldenItem.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    payloads = [
        GoldenItemPayload(id=key.claim_id, item=row, ciphertext=texts.close_item(key, item.content))
        for row, key, (_, item) in zip(rows, keys, placed, strict=True)
    ]
    GoldenItemPayload.objects.bulk_create(payloads, batch_size=ROWS_AT_ONCE)
    GoldenKey.objects.bulk_create([GoldenKey.of(key) for key in keys], batch_size=ROWS_AT_ONCE)


def _says_the_same(draft: GoldenVersion, in_use: GoldenVersion | None) -> bool:
    """Whether a run would be the same: salts differ, so the contents themselves are compared."""
    if in_use is None or in_use.size != draft.items.count():
        return False

    def said(version: GoldenVersion) -> list[Item]:
        return [item_with_content(row) for row in with_texts(version.items.all()).order_by("key")]

    return said(draft) == said(in_use)
