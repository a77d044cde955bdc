"""What every test shares: the database as the application sees it, and a named cast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, connections

from tests.reset import reset_database
from tests.world import World, make_world


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Tests act as `app_web`, like every process of the application: a missing grant fails here, not in production."""
    options = connection.settings_dict["OPTIONS"]
    as_owner = options["options"]
    options["options"] = as_owner + " -c role=app_web"
    connection.close()
    yield
    connections.close_all()
    options["options"] = as_owner


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: pytest.FixtureDef[None]) -> Iterator[None]:
    """A database in which transactions really commit, for threads, processes and sealing. Emptied afterwards."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        try:
            yield
        finally:
            connections.close_all()
            reset_database()
            connections.close_all()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def committed_world(committed_db: None) -> World:
    return make_world()
