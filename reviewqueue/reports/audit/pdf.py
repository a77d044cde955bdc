"""A report on paper. Every text is somebody's: it is escaped, cut and wrapped, and what the font lacks is spelled out.

Bytes are the same for the same report: nothing of today is in them.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Circle, Drawing, Line, Rect
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from reviewqueue.reports.audit.document import Kind

FONTS: Final = Path(__file__).parent.parent / "fonts"
PLAIN, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
MOST_ROWS: Final = 100
MOST_CHARACTERS: Final = 240
MARGIN: Final = 14 * mm
WIDTH: Final = landscape(A4)[0] - 2 * MARGIN
BAR: Final = 26 * mm
INK, SOFT, LINE, ACCENT, BAD = (HexColor(each) for each in ("#1b2126", "#55606a", "#c3c9ce", "#0f5f73", "#a3261f"))
_NUMBERS: Final = (Kind.COUNT, Kind.SHARE, Kind.SECONDS)


def pdf_of(document: Mapping[str, Any], names: Mapping[str, str], *, title: str, digest: str) -> bytes:
    """`names` of people as in selectors.names_in; `digest` is the hash of report.json."""
    _fonts()
    target = io.BytesIO()
    page = SimpleDocTemplate(
        target,
        pagesize=landscape(A4),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=20 * mm,
        title=_shown(title),
        author=_shown(str(document["origin"])),
        invariant=1,
    )

    def foot(canvas: Any, template: Any) -> None:
        checkpoint = document["checkpoint"]
        canvas.saveState()
        canvas.setFont(PLAIN, 6.5)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN, 12 * mm, f"{_shown(document['origin'])} · checkpoint of size {checkpoint['size']}")
        canvas.drawRightString(MARGIN + WIDTH, 12 * mm, f"Page {template.page}")
        canvas.drawString(MARGIN, 8.5 * mm, f"root {checkpoint['root']} · SHA-256 of report.json {digest}")
        canvas.restoreState()

    page.build(list(_story(document, names, title)), onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


@lru_cache(maxsize=1)
def _fonts() -> frozenset[int]:
    """Registers them; the code points that both have."""
    faces = []
    for name in (PLAIN, BOLD):
        font = TTFont(name, str(FONTS / f"{name}.ttf"))
        pdfmetrics.registerFont(font)
        faces.append(frozenset(font.face.charToGlyph))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return faces[0] & faces[1]


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    given = {"fontName": PLAIN, "textColor": INK, "leading": size * 1.3, **more}
    return ParagraphStyle(name, fontSize=size, **given)


_TITLE: Final = _style("title", 18, fontName=BOLD, spaceAfter=6)
_SECTION: Final = _style("section", 13, fontName=BOLD, spaceBefore=12, spaceAfter=4, keepWithNext=1)
_TABLE: Final = _style("table", 9.5, fontName=BOLD, spaceBefore=8, spaceAfter=3, keepWithNext=1)
_TEXT: Final = _style("text", 9, spaceAfter=3)
_WARN: Final = _style("warn", 9, fontName=BOLD, textColor=BAD, spaceAfter=3, keepWithNext=1)
_SMALL: Final = _style("small", 7.5, textColor=SOFT, spaceAfter=2)
_CELL: Final = _style("cell", 7)
_NUMBER: Final = _style("number", 7, alignment=TA_RIGHT)
_HEAD: Final = _style("head", 7, fontName=BOLD)
_HEAD_NUMBER: Final = _style("head number", 7, fontName=BOLD, alignment=TA_RIGHT)
_GRID: Final = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)


def _story(document: Mapping[str, Any], names: Mapping[str, str], title: str) -> Iterator[Flowable]:
    yield _words(title, _TITLE)
    yield _words(f"{_moment(document['since'])} to {_moment(document['until'])} UTC", _TEXT)
    yield _words("Not promised: " + " ".join(document["not_promised"]), _SMALL)
    if document["unsealed"]:
        yield _words(f"{document['unsealed']:,} entries of the period were not sealed yet.", _WARN)
    for section in document["sections"]:
        yield _words(section["title"], _SECTION)
        for each in section["warns"]:
            yield _words(each, _WARN)
        for each in section["says"]:
            yield _words(each, _TEXT)
        for table in section["tables"]:
            if table["rows"]:
                yield from _table(table, names)
    yield Spacer(1, 6)
    yield _words("The signed checkpoint", _TABLE)
    for line in document["checkpoint"]["note"].splitlines():
        yield _words(line or " ", _SMALL)


def _table(table: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Flowable]:
    columns, rows = table["columns"], table["rows"][:MOST_ROWS]
    kinds = [Kind(column["kind"]) for column in columns]
    texts = [[_text(value, kind, names) for value, kind in zip(row, kinds, strict=True)] for row in rows]
    titles = [column["title"] for column in columns]
    bars = list(_bars(columns, rows)) if table["chart"] == "interval" else []
    cells: list[list[Any]] = [
        [_words(each, _HEAD_NUMBER if kind in _NUMBERS else _HEAD) for each, kind in zip(titles, kinds, strict=True)]
    ]
    cells += [
        [_words(each, _NUMBER if kind in _NUMBERS else _CELL) for each, kind in zip(row, kinds, strict=True)]
        for row in texts
    ]
    widths = _widths([titles, *texts], WIDTH - (BAR + 6 if bars else 0))
    if bars:
        cells = [[*row, bar] for row, bar in zip(cells, [_words("Interval", _HEAD), *bars], strict=True)]
        widths.append(BAR + 6)
    yield _words(table["title"], _TABLE)
    yield LongTable(cells, colWidths=widths, repeatRows=1, style=_GRID, hAlign="LEFT")
    more = table["more"] + len(table["rows"]) - len(rows)
    if more:
        yield _words(f"{more:,} more in the other forms of this report and in the export of the ledger.", _SMALL)


def _widths(texts: Sequence[Sequence[str]], width: float) -> list[float]:
    """By their longest texts, none of them much broader than the others need."""
    longest = [min(max(len(text) for text in column), 40) + 3 for column in zip(*texts, strict=True)]
    return [width * each / sum(longest) for each in longest]


def _bars(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]]) -> Iterator[Any]:
    place = {column["name"]: number for number, column in enumerate(columns)}
    for row in rows:
        low, high, accuracy = (row[place[name]] for name in ("low", "high", "accuracy"))
        yield "" if low is None else _bar(low, high, accuracy)


def _bar(low: float, high: float, accuracy: float | None) -> Drawing:
    """From 0 to 1."""
    drawing = Drawing(BAR, 8)
    drawing.add(Line(0, 4, BAR, 4, strokeColor=LINE, strokeWidth=0.6))
    drawing.add(Rect(low * BAR, 2.4, (high - low) * BAR, 3.2, fillColor=ACCENT, strokeColor=None, fillOpacity=0.45))
    if accuracy is not None:
        drawing.add(Circle(accuracy * BAR, 4, 1.7, fillColor=ACCENT, strokeColor=None))
    return drawing


def _text(value: Any, kind: Kind, names: Mapping[str, str]) -> str:
    if value is None or value == "":
        return "–"
    if kind is Kind.COUNT or kind is Kind.LEAF:
        return f"{value:,}"
    if kind is Kind.SHARE:
        return f"{value * 100:.1f} %"
    if kind is Kind.SECONDS:
        return f"{value:.1f} s"
    if kind is Kind.TIME:
        return _moment(value)
    if kind is Kind.PERSON:
        return ", ".join(names.get(each, each) for each in str(value).split())
    return str(value)


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:19]}"


def _words(text: str, style: ParagraphStyle) -> Paragraph:
    cut = text if len(text) <= MOST_CHARACTERS or style is not _CELL else text[:MOST_CHARACTERS] + "…"
    return Paragraph(escape(_shown(cut)), style)


def _shown(text: str) -> str:
    """What the font has not, and what is not seen or turns the line around, by its number."""
    return "".join(
        each if _can_be_seen(each) else f"⟨U+{ord(each):04X}⟩" for each in unicodedata.normalize("NFC", text)
    )


def _can_be_seen(character: str) -> bool:
    return (ord(character) in _fonts() and unicodedata.category(character)[0] not in "CM") or character == " "
