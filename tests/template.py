"""A migrated, empty database that the test databases of one run are copied from: migrating takes half a minute."""

from __future__ import annotations

import os
from typing import Final

from django.conf import settings
from django.db import connection

from reviewqueue.dev.testrun import OWN_SERVER

NAME: Final = "migrated_template"
UNFINISHED: Final = "test_unfinished_template"
LOCK: Final = 7_154_320


def migrated_template() -> str | None:
    """Its name. Made by the first process that asks, while the others wait.

    None on a server that outlives this run: what is left there may be of other migrations than these.
    """
    if OWN_SERVER not in os.environ:
        return None
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # let go with the session, at the end of this block
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
        if cursor.rowcount == 0:
            _migrate()
            cursor.execute(f"ALTER DATABASE {UNFINISHED} RENAME TO {NAME}")
    return NAME


def _migrate() -> None:
    of_connection = connection.settings_dict
    given = of_connection["NAME"], of_connection["TEST"]["NAME"]
    of_connection["TEST"]["NAME"] = UNFINISHED
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.close()
        of_connection["NAME"], of_connection["TEST"]["NAME"] = given
        settings.DATABASES[connection.alias]["NAME"] = given[0]
