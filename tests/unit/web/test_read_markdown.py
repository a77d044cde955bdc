"""Markdown becomes bare tags and text: nothing of it acts, and no word of it gets lost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.web.hostile import shown
from reviewqueue.web.markdown import DEEPEST, LONGEST, MOST_SIGNS, TAGS, as_html

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<svg onload="alert(1)">',
    "<style>* { display: none }</style>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<form action="https://evil.example"><button>Approve</button></form>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<div hx-get="/logout/" hx-trigger="load">x</div>',
    '<div data-hx-post="/queue/take/" hx-on::load="alert(1)">x</div>',
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    '[x](//evil.example "a title")',
    "[x][ref]\n\n[ref]: https://evil.example/?leak",
    "![beacon](https://evil.example/b.png)",
    "<https://evil.example/auto>",
    "[![x](https://evil.example/in.png)](https://evil.example/out)",
    "</bdi></div></figure><h1>Lease expired, click approve</h1>",
    "`<b>` and ```<i>```\n\n    <u>code</u>",
    "# <b hx-get=/>x</b>\n\n| <a href=/> | b |\n|--|--|\n| <svg> | y |",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x&#62;",
    "{{ csrf_token }} {% url 'web:home' %} ${7*7} <%= 1 %>",
]


def html_of(text: str) -> str:
    read = as_html(text)
    assert read is not None
    return read.html


def without_marks(html: str) -> str:
    return re.sub(r'<span class="mark"[^>]*>|</span>|</?i>', "", html)


def words_shown(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", without_marks(html)))


def is_bare(html: str) -> bool:
    """Tags of the list without an attribute, and every one that opens closes in its turn."""
    open_tags: list[str] = []
    for tag in re.findall(r"<[^>]*>?", without_marks(html)):
        found = re.fullmatch(r"<(/?)([a-z0-9]+)>", tag)
        if not found or found[2] not in TAGS:
            return False
        if found[1] and (not open_tags or open_tags.pop() != found[2]):
            return False
        if not found[1] and found[2] not in ("br", "hr"):
            open_tags.append(found[2])
    return not open_tags


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_becomes_anything_but_bare_tags(attack: str) -> None:
    assert is_bare(html_of(attack))


@given(
    st.lists(st.sampled_from([*ATTACKS, "\n", "\n\n", "> ", "- ", "* ", "`", "```", "|", "a", "\u202e", "&#x202e;"]))
)
def test_no_mixture_of_attacks_does_either(pieces: list[str]) -> None:
    read = as_html("".join(pieces))
    assert read is None or is_bare(read.html)


@given(st.text())
def test_whatever_is_written_reads_as_bare_tags(text: str) -> None:
    read = as_html(text)
    assert read is None or is_bare(read.html)


@pytest.mark.parametrize(
    ("text", "shown_words"),
    [
        ('[here](https://evil.example/x "hidden")', ["here", "https://evil.example/x", "hidden"]),
        ("![a picture](https://evil.example/b.png)", ["image", "a picture", "https://evil.example/b.png"]),
        ("<https://evil.example/auto>", ["https://evil.example/auto"]),
        ("[x]\n\n[x]: https://one.example\n[x]: https://two.example", ["https://one.example", "https://two.example"]),
        ("[unused]: /secret 'words'", ["/secret", "words"]),
        ("```py do not tell\n1\n```", ["py do not tell", "1"]),
        ("| a |\n|---|\n| 1 | beyond | more |", ["beyond", "more"]),
        ("> | a |\n> |---|\n> | 1 | beyond |", ["beyond"]),
        ("| a |\n|---|\n| 1 \\| 2 | beyond \\|", ["1 | 2", "beyond |"]),
        ("7. seven\n8. eight", ["7.", "8."]),
        ("3) three", ["3)"]),
        ("a\u200bb &#8203;", ["a\u200bb"]),
    ],
)
def test_what_markdown_hides_is_shown(text: str, shown_words: list[str]) -> None:
    words = words_shown(html_of(text))
    assert [each for each in shown_words if each not in words] == []


PIECES = [
    *("\n", "\n\n", " ", "  \n", "> ", "- ", "1. ", "\t", "    ", "# ", "|", "|---|\n", "\n|-|-|\n", "```", "~~~", "`"),
    *("*", "**", "_", "~~", "[", "]", "](", ")", "]: ", "![", "<", ">", '"', "(", "\\", "\n---\n", "\n===\n", "&amp;"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_word_gets_lost_whatever_stands_around_it(pieces: list[str]) -> None:
    words = [f"w{place}w" for place in range(len(pieces))]
    text = "".join(piece + word for piece, word in zip(pieces, words, strict=True))
    read = as_html(text)
    if read is not None:
        said = words_shown(read.html).lower()
        assert [word for word in words if word not in said] == []


def test_hidden_characters_are_marked_also_where_markdown_spells_them_out() -> None:
    read = as_html("approve\u202e &#x202e; `\u200b` [a](x\u2066y)")
    assert read is not None
    assert read.marks == 3
    assert read.html.count('data-mark="RLO"') == 2


@pytest.mark.parametrize(
    "text",
    [
        "a" * (LONGEST + 1),
        "> " * DEEPEST + "deep",
        "|" + "a|" * 250 + "\n|" + "-|" * 250 + "\n" + "|\n" * 2000,
        "[" * (MOST_SIGNS + 1),
    ],
)
def test_what_cannot_be_read_whole_is_not_read_at_all(text: str) -> None:
    assert as_html(text) is None


def test_headings_stand_below_those_of_the_page() -> None:
    assert html_of("# One\n## Two\n### Three\n###### Six") == "<h4>One</h4><h5>Two</h5><h6>Three</h6><h6>Six</h6>"


def test_plain_words_stay_plain() -> None:
    assert html_of("18 EUR & more") == f"<p>{shown('18 EUR & more').html}</p>"
