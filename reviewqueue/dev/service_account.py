"""Under which account the embedded database runs, and what that account can reach.

PostgreSQL refuses to run as root. As root it therefore runs as an account that exists already; none is created and the
rights of no parent directory are touched.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

CANDIDATES = ("postgres", "nobody")
STATE_DIRECTORY = Path("/var/lib/reviewqueue")  # for what the account cannot reach where it is


class Identity(TypedDict, total=False):
    """The keyword arguments of `subprocess` that drop root's rights; empty when there are none to drop."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class ServiceAccount:
    """Another account to run as; `None` in its place means the account we are."""

    uid: int
    gid: int


def service_account(existing_data: Path) -> ServiceAccount | None:
    """The account for the database: ourselves unless we are root, and then the owner of existing data if any."""
    if os.geteuid() != 0:
        return None
    if existing_data.exists() and (owner := existing_data.stat()).st_uid != 0:
        return ServiceAccount(owner.st_uid, owner.st_gid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServiceAccount(entry.pw_uid, entry.pw_gid)
    raise RuntimeError(
        f"As root the database needs one of the accounts {', '.join(CANDIDATES)}; this machine has neither."
    )


def identity(account: ServiceAccount | None) -> Identity:
    return Identity(user=account.uid, group=account.gid, extra_groups=[]) if account else Identity()


def reaches(account: ServiceAccount | None, directory: Path) -> bool:
    """Asks in a child with that identity, because only the kernel knows about every parent's rights."""
    command = ["test", "-x", str(directory)]
    return account is None or subprocess.run(command, **identity(account), check=False).returncode == 0


def make_state_directory() -> Path:
    """The directory every account may enter, whatever the umask of this terminal is."""
    STATE_DIRECTORY.mkdir(parents=True, exist_ok=True)
    STATE_DIRECTORY.chmod(0o755)
    return STATE_DIRECTORY


def private_directory(directory: Path, account: ServiceAccount | None) -> None:
    """Makes a directory nobody else can enter, owned by the account."""
    directory.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(directory, account.uid, account.gid)


def passable_directory(directory: Path, account: ServiceAccount | None) -> None:
    """Makes a directory of our own that the account may pass through but not list."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account and directory.stat().st_uid == os.geteuid():
        os.chown(directory, -1, account.gid)
        directory.chmod(0o710)
