"""What scripts and people need to get in: the address, the keys and the log-ins, in one private file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict

FILE = "demo.json"


class LogIn(TypedDict):
    password: str
    roles: list[str]


@dataclass
class Facts:
    """`keys` by scope. `pipeline` is None when there is none yet."""

    url: str
    keys: dict[str, str] = field(default_factory=dict)
    users: dict[str, LogIn] = field(default_factory=dict)
    pipeline: str | None = None


def read(local: Path) -> Facts | None:
    """None when there is no such file, or one that an interrupted write or another hand has spoiled."""
    try:
        return Facts(**json.loads((local / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write(local: Path, facts: Facts) -> None:
    """Readable by its owner alone, and never half written."""
    draft = local / f"{FILE}.draft"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(json.dumps(asdict(facts), indent=2) + "\n")
    draft.replace(local / FILE)
