"""Where an import stands: written after every batch, so that a killed import goes on where it stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from reviewqueue.transfers.refusals import FileUnreadable, NotPossible

_VERSION: Final = 1


@dataclass(slots=True)
class Progress:
    """Rows that are done with, and what became of them. `rejects_bytes` is how long the reject file is by then."""

    rows: int = 0
    new: int = 0
    repeated: int = 0
    rejected: int = 0
    routes: dict[str, int] = field(default_factory=dict)
    rejects_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`file` and `terms` tell whether it is the same import: the same file, read and placed in the same way."""

    path: Path
    file: dict[str, object]
    terms: str

    def load(self) -> Progress | None:
        """None when nothing was begun. Raises NotPossible for another import's, FileUnreadable for no checkpoint."""
        try:
            stored = msgspec.json.decode(self.path.read_bytes())
            begun = msgspec.convert(stored["progress"], Progress)
            own = {"version": _VERSION, "file": self.file, "terms": self.terms}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileUnreadable(f"{self.path} is not a checkpoint of an import: {error}.") from None
        for name, value in own.items():
            if stored.get(name) != value:
                raise NotPossible(f"{_DIFFERENT[name]} since the import that {self.path} stands for. {_ANEW}")
        return begun

    def save(self, progress: Progress) -> None:
        content = {"version": _VERSION, "file": self.file, "terms": self.terms, "progress": progress}
        beside = self.path.with_name(self.path.name + ".new")
        with beside.open("wb") as stream:
            stream.write(msgspec.json.encode(content))
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(self.path)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


_ANEW: Final = "Use --restart to begin anew; claims that are in already are not taken twice."
_DIFFERENT: Final = {
    "version": "The form of checkpoints has changed",
    "file": "The file has changed",
    "terms": "Source, mapping or other options have changed",
}
