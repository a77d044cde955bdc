"""Where the embedded stack keeps its things and how a process finds it.

Everything follows from one directory, `local` (`.local`, or REVIEWQUEUE_LOCAL): a second terminal computes the same
addresses as the running stack without being told. Sockets alone live under /tmp, because a socket's path must fit in
107 bytes and a project's path need not.
"""

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Literal
from urllib.parse import quote

Role = Literal["owner", "web", "worker"]

DATABASE = "reviewqueue"
DATABASE_PORT = 5432  # part of the socket's name; said aloud because PGPORT may say otherwise
DEFAULT_URL = "http://127.0.0.1:8000"
OWNER_COMMANDS = {"migrate", "makemigrations", "sqlmigrate", "showmigrations"}


def local_directory(root: Path) -> Path:
    return Path(os.environ.get("REVIEWQUEUE_LOCAL") or root / ".local").resolve()


def socket_directory(local: Path) -> Path:
    """Short, the same for every process of this stack, and different for every stack and owner."""
    owner = local.stat().st_uid if local.exists() else os.geteuid()
    return Path("/tmp") / f"reviewqueue-{owner}-{hashlib.sha256(os.fsencode(local)).hexdigest()[:12]}"


def make_socket_directory(local: Path) -> Path:
    """Makes it, and refuses one that another account put there first."""
    directory = socket_directory(local)
    directory.mkdir(mode=0o700, exist_ok=True)
    state = directory.lstat()
    if directory.is_symlink() or state.st_uid not in (os.geteuid(), local.stat().st_uid) or state.st_mode & 0o022:
        raise RuntimeError(f"{directory} belongs to somebody else; remove it and start again.")
    return directory


def database_socket_directory(local: Path) -> Path:
    return socket_directory(local) / "database"


def broker_socket(local: Path) -> Path:
    return socket_directory(local) / "broker.sock"


def database_url(socket: Path, *, user: str, database: str = DATABASE) -> str:
    """A URL for a server on a socket: the directory goes into the path, where django-environ looks for it."""
    return f"postgres://{user}@:{DATABASE_PORT}/{quote(str(socket))}/{database}"


def broker_url(socket: Path) -> str:
    return f"redis+socket://{quote(str(socket))}"


def embedded_environment(local: Path, *, role: Role = "worker", url: str | None = None) -> dict[str, str]:
    """The settings of one process of the embedded stack; only the worker is told where the signing key is."""
    variables = {
        "DATABASE_URL": database_url(database_socket_directory(local), user=f"reviewqueue_{role}"),
        "DATABASE_ROLE": "" if role == "owner" else "app_web",
        "CELERY_BROKER_URL": broker_url(broker_socket(local)),
        "REVIEWQUEUE_LOCAL": str(local),
        "REVIEWQUEUE_DEVELOPMENT": "true",
        "PUBLIC_URL": url or running_url(local) or DEFAULT_URL,
        **stored_secrets(local),
    }
    if role == "worker":
        variables["LEDGER_SIGNING_KEY_FILE"] = str(signing_key_file(local))
        variables["LEDGER_ANCHOR_FILE"] = str(local / "ledger-anchor.jsonl")
    if role == "owner":
        variables["DATABASE_STATEMENT_TIMEOUT_MS"] = "0"
    return variables


def stored_secrets(local: Path) -> dict[str, str]:
    """The secrets of this stack, drawn at the first call and the same ever after."""
    file = local / "secrets.json"
    if not file.exists():
        _write_private(file, json.dumps(_draw_secrets(), indent=2) + "\n")
    values: dict[str, str] = json.loads(file.read_text())
    return values


def signing_key_file(local: Path) -> Path:
    return local / "ledger-signing.key"


def running_url(local: Path) -> str | None:
    """The address of the stack that runs now, if one does."""
    try:
        facts = json.loads((local / "run.json").read_text())
    except (OSError, ValueError):
        return None
    return str(facts["url"])


def join_running_stack(root: Path, command: str) -> None:
    """Lets a Django command of a second terminal use the embedded stack. What the environment says already stays."""
    local = local_directory(root)
    if not (local / "secrets.json").exists():
        return
    external = "DATABASE_URL" in os.environ
    for name, value in embedded_environment(local, role="owner" if command in OWNER_COMMANDS else "worker").items():
        if not (external and name == "CELERY_BROKER_URL"):
            os.environ.setdefault(name, value)


def _draw_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "SAMPLING_SECRET": secrets.token_urlsafe(32),
        "API_KEY_PEPPER": secrets.token_urlsafe(32),
        "LEDGER_ORIGIN": f"reviewqueue.localhost/{secrets.token_hex(4)}",
    }


def _write_private(file: Path, text: str) -> None:
    draft = file.with_suffix(".draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    draft.replace(file)
