"""What a file is, is told by its content alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.claims.file_types import TYPES, pixels_of, type_of
from tests import files


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (files.png(), "image/png"),
        (files.gif(), "image/gif"),
        (files.jpeg(), "image/jpeg"),
        (files.webp(b"VP8X"), "image/webp"),
        (files.webp(b"VP8 "), "image/webp"),
        (files.webp(b"VP8L"), "image/webp"),
        (files.wav(), "audio/wav"),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + b"\0" * 400, "audio/mpeg"),
        (b"OggS\0\x02" + b"\0" * 20, "audio/ogg"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
        (files.PDF, "application/pdf"),
    ],
)
def test_each_type_is_known_by_its_beginning(content: bytes, expected: str) -> None:
    assert type_of(content) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b" \n%PDF-1.4",
        b"PK\x03\x04",
        b"MZ\x90\0",
        b"\0\0\0\x20ftypisom\0\0\0\0",
        b"\x1aE\xdf\xa3",
        b"RIFF\0\0\0\0AVI LIST",
        b"\xff\xfe<\0s\0v\0g\0",
        b"\xff\xff\xff\xff",
        b"plain text",
        b"\x89PNG\r\n\x1a\n<script>",
        b"GIF89a<script>"[:7],
        b"\xff\xd8\xff<script>alert(1)</script>",
    ],
)
def test_everything_else_is_refused(content: bytes) -> None:
    assert type_of(content) is None


@pytest.mark.parametrize(
    ("content", "pixels"),
    [
        (files.png(30, 20), 600),
        (files.gif(30, 20), 600),
        (files.jpeg(30, 20), 600),
        (files.webp(b"VP8X", 30, 20), 600),
        (files.webp(b"VP8 ", 30, 20), 600),
        (files.webp(b"VP8L", 30, 20), 600),
    ],
)
def test_an_image_says_how_many_pixels_it_has(content: bytes, pixels: int) -> None:
    assert pixels_of(content) == pixels


BEGINNINGS = st.sampled_from([files.png(), files.gif(), files.jpeg(), files.webp(), files.wav(), b"\xff\xfb", b"RIFF"])


@given(BEGINNINGS, st.integers(0, 60), st.binary(max_size=60))
def test_a_broken_file_of_any_kind_is_told_or_refused_and_never_an_error(whole: bytes, cut: int, rest: bytes) -> None:
    assert type_of(whole[:cut] + rest) in (*TYPES, None)
