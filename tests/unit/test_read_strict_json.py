"""One strict reader: what two readers could understand differently is refused."""

from __future__ import annotations

import json
import time

import pytest

from reviewqueue.strict_json import MAX_DEPTH, MalformedJSON, parse_strict


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "",
        "text with 'quotes', ünïcode, 🎫 and \u2028",
        None,
        True,
        {"a": [1, -2, 0.5, 1e-7, {"b": None}]},
        2**53 - 1,
        -(2**53) + 1,
        "\x7f",
    ],
)
def test_ordinary_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    assert parse_strict(json.dumps(value).encode()) == value
    assert parse_strict(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b" ", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"[01]", "not JSON"),
        (b"[+1]", "not JSON"),
        (b"[.5]", "not JSON"),
        (b'"tab\there"', "not JSON"),
        (b'"\x00"', "not JSON"),
        (b'{"a": undefined}', "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xc0\xaf"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": 1, "a": 1}', "same key twice"),
        (b'{"confidence": 0.1, "confidence": 0.99}', "same key twice"),
        (b'{"a": 1, "\\u0061": 2}', "same key twice"),
        (b'[{"deep": {"a": 1, "a": 2}}]', "same key twice"),
        (b"[NaN]", "NaN and Infinity"),
        (b"[Infinity]", "NaN and Infinity"),
        (b"[-Infinity]", "NaN and Infinity"),
        (b"[1e999]", "not finite"),
        (b"[-1e999]", "not finite"),
        (b"[9007199254740992]", "2^53"),
        (b"[-9007199254740992]", "2^53"),
        (b"[9223372036854775808]", "2^53"),
        (b"[" + b"9" * 4_000 + b"]", "40 characters"),
        (b"[" + b"9" * 5_000 + b"]", "40 characters"),
        (b"[0." + b"1" * 10_000 + b"]", "40 characters"),
        (b'"a\\u0000b"', "NUL"),
        (b'{"metadata": {"key": ["a\\u0000b"]}}', "NUL"),
        (b'{"metadata": {"a\\u0000b": 1}}', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b'"\\udc00\\ud800"', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedJSON) as refused:
        parse_strict(raw)
    assert reason in refused.value.detail


def test_an_escaped_surrogate_pair_is_one_character() -> None:
    assert parse_strict(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_a_number_too_small_to_hold_is_zero() -> None:
    assert parse_strict(b"[1e-400, -0.0, -0]") == [0, 0, 0]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_nesting_is_bounded_however_deep_it_goes(opening: bytes) -> None:
    levels = opening.count(b"[") + opening.count(b"{")
    closing = opening.replace(b'"a":', b"")[::-1].translate(bytes.maketrans(b"[{", b"]}"))

    def nested(depth: int) -> bytes:
        return opening * (depth // levels) + b"1" + closing * (depth // levels)

    assert parse_strict(nested(MAX_DEPTH)) is not None
    for depth in (MAX_DEPTH + levels, 990, 100_000):
        with pytest.raises(MalformedJSON, match="nested"):
            parse_strict(nested(depth))


def test_an_unclosed_pit_of_a_hundred_thousand_levels_is_refused() -> None:
    with pytest.raises(MalformedJSON):
        parse_strict(b"[" * 100_000)


def test_reading_takes_time_in_proportion_to_length() -> None:
    def seconds(items: int) -> float:
        raw = json.dumps([{"text": "a" * 200, "share": 0.25, "escaped": "\u00e9"} for _ in range(items)]).encode()
        started = time.perf_counter()
        parse_strict(raw)
        return time.perf_counter() - started

    small = min(seconds(300) for _ in range(5))
    large = min(seconds(3_000) for _ in range(3))
    assert large < 40 * small


def test_a_refusal_repeats_nothing_of_the_body() -> None:
    with pytest.raises(MalformedJSON) as refused:
        parse_strict(b'{"secret canary": 1, "secret canary": 2}')
    assert "canary" not in refused.value.detail
