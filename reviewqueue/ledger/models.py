"""Rows of the schema "ledger", to be read.

The tables are made by migration 0001 in plain SQL and written by `services` and `sealer` in plain SQL. A table name
like `ledger"."event` is quoted by Django into `"ledger"."event"`: that is how a model lives in another schema.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class AppendOnly(TypeError):
    """Somebody tried to write the ledger through its models."""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AppendOnly("the ledger is written through reviewqueue.ledger.services alone")


class ReadOnlyQuerySet(models.QuerySet[Any]):
    create = bulk_create = update = bulk_update = delete = get_or_create = update_or_create = _refuse


class LedgerRow(models.Model):
    objects = ReadOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        managed = False

    save = delete = _refuse


class Event(LedgerRow):
    """One entry. Insertion is `services.append`; everything but `leaf` is written by the database."""

    id = models.BigIntegerField(primary_key=True)
    leaf = models.TextField()
    leaf_hash = models.BinaryField()
    event_uuid = models.UUIDField(unique=True)
    kind = models.TextField()
    subject = models.UUIDField(null=True)
    claim_seq = models.IntegerField(null=True)
    actor = models.TextField()
    recorded_us = models.BigIntegerField()
    pipeline = models.TextField(null=True)
    source = models.TextField(null=True)
    policy_version = models.TextField(null=True)
    request = models.TextField(null=True)

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."event'


class Pending(LedgerRow):
    """An event that has no leaf yet: a work list without evidence value."""

    event_id = models.BigIntegerField(primary_key=True)

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."pending'


class Leaf(LedgerRow):
    """The place of an event in the tree: indexes are 0, 1, 2 … without a gap."""

    leaf_index = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.DO_NOTHING, related_name="leaf_row")
    leaf_hash = models.BinaryField()

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."leaf'


class Tile(LedgerRow):
    """256 neighbouring hashes of one level, and their root: level 0 holds leaf hashes, each other the roots below."""

    pk = models.CompositePrimaryKey("level", "idx")
    level = models.SmallIntegerField()
    idx = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField()

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."tile'


class Checkpoint(LedgerRow):
    """A signed statement about the first `tree_size` leaves."""

    tree_size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    sealed_at = models.DateTimeField()
    note = models.TextField()

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."checkpoint'


class Refusal(LedgerRow):
    """Why sealing is refused now, as a code and a sentence; no row while nothing stands against it."""

    one = models.BooleanField(primary_key=True)
    code = models.TextField()
    reason = models.TextField()
    since = models.DateTimeField()

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."refusal'


class Anchor(LedgerRow):
    """The receipt for a checkpoint that was handed to a place outside the database."""

    id = models.BigIntegerField(primary_key=True)
    tree_size = models.BigIntegerField()
    sink = models.TextField()
    receipt = models.BinaryField(null=True)
    at = models.DateTimeField()

    class Meta(LedgerRow.Meta):
        db_table = 'ledger"."anchor'
