"""What every test shares: the database as the application sees it, and a named cast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from tests.reset import reset_database
from tests.template import migrated_template
from tests.world import World, make_world

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("reviewqueue", deadline=None)
hypothesis.settings.load_profile("reviewqueue")


def pytest_configure() -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # tests collect nothing; its absence would be a warning
    settings.STORAGES["default"] = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test has an id of its own: of those with one id, a run in several processes runs only the first.

    Tests that schemathesis makes, one for each operation of the contract, all come with the id of their function.
    """
    for item in items:
        if not item.nodeid.endswith(item.name):
            item._id = item.id.parse(item.nodeid.rpartition("::")[0] + "::" + item.name)
    twice = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"several tests have one id, and only the first of each would run: {twice[:5]}")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> Iterator[None]:
    """A test database whatever the selected tests are (the plugin's own makes none when all of them commit).

    Tests act as `app_web`, like every process of the application: a missing grant fails here, not in production.
    """
    options = connection.settings_dict["OPTIONS"]
    as_application = options["options"] + " -c role=app_web"
    as_owner = options["options"] + " -c statement_timeout=0 -c lock_timeout=0"  # making a database may take its time
    options["options"] = as_owner
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template()
        created = setup_databases(
            verbosity=0,
            interactive=False,
            aliases={"default"},
            keepdb=django_db_keepdb and not django_db_createdb,
        )
        connection.close()
    options["options"] = as_application
    yield
    connections.close_all()
    options["options"] = as_owner
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            _end_other_sessions()
            teardown_databases(created, verbosity=0)


def _end_other_sessions() -> None:
    """Threads and browsers of a failed test may still hold a connection, and a database in use cannot be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database in which transactions really commit, for threads, processes and sealing. Emptied afterwards."""
    with django_db_blocker.unblock():
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
