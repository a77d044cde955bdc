"""Bad bodies, from empty to hostile: the right status, a problem, nothing changed, and the next good request works."""

from __future__ import annotations

import gzip
import io
import json
import time
from random import Random
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from django.urls import resolve

from reviewqueue.claims.models import Claim
from tests.api.caller import Caller, assert_problem, row_counts
from tests.world import World

MEBIBYTE = 1024 * 1024


def raw(world: World, **changes: Any) -> bytes:
    return json.dumps(world.claim_body(**changes)).encode()


def with_text(world: World, text: bytes) -> bytes:
    """A good claim with `text` in place of its confidence."""
    return raw(world, confidence="HERE").replace(b'"HERE"', text)


def with_metadata(world: World, text: bytes) -> bytes:
    return raw(world, metadata="HERE").replace(b'"HERE"', text)


def assert_refused(helpdesk: Caller, world: World, body: bytes, status: int, **headers: str) -> dict[str, Any]:
    before = row_counts()
    problem = assert_problem(helpdesk.post("/claims", body, **headers), status)
    assert row_counts() == before
    assert helpdesk.post("/claims", world.claim_body()).status_code == 201
    return problem


NOT_JSON = {
    "B01 empty": b"",
    "B01 blank": b"  \n",
    "B02 truncated": b'{"pipeline": "support-ans',
    "B03 trailing garbage": b"{} x",
    "B04 byte order mark": b"\xef\xbb\xbf{}",
    "B05 invalid byte": b'{"a": "\xff"}',
    "B05 overlong": b'{"a": "\xc0\xaf"}',
    "B05 encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "B16 33 levels": b"[" * 33 + b"]" * 33,
    "B16 990 levels": b"[" * 990 + b"]" * 990,
    "B16 100,000 levels": b"[" * 100_000 + b"]" * 100_000,
}

IN_METADATA = {
    "B12 NUL in a value": b'{"a": "x\\u0000"}',
    "B13 NUL in a key": b'{"a\\u0000": 1}',
    "B14 lone surrogate": b'{"a": "\\ud800"}',
    "B16 33 levels": b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}",
    "B17 duplicate key": b'{"a": 1, "a": 1}',
    "B19 duplicate key by escape": b'{"a": 1, "\\u0061": 1}',
    "B26 2^53": b'{"a": 9007199254740992}',
    "B26 2^63": b'{"a": 9223372036854775808}',
    "B26 4,000 digits": b'{"a": ' + b"7" * 4_000 + b"}",
    "B26 5,000 digits": b'{"a": ' + b"7" * 5_000 + b"}",
    "B27 10,000 decimals": b'{"a": 0.' + b"7" * 10_000 + b"}",
}

AS_CONFIDENCE = {
    "B18 given twice": b'0.1, "confidence": 0.99',
    "B20 NaN": b"NaN",
    "B20 Infinity": b"Infinity",
    "B20 -Infinity": b"-Infinity",
    "B22 1e999": b"1e999",
}


def test_what_is_not_strict_json_is_400(helpdesk: Caller, world: World, subtests: pytest.Subtests) -> None:
    for name, body in NOT_JSON.items():
        with subtests.test(name):
            assert assert_refused(helpdesk, world, body, 400)["code"] == "malformed_json"


def test_what_no_database_or_second_reader_could_hold_is_400(
    helpdesk: Caller, world: World, subtests: pytest.Subtests
) -> None:
    for name, text in IN_METADATA.items():
        with subtests.test(name):
            body = with_metadata(world, text)
            assert assert_refused(helpdesk, world, body, 400)["code"] == "malformed_json"


def test_a_confidence_that_is_no_json_number_is_400(helpdesk: Caller, world: World, subtests: pytest.Subtests) -> None:
    for name, text in AS_CONFIDENCE.items():
        with subtests.test(name):
            body = with_text(world, text)
            assert assert_refused(helpdesk, world, body, 400)["code"] == "malformed_json"


def test_a_nul_or_half_a_surrogate_pair_in_a_text_field_is_400(helpdesk: Caller, world: World) -> None:
    for field in ("output", "external_id", "input"):
        for text in (b'"a\\u0000b"', b'"a\\udc00b"'):  # B11, B15
            assert_refused(helpdesk, world, raw(world, **{field: "HERE"}).replace(b'"HERE"', text), 400)


