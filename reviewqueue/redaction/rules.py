"""The rules of a pipeline as they are declared, and what is wrong with them. Pure.

`[{"id": "email", "kind": "email"}, {"id": "order", "kind": "pattern", "pattern": "ORD-[0-9]{6}", "output": false},
{"id": "born", "kind": "mask", "path": "/metadata/born"}, {"id": "ids", "kind": "drop", "path": "/context/*/id"}]`

Patterns look at every text and every name of a field, in the output too unless `output` is false. Paths are JSON
Pointers into the content of a claim, where `*` is every member and every element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec

from reviewqueue.errors import FieldProblem
from reviewqueue.redaction.finding import IN_NUMBERS, READY, Finder, pattern_finder
from reviewqueue.verifiers.finding import Unusable
from reviewqueue.verifiers.patterns import LONGEST_PATTERN, compiled

MAX_RULES: Final = 50
MAX_PATH: Final = 200
MAX_STEPS: Final = 16
LARGEST_PATTERN: Final = 300
LARGEST_TOGETHER: Final = 1_500
"""RE2 instructions: what a text costs grows with them."""

FIELD_KINDS: Final = ("mask", "drop")
KINDS: Final = (*READY, "pattern", *FIELD_KINDS)
PARTS: Final = ("alternatives", "context", "input", "metadata", "output")
_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FIELDS_OF: Final = {"pattern": {"pattern", "output"}, **{kind: {"path"} for kind in FIELD_KINDS}}
_WHOLE: Final = {("output",), ("context",), ("context", "*"), ("alternatives",), ("alternatives", "*"), ("metadata",)}


@dataclass(frozen=True, slots=True)
class PatternRule:
    """`spares_output`: what the model said is kept as it is."""

    id: str
    kind: str
    find: Finder
    spares_output: bool


@dataclass(frozen=True, slots=True)
class FieldRule:
    id: str
    steps: tuple[str, ...]
    drops: bool


@dataclass(frozen=True)
class Rules:
    patterns: tuple[PatternRule, ...] = ()
    fields: tuple[FieldRule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns or self.fields)

    @cached_property
    def masks(self) -> re.Pattern[str]:
        """What these rules leave: nothing looks into it again."""
        names = [rule.id for rule in self.patterns] + [rule.id for rule in self.fields]
        ids = "|".join(map(re.escape, names))
        return re.compile(rf"\[redacted:(?:{ids})\]")

    @cached_property
    def for_output(self) -> Rules:
        kept = tuple(rule for rule in self.patterns if not rule.spares_output)
        return self if len(kept) == len(self.patterns) else Rules(kept, self.fields)


NO_REDACTION: Final = Rules()


def mask(rule_id: str) -> str:
    return f"[redacted:{rule_id}]"


@lru_cache(maxsize=256)
def rules_in(declared_text: str) -> Rules:
    """Of the stored JSON."""
    return rules_of(msgspec.json.decode(declared_text))


def rules_for(declared: Sequence[Mapping[str, Any]]) -> Rules:
    """`rules_of`, kept for the life of the process."""
    return rules_in(msgspec.json.encode(declared).decode()) if declared else NO_REDACTION


def rules_of(declared: Sequence[Mapping[str, Any]]) -> Rules:
    """Expects what `redaction_problems` found good."""
    patterns = [_pattern_rule(rule) for rule in declared if rule["kind"] not in FIELD_KINDS]
    fields = [
        FieldRule(rule["id"], steps_of(rule["path"]), rule["kind"] == "drop")
        for rule in declared
        if rule["kind"] in FIELD_KINDS
    ]
    return Rules(tuple(patterns), tuple(fields))


def _pattern_rule(rule: Mapping[str, Any]) -> PatternRule:
    kind = rule["kind"]
    finder = pattern_finder(rule["pattern"]) if kind == "pattern" else READY[kind]
    return PatternRule(rule["id"], kind, finder, rule.get("output") is False)


def looks_in_numbers(rule: PatternRule) -> bool:
    return rule.kind in IN_NUMBERS


def steps_of(path: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])


def declared_rules(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As it is stored: without what holds anyway."""
    return [{name: value for name, value in rule.items() if (name, value) != ("output", True)} for rule in rules]


