"""The restore drill with real dumps: the lines of docs/operators.md, onto a server that has nothing yet.

What was erased after the backup is gone again, every protection of the ledger is back, and the ledger goes on only
under another name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from reviewqueue.accounts.models import User
from reviewqueue.claims.attachments import content_of, store_attachment
from reviewqueue.claims.models import Attachment, Claim
from reviewqueue.claims.selectors import contents_of
from reviewqueue.dev import embedded, postgres
from reviewqueue.erasure import services as erasing
from reviewqueue.golden.models import GoldenAnswerPayload, GoldenItemPayload
from reviewqueue.ledger import services, verify_export
from reviewqueue.ledger.keys import create_key
from reviewqueue.ledger.logins import problems_of_login
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.payloads.models import FileKey, GoldenKey, PayloadKey
from reviewqueue.review.models import Label
from tests import files
from tests.faults.servers import Server, Shell, looking_at, new_server, shell_of_the_tests
from tests.running import ROOT
from tests.services.erasure.steps import erased
from tests.services.golden.steps import erase, finished, published
from tests.services.ledger.cast import prepare_sealing
from tests.services.ledger.test_forbidden_operations import FORBIDDEN
from tests.services.payloads.test_encrypt import tables_with
from tests.services.review.steps import UNSURE, label_next
from tests.world import World

NAME = "rita-5c1d"
SAID = "canary-of-the-backup"
RESTARTED = "review-queue/tests-after-the-restore"

CATALOG = """
SELECT 'trigger', tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'event trigger', evtname, evtevent, evtenabled::text FROM pg_event_trigger
UNION ALL SELECT 'owner', oid::regclass::text, relkind::text, pg_get_userbyid(relowner) FROM pg_class
           WHERE relnamespace IN ('public'::regnamespace, 'ledger'::regnamespace)
UNION ALL SELECT 'right', c.oid::regclass::text, a.grantee::regrole::text, a.privilege_type
            FROM pg_class c, aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
                                                                    relowner))) a
           WHERE relnamespace IN ('public'::regnamespace, 'ledger'::regnamespace) AND a.privilege_type <> 'MAINTAIN'
UNION ALL SELECT 'right to a column', attrelid::regclass || '.' || attname, a.grantee::regrole::text, a.privilege_type
            FROM pg_attribute, aclexplode(attacl) a WHERE attrelid >= 16384
UNION ALL SELECT 'right to a schema', nspname, a.grantee::regrole::text, a.privilege_type
            FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a
           WHERE nspname IN ('public', 'ledger')
UNION ALL SELECT 'right to a function', p.oid::regprocedure::text, a.grantee::regrole::text, a.privilege_type
            FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE p.oid >= 16384
UNION ALL SELECT 'right to come', defaclobjtype::text, a.grantee::regrole::text, a.privilege_type
            FROM pg_default_acl, aclexplode(defaclacl) a
UNION ALL SELECT 'function', oid::regprocedure::text, prosecdef::text, proconfig::text || md5(prosrc)
            FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text || convalidated::text FROM pg_constraint
           WHERE contype <> 'n' AND connamespace IN ('public'::regnamespace, 'ledger'::regnamespace)
UNION ALL SELECT 'index', indexrelid::regclass::text, indisunique::text, indisvalid::text
            FROM pg_index JOIN pg_class c ON c.oid = indexrelid
           WHERE relnamespace IN ('public'::regnamespace, 'ledger'::regnamespace)
