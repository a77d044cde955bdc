"""The demo's address, log-ins and keys, which the demo writes down for scripts and we print for people."""

import json
import os
from pathlib import Path
from typing import Any


def file(local: Path) -> Path:
    return local / "demo.json"


def update_address(local: Path, url: str) -> None:
    """Scripts read the address from the demo's file; a later start may use another port."""
    facts = _facts(local)
    if facts.get("url") == url:
        return
    draft = file(local).with_suffix(".draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(json.dumps(facts | {"url": url}, indent=2) + "\n")
    draft.replace(file(local))


def summary(local: Path, url: str) -> str:
    """The closing block of a start: where it answers and how to get in."""
    facts = _facts(local)
    users: dict[str, dict[str, Any]] = facts.get("users", {})
    keys: dict[str, str] = facts.get("keys", {})
    lines = ["", f"Review Queue answers at {url}", ""]
    width = max(map(len, (*users, *keys)), default=0)
    lines += [f"  {name:<{width}}  {user['password']:<24}  {_roles(user)}".rstrip() for name, user in users.items()]
    lines += ["", *(f"  {scope:<{width}}  {key}" for scope, key in keys.items())] if keys else []
    lines += ["", f"The same facts are in {file(local)}; Ctrl-C stops.", ""] if facts else ["Ctrl-C stops.", ""]
    return "\n".join(lines)


def _roles(user: dict[str, Any]) -> str:
    roles = user.get("roles", [])
    return ", ".join(roles) if isinstance(roles, list) else str(roles)


def _facts(local: Path) -> dict[str, Any]:
    if not file(local).exists():
        return {}
    facts: dict[str, Any] = json.loads(file(local).read_text())
    return facts
