"""Files of items: CSV and JSON Lines, strictly, with the line and the field of everything that is wrong."""

from __future__ import annotations

import pytest

from reviewqueue.golden.item_files import BadItems, guess_format, read_items
from reviewqueue.golden.items import Item, Names

NAMES = Names("support-answers", ["pricing", "general"], {"language": ["en", "de"]})


def wrong(content: str | bytes, form: str = "csv") -> list[tuple[int, str, str]]:
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(BadItems) as refused:
        read_items(raw, form, NAMES)  # type: ignore[arg-type]  # one of the two
    return [(each.line, each.pointer, each.problem.code) for each in refused.value.lines]


def test_csv_with_every_kind_of_column() -> None:
    text = (
        "key,input,answer,comparison,tolerance,category,note,segments.language,answer_json\n"
        'a,"What, exactly?",18 EUR,,,pricing,line 4,en,\n'
        "b,How many?,3,number,0.5,,,,\n"
        'c,Which?,,one_of,,,,,"[""one"",""two""]"\n'
        'd,"two\nlines",x,text,,,,,\n'
    )
    assert read_items(text.encode(), "csv", NAMES) == [
        Item(
            key="a", input="What, exactly?", answer="18 EUR", category="pricing", note="line 4",
            segments={"language": "en"},
        ),
        Item(key="b", input="How many?", answer="3", comparison="number", tolerance=0.5),
        Item(key="c", input="Which?", answer=["one", "two"], comparison="one_of"),
        Item(key="d", input="two\nlines", answer="x"),
    ]  # fmt: skip


def test_json_lines_with_blank_ones_between() -> None:
    text = '{"key": "a", "input": {"plan": 1}, "answer": [1, 2], "comparison": "exact"}\n\n{"key": "b", "answer": "x"}'
    assert read_items(text.encode(), "jsonl", NAMES) == [
        Item(key="a", input={"plan": 1}, answer=[1, 2], comparison="exact"),
        Item(key="b", answer="x"),
    ]


def test_a_byte_order_mark_and_what_a_spreadsheet_was_kept_from_running_are_no_part_of_the_text() -> None:
    [item] = read_items(b"\xef\xbb\xbfkey;answer\r\na;'=1+1\r\n", "csv", NAMES)
    assert item == Item(key="a", answer="=1+1")


@pytest.mark.parametrize(
    ("content", "form", "expected"),
    [
        ("key,answer\na,1\na,2\n", "csv", [(3, "/key", "repeated")]),
        ("key,answer\n,1\n", "csv", [(2, "/key", "required")]),
        ("key,answer\na\n", "csv", [(2, "", "cells")]),
        ("answer\n1\n", "csv", [(1, "", "unknown_column")]),
        ("key,price\na,1\n", "csv", [(1, "", "unknown_column")]),
        ("key,tolerance\na,wide\n", "csv", [(2, "/tolerance", "type")]),
        ("key,tolerance\na,-1\n", "csv", [(2, "/tolerance", "range")]),
        ("key,category\na,cats\nb,general\n", "csv", [(2, "/category", "unknown")]),
        ("key,segments.language\na,fr\n", "csv", [(2, "/segments/language", "unknown")]),
        ("key,segments.planet\na,mars\n", "csv", [(2, "/segments/planet", "unknown")]),
        ("key,comparison\na,vibes\n", "csv", [(2, "/comparison", "value")]),
        ("key,answer_json\na,{\n", "csv", [(2, "/answer", "malformed_json")]),
        ("key,answer\n", "csv", [(1, "", "empty")]),
        ("", "csv", [(1, "", "unreadable_file")]),
        ("", "jsonl", [(1, "", "empty")]),
        ('{"key": "a"}\n{"key": "b",}\n[1]\n', "jsonl", [(2, "", "malformed_json"), (3, "", "type")]),
        ('{"key": "a", "key": "b"}\n', "jsonl", [(1, "", "malformed_json")]),
        ('{"key": "a", "anwser": 1}\n', "jsonl", [(1, "/anwser", "unknown_field")]),
        ('{"key": 1}\n{"key": " "}\n', "jsonl", [(1, "/key", "type"), (2, "/key", "printable")]),
        ('{"key": "a", "tolerance": NaN}\n', "jsonl", [(1, "", "malformed_json")]),
        (b'{"key": "\xff"}\n', "jsonl", [(1, "", "malformed_json")]),
        (b"key,answer\na,\xff\n", "csv", [(2, "", "encoding")]),
    ],
)
def test_everything_that_is_wrong_has_its_line_and_field(
    content: str | bytes, form: str, expected: list[tuple[int, str, str]]
) -> None:
    assert wrong(content, form) == expected


def test_contents_have_a_limit() -> None:
    long = "x" * 70_000
    assert wrong(f"key,input\na,{long}\n") == [(2, "", "too_large")]


def test_after_two_hundred_wrong_rows_the_rest_is_not_looked_at() -> None:
    assert len(wrong("key,category\n" + "".join(f"{n},cats\n" for n in range(1_000)))) == 200


def test_more_than_ten_thousand_items_are_too_many() -> None:
    assert wrong("key\n" + "".join(f"{n}\n" for n in range(10_001))) == [(10_002, "", "too_many")]
    assert len(read_items(("key\n" + "".join(f"{n}\n" for n in range(10_000))).encode(), "csv", NAMES)) == 10_000


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "csv"),
        ("a.JSONL", b"", "jsonl"),
        ("", b' {"key"', "jsonl"),
        ("", b"key,answer", "csv"),
        ("", b"\xef\xbb\xbf{}", "jsonl"),
    ],
)
def test_the_format_is_told_by_the_name_or_the_beginning(name: str, content: bytes, expected: str) -> None:
    assert guess_format(name, content) == expected


def test_one_fingerprint_for_one_input_as_claims_have_it() -> None:
    first, second = Item(key="a", input="What?"), Item(key="b", input="What?")
    assert NAMES.fingerprint(first) == NAMES.fingerprint(second)
    assert NAMES.fingerprint(Item(key="a")) != NAMES.fingerprint(Item(key="b"))
