"""Claims that are exported, in any format, and imported again are equal claims."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewqueue import intake
from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Source
from reviewqueue.payloads.models import ClaimPayload
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline
from tests.services.transfers.steps import ran
from tests.world import SETUP, World

HOSTILE = ["=1+1", "'=1", "'tis", "-5", "+49 1", "@x", " =1", "a,b", 'a"b', "0.5", "true", "null", "[1]", "＝"]
hostile = st.sampled_from(HOSTILE)
printable = st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12) | hostile
texts = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30) | hostile
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
shares = st.floats(0, 1)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2026, 1, 1)).map(lambda moment: f"{moment.isoformat()}Z")
alternatives = st.fixed_dictionaries({"output": values, "confidence": shares | st.none()})
claims = st.fixed_dictionaries(
    {
        "external_id": printable,
        "model": printable,
        "model_version": printable,
        "output": texts | values,
        "confidence": shares,
    },
    optional={
        "prompt_version": printable,
        "category": st.sampled_from(["general", "=danger"]),
        "segments": st.sampled_from([{}, {"language": "en"}, {"language": "-de"}]),
        "input": texts | values,
        "alternatives": st.lists(alternatives, max_size=2),
        "elicitation": st.sampled_from(["logprob", "other"]),
        "signals": st.dictionaries(printable, shares, max_size=3),
        "context": st.lists(st.fixed_dictionaries({"kind": printable, "title": texts, "text": texts}), max_size=2),
        "occurred_at": moments,
        "callback_url": st.just("https://example.org/hook?a=1,2"),
        "metadata": st.dictionaries(texts, values, max_size=3),
    },
)
numbered = count(1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(claims, max_size=6, unique_by=lambda body: body["external_id"]))
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_export_of_claims_imported_elsewhere_gives_equal_claims(
    committed_world: World, tmp_path: Path, form: str, bodies: list[dict[str, Any]]
) -> None:
    here, there = place(committed_world), place(committed_world)
    sent = [{"pipeline": here[1].slug, **body} for body in bodies]
    results = intake.submit_batch(source=here[0], bodies=sent, now=timezone.now())
    assert [result.status for result in results] == [201] * len(bodies), results
    path = tmp_path / f"{here[1].slug}.{form}"
    assert ran("export", "claims", "--pipeline", here[1].slug, "--output", path).code == 0
    done = ran("import_claims", path, "--source", there[0].slug, "--set", f"pipeline={there[1].slug}", "--exported")
    assert done.code == 0, (done, path.with_name(path.name + ".rejects.jsonl").read_text())
    assert stored(there[1]) == stored(here[1])


def place(world: World) -> tuple[Source, Pipeline]:
    slug = f"place-{next(numbered)}"
    source = accounts.create_source(slug=slug, name=slug, actor=SETUP)
    pipeline = pipelines.create_pipeline(
        slug=slug,
        name=slug,
        question="Is this right?",
        owner=world.olga,
        categories=["general", "=danger"],
        segment_values={"language": ["en", "-de"]},
        sources=[source],
        actor=SETUP,
    )
    return source, pipeline


COMPARED = ["external_id", "model", "model_version", "prompt_version", "category", "segments", "confidence"]
COMPARED += ["elicitation", "signals", "callback_url", "occurred_at"]


def stored(pipeline: Pipeline) -> dict[str, Any]:
    payloads = ClaimPayload.objects.filter(claim__pipeline=pipeline).select_related("claim")
    return {
        each.claim.external_id: ([getattr(each.claim, name) for name in COMPARED], each.content) for each in payloads
    }