NOT_PLAIN_JSON = [
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    "application/json; charset=bz2_codec",
    "application/json; charset=rot13",
    "application/json; charset=nonsense",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json-patch+json",
    "application/problem+json",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "*/*",
]


def test_anything_not_declared_as_plain_json_is_415(helpdesk: Caller, world: World, subtests: pytest.Subtests) -> None:
    for content_type in NOT_PLAIN_JSON:  # B06, B07, B09
        with subtests.test(content_type):
            assert_refused(helpdesk, world, raw(world), 415, content_type=content_type)


def test_json_in_utf8_is_taken_however_it_is_spelled(helpdesk: Caller, world: World) -> None:
    for content_type in ("application/json", "Application/JSON", 'application/json; charset="UTF-8"'):
        assert helpdesk.post("/claims", raw(world), content_type=content_type).status_code == 201


def test_a_compressed_body_is_415_and_never_unpacked(helpdesk: Caller, world: World) -> None:
    bomb = gzip.compress(b"0" * 20 * MEBIBYTE)
    for body in (gzip.compress(raw(world)), bomb, raw(world)):  # B08
        assert_refused(helpdesk, world, body, 415, content_encoding="gzip")


def test_a_body_that_is_no_object_is_422(helpdesk: Caller, world: World) -> None:
    for body in (b"null", b'"text"', b"7", b"[]", b"[{}]", b"true"):  # B10
        assert_refused(helpdesk, world, body, 422)


def test_a_body_of_exactly_one_mebibyte_is_read_and_one_byte_more_is_413(helpdesk: Caller, world: World) -> None:
    body = raw(world)
    full = body + b" " * (MEBIBYTE - len(body))
    assert helpdesk.post("/claims", full).status_code == 201
    assert_refused(helpdesk, world, full + b" ", 413)


def test_a_declared_length_of_100_mib_is_413_before_anything_is_read(helpdesk: Caller, world: World) -> None:
    problem = assert_refused(helpdesk, world, b"{}", 413, content_length=str(100 * MEBIBYTE))
    assert problem["code"] == "too_large"


def test_a_chunked_body_without_a_length_is_413(helpdesk: Caller, world: World) -> None:
    assert_refused(helpdesk, world, raw(world), 413, transfer_encoding="chunked")


@pytest.mark.parametrize("lie", [-7, 7])
def test_a_body_that_is_not_as_long_as_declared_is_400(world: World, lie: int) -> None:
    body = raw(world)
    request = WSGIRequest(
        RequestFactory(headers={"authorization": f"Bearer {world.key}"}).post("/api/v1/claims").environ
        | {
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body) + lie),
            "wsgi.input": io.BytesIO(body),
        }
    )
    response = resolve("/api/v1/claims").func(request)
    assert response.status_code == 400
    assert json.loads(response.content)["code"] == "malformed_json"
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key-{number}": 1 for number in range(60_000)},
        {"k" * 10_000: 1, **{f"key-{number}": 1 for number in range(50)}},
    ],
)
def test_too_many_keys_are_422(helpdesk: Caller, world: World, metadata: dict[str, int]) -> None:
    assert_refused(helpdesk, world, raw(world, metadata=metadata), 422)  # B29


def test_a_list_of_a_million_elements_is_413(helpdesk: Caller, world: World) -> None:
    assert_refused(helpdesk, world, with_metadata(world, b'{"a": [' + b"0," * 999_999 + b"0]}"), 413)


def test_many_similar_keys_cost_no_more_than_others(helpdesk: Caller, world: World) -> None:
    """B31, as a ratio: both bodies in turn, the quickest of each."""
    dice = Random(31)
    similar = raw(world, metadata={f"{number:020b}": 0 for number in range(25_000)})
    others = raw(world, metadata={f"{dice.getrandbits(64):020d}": 0 for _ in range(25_000)})
    assert_refused(helpdesk, world, similar, 422)

    def seconds(body: bytes) -> float:
        started = time.perf_counter()
        assert helpdesk.post("/claims", body).status_code == 422
        return time.perf_counter() - started

    rounds = [(seconds(similar), seconds(others)) for _ in range(4)]
    assert min(one for one, _ in rounds) < 3 * min(other for _, other in rounds)
