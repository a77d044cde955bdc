"""Whether the static files have to be collected again."""

import hashlib
from pathlib import Path

SOURCES = ("static", "requirements.txt", "reviewqueue/settings.py", "reviewqueue/web/static_files.py")


def changed(root: Path, local: Path) -> bool:
    stamp = _stamp(local)
    return not stamp.exists() or stamp.read_text() != _fingerprint(root)


def remember(root: Path, local: Path) -> None:
    _stamp(local).write_text(_fingerprint(root))


def _stamp(local: Path) -> Path:
    return local / "static.stamp"


def _fingerprint(root: Path) -> str:
    """Names, sizes and times: reading the content would cost more than collecting."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = root / source
        for file in sorted(entry for entry in (path, *path.rglob("*")) if entry.is_file()):
            state = file.stat()
            digest.update(f"{file.relative_to(root)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
