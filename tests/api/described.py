"""Does an answer look as the OpenAPI document says? Every answer that a test gets is asked."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from reviewqueue.api.views.reference import document

Json = dict[str, Any]
IMPLICIT = {"HEAD", "OPTIONS"}


def assert_described(method: str, path: str, response: HttpResponse) -> None:
    """The status is documented, and the body has the documented type, with no field more or less."""
    operation = operation_at(path).get(method.lower())
    if operation is None:
        assert response.status_code in (404, 405) or method in IMPLICIT, (method, path, response.status_code)
        return
    described = _resolved(operation["responses"].get(str(response.status_code), {}))
    assert described, f"{method} {path}: {response.status_code} is not documented"
    content = described.get("content", {})
    media_type = response.get("Content-Type", "").partition(";")[0]
    assert media_type in (content or {""}), (method, path, media_type)
    for media_type, media in content.items():
        if media_type.endswith("json"):
            errors = [error.message for error in validator(json.dumps(media["schema"])).iter_errors(response.json())]
            assert errors == [], (method, path, response.content)


def operation_at(path: str) -> Json:
    """The path item of the document that stands for an address, or nothing."""
    try:
        route = resolve(path.partition("?")[0]).route
    except Resolver404:
        return {}
    template = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.removeprefix("api/v1/"))
    return dict(document()["paths"].get(template, {}))


@cache
def validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {**json.loads(schema), "components": _closed_components()}, validate_formats=True
    )


@cache
def _closed_components() -> Json:
    """The document leaves answers open, so that they may gain fields; here a field nobody described is an error."""
    schemas: dict[str, Json] = json.loads(json.dumps(document()["components"]["schemas"]))
    extended = {"Problem"}
    for name, schema in schemas.items():
        if name.startswith("problem."):
            schema["unevaluatedProperties"] = False
        elif name not in extended:
            schema.setdefault("additionalProperties", False)
    return {"schemas": schemas}


def _resolved(response: Json) -> Json:
    if "$ref" not in response:
        return response
    return dict(document()["components"]["responses"][response["$ref"].rpartition("/")[2]])
