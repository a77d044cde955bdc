"""What an auditor types, as what the ledger knows; and a search that would take too long is refused in words."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from reviewqueue.accounts import services as accounts
from reviewqueue.auditors.searching import SearchTooWide, actors_called, claims_called, found_entries
from reviewqueue.ledger.selectors import EntryFilter
from tests.services.ledger.cast import write_many
from tests.world import SETUP, World

pytestmark = pytest.mark.django_db


def test_a_person_is_found_by_any_of_their_names_and_by_pseudonym(world: World) -> None:
    world.rita.last_name = "Romero"
    world.rita.save(update_fields=["last_name"])
    rita = f"user:{world.rita.pseudonym}"
    for text in ("rita", "RITA", "Rita Rom", "romero", str(world.rita.pseudonym), rita):
        assert rita in actors_called(text).actors
    assert [person.username for person in actors_called("ri").people] == ["rita"]


def test_what_is_no_name_may_be_a_source_a_part_or_a_key(world: World) -> None:
    assert actors_called("helpdesk").actors == ["source:helpdesk", "system:helpdesk", "key:helpdesk"]
    assert actors_called("system:intake").actors == ["system:intake"]


def test_one_external_id_of_two_sources_is_two_claims(world: World) -> None:
    first = world.claim(external_id="ticket-1")
    other = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    world.pipeline.sources.add(other)
    world.source = other
    second = world.claim(external_id="ticket-1")
    assert set(claims_called("ticket-1")) == {first.pk, second.pk}
    assert claims_called(str(first.pk)) == [first.pk]
    assert claims_called("ticket-2") == []


def test_a_search_that_takes_too_long_is_refused(db: None) -> None:
    write_many(3_000)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
    with pytest.raises(SearchTooWide), transaction.atomic():
        found_entries(EntryFilter(), before=None, limit=3_000)
