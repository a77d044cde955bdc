"""The OpenAPI 3.1 document of the API: a pure function of its routes.

Nothing is described here that the code does not use: addresses come from the routes, scopes, parameters, bodies and
answers from each method's promise, problems from the table in `problems`. Why no library makes it: docs/decisions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from django.urls import URLPattern

from reviewqueue.api.component_schemas import SCHEMA_REF, component_schemas, problem_example, problem_name, reference_to
from reviewqueue.api.contract import Answer, Body, Holder, Promise, problems_of, promise_of
from reviewqueue.api.idempotency import HEADER as IDEMPOTENCY_KEY
from reviewqueue.api.operation import Operation
from reviewqueue.api.preconditions import FORM as MATCH_FORM
from reviewqueue.api.preconditions import HEADER as IF_MATCH
from reviewqueue.api.problems import KINDS, MEDIA_TYPE
from reviewqueue.api.tile_paths import TILE
from reviewqueue.api.wording import DESCRIPTION, HEADERS, PATH_PARAMETERS

Json = dict[str, Any]

METHODS: Final = ("get", "post", "patch", "delete")
_CONVERTED: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_SCHEMA_OF: Final[Mapping[str, Mapping[str, Any]]] = {
    "UUIDConverter": {
        "type": "string",
        "format": "uuid",
        "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    },
    "SlugConverter": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
    "IntConverter": {"type": "integer", "minimum": 0},
    "TileConverter": {"type": "string", "pattern": f"^{TILE}$"},
}


@dataclass(frozen=True, slots=True)
class _Described:
    """One operation: a route, a method and what is promised there."""

    route: URLPattern
    method: str
    promise: Promise
    view: type[Operation]

    @property
    def path(self) -> str:
        return "/" + _CONVERTED.sub(r"{\1}", str(self.route.pattern))

    @property
    def noun(self) -> str:
        return self.view.__module__.rpartition(".")[2]

    @property
    def writes(self) -> bool:
        """Whether it reads a body, and may come with an Idempotency-Key."""
        return self.method in ("post", "patch")

    @property
    def refusals(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Every status that a problem can have here, with its codes."""
        codes = problems_of(self.promise, has_path=bool(self.route.pattern.converters), writes=self.writes)
        by_status = sorted(dict.fromkeys(codes), key=lambda code: KINDS[code].status)
        for status, of_status in groupby(by_status, lambda code: KINDS[code].status):
            yield status, tuple(of_status)


def openapi(routes: Iterable[URLPattern]) -> Json:
    """The document of all operations under `routes`, in their order. Routes without a promise have no place in it."""
    described = list(_described(routes))
    refusals = sorted({refusal for each in described for refusal in each.refusals})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Review Queue", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/api/v1"}],
        "tags": list(_tags(described)),
        "paths": {path: _path_item(list(group)) for path, group in groupby(described, lambda each: each.path)},
        "components": {
            "schemas": component_schemas(
                promises=[each.promise for each in described],
                codes={code for _, codes in refusals for code in codes},
            ),
            "responses": {_response_name(codes): _problem(status, codes) for status, codes in refusals},
            "headers": HEADERS,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of a source or of a person."}
            },
        },
    }


def _described(routes: Iterable[URLPattern]) -> Iterator[_Described]:
    for route in routes:
        view: Any = getattr(route.callback, "view_class", None)
        for method in METHODS:
            promise = promise_of(getattr(view, method, None))
            if promise:
                yield _Described(route, method, promise, view)


def _tags(described: Iterable[_Described]) -> Iterator[Json]:
    """One per module of views, told by the first line of the module."""
    for name, group in groupby(described, lambda each: each.noun):
        module = inspect.getmodule(next(group).view)
        yield {"name": name, "description": (inspect.getdoc(module) or "").partition("\n")[0]}


def _path_item(described: list[_Described]) -> Json:
    converters = described[0].route.pattern.converters
    named = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[name],
            "schema": _SCHEMA_OF[type(converter).__name__],
        }
        for name, converter in converters.items()
    ]
    return {**({"parameters": named} if named else {}), **{each.method: _operation(each) for each in described}}


def _operation(described: _Described) -> Json:
    promise = described.promise
    operation: Json = {
        "operationId": promise.name,
        "tags": [described.noun],
        "summary": promise.summary,
        "description": "\n\n".join(filter(None, (promise.description, _key_needed(promise)))),
        "security": [{"key": [promise.scope]}],
    }
    parameters = list(_parameters(described))
    if parameters:
        operation["parameters"] = parameters
    if promise.body:
        operation["requestBody"] = _request_body(promise.body)
    operation["responses"] = dict(_responses(described))
    return operation


def _key_needed(promise: Promise) -> str:
    holder = {Holder.SOURCE: "a source", Holder.PERSON: "a person", Holder.EITHER: "a source or of a person"}
    return f"For a key of {holder[promise.holder]} with the scope `{promise.scope}`."


def _parameters(described: _Described) -> Iterator[Json]:
    for parameter in described.promise.parameters:
        yield {
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": parameter.schema,
        }
    if described.promise.needs_match:
        yield {
            "name": IF_MATCH,
            "in": "header",
            "required": True,
            "description": "The `revision` that was seen, in quotes; `*` for any.",
            "schema": {"type": "string", "pattern": MATCH_FORM},
            "example": '"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae.draft"',
        }
    if described.writes:
        yield {
            "name": IDEMPOTENCY_KEY,
            "in": "header",
            "description": "The same request again under the same key within 48 hours gets the stored answer.",
            "schema": {"type": "string", "pattern": "^[\\x20-\\x7e]{1,255}$"},
        }


def _request_body(body: Body) -> Json:
    examples = {name: {"value": value} for name, value in body.examples.items()}
    schema = {"$ref": SCHEMA_REF.format(name=body.kind.__name__)}
    return {"required": body.required, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _responses(described: _Described) -> Iterator[tuple[str, Json]]:
    for status, answer in described.promise.answers.items():
        yield str(status), _answer(answer, writes=described.writes)
    for status, codes in described.refusals:
        yield str(status), {"$ref": f"#/components/responses/{_response_name(codes)}"}


def _response_name(codes: tuple[str, ...]) -> str:
    return ".".join(codes)


def _answer(answer: Answer, *, writes: bool) -> Json:
    names = ["X-Request-ID", "RateLimit-Policy", "RateLimit", *(["Idempotent-Replayed"] if writes else [])]
    own = {
        name: {"description": text, "required": True, "schema": {"type": "string"}}
        for name, text in answer.headers.items()
    }
    response: Json = {"description": answer.text, "headers": _headers(names) | own}
    if answer.kind is not None:
        response["content"] = {answer.media_type: {"schema": reference_to(answer.kind), "example": answer.example}}
    if answer.links:
        response["links"] = {
            name: {"operationId": link.operation, "parameters": dict(link.values)}
            for name, link in answer.links.items()
        }
    return response


def _problem(status: int, codes: tuple[str, ...]) -> Json:
    schemas = [{"$ref": SCHEMA_REF.format(name=problem_name(code))} for code in codes]
    names = ["X-Request-ID", *([] if status >= 500 else ["RateLimit-Policy", "RateLimit"])]
    names += [name for code in codes for name in KINDS[code].headers]
    return {
        "description": " ".join(f"{KINDS[code].title} (`{code}`)." for code in codes),
        "headers": _headers(dict.fromkeys(names)),
        "content": {
            MEDIA_TYPE: {
                "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
                "examples": {code: {"value": problem_example(code)} for code in codes},
            }
        },
    }


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
