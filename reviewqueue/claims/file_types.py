"""What a file is, told by what is in it. Pure; names and declared types are not asked.

Only what browsers show without running anything: no SVG, no HTML, no video, nothing that is unpacked.
"""

from __future__ import annotations

import struct
from typing import Final

MOST_PIXELS: Final = 64_000_000
"""A small file may unfold into an image that takes a browser down."""

EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "application/pdf": "pdf",
}
TYPES: Final = tuple(EXTENSIONS)

_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_FRAMES_OF_JPEG: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ALONE_IN_JPEG: Final = frozenset({0x01, *range(0xD0, 0xD9)})


def type_of(content: bytes) -> str | None:
    """One of TYPES; None for everything else, and for an image that does not say how large it is."""
    found = _by_beginning(content)
    return None if found and found.startswith("image/") and pixels_of(content) is None else found


def _by_beginning(content: bytes) -> str | None:
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp" and content[8:12] in (b"M4A ", b"M4B "):
        return "audio/mp4"
    return "audio/mpeg" if _is_frame_of_mp3(content) else None


def _is_frame_of_mp3(content: bytes) -> bool:
    """Eleven bits of a frame, layer III, and no value that is none."""
    if len(content) < 4 or content[0] != 0xFF or content[1] & 0xE6 != 0xE2:
        return False
    return content[1] & 0x18 != 0x08 and content[2] >> 4 not in (0, 15) and content[2] & 0x0C != 0x0C


def pixels_of(content: bytes) -> int | None:
    """Width times height of an image, as it says itself."""
    try:
        size = _size(content)
    except (struct.error, IndexError):
        return None
    return size[0] * size[1] if size else None


def _size(content: bytes) -> tuple[int, int] | None:
    if content.startswith(b"\x89PNG"):
        return struct.unpack(">II", content[16:24]) if content[12:16] == b"IHDR" else None
    if content.startswith(b"GIF8"):
        return struct.unpack("<HH", content[6:10])
    if content.startswith(b"\xff\xd8"):
        return _size_of_jpeg(content)
    return _size_of_webp(content)


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 < len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _FRAMES_OF_JPEG:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        alone = marker in _ALONE_IN_JPEG or marker == 0xFF
        place += (1 if marker == 0xFF else 2) if alone else 2 + struct.unpack(">H", content[place + 2 : place + 4])[0]
    return None


def _size_of_webp(content: bytes) -> tuple[int, int] | None:
    form = content[12:16]
    if form == b"VP8X":
        width, height = (int.from_bytes(content[place : place + 3], "little") + 1 for place in (24, 27))
        return (width, height) if len(content) >= 30 else None
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if form == b"VP8L":
        (bits,) = struct.unpack("<I", content[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
