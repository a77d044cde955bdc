"""The closing block of a start: where Review Queue answers and how to get in."""

from dataclasses import replace
from pathlib import Path

from reviewqueue.dev.demo import facts
from reviewqueue.dev.demo.facts import Facts


def known(local: Path) -> Facts | None:
    """What the demo wrote down once it was complete."""
    return facts.read(local)


def forget(local: Path) -> None:
    (local / facts.FILE).unlink(missing_ok=True)


def update_address(local: Path, found: Facts, url: str) -> None:
    """Scripts read the address from the demo's file, and a later start may use another port."""
    if found.url != url:
        facts.write(local, replace(found, url=url))


def summary(local: Path, url: str) -> str:
    found = known(local)
    lines = ["", f"Review Queue answers at {url}", ""]
    if found:
        width = max(map(len, (*found.users, *found.keys)), default=0)
        lines += [
            f"  {name:<{width}}  {user['password']}  ({', '.join(user['roles'])})" for name, user in found.users.items()
        ]
        lines += ["", *(f"  {scope:<{width}}  {key}" for scope, key in found.keys.items())] if found.keys else []
        lines += ["", f"{local / facts.FILE} holds the same for scripts.", ""]
    return "\n".join([*lines, "Ctrl-C stops.", ""])
