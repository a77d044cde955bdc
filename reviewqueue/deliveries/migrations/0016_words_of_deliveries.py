"""What a webhook says of what a claim said is encrypted with the key of the claim."""

import json
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.db import migrations, models

from reviewqueue.payloads.vault import known_key, written
from reviewqueue.payloads.words import words_within

AT_ONCE: Final = 500
KIND: Final = "delivery"
TAKE = """
    SELECT row.id, row.body, row.words, key.claim_id, key.wrapped, key.salt, key.master
      FROM deliveries_delivery AS row JOIN payloads_payloadkey AS key USING (claim_id)
     WHERE row.id > %s ORDER BY row.id LIMIT %s"""
PUT = """
    UPDATE deliveries_delivery AS row SET body = given.body, words = given.words
      FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS given (id, body, words) WHERE row.id = given.id"""


def encrypt(_apps: Any, schema_editor: Any) -> None:
    for cursor, rows in _batches(schema_editor):
        changed = []
        for row_id, body, _, key in rows:
            said = json.loads(body)
            if said["data"].pop("output", None) is not None:
                thin = json.dumps(said, separators=(",", ":"))
                changed.append((row_id, thin, key.close(written({"full": body}), kind=KIND, row=row_id)))
        _put(cursor, changed)


def decrypt(_apps: Any, schema_editor: Any) -> None:
    for cursor, rows in _batches(schema_editor):
        changed = [
            (row_id, words_within(key, bytes(words), kind=KIND, row=row_id)["full"], None)
            for row_id, _, words, key in rows
            if words is not None
        ]
        _put(cursor, changed)


def _batches(schema_editor: Any) -> Iterator[tuple[Any, list[tuple[Any, ...]]]]:
    last = UUID(int=0)
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(TAKE, [last, AT_ONCE])
            rows = cursor.fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield (
                cursor,
                [
                    (row_id, body, words, known_key(claim, bytes(wrapped), bytes(salt), master))
                    for row_id, body, words, claim, wrapped, salt, master in rows
                ],
            )


def _put(cursor: Any, changed: list[tuple[Any, ...]]) -> None:
    if changed:
        cursor.execute(PUT, [list(column) for column in zip(*changed, strict=True)])


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0015_report_made"), ("payloads", "0003_nothing_readable")]

    operations = [
        migrations.AddField("Delivery", "words", models.BinaryField(null=True)),
        migrations.RunPython(encrypt, decrypt),
    ]
