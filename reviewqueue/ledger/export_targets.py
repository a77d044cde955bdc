"""Where an export is written: a new folder, or a new zip file. Both are streamed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Protocol

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same export has the same bytes."""


class Target(Protocol):
    def write(self, name: str, chunks: Iterable[bytes]) -> dict[str, Any]:
        """Writes a new file; returns its name, size and hash as the manifest states them."""


@contextmanager
def target_at(path: Path) -> Iterator[Target]:
    """Raises FileExistsError. What was begun and could not be finished is taken away again."""
    if path.suffix == ".zip":
        with path.open("xb") as file, _taken_away(path), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
            yield _Zip(zipped)
    else:
        path.mkdir()
        yield _Folder(path)


@contextmanager
def _taken_away(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, name: str, chunks: Iterable[bytes]) -> dict[str, Any]:
        with (self._path / name).open("xb") as file:
            return _written(file, name, chunks)


class _Zip:
    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def write(self, name: str, chunks: Iterable[bytes]) -> dict[str, Any]:
        info = zipfile.ZipInfo(name, _EARLIEST)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._file.open(info, "w", force_zip64=True) as file:
            return _written(file, name, chunks)


def _written(file: IO[bytes], name: str, chunks: Iterable[bytes]) -> dict[str, Any]:
    digest, size = sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += file.write(chunk)
    return {"name": name, "bytes": size, "sha256": digest.hexdigest()}
