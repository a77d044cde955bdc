"""Which images and sounds a browser may load, and how they come."""

from __future__ import annotations

import pytest

from reviewqueue.pipelines.content_views import with_every_view
from reviewqueue.web.media import Media, calming, media_of, origin_of

ALLOWED = ["https://images.example.com"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://images.example.com/a.png?x=1", "https://images.example.com"),
        ("https://IMAGES.example.com:443/a.png", "https://images.example.com"),
        ("https://images.example.com", "https://images.example.com"),
        ("https://images.example.com:8443/a.png", "https://images.example.com:8443"),
        ("http://images.example.com/a.png", ""),
        ("https://images.example.com@evil.example/a.png", ""),
        ("https://evil.example\\@images.example.com/a.png", ""),
        ("https://images.example.com\\.evil.example/a.png", ""),
        ("https://images.example.com/a\\b", ""),
        ("https://images.example.com.evil.example/a.png", "https://images.example.com.evil.example"),
        ("javascript:alert(1)//https://images.example.com/", ""),
        ("data:image/png;base64,AAAA", ""),
    ],
)
def test_an_origin_is_read_as_browsers_read_it_or_not_at_all(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("kind", "url", "is_shown"),
    [
        ("image", "https://images.example.com/a.png", True),
        ("audio", "https://images.example.com/a.mp3", True),
        ("pdf", "https://images.example.com/a.pdf", True),
        ("document", "https://images.example.com/a.png", False),
        ("image", "https://evil.example/a.png", False),
        ("image", None, False),
    ],
)
def test_only_media_from_allowed_origins_are_shown(kind: str, url: str | None, *, is_shown: bool) -> None:
    assert media_of({"kind": kind, "url": url}, ALLOWED, {}) == (Media(kind, str(url)) if is_shown else None)


@pytest.mark.parametrize(
    ("views", "own", "expected"),
    [
        ({}, [], []),
        ({"images": "blurred"}, [], ["blur"]),
        ({"images": "blurred_grey", "audio": "muted"}, [], ["blur", "grey", "mute"]),
        ({"images": "grey"}, ["blur"], ["blur", "grey"]),
        ({}, ["mute", "loud"], ["mute"]),
    ],
)
def test_the_pipeline_asks_for_care_and_people_may_add_more(
    views: dict[str, str], own: list[str], expected: list[str]
) -> None:
    assert calming(with_every_view(views), own) == expected