def redaction_problems(rules: object) -> list[FieldProblem]:
    if not isinstance(rules, list):
        return [FieldProblem("/redaction", "type", "Redaction rules are a list.")]
    if len(rules) > MAX_RULES:
        return [FieldProblem("/redaction", "too_many", f"At most {MAX_RULES} rules.")]
    problems = [problem for place, rule in enumerate(rules) for problem in _rule_problems(place, rule)]
    return problems or list(_problems_together(rules))


def _rule_problems(place: int, rule: object) -> Iterator[FieldProblem]:
    at = f"/redaction/{place}"
    if not isinstance(rule, Mapping):
        yield FieldProblem(at, "type", "A rule is an object.")
        return
    name, kind = rule.get("id"), rule.get("kind")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        detail = "A rule is named by 1 to 40 small letters, digits and hyphens, a letter first."
        yield FieldProblem(f"{at}/id", "name", detail)
    if not isinstance(kind, str) or kind not in KINDS:
        yield FieldProblem(f"{at}/kind", "choice", "This is one of: " + ", ".join(KINDS) + ".")
        return
    known = {"id", "kind"} | _FIELDS_OF.get(kind, {"output"})
    for unknown in sorted(set(rule) - known, key=str):
        yield FieldProblem(f"{at}/{str(unknown)[:64]}", "unknown_field", "There is no such field in this rule.")
    if not isinstance(rule.get("output", True), bool):
        yield FieldProblem(f"{at}/output", "type", "This is true or false.")
    if kind == "pattern":
        yield from _pattern_problems(f"{at}/pattern", rule.get("pattern"))
    elif kind in FIELD_KINDS:
        yield from _path_problems(f"{at}/path", rule.get("path"), drops=kind == "drop")


def _pattern_problems(at: str, pattern: object) -> Iterator[FieldProblem]:
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_PATTERN:
        yield FieldProblem(at, "range", f"A pattern has 1 to {LONGEST_PATTERN:,} characters.")
        return
    try:
        program = compiled(pattern)
    except (Unusable, UnicodeEncodeError) as error:
        yield FieldProblem(at, "pattern", f"The pattern {error}"[:300] + ".")
        return
    if program.programsize > LARGEST_PATTERN:
        yield FieldProblem(at, "too_large", "This describes too many possibilities; use smaller repetitions.")
    if program.search("") is not None:
        yield FieldProblem(at, "empty", "This fits where there is nothing; say what has to be there.")


def _path_problems(at: str, path: object, *, drops: bool) -> Iterator[FieldProblem]:
    if not isinstance(path, str) or not path.startswith("/") or not path.isprintable() or len(path) > MAX_PATH:
        yield FieldProblem(at, "path", f"A path begins with / and has at most {MAX_PATH} printable characters.")
        return
    steps = steps_of(path)
    if len(steps) > MAX_STEPS:
        yield FieldProblem(at, "path", f"A path has at most {MAX_STEPS} steps.")
    elif steps[0] not in PARTS:
        yield FieldProblem(at, "path", "A path begins with one of: " + ", ".join(f"/{part}" for part in PARTS) + ".")
    elif steps in _WHOLE:
        yield FieldProblem(at, "path", "This would take away what a claim cannot be without; name what is inside it.")
    elif steps[0] in ("context", "alternatives") and _is_fixed(steps, drops=drops):
        yield FieldProblem(at, "path", "This field has to stay; name another one.")


def _is_fixed(steps: tuple[str, ...], *, drops: bool) -> bool:
    """Elements are named by * or a number; their own fields are few, and some of them mean something here."""
    if steps[1] != "*" and not steps[1].isdecimal():
        return True
    if len(steps) == 2:
        return True
    if steps[0] == "context":
        return len(steps) > 3 or steps[2] not in {"title", "text", "url", "role", "id"}
    return steps[2] != "output" or (len(steps) == 3 and drops)


def _problems_together(rules: Sequence[Mapping[str, Any]]) -> Iterator[FieldProblem]:
    names = [rule["id"] for rule in rules]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield FieldProblem(f"/redaction/{place}/id", "twice", "Another rule has this name.")
    size = sum(compiled(rule["pattern"]).programsize for rule in rules if rule["kind"] == "pattern")
    if size > LARGEST_TOGETHER:
        yield FieldProblem("/redaction", "too_large", "The patterns together describe too many possibilities.")
