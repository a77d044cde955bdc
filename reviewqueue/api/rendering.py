from __future__ import annotations

from typing import Any

import msgspec
from rest_framework.renderers import BaseRenderer

JSON = "application/json"


def json_bytes(value: object) -> bytes:
    """The one way this API writes JSON, so that a stored answer and a fresh one are the same bytes."""
    return msgspec.json.encode(value)


class JSONRenderer(BaseRenderer):
    media_type = JSON
    format = "json"
    charset = None

    def render(self, data: Any, *_: object) -> bytes:
        return b"" if data is None else json_bytes(data)
