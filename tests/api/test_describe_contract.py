"""The OpenAPI document says all there is, says it truly, and is the one that is checked in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import get_resolver
from django.utils import timezone

from reviewqueue.accounts.models import Scope
from reviewqueue.api import webhook_examples
from reviewqueue.api.contract import promise_of
from reviewqueue.api.operation import Operation
from reviewqueue.api.problems import KINDS
from reviewqueue.api.views.reference import document
from reviewqueue.deliveries.models import Delivery, Endpoint
from reviewqueue.deliveries.services import endpoints
from reviewqueue.policy import services as policies
from reviewqueue.review.models import ReviewTask
from tests.api.caller import API, Caller, key_for, lease_path, taken
from tests.api.described import assert_described, validator
from tests.services.golden.steps import set_for_step
from tests.services.policy.steps import version_for_step
from tests.services.review.steps import moved
from tests.world import World

CHECKED_IN = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
THE_CONTRACT_ITSELF = {"schema", "docs", "nothing-here"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method in item:
            if method != "parameters":
                yield path, method, item[method]


def test_the_checked_in_document_is_the_one_the_code_makes() -> None:
    made = json.loads(json.dumps(document()))
    assert json.loads(CHECKED_IN.read_text()) == made, "run: manage.py openapi > docs/openapi.json"


def test_the_document_is_served_to_anybody(client: Any) -> None:
    response = client.get(f"{API}/schema")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == json.loads(json.dumps(document()))
    assert "RateLimit" not in response
    assert client.post(f"{API}/schema").status_code == 405


def test_every_route_and_method_is_in_the_document() -> None:
    names = {operation["operationId"] for _, _, operation in operations()}
    for route in get_resolver("reviewqueue.api.urls").url_patterns:
        if route.name in THE_CONTRACT_ITSELF:
            continue
        view = route.callback.view_class
        assert issubclass(view, Operation), route
        for method in set(view.http_method_names) & set(dir(view)) - {"options", "head"}:
            promise = promise_of(getattr(view, method))
            assert promise, f"{method} of {route} promises nothing"
            assert promise.name in names


def test_every_operation_says_what_it_is_and_who_may_call_it(subtests: pytest.Subtests) -> None:
    seen: set[str] = set()
    for path, method, operation in operations():
        with subtests.test(f"{method} {path}"):
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert len(operation["summary"]) > 5
            assert operation["description"]
            ((scope,),) = [security["key"] for security in operation["security"]]
            assert scope in Scope.values
            statuses = set(operation["responses"])
            assert {"400", "401", "403", "429", "500", "503"} < statuses
            assert {"413", "415", "422"} <= statuses or method in ("get", "delete")
            assert ("404" in statuses) >= ("{" in path)
            assert any(status < "300" for status in statuses)


def test_every_code_that_the_document_names_has_its_row_and_its_example() -> None:
    for name, response in document()["components"]["responses"].items():
        (media,) = response["content"].values()
        assert set(media["examples"]) == set(name.split("."))
        for code, example in media["examples"].items():
            assert example["value"]["title"] == KINDS[code].title
            assert validator(json.dumps(media["schema"])).is_valid(example["value"]), code


def test_every_field_of_a_body_says_what_it_means() -> None:
    schemas = document()["components"]["schemas"]
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for _, _, operation in operations()
        if "requestBody" in operation
    }
    for name in bodies | {"Alternative", "ContextItem"}:
        for field, schema in schemas[name].get("properties", {}).items():
            assert schema.get("description"), f"{name}.{field}: say it in bodies.py or wording.py"


def test_links_lead_to_operations_and_parameters_that_exist() -> None:
    by_id = {operation["operationId"]: (path, operation) for path, _, operation in operations()}
    for _, _, operation in operations():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                path, _ = by_id[link["operationId"]]
                assert all(f"{{{name}}}" in path for name in link["parameters"])


# --- examples -------------------------------------------------------------------------------------------------------


def test_every_example_is_what_its_schema_says(subtests: pytest.Subtests) -> None:
    def media_of(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from operation.get("requestBody", {}).get("content", {}).values()
        for response in operation["responses"].values():
            yield from response.get("content", {}).values()

    for path, method, operation in operations():
        for media in media_of(operation):
            values = [example["value"] for example in media.get("examples", {}).values()]
            values += [media["example"]] if "example" in media else []
            assert values, (path, method)
            for value in values:
                with subtests.test(f"{method} {path}"):
                    errors = [error.message for error in validator(json.dumps(media["schema"])).iter_errors(value)]
                    assert errors == []


def test_every_example_of_a_request_is_accepted_as_it_stands(world: World, subtests: pytest.Subtests) -> None:
    callers = {
        "reviews": Caller(key_for(world.rita, "review")),
        "reports": Caller(key_for(world.ada, "audit")),
        "policies": Caller(key_for(world.otto, "admin")),
        "breakers": Caller(key_for(world.otto, "admin")),
        "golden_sets": Caller(key_for(world.olga, "admin")),
        "queue_rules": Caller(key_for(world.olga, "admin")),
        "segments": Caller(key_for(world.olga, "admin")),
        "open_tasks": Caller(key_for(world.sam, "review")),
        "webhooks": Caller(key_for(world.source, "webhooks")),
    }
    for path, method, operation in operations():
        if "requestBody" not in operation:
            continue
        caller = callers.get(operation["tags"][0], Caller(world.key))
        for name, example in operation["requestBody"]["content"]["application/json"]["examples"].items():
            with subtests.test(f"{path}: {name}"):
                send = caller.patch if method == "patch" else caller.post
                address = filled(path, world, caller)
                if path.endswith("/return"):  # what a reviewer said is returned by a senior
                    send = Caller(key_for(world.sam, "review")).post
                response = send(address, example["value"], If_Match="*")
                assert response.status_code < 300, response.content


def endpoint_with_a_delivery(world: World) -> str:
    """A new one, which has the delivery that the examples name."""
    Delivery.objects.filter(pk=webhook_examples.REPLAY_ONE["delivery"]).delete()
    Endpoint.objects.all().update(removed_at=timezone.now(), state="disabled", state_reason="removed")
    url = "https://hooks.example.com/made"
    endpoint, _ = endpoints.create_endpoint(source=world.source, url=url, by=world.source)
    Delivery.objects.create(
        id=webhook_examples.REPLAY_ONE["delivery"], endpoint=endpoint, event_id=world.policy.event_id,
        type="outcome.settled", body="{}", state="dead",
    )  # fmt: skip
    return str(endpoint.pk)


def filled(path: str, world: World, reviewer: Caller) -> str:
    """The path with the ids of things made for it."""
    if "{claim_id}" in path:
        return path.format(claim_id=world.claim().pk)
    if "{lease_id}" in path or "{label_id}" in path:
        world.claim()
        work = taken(reviewer)
        ReviewTask.objects.update(undo_seconds=3600)
        if "{lease_id}" in path:
            return path.format(lease_id=work["lease"]["id"])
        label = reviewer.post(lease_path(work, "label"), {"verdict": "correct"}).json()["label"]
        return path.format(label_id=label["id"])
    if "{number}" in path:
        return path.format(slug=world.pipeline.slug, number=version_for_step(path.rpartition("/")[2], world).number)
    if "{name}" in path:
        golden_set, run = set_for_step(world, path.rpartition("/")[2])
        return path.format(slug=world.pipeline.slug, name=golden_set.name, run_id=run.pk)
    if "{change_id}" in path:
        return path.format(slug=world.pipeline.slug, change_id=moved(world).pk)
    if "{breaker_id}" in path:
        breaker = policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="incident")
        return path.format(slug=world.pipeline.slug, breaker_id=breaker.pk)
    if "{endpoint_id}" in path:
        return path.format(endpoint_id=endpoint_with_a_delivery(world))
    return path.format(slug=world.pipeline.slug)


# --- the check of every answer --------------------------------------------------------------------------------------


def test_an_answer_that_the_document_does_not_know_is_noticed(helpdesk: Caller, monkeypatch: Any) -> None:
    for change in ({"surplus": 1}, {"next": 7}):
        with monkeypatch.context() as patch:
            patch.setattr("reviewqueue.api.views.claims.Response", answering({"results": [], "next": None} | change))
            with pytest.raises(AssertionError):
                helpdesk.get("/claims")
    response = helpdesk.get("/claims")
    response.status_code = 418
    with pytest.raises(AssertionError):
        assert_described("GET", f"{API}/claims", response)


def answering(body: object) -> Any:
    from rest_framework.response import Response

    return lambda _: Response(body)
