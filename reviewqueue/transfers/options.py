"""The options of `import_claims`, understood. Pure but for the mapping file that they may name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from reviewqueue.strict_json import MAX_BYTES, MalformedJSON, parse_strict
from reviewqueue.transfers.opening import Format, Reading, format_of
from reviewqueue.transfers.plan import Plan
from reviewqueue.transfers.refusals import FileUnreadable, NotPossible

_DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";"}


class MappingFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{"map": {"question": "input"}, "set": {"model": "acme-lm"}, "ignore": ["row"]}`, each part optional."""

    map: dict[str, str] = {}
    set: dict[str, str] = {}
    ignore: list[str] = []


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported, from where, and which files it is kept track of in."""

    path: Path
    source: str
    reading: Reading
    plan: Plan
    state: Path
    rejects: Path

    @property
    def terms(self) -> str:
        """Equal for the same rows placed in the same way."""
        plan, reading = self.plan, self.reading
        read = [reading.format, reading.delimiter, reading.rejects]
        placed = [sorted(plan.columns.items()), sorted(plan.constants.items()), sorted(plan.ignored), plan.exported]
        return hashlib.sha256(msgspec.json.encode([self.source, plan.pipeline, read, placed])).hexdigest()


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Raises NotPossible, FileUnreadable."""
    path: Path = options["file"]
    given = _mapping_file(options["mapping"]) if options["mapping"] else MappingFile()
    form = _format(path, options)
    state = options["state"] or path.with_name(path.name + ".import.json")
    rejects = options["rejects"] or path.with_name(path.name + ".rejects.jsonl")
    if len({each.resolve() for each in (path, state, rejects)}) < 3:
        raise NotPossible("The file itself, --rejects and --state are three files.")
    return Wanted(
        path=path,
        source=options["source"],
        reading=Reading(form, _delimiter(options["delimiter"]), options["from_rejects"]),
        plan=Plan(
            columns={**given.map, **_pairs(options["map"], "--map column=field")},
            constants={**given.set, **_pairs(options["set"], "--set field=value")},
            ignored=frozenset([*given.ignore, *options["ignore"]]),
            pipeline=options["pipeline"],
            exported=options["exported"],
        ),
        state=state,
        rejects=rejects,
    )


def _format(path: Path, options: Mapping[str, Any]) -> Format:
    if options["from_rejects"]:
        return Format.JSONL
    return Format(options["format"]) if options["format"] else format_of(path)


def _delimiter(text: str | None) -> str | None:
    if text is None:
        return None
    character = _DELIMITERS.get(text, text)
    if len(character) != 1 or character in '"\r\n\0':
        raise NotPossible("--delimiter is one character, or: tab.")
    return character


def _pairs(texts: Iterable[str], usage: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise NotPossible(f"{text!r} is not of the form {usage}.")
        if name in pairs:
            raise NotPossible(f"{name!r} is given twice.")
        pairs[name] = value
    return pairs


def _mapping_file(path: Path) -> MappingFile:
    try:
        with path.open("rb") as stream:
            return msgspec.convert(parse_strict(stream.read(MAX_BYTES)), MappingFile)
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.") from None
    except (MalformedJSON, msgspec.ValidationError) as error:
        raise FileUnreadable(f"{path} is no mapping: {error}") from None
