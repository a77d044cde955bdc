"""What the group roles may do with the application's own tables, and who may create those roles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.backends.utils import CursorWrapper

from reviewqueue.ledger.grants import apply_grants
from reviewqueue.ledger.roles import AUDITOR, GROUP_ROLES, SEALER, WEB, acting_as, ensure_roles
from tests.services.ledger.cast import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db: None) -> Iterator[CursorWrapper]:
    """A cursor of the login user, as migrations have it."""
    with connection.cursor() as cursor, acting_as(cursor, "none"):
        yield cursor


def privileges(role: str, table: str) -> set[str]:
    wanted = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    held = rows("SELECT p FROM unnest(%s::text[]) AS p WHERE has_table_privilege(%s, %s, p)", wanted, role, table)
    return {str(name) for (name,) in held}


READ = {"SELECT"}
WRITE = {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_a_table_that_was_there_before_can_be_used_after_migrating(owner: CursorWrapper) -> None:
    owner.execute('CREATE TABLE public."Older" (id bigint GENERATED ALWAYS AS IDENTITY)')
    owner.execute(f'REVOKE ALL ON public."Older" FROM {WEB}, {SEALER}, {AUDITOR}')
    apply_grants()
    held = {role: privileges(role, 'public."Older"') for role in (WEB, SEALER, AUDITOR)}
    assert held == {WEB: WRITE, SEALER: READ, AUDITOR: READ}


def test_a_table_made_afterwards_can_be_used_at_once(owner: CursorWrapper) -> None:
    apply_grants()
    owner.execute("CREATE TABLE public.newer (id bigint)")
    held = {role: privileges(role, "public.newer") for role in (WEB, SEALER, AUDITOR)}
    assert held == {WEB: WRITE, SEALER: READ, AUDITOR: READ}


def test_the_record_of_migrations_is_not_the_applications_to_change(owner: CursorWrapper) -> None:
    apply_grants()
    owner.execute("REVOKE ALL ON public.django_migrations FROM app_web")
    apply_grants()
    assert privileges(WEB, "public.django_migrations") == READ


@pytest.mark.parametrize("table", ["payloads_payloadkey", "payloads_filekey", "payloads_goldenkey"])
def test_keys_and_salts_of_payloads_are_for_the_application_alone(owner: CursorWrapper, table: str) -> None:
    apply_grants()
    held = {role: privileges(role, f"public.{table}") for role in (WEB, SEALER, AUDITOR)}
    assert held == {WEB: WRITE, SEALER: set(), AUDITOR: set()}


def test_granting_as_the_application_itself_changes_nothing(db: None) -> None:
    apply_grants()
    assert privileges(WEB, "public.django_migrations") == READ


@pytest.mark.parametrize("role", [WEB, SEALER, AUDITOR])
def test_no_role_of_the_application_may_create_tables(db: None, role: str) -> None:
    assert rows("SELECT has_schema_privilege(%s, s, 'CREATE') FROM unnest(ARRAY['public', 'ledger']) s", role) == [
        (False,),
        (False,),
    ]


def test_no_group_role_can_log_in(db: None) -> None:
    assert rows("SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s) AND rolcanlogin", list(GROUP_ROLES)) == [(0,)]


def test_a_login_that_may_not_join_the_roles_is_told_what_to_ask_for(owner: CursorWrapper) -> None:
    owner.execute('CREATE ROLE "plain login" LOGIN')
    owner.execute('SET LOCAL SESSION AUTHORIZATION "plain login"')
    with pytest.raises(ImproperlyConfigured, match=r'GRANT ledger_owner, .* TO "plain login";'):
        ensure_roles(owner)
    owner.execute("RESET SESSION AUTHORIZATION")


def test_a_login_that_was_made_a_member_needs_no_further_right(owner: CursorWrapper) -> None:
    owner.execute("CREATE ROLE member LOGIN")
    owner.execute(f"GRANT {', '.join(GROUP_ROLES)} TO member")
    owner.execute("SET LOCAL SESSION AUTHORIZATION member")
    ensure_roles(owner)
    with acting_as(owner, "ledger_owner"):
        assert rows("SELECT current_user::text") == [("ledger_owner",)]
    owner.execute("RESET SESSION AUTHORIZATION")


def test_creating_the_roles_twice_is_no_error(owner: CursorWrapper) -> None:
    ensure_roles(owner)
    ensure_roles(owner)
