"""The OpenAPI document as a person reads it: chapters, operations, fields, examples. Pure; templates/api shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

_MARKED: Final = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*)")
_LIMITS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
    "maxItems": "at most {} items",
    "pattern": "like {}",
    "default": "else {}",
}
_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text: plain, `code` or strong."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    place: str  # "path", "query", "header" or "body"
    kind: str
    required: bool
    description: list[Words]
    example: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Response:
    status: str
    media_type: str
    type_name: str
    description: list[Words]
    headers: list[str]
    examples: list[Example]

    @property
    def is_good(self) -> bool:
        return self.status < "400"


@dataclass(frozen=True, slots=True)
class OperationText:
    id: str
    method: str
    path: str
    summary: str
    description: list[list[Words]]
    scope: str
    fields: list[Field]
    body_type: str
    body_examples: list[Example]
    responses: list[Response]

    @property
    def inputs(self) -> list[Field]:
        return [field for field in self.fields if field.place != "body"]


@dataclass(frozen=True, slots=True)
class Chapter:
    name: str
    description: list[Words]
    operations: list[OperationText]


@dataclass(frozen=True, slots=True)
class TypeText:
    name: str
    description: list[Words]
    fields: list[Field]


def introduction(document: Json) -> list[list[Words]]:
    return paragraphs(document["info"]["description"])


def chapters(document: Json) -> list[Chapter]:
    operations = list(_operations(document))
    return [
        Chapter(tag["name"], words(tag["description"]), [each for name, each in operations if name == tag["name"]])
        for tag in document["tags"]
    ]


def types(document: Json) -> list[TypeText]:
    """Every named type but the problems, which differ in their code alone."""
    schemas = document["components"]["schemas"]
    return [
        TypeText(name, words(schema.get("description", "")), list(_body_fields(schema)))
        for name, schema in schemas.items()
        if not name.startswith("problem.")
    ]


def _operations(document: Json) -> Iterator[tuple[str, OperationText]]:
    for path, item in document["paths"].items():
        for method in item:
            if method != "parameters":
                yield item[method]["tags"][0], _operation(document, path, method)


def _operation(document: Json, path: str, method: str) -> OperationText:
    item = document["paths"][path]
    operation = item[method]
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _resolved(document, media.get("schema", {}))
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    return OperationText(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=paragraphs(operation["description"]),
        scope=operation["security"][0]["key"][0],
        fields=[*map(_parameter, parameters), *_body_fields(body)],
        body_type=_name_of(media.get("schema", {})),
        body_examples=_examples(media),
        responses=[
            _response(status, _resolved(document, response)) for status, response in operation["responses"].items()
        ],
    )


def _parameter(parameter: Json) -> Field:
    return Field(
        name=parameter["name"],
        place=parameter["in"],
        kind=kind_of(parameter["schema"]),
        required=parameter.get("required", False),
        description=words(parameter["description"]),
    )


def _body_fields(schema: Json) -> Iterator[Field]:
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield Field(name, "body", kind_of(field), required, words(field.get("description", "")))


def _response(status: str, response: Json) -> Response:
    content: Json = response.get("content", {})
    media_type = next(iter(content), "")
    media: Json = content.get(media_type, {})
    return Response(
        status=status,
        media_type=media_type,
        type_name=_name_of(media.get("schema", {})),
        description=words(response["description"]),
        headers=list(response["headers"]),
        examples=_examples(media),
    )


def _examples(media: Json) -> list[Example]:
    named: Json = media.get("examples") or ({"example": {"value": media["example"]}} if "example" in media else {})
    return [Example(name, _shown(example["value"])) for name, example in named.items()]


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _resolved(document: Json, node: Json) -> Json:
    if "$ref" not in node:
        return node
    for part in node["$ref"].removeprefix("#/").split("/"):
        document = document[part]
    return document


def _name_of(schema: Json) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return "Problem" if name.startswith("problem.") or "anyOf" in schema else name


def kind_of(schema: Json) -> str:
    """A schema in a few words: `text, at most 120 characters`, `Claim or null`, `list of texts`."""
    if "$ref" in schema:
        return _name_of(schema)
    if "enum" in schema:
        return ", ".join(_written(choice) for choice in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(kind_of(choice) for choice in schema["anyOf"])
    limits = [text.format(_written(schema[name])) for name, text in _LIMITS.items() if schema.get(name) not in _NOTHING]
    return ", ".join([_plain_kind(schema), *limits])


def _plain_kind(schema: Json) -> str:
    kind = str(schema.get("type", "any JSON value"))
    if kind == "array":
        return f"list of {kind_of(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {kind_of(schema['additionalProperties'])}"
    return {"string": str(schema.get("format", "text")), "boolean": "true or false"}.get(kind, kind)


def _written(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


# --- text -----------------------------------------------------------------------------------------------------------


def paragraphs(text: str) -> list[list[Words]]:
    return [words(part) for part in text.split("\n\n") if part.strip()]


def words(text: str) -> list[Words]:
    """Text with `code` and **strong** words, and no other marks."""
    return [_word(part) for part in _MARKED.split(text) if part]


def _word(part: str) -> Words:
    if part.startswith("`") and len(part) > 2:
        return Words("code", part[1:-1])
    return Words("strong", part[2:-2]) if part.startswith("**") else Words("plain", part)
