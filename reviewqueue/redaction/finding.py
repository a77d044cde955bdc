"""What patterns find in a text: spans that do not overlap, in order. Pure.

Ready finders are written so that what one place costs is bounded; patterns of people are RE2, whose time for one match
grows with the length of the text and never faster. Whoever asks for many matches of a text may pay that many times
over, so a pattern that fits a text more than MOST_PLACES times fits all that comes after.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any, Final

from reviewqueue.verifiers.patterns import compiled

Span = tuple[int, int]
Finder = Callable[[str], list[Span]]

MOST_PLACES: Final = 500

_LETTERS: Final = r"0-9A-Za-z\x{C0}-\x{1FFF}\x{3040}-\x{D7FF}"
_EMAIL: Final = rf"[{_LETTERS}.!#$%&'*+/=?^_`{{|}}~-]+@(?:[{_LETTERS}-]+\.)+[{_LETTERS}]{{2,}}"
_PHONE: Final = (
    r"\+[1-9](?:[ ()./-]{0,2}[0-9]){6,14}"
    r"|\b00[1-9](?:[ ()./-]{0,2}[0-9]){6,14}"
    r"|\(?\b0[1-9][0-9]{0,4}\)?(?:[ /.-]{1,2}[0-9]{2,8}){1,4}\b"
    r"|\b0[1-9][0-9]{7,11}\b"
    r"|\(?\b[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}\b"
)
_DIGITS: Final = re.compile(r"(?:[0-9][ ()./-]{0,3}){8}")
"""Most texts have no eight digits that could be of one number, and are not looked at any closer."""
_DATE: Final = re.compile(r"[0-9]{2}([./-])[0-9]{2}\1[0-9]{4}")
FEWEST_DIGITS: Final = 8
_CARD: Final = re.compile(r"(?<![0-9])(?=([2-6](?:[ -]?[0-9]){12,18}))")
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])(?=([A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]){11,30}))")
_IBAN_LENGTHS: Final = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})([0-9]{2})",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18"
        " FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20"
        " LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24"
        " SM27 TN24 TR26 UA29 VA22 VG24 XK20",
    )
}
_IP: Final = re.compile(r"[0-9A-Fa-f:.]{2,64}")


def pattern_finder(pattern: str, *, most: int = MOST_PLACES) -> Finder:
    """Raises Unusable. A match of nothing is no match."""
    program = compiled(pattern)

    def found(text: str) -> list[Span]:
        spans: list[Span] = []
        for match in program.finditer(text):
            start, end = match.span()
            if start == end:
                continue
            if len(spans) == most:
                return [*spans, (start, len(text))]
            spans.append((start, end))
        return spans

    return found


def _without_end(pattern: str) -> Finder:
    """For patterns whose matches are short: as many as there are."""
    return pattern_finder(pattern, most=1 << 30)


_phone_like: Final = _without_end(_PHONE)


_email_like: Final = _without_end(_EMAIL)


def emails(text: str) -> list[Span]:
    return _email_like(text) if "@" in text else []


def cards(text: str) -> list[Span]:
    """13 to 19 digits, with single spaces or hyphens between them, whose last is the check digit of Luhn."""
    return _longest_good(text, _CARD, _card_length) if _DIGITS.search(text) else []


def ibans(text: str) -> list[Span]:
    return _longest_good(text, _IBAN, _iban_length)


def addresses(text: str) -> list[Span]:
    """IP addresses, both versions."""
    return list(_addresses(text)) if text.count(".") >= 3 or text.count(":") >= 2 else []


def _addresses(text: str) -> Iterator[Span]:
    for match in _IP.finditer(text):
        found = match.group()
        if found.count(".") < 3 and found.count(":") < 2:
            continue
        start = match.start() + len(found) - len(found.lstrip("."))
        bare = found.strip(".")
        for shown in dict.fromkeys((bare, bare.rstrip(":"), bare.partition(":")[0])):
            if _is_address(shown):
                yield start, start + len(shown)
                break


def _is_address(text: str) -> bool:
    """The address of nobody, as in `a::b`, is a sign of punctuation."""
    if len(text) < 6 and text != "::1":
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _longest_good(text: str, candidates: Any, length: Callable[[str], int]) -> list[Span]:
    spans: list[Span] = []
    free = 0
    for match in candidates.finditer(text):
        start = match.start()
        if start < free:
            continue
        end = start + length(match.group(1) + text[match.end(1) : match.end(1) + 1])
        if end > start:
            spans.append((start, end))
            free = end
    return spans


def _card_length(text: str) -> int:
    """How much of the text is the longest card number it begins with; 0 for none. No digit follows on it."""
    sums, seen, best = [0, 0], 0, 0
    for place, sign in enumerate(text):
        if not ("0" <= sign <= "9"):
            continue
        digit = ord(sign) - 48
        twice = digit * 2 - 9 if digit > 4 else digit * 2
        odd = seen % 2
        sums[odd] += digit
        sums[1 - odd] += twice
        seen += 1
        follows = text[place + 1 : place + 2]
        if 13 <= seen <= 19 and not ("0" <= follows <= "9") and sums[odd] % 10 == 0:
            best = place + 1
    return best


def _iban_length(text: str) -> int:
    """As `_card_length`: as long as those of its country, and a remainder of 1 by 97 with its head behind the rest."""
    wanted = _IBAN_LENGTHS.get(text[:2].upper(), 0)
    compact = ""
    for place, sign in enumerate(text):
        if sign.isascii() and sign.isalnum():
            compact += sign
        if len(compact) == wanted:
            follows = text[place + 1 : place + 2]
            number = "".join(str(int(each, 36)) for each in compact[4:] + compact[:4])
            return place + 1 if not (follows.isascii() and follows.isalnum()) and int(number) % 97 == 1 else 0
    return 0


def phones(text: str) -> list[Span]:
    """International numbers, and national ones that begin with a zero or are written 212-555-0123; not dates."""
    return [
        (start, stop)
        for start, stop in (_phone_like(text) if _DIGITS.search(text) else ())
        if sum(map(str.isdecimal, text[start:stop])) >= FEWEST_DIGITS and not _DATE.fullmatch(text, start, stop)
    ]


READY: Final[dict[str, Finder]] = {
    "email": emails,
    "card": cards,
    "iban": ibans,
    "phone": phones,
    "ip": addresses,
}
"""By the kind of the rule."""

IN_NUMBERS: Final = frozenset({"card"})
"""What is looked for in whole numbers too, which are texts to everything else."""
