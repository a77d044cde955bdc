from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor


class UserManager(DjangoUserManager["User"]):
    def _create_user(self, username: str, email: str | None, password: str | None, **fields: Any) -> User:
        """Every way Django has of making a user ends here, so every user has a ledger entry. `actor` is who made it."""
        pseudonym = uuid4()
        actor = fields.pop("actor", Actor.system("accounts"))
        with transaction.atomic():
            entry = ledger.append(event="user.created", actor=actor, user=str(pseudonym))
            user = super()._create_user(  # type: ignore[misc]  # private in the stubs, stable in Django
                username, email, password, pseudonym=pseudonym, event_id=entry.id, **fields
            )
        return cast(User, user)


class User(AbstractUser):
    """A person. The ledger knows only the pseudonym, so that the map to a name can be erased."""

    pseudonym = models.UUIDField(unique=True, default=uuid4, editable=False)
    key_bindings = models.JSONField(default=dict, blank=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[UserManager] = UserManager()

    @property
    def name_when_erased(self) -> str:
        """What stands for the user name of somebody whose name was erased."""
        return f"erased-{self.pseudonym}"

    @property
    def is_erased(self) -> bool:
        return self.username == self.name_when_erased

    @property
    def shown_name(self) -> str:
        return self.get_full_name() or self.username


class Source(models.Model):
    """An upstream system that posts claims."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.slug


class Scope(models.TextChoices):
    INTAKE = "intake"
    READ = "read"
    REVIEW = "review"
    OUTCOMES = "outcomes"
    AUDIT = "audit"
    ADMIN = "admin"
    WEBHOOKS = "webhooks"


class ApiKey(models.Model):
    """A key of one source or one user. Only a hash of the secret is stored; `prefix` is what people may see."""

    public_id = models.CharField(max_length=8, unique=True)
    prefix = models.CharField(max_length=40)
    secret_hash = models.BinaryField(max_length=32)
    name = models.CharField(max_length=120)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    source = models.ForeignKey(Source, null=True, on_delete=models.PROTECT, related_name="keys")
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="keys")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    requests_per_minute = models.PositiveIntegerField(null=True)  # null: the limits of this instance
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # A key speaks for exactly one source or one person.
            models.CheckConstraint(
                name="api_key_has_one_holder",
                condition=Q(source__isnull=True, user__isnull=False) | Q(source__isnull=False, user__isnull=True),
            ),
            # Submitting claims is for systems: a person's key can never carry it.
            models.CheckConstraint(
                name="api_key_intake_is_for_sources",
                condition=Q(source__isnull=False) | ~Q(scopes__contains=["intake"]),
            ),
            # A key that may make no requests is a revoked key.
            models.CheckConstraint(name="api_key_limit_is_positive", condition=~Q(requests_per_minute=0)),
        ]

    def __str__(self) -> str:
        return self.prefix


class IdempotentRequest(models.Model):
    """The stored answer to one request that carried an Idempotency-Key; kept 48 hours."""

    holder = models.CharField(max_length=40)  # "source:<id>" or "user:<id>": keys are never global
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=300)  # method and path
    body_hash = models.BinaryField(max_length=32)
    status = models.SmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            # One key of one holder names one request.
            models.UniqueConstraint(name="idempotent_request_once", fields=["holder", "key"]),
        ]

    def __str__(self) -> str:
        return f"{self.holder} {self.request}"


class Bucket(models.Model):
    """How much of a quota is spent. Unlogged: after a crash of the database everybody starts with a full quota."""

    subject = models.CharField(max_length=80, primary_key=True)
    full_at = models.DateTimeField()  # when the quota will be whole again; a row of the past says nothing

    def __str__(self) -> str:
        return self.subject
