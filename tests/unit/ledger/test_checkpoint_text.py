"""The three lines of a checkpoint."""

from __future__ import annotations

import pytest

from reviewqueue.ledger.note import MalformedNote, TreeHead, parse_note

ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
SIGNATURE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
EXAMPLE = f"""example.com/behind-the-sofa
20852163
{ROOT}

— example.com/behind-the-sofa {SIGNATURE}
"""


def test_the_example_of_the_format_is_read() -> None:
    head = TreeHead.parse(parse_note(EXAMPLE).text)
    assert (head.origin, head.size, len(head.root)) == ("example.com/behind-the-sofa", 20_852_163, 32)


def test_a_head_is_written_as_it_is_read() -> None:
    text = parse_note(EXAMPLE).text
    assert TreeHead.parse(text).text() == text


@pytest.mark.parametrize("size", ["", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "٣", "9223372036854775808"])
def test_a_size_is_a_plain_decimal_number_of_63_bits(size: str) -> None:
    with pytest.raises(MalformedNote):
        TreeHead.parse(f"log\n{size}\n{ROOT}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"\n1\n{ROOT}\n",
        f"log\n1\n{ROOT}",
        f"log\n1\n{ROOT}\nextension\n",
        f"log\n1\n{ROOT}\n\n",
        "log\n1\n\n",
        "log\n1\nAAAA\n",
        f"log\n1\n{ROOT[:-1]}\n",
        f"log\n1\n{ROOT} \n",
        f"log\n1\n{ROOT.replace('q2I=', 'q2J=')}\n",
    ],
)
def test_anything_but_three_exact_lines_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        TreeHead.parse(text)