"""
"""Everything that keeps a promise or gives a right, by name."""


def lines_of(section: str) -> list[str]:
    """The commands of a section of the operators' page, without their comments."""
    page = (ROOT / "docs" / "operators.md").read_text()
    text = re.split(r"^## ", page.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    return [line.partition("  #")[0].strip() for line in lines]


@dataclass
class Drill:
    """Claims by what becomes of them; `folder` holds the backup."""

    world: World
    folder: Path
    old_key: VerifierKey
    kept: Claim
    before: Claim
    between: Claim
    after: Claim
    lost: Claim
    promises: set[tuple[object, ...]]

    @property
    def export(self) -> Path:
        return self.folder / "export.zip"


@pytest.fixture
def server() -> Iterator[Server]:
    with new_server() as server:
        yield server


@pytest.fixture
def drill(committed_world: World, server: Server, settings: Settings, tmp_path: Path) -> Drill:
    """Life goes on while the backup is made, and after it."""
    world = committed_world
    key = prepare_sealing(settings, tmp_path)
    settings.ERASURE_LIST_FILE = str(tmp_path / "erasures.jsonl")
    settings.MEDIA_ROOT = tmp_path / "files"
    on_disk = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": on_disk}
    User.objects.filter(pk=world.rita.pk).update(username=NAME, first_name=NAME, email=f"{NAME}@example.com")
    world.rita.refresh_from_db()
    kept, before, between, after = (claim_with(world, content) for content in (files.png(), b"", b"", files.gif()))
    for _ in range(4):
        label_next(world.ravi, UNSURE)
    erased(world, before)
    golden = published(world, 2)
    finished(world, golden, 2)
    services.seal()

    folder = tmp_path / "backup"
    folder.mkdir()
    shell = shell_of_the_tests(folder, server, settings.MEDIA_ROOT)
    *first, keys, copy = lines_of("Backup")
    for line in first:
        shell.run(line)
    lost = claim_with(world, files.jpeg())
    erased(world, between)
    shell.run(keys)
    shell.run(copy)

    erased(world, after)
    erased(world, lost)
    erase(world, golden, "plan-1")
    wish = erasing.ask_for_person(by=world.adam, username=NAME, basis="left")
    erasing.decide(by=world.ada, erasure_id=wish.pk, approve=True)
    services.seal()
    call_command("export_ledger", str(folder / "export.zip"), stdout=StringIO())
    return Drill(world, folder, key, kept, before, between, after, lost, promises())


def claim_with(world: World, content: bytes) -> Claim:
    if not content:
        return world.claim(output=SAID)
    file, _ = store_attachment(source=world.source, content=content, now=timezone.now())
    return world.claim(output=SAID, context=[{"kind": "image", "attachment": str(file.pk)}])


def promises() -> set[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = ''")
        cursor.execute(CATALOG)
        found = set(cursor.fetchall())
        cursor.execute("RESET search_path")
    return found


@pytest.fixture
def restored(drill: Drill, server: Server, settings: Settings, tmp_path: Path) -> Iterator[Drill]:
    """The machine is lost: another one gets the backup, and the processes of the application work there."""
    assert not server.sql("SELECT rolname FROM pg_roles WHERE rolname = 'ledger_owner'")
    shell = Shell(drill.folder, server.address, embedded.DATABASE, server.cluster.binaries, tmp_path)
    roles, create, *rest = (line for line in lines_of("Restore") if not line.startswith("manage.py"))
    shell.run(roles)
    complete_logins(server)
    for line in (create, *rest):
        shell.run(line)
    shutil.rmtree(settings.MEDIA_ROOT)
    (drill.folder / "attachments").rename(settings.MEDIA_ROOT)
    with looking_at(server, user="reviewqueue_worker"):
        yield drill


def complete_logins(server: Server) -> None:
    """Those the page names. Ours have come with the roles; a server that stands in for ours may have had none."""
    have = {name for (name,) in server.sql("SELECT rolname FROM pg_roles")}
    assert set(postgres.GROUP_ROLES) <= have
    for login, groups in {postgres.OWNER: (), **postgres.LOGIN_ROLES}.items():
        if login not in have:
            server.sql(f"CREATE ROLE {login} LOGIN {'IN ROLE ' if groups else ''}{', '.join(groups)}")


def said_by(claim: Claim) -> object:
    return contents_of([claim.pk]).get(claim.pk, {}).get("output")


def reapply(*options: str) -> str:
    said = StringIO()
    call_command("reapply_erasures", *options, stdout=said)
    return said.getvalue()


def verified() -> tuple[object, bool]:
    """How `verify_ledger` ends, and whether it says that something is lost."""
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger", stdout=said)
    return ended.value.code, "covers leaves that are gone" in said.getvalue()


def in_a_process_of_its_own(*command: str, settings: Settings) -> str:
    at = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": embedded.database_url(Path(at["HOST"]), user=at["USER"], database=at["NAME"]),
        "DATABASE_ROLE": "app_web",
        "ERASURE_LIST_FILE": settings.ERASURE_LIST_FILE,
        "ATTACHMENTS_DIR": str(settings.MEDIA_ROOT),
        "PYTHONWARNINGS": "default",
    }
    done = subprocess.run(
        [os.sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_backup_came_back(drill: Drill) -> None:
    """Else it would prove nothing that it is gone afterwards."""
    assert said_by(drill.kept) == said_by(drill.after) == SAID
    assert said_by(drill.before) is None
    assert drill.between.payload
    assert not PayloadKey.objects.filter(pk=drill.between.pk).exists()
    assert PayloadKey.objects.filter(pk=drill.lost.pk).exists()
    assert not Claim.objects.filter(pk=drill.lost.pk).exists()
    assert "public.accounts_user" in tables_with(NAME)
    assert FileKey.objects.count() == 3
    assert {each.content["answer"] for each in GoldenItemPayload.objects.all()} == {"1 EUR", "2 EUR"}


def check_erased_again(drill: Drill) -> None:
    gone = [drill.before.pk, drill.between.pk, drill.after.pk, drill.lost.pk]
    assert contents_of(gone) == {}
    assert set(PayloadKey.objects.values_list("pk", flat=True)) == {drill.kept.pk}
    assert not Label.objects.filter(claim_id__in=gone, words__isnull=False).exists()
    assert tables_with(NAME) == []
    [file] = Attachment.objects.all()
    assert FileKey.objects.get().pk == file.pk
    assert GoldenKey.objects.get().payload.item.key == "plan-2"


def check_the_rest_is_readable(drill: Drill) -> None:
    assert said_by(drill.kept) == SAID
    label = Label.objects.get(claim=drill.kept)
    assert label.note == UNSURE.note
    assert content_of(Attachment.objects.get()) == files.png()
    assert [each.output for each in GoldenAnswerPayload.objects.all()] == ["2 eur"]


def test_what_was_erased_since_the_backup_is_gone_again_and_the_ledger_goes_on_under_a_new_name(
    restored: Drill, settings: Settings, tmp_path: Path
) -> None:
    check_backup_came_back(restored)
    said = in_a_process_of_its_own("reapply_erasures", settings=settings)
    assert said == (
        "4 erased again, 1 gone already, 1 not in this database.\n"
        "2 keys of claims and files that are not in this database went.\n"
    )
    check_erased_again(restored)
    check_the_rest_is_readable(restored)
    assert reapply() == "0 erased again, 5 gone already, 1 not in this database.\n"

    with pytest.raises(CommandError, match="a rollback"):
        call_command("seal_ledger")
    assert verified() == (1, True)
    settings.LEDGER_ORIGIN, settings.LEDGER_SIGNING_KEY_FILE = RESTARTED, str(tmp_path / "second.key")
    key = create_key(tmp_path / "second.key", name=RESTARTED)
    said_of_it = StringIO()
    call_command("restart_ledger", "--origin", RESTARTED, stdout=said_of_it)
    assert re.search(r"known with \d+ entries, [1-9]\d* of them are lost", said_of_it.getvalue())
    assert verified() == (0, False)
    path = tmp_path / "export"
    call_command("export_ledger", str(path), stdout=StringIO())
    assert verify_export.main([str(path), "--key", str(key)]) == 0


def test_an_export_of_the_ledger_is_memory_enough(restored: Drill, settings: Settings) -> None:
    settings.ERASURE_LIST_FILE = ""
    assert reapply("--export", str(restored.export)).startswith("4 erased again, 1 gone already, 1 not in this")
    check_erased_again(restored)
    check_the_rest_is_readable(restored)


def test_every_promise_of_the_database_is_in_force_again(restored: Drill, server: Server) -> None:
    assert promises() == restored.promises
    with connection.cursor() as cursor:
        assert problems_of_login(cursor) == []
    for role, statement in FORBIDDEN:
        refuse(server, f"SET LOCAL ROLE {role}", statement)
    for statement in ("UPDATE ledger.event SET leaf = leaf", "TRUNCATE ledger.leaf CASCADE"):
        refuse(server, "SET LOCAL session_replication_role = replica", statement)
    refuse(server, "SET LOCAL ROLE app_web", "DELETE FROM payloads_payloadkey")
    refuse(server, "SET LOCAL ROLE app_web", "UPDATE review_label SET words = NULL")
    assert Event.objects.exists()


def refuse(server: Server, *statements: str) -> None:
    with postgres.connect(server.cluster.sockets, database=embedded.DATABASE) as talking, talking.transaction():
        *before, forbidden = statements
        for statement in before:
            talking.execute(statement)  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.Error), talking.transaction():
            talking.execute(forbidden)  # type: ignore[call-overload]
