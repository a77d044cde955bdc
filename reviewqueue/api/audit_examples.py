"""What the answers about the ledger look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_ROOT: Final = "5b0e9b4bb2a4c55ac0f4e07ebd4b5ee3bd25ee1d7cea6b1c6e6f0d5a8b1f2c3d"
_LEAF_HASH: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NOTE: Final = """\
review-queue/example/0198f0c2
300
Ww6bS7KkxVrA9OB+vUte470l7h186mscbm8NWosfLD0=

\N{EM DASH} review-queue/example/0198f0c2 3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""
EVENT_PAGE: Final[dict[str, Any]] = {
    "results": [
        {
            "index": 297,
            "id": "0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c11",
            "kind": "config.changed",
            "actor": "user:0198f0c2-0000-4000-8000-00000000ada0",
            "claim": None,
            "recorded_at": "2026-11-22T06:00:00.118Z",
            "leaf": (
                '{"body":{"actor":{"id":"0198f0c2-0000-4000-8000-00000000ada0","kind":"user","role":"admin"},'
                '"changed":["mail"],"event":"config.changed"},"id":"0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c11",'
                '"recorded_us":1795327200118000,"v":1}'
            ),
            "leaf_hash": _LEAF_HASH,
        }
    ],
    "next": None,
}
CHECKPOINT_PAGE: Final[dict[str, Any]] = {
    "results": [{"size": 300, "root": _ROOT, "sealed_at": "2026-11-22T06:00:05.002Z", "note": NOTE}],
    "next": None,
}
INCLUSION: Final[dict[str, Any]] = {
    "index": 1,
    "size": 2,
    "leaf_hash": _LEAF_HASH,
    "hashes": ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
    "root": _ROOT,
    "checkpoint": None,
}
CONSISTENCY: Final[dict[str, Any]] = {
    "first": 1,
    "second": 2,
    "hashes": [_LEAF_HASH],
    "first_root": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "second_root": _ROOT,
}
