"""Encrypts the payloads that are there, some hundred at a time; may be stopped and begun again."""

import json
from typing import Any, Final

from django.db import migrations
from django.db.transaction import atomic

from reviewqueue.payloads import vault

AT_ONCE: Final = 500
MAX_INTEGER: Final = 2**53 - 1

TAKE = """
    SELECT claim_id, salt, content::text FROM claims_claimpayload
     WHERE ciphertext IS NULL ORDER BY claim_id LIMIT %s"""
PUT = """
    UPDATE claims_claimpayload AS payload SET ciphertext = given.ciphertext, salt = NULL, content = NULL
      FROM unnest(%s::uuid[], %s::bytea[]) AS given (claim_id, ciphertext) WHERE payload.claim_id = given.claim_id"""
KEYS = """
    INSERT INTO payloads_payloadkey (claim_id, wrapped, salt, master)
    SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[], %s::text[])"""
TAKE_BACK = """
    SELECT payload.claim_id, payload.ciphertext, key.wrapped, key.salt, key.master
      FROM claims_claimpayload AS payload JOIN payloads_payloadkey AS key USING (claim_id)
     WHERE payload.ciphertext IS NOT NULL ORDER BY payload.claim_id LIMIT %s"""
PUT_BACK = """
    UPDATE claims_claimpayload AS payload SET ciphertext = NULL, salt = given.salt, content = given.content::jsonb
      FROM unnest(%s::uuid[], %s::bytea[], %s::text[]) AS given (claim_id, salt, content)
     WHERE payload.claim_id = given.claim_id"""
DROP_KEYS = "DELETE FROM payloads_payloadkey WHERE claim_id = ANY(%s)"


def encrypt(_apps: Any, schema_editor: Any) -> None:
    while _some(schema_editor, TAKE, _encrypted):
        pass


def decrypt(_apps: Any, schema_editor: Any) -> None:
    while _some(schema_editor, TAKE_BACK, _decrypted):
        pass


def _some(schema_editor: Any, take: str, handle: Any) -> bool:
    """One batch in one transaction. The table's own trigger refuses changes to everybody, so it rests meanwhile."""
    connection = schema_editor.connection
    with atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE claims_claimpayload DISABLE TRIGGER payload_is_immutable")
        cursor.execute(take, [AT_ONCE])
        rows = cursor.fetchall()
        if rows:
            handle(cursor, rows)
        cursor.execute("ALTER TABLE claims_claimpayload ENABLE TRIGGER payload_is_immutable")
    return bool(rows)


def _encrypted(cursor: Any, rows: Any) -> None:
    ids, texts, wrapped, salts, masters = [], [], [], [], []
    for claim_id, salt, content in rows:
        key = vault.new_key(claim_id)
        # jsonb wrote 1e22 as an integer that the canonical form refuses: it goes back to what it was.
        text = json.dumps(json.loads(content, parse_int=_integer), ensure_ascii=False).encode()
        ids.append(claim_id)
        texts.append(key.close(text, kind="content", row=claim_id))
        wrapped.append(key.wrapped)
        salts.append(bytes(salt))
        masters.append(key.master)
    cursor.execute(KEYS, [ids, wrapped, salts, masters])
    cursor.execute(PUT, [ids, texts])


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) <= MAX_INTEGER else float(text)


def _decrypted(cursor: Any, rows: Any) -> None:
    ids, salts, texts = [], [], []
    for claim_id, ciphertext, wrapped, salt, master in rows:
        key = vault.known_key(claim_id, bytes(wrapped), bytes(salt), master)
        ids.append(claim_id)
        salts.append(bytes(salt))
        texts.append(key.open(bytes(ciphertext), kind="content", row=claim_id).decode())
    cursor.execute(PUT_BACK, [ids, salts, texts])
    cursor.execute(DROP_KEYS, [ids])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payloads", "0001_ciphertext")]

    operations = [migrations.RunPython(encrypt, decrypt)]
