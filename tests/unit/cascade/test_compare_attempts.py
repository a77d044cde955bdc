"""Whether two attempts say the same."""

import pytest

from reviewqueue.cascade.agreement import agreement, answer_hash, normalised

SALT = b"s" * 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("18 EUR", "  18  eur\n"),
        ("Straße", "STRASSE"),
        ("１８ EUR", "18 EUR"),
        ({"price": 18.0, "unit": "EUR"}, {"unit": "eur", "price": 18}),
        (["A", ["b "]], ["a", ["B"]]),
        (None, None),
    ],
)
def test_what_differs_in_writing_only_is_the_same(one: object, other: object) -> None:
    assert answer_hash(SALT, one) == answer_hash(SALT, other)


@pytest.mark.parametrize(("one", "other"), [("18", 18), (True, 1), (["a", "b"], ["b", "a"]), ("18 EUR", "15 EUR")])
def test_what_says_something_else_is_not(one: object, other: object) -> None:
    assert answer_hash(SALT, one) != answer_hash(SALT, other)


def test_what_is_kept_of_an_answer_says_nothing_without_the_salt() -> None:
    assert answer_hash(SALT, "yes") != answer_hash(b"t" * 32, "yes")


def test_normalising_twice_is_normalising_once() -> None:
    value = {"Text": ["ǅ ﬁ\u00a0X", 1.5, None]}
    assert normalised(normalised(value)) == normalised(value)


def test_agreement_is_the_share_of_the_known_earlier_answers() -> None:
    a, b = answer_hash(SALT, "a"), answer_hash(SALT, "b")
    assert agreement(a, [a, b, None, a]) == pytest.approx(2 / 3)
    assert agreement(a, [b]) == 0
    assert agreement(a, [None]) is None
    assert agreement(a, []) is None
