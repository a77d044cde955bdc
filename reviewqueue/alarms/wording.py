"""Alarms as a mail. It names pipelines and what is wrong, and nothing that a claim said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.conf import settings

from reviewqueue.alarms.models import AlarmNotice, NoticeKind

HEADS: Final = {
    NoticeKind.OPENED: "New:",
    NoticeKind.STANDING: "Still there after a day or more:",
    NoticeKind.ENDED: "Over:",
}


def digest(notices: Sequence[AlarmNotice]) -> tuple[str, str]:
    """Subject and text of one mail. Expects notices with their alarms and pipelines."""
    by_kind = {kind: [notice for notice in notices if notice.kind == kind] for kind in HEADS}
    counts = [f"{len(found)} {word}" for word, found in zip(("new", "standing", "over"), by_kind.values(), strict=True)]
    subject = "Alarms: " + ", ".join(count for count in counts if not count.startswith("0 "))
    parts = [_part(head, by_kind[kind]) for kind, head in HEADS.items() if by_kind[kind]]
    slugs = sorted({notice.alarm.pipeline.slug for notice in notices})
    links = "\n".join(f"{settings.PUBLIC_URL}/pipelines/{slug}/alarms/" for slug in slugs)
    return subject, "\n\n".join([*parts, links]) + "\n"


def _part(head: str, notices: Sequence[AlarmNotice]) -> str:
    return "\n".join([head, *(f"- {notice.alarm.pipeline.name}: {_line(notice)}" for notice in notices)])


def _line(notice: AlarmNotice) -> str:
    text = f"{notice.alarm.title} {notice.alarm.text}" if notice.kind != NoticeKind.ENDED else notice.alarm.title
    return "".join(sign if sign.isprintable() else " " for sign in text)
