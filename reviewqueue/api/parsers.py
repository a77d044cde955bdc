from __future__ import annotations

from typing import IO, Any

from reviewqueue.strict_json import MAX_BYTES, parse_strict


class StrictJSONParser:
    """The strict reader as REST framework wants it, for what asks for `request.data`. What is longer is not JSON."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], *_: object) -> Any:
        return parse_strict(stream.read(MAX_BYTES))
