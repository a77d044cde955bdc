from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim, Outcome, new_id
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.deliveries.targets import HostPermission


class EventType(models.TextChoices):
    """What a source can be told."""

    OUTCOME_SETTLED = "outcome.settled"
    OUTCOME_SUPERSEDED = "outcome.superseded"


class EndpointState(models.TextChoices):
    ACTIVE = "active"
    PAUSED = "paused"  # by a person, or after a delivery was given up: what happens meanwhile is kept and sent later
    DISABLED = "disabled"  # the receiver said that it is gone


class StateReason(models.TextChoices):
    """Why an endpoint is not active."""

    ASKED = "asked"
    DEAD_LETTER = "dead_letter"
    GONE = "gone"


class Payload(models.TextChoices):
    THIN = "thin"  # what happened and to which claim
    FULL = "full"  # also the right answer, where it is known


class Endpoint(models.Model):
    """Where a source wants to be told. Without a `url` it stands for the addresses that single claims name."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="endpoints")
    url = models.TextField(null=True)
    events = ArrayField(models.CharField(max_length=30, choices=EventType.choices))
    payload = models.CharField(max_length=4, choices=Payload.choices, default=Payload.THIN)
    state = models.CharField(max_length=8, choices=EndpointState.choices, default=EndpointState.ACTIVE)
    state_reason = models.CharField(max_length=11, choices=StateReason.choices, blank=True)
    failures = models.PositiveIntegerField(default=0)  # attempts in a row that failed
    rests_until = models.DateTimeField(null=True)  # the receiver asked for a pause
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One address of a source is told once, and there is one endpoint for the addresses that claims name.
            models.UniqueConstraint(name="endpoint_once", fields=["source", "url"], nulls_distinct=False),
            # An endpoint that wants nothing would be silent without anybody noticing.
            models.CheckConstraint(name="endpoint_wants_something", condition=Q(events__len__gt=0)),
            # Whoever finds an endpoint standing still finds the reason with it.
            models.CheckConstraint(
                name="endpoint_says_why_it_rests",
                condition=Q(state="active", state_reason="") | (~Q(state="active") & ~Q(state_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class EndpointSecret(models.Model):
    """What deliveries of an endpoint are signed with, encrypted (vault.py). One with `expires_at` is being replaced."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets")
    scheme = models.CharField(max_length=3, choices=[(scheme.value, scheme.name) for scheme in Scheme])
    sealed = models.TextField()
    public_key = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # One secret is the current one.
            models.UniqueConstraint(
                name="endpoint_secret_one_current", fields=["endpoint"], condition=Q(expires_at__isnull=True)
            ),
            # One is on its way out: two sign at most.
            models.UniqueConstraint(
                name="endpoint_secret_one_expiring", fields=["endpoint"], condition=Q(expires_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme} of {self.endpoint_id}"


class NamedHost(models.Model):
    """A host that an administrator exempts from the rules for targets: it may be private, and use these ports."""

    host = models.CharField(max_length=253, unique=True)
    ports = ArrayField(models.PositiveIntegerField())
    plain_http = models.BooleanField(default=False)
    ca_certificate = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.host

    @property
    def permission(self) -> HostPermission:
        return HostPermission(self.host, frozenset(self.ports), self.plain_http, self.ca_certificate)


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up; a person can replay it


class Delivery(models.Model):
    """One event for one endpoint. Its id is the `webhook-id` and its body is sent unchanged, at every attempt."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="deliveries")
    outcome = models.ForeignKey(Outcome, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=30, choices=EventType.choices)
    body = models.TextField()
    state = models.CharField(max_length=9, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    attempts_before = models.PositiveIntegerField(default=0)  # made before the last replay began the schedule anew
    next_at = models.DateTimeField(default=timezone.now)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # An endpoint is told of an outcome once, however often the sweep looks.
            models.UniqueConstraint(name="delivery_once", fields=["endpoint", "outcome"]),
            models.CheckConstraint(name="delivery_attempts_count_up", condition=Q(attempts__gte=F("attempts_before"))),
        ]
        indexes = [
            # What the sweep takes.
            models.Index(name="delivery_due", fields=["endpoint", "next_at"], condition=Q(state="pending")),
            # The history page, newest first; UUIDv7 ids sort by time.
            models.Index(name="delivery_by_endpoint", fields=["endpoint", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Attempt(models.Model):
    """One sending of a delivery. Written before anything is sent: one without an end was interrupted."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="history")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=20, blank=True)
    seconds = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="attempt_number_once", fields=["delivery", "number"])]

    def __str__(self) -> str:
        return f"{self.delivery_id} attempt {self.number}"
