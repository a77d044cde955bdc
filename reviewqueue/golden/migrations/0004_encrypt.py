"""Encrypts the texts of golden items and answers that are there, some hundred at a time; may be stopped and begun again.

Salts are kept: the commitments of items and answers are in digests that the ledger has.
"""

import json
from dataclasses import replace
from typing import Any, Final

from django.db import migrations
from django.db.transaction import atomic

from reviewqueue.claims.models import new_id
from reviewqueue.golden import texts
from reviewqueue.payloads import vault

AT_ONCE: Final = 500
MAX_INTEGER: Final = 2**53 - 1

ITEMS = """
    DELETE FROM golden_goldenitemcontent
     WHERE item_id IN (SELECT item_id FROM golden_goldenitemcontent ORDER BY item_id LIMIT %s)
    RETURNING item_id, salt, content::text"""
ANSWERS = """
    WITH taken AS (
        DELETE FROM golden_goldenanswercontent
         WHERE answer_id IN (SELECT answer_id FROM golden_goldenanswercontent ORDER BY answer_id LIMIT %s)
        RETURNING answer_id, salt, content::text AS content)
    SELECT taken.answer_id, taken.salt, taken.content, key.payload_id, key.wrapped, key.salt, key.master
      FROM taken JOIN golden_goldenanswer AS answer ON answer.id = taken.answer_id
      LEFT JOIN golden_goldenitempayload AS payload ON payload.item_id = answer.item_id
      LEFT JOIN payloads_goldenkey AS key ON key.payload_id = payload.id"""
PUT_ITEMS = """
    INSERT INTO golden_goldenitempayload (id, item_id, ciphertext)
    SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[])"""
PUT_KEYS = """
    INSERT INTO payloads_goldenkey (payload_id, wrapped, salt, master)
    SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[], %s::text[])"""
PUT_ANSWERS = """
    INSERT INTO golden_goldenanswerpayload (answer_id, ciphertext)
    SELECT * FROM unnest(%s::bigint[], %s::bytea[])"""
ENCRYPTED_ANSWERS = """
    SELECT answer.id, payload.ciphertext, key.payload_id, key.wrapped, key.salt, key.master
      FROM golden_goldenanswerpayload AS payload JOIN golden_goldenanswer AS answer ON answer.id = payload.answer_id
      JOIN golden_goldenitempayload AS item ON item.item_id = answer.item_id
      JOIN payloads_goldenkey AS key ON key.payload_id = item.id"""
ENCRYPTED_ITEMS = """
    SELECT payload.item_id, payload.ciphertext, key.payload_id, key.wrapped, key.salt, key.master
      FROM golden_goldenitempayload AS payload JOIN payloads_goldenkey AS key ON key.payload_id = payload.id"""
PUT_BACK = "INSERT INTO {table} ({column}, salt, content) VALUES (%s, %s, %s::jsonb)"


def encrypt(_apps: Any, schema_editor: Any) -> None:
    for take, handle in ((ITEMS, _items), (ANSWERS, _answers)):
        while _some(schema_editor.connection, take, handle):
            pass


def _some(connection: Any, take: str, handle: Any) -> bool:
    with atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(take, [AT_ONCE])
        rows = cursor.fetchall()
        if rows:
            handle(cursor, rows)
    return bool(rows)


def _items(cursor: Any, rows: Any) -> None:
    keys = [replace(vault.new_key(new_id()), salt=bytes(salt)) for _, salt, _ in rows]
    ciphertexts = [texts.close_item(key, _read(content)) for key, (_, _, content) in zip(keys, rows, strict=True)]
    ids = [key.claim_id for key in keys]
    cursor.execute(PUT_ITEMS, [ids, [item_id for item_id, _, _ in rows], ciphertexts])
    columns = [key.wrapped for key in keys], [key.salt for key in keys], [key.master for key in keys]
    cursor.execute(PUT_KEYS, [ids, *columns])


def _answers(cursor: Any, rows: Any) -> None:
    """An answer to an item without a key was erased with it."""
    ids, ciphertexts = [], []
    for answer_id, salt, content, payload_id, *stored in rows:
        if payload_id is not None:
            said = texts.SaltedAnswer(bytes(salt), _read(content)["output"])
            ids.append(answer_id)
            ciphertexts.append(texts.close_answer(_key(payload_id, *stored), said, answer_id=answer_id))
    cursor.execute(PUT_ANSWERS, [ids, ciphertexts])


def _read(content: str) -> Any:
    """jsonb wrote 1e22 as an integer that the canonical form refuses: it goes back to what it was."""
    return json.loads(content, parse_int=_integer)


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) <= MAX_INTEGER else float(text)


def _key(payload_id: Any, wrapped: Any, salt: Any, master: str) -> vault.ClaimKey:
    return vault.known_key(payload_id, bytes(wrapped), bytes(salt), master)


def decrypt(_apps: Any, schema_editor: Any) -> None:
    with atomic(using=schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
        cursor.execute(ENCRYPTED_ANSWERS)
        for answer_id, ciphertext, *stored in cursor.fetchall():
            said = texts.answer_within(_key(*stored), bytes(ciphertext), answer_id=answer_id)
            put = PUT_BACK.format(table="golden_goldenanswercontent", column="answer_id")
            cursor.execute(put, [answer_id, said.salt, json.dumps({"output": said.output})])
        cursor.execute(ENCRYPTED_ITEMS)
        for item_id, ciphertext, *stored in cursor.fetchall():
            key = _key(*stored)
            put = PUT_BACK.format(table="golden_goldenitemcontent", column="item_id")
            cursor.execute(put, [item_id, key.salt, json.dumps(texts.item_within(key, bytes(ciphertext)))])
        for table in ("golden_goldenanswerpayload", "golden_goldenitempayload", "payloads_goldenkey"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("golden", "0003_room_for_ciphertexts"), ("payloads", "0005_golden_keys")]

    operations = [migrations.RunPython(encrypt, decrypt)]
