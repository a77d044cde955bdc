"""The keys as a person has set them: for the sheet, for the marks beside the buttons and for the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest

from reviewqueue.accounts.key_bindings import ACTIONS, are_off, own_keys

_FIXED: Final = (
    (("1", "…", "9", "0"), "choose an answer"),
    (("Enter",), "save and go on"),
    (("Ctrl", "Enter"), "save from inside a text box"),
    (("Esc",), "leave a text box"),
)
_COLUMNS: Final = (tuple("axcqn"), tuple(action for action in ACTIONS if action not in "axcqn"))


def keys(request: HttpRequest) -> dict[str, Any]:
    """Context of every page somebody is logged in to see."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    own = own_keys(user.key_bindings)
    first, second = ([((own[action],), ACTIONS[action]) for action in column] for column in _COLUMNS)
    return {
        "own_keys": own,
        "key_map": json.dumps(changed) if (changed := _for_browser(own)) else "",
        "keys_off": are_off(user.key_bindings),
        "key_sheet": [[*first, *_FIXED], second],
    }


def _for_browser(own: Mapping[str, str]) -> dict[str, str]:
    """Pressed key → action, where that is not the key itself; a key that was given away leads to no action."""
    changed = {action: key for action, key in own.items() if key != action}
    return {**dict.fromkeys(changed, ""), **{key: action for action, key in changed.items()}}
