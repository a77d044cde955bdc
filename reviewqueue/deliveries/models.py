from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim, Outcome, new_id
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.deliveries.targets import HostPermission
from reviewqueue.payloads.words import Words, word


class EventType(models.TextChoices):
    """What a source can be told."""

    OUTCOME_SETTLED = "outcome.settled"
    OUTCOME_SUPERSEDED = "outcome.superseded"
    STEP_EXPIRED = "step.expired"
    BAND_BREACHED = "band.breached"
    BREAKER_TRIPPED = "breaker.tripped"
    GOLDEN_OVERDUE = "golden.overdue"
    GOLDEN_WORSE = "golden.worse_than_promised"
    PIPELINE_ALARM = "pipeline.alarm"
    REPORT_MADE = "report.made"


OUTCOME_EVENTS: Final = (EventType.OUTCOME_SETTLED, EventType.OUTCOME_SUPERSEDED)
"""What an endpoint is told of that names nothing else, and all that the address of a single claim is for."""
CHALLENGE: Final = "endpoint.challenge"
"""The type of the one message that nobody asks for: whether the receiver wants the others."""


class EndpointState(models.TextChoices):
    UNVERIFIED = "unverified"  # no challenge has been answered yet: what happens meanwhile is kept
    ACTIVE = "active"
    PAUSED = "paused"  # by a person, or after a delivery was given up: what happens meanwhile is kept and sent later
    DISABLED = "disabled"  # the receiver said that it is gone


class StateReason(models.TextChoices):
    """Why an endpoint is not active."""

    CHALLENGE = "challenge"
    ASKED = "asked"
    DEAD_LETTER = "dead_letter"
    GONE = "gone"
    REMOVED = "removed"


class Payload(models.TextChoices):
    THIN = "thin"  # what happened and to which claim
    FULL = "full"  # also the right answer, where it is known


class Endpoint(models.Model):
    """Where a source wants to be told. Without a `url` it stands for the addresses that single claims name."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="endpoints")
    url = models.TextField(null=True)
    events = ArrayField(models.CharField(max_length=30, choices=EventType.choices))
    asked_at = models.JSONField(default=dict)  # for events that were added: the entry from which on they are told
    payload = models.CharField(max_length=4, choices=Payload.choices, default=Payload.THIN)
    state = models.CharField(max_length=10, choices=EndpointState.choices, default=EndpointState.ACTIVE)
    state_reason = models.CharField(max_length=11, choices=StateReason.choices, blank=True)
    verified_at = models.DateTimeField(null=True)  # when its address answered a challenge
    removed_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # attempts in a row that failed
    failing_since = models.DateTimeField(null=True)  # when the first of them did
    rests_until = models.DateTimeField(null=True)  # the receiver asked for a pause
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One address of a source is told once, and there is one endpoint for the addresses that claims name.
            models.UniqueConstraint(
                name="endpoint_once",
                fields=["source", "url"],
                nulls_distinct=False,
                condition=Q(removed_at__isnull=True),
            ),
            # An endpoint that wants nothing would be silent without anybody noticing.
            models.CheckConstraint(name="endpoint_wants_something", condition=Q(events__len__gt=0)),
            # Whoever finds an endpoint standing still finds the reason with it.
            models.CheckConstraint(
                name="endpoint_says_why_it_rests",
                condition=Q(state="active", state_reason="") | (~Q(state="active") & ~Q(state_reason="")),
            ),
            # Nobody can aim us at an address that has not said it wants to hear from us.
            models.CheckConstraint(
                name="endpoint_active_is_verified",
                condition=~Q(state="active") | Q(url__isnull=True) | Q(verified_at__isnull=False),
            ),
            # What is removed stays for its history, and is sent nothing.
            models.CheckConstraint(
                name="endpoint_removed_is_disabled", condition=Q(removed_at__isnull=True) | Q(state="disabled")
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


class CallbackHost(models.Model):
    """A host that claims of a source name in their callback addresses: it answers a challenge before it is told."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="callback_hosts")
    host = models.CharField(max_length=260)  # with its port
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(name="callback_host_once", fields=["endpoint", "host"])]

    def __str__(self) -> str:
        return self.host


class DeliveryState(models.TextChoices):
    WAITING = "waiting"  # for its callback host to answer a challenge
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up; a person can replay it


class Delivery(Words):
    """One event for one endpoint. Its id is the `webhook-id` and its text is sent unchanged, at every attempt.

    `event` is the ledger entry of what happened. What concerns a whole pipeline names no claim. A text that says what
    the claim says is `full`, encrypted with the key of the claim; `body` is then the text without it, which is what is
    left once the claim is erased.
    """

    WORDS: ClassVar[Mapping[str, Any]] = {"full": ""}
    KIND = "delivery"
    full = word("full")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey("ledger.Event", on_delete=models.PROTECT, related_name="+")
    claim = models.ForeignKey(Claim, null=True, on_delete=models.CASCADE, related_name="deliveries")
    outcome = models.ForeignKey(Outcome, null=True, on_delete=models.CASCADE, related_name="+")
    host = models.ForeignKey(CallbackHost, null=True, on_delete=models.PROTECT, related_name="deliveries")
    type = models.CharField(max_length=30, choices=[*EventType.choices, (CHALLENGE, "Challenge")])
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
            # An endpoint is told of what happened once, however often the sweep looks.
            models.UniqueConstraint(name="delivery_once", fields=["endpoint", "event"]),
            models.CheckConstraint(name="delivery_attempts_count_up", condition=Q(attempts__gte=F("attempts_before"))),
        ]
        indexes = [
            # What the sweep takes.
            models.Index(name="delivery_due", fields=["endpoint", "next_at"], condition=Q(state="pending")),
            # Challenges go to endpoints that are sent nothing else, however much waits for those.
            models.Index(
                name="delivery_challenge_due",
                fields=["endpoint", "next_at"],
                condition=Q(state="pending", type="endpoint.challenge"),
            ),
            # How many challenges a source has had sent lately.
            models.Index(
                name="delivery_challenges", fields=["endpoint", "created_at"], condition=Q(type="endpoint.challenge")
            ),
            # What the alarms look for: the oldest that waits, and what was given up.
            models.Index(
                name="delivery_undelivered",
                fields=["endpoint", "created_at"],
                condition=Q(state__in=["waiting", "pending"]),
            ),
            models.Index(name="delivery_dead", fields=["endpoint", "-id"], condition=Q(state="dead")),
            # What a callback host releases when it answers.
            models.Index(name="delivery_waiting", fields=["host"], condition=Q(state="waiting")),
            # The history page, newest first; UUIDv7 ids sort by time.
            models.Index(name="delivery_by_endpoint", fields=["endpoint", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"

    @property
    def text(self) -> str:
        """What is sent."""
        return self.full or self.body


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
