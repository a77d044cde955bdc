"""The forms of the pages about webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django import forms

from reviewqueue.accounts.models import Source
from reviewqueue.deliveries.models import OUTCOME_EVENTS, Endpoint, EventType, Payload
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.errors import FieldProblem
from reviewqueue.web.wording import WEBHOOK_EVENTS

PAYLOADS: Final = [
    (Payload.THIN.value, "What happened, and to which claim"),
    (Payload.FULL.value, "Also the right answer"),
]
SCHEMES: Final = [
    (Scheme.HMAC_SHA256.value, "A shared secret (HMAC-SHA256)"),
    (Scheme.ED25519.value, "A public key (Ed25519): nothing to lose at the receiver"),
]
EVENTS: Final = [(code, WEBHOOK_EVENTS[code]) for code in EventType.values]


class _Wishes(forms.Form):
    """What an endpoint is told."""

    url = forms.CharField(max_length=2_000, error_messages={"required": "Say where the source wants to be told."})
    events = forms.MultipleChoiceField(choices=EVENTS, error_messages={"required": "Choose at least one."})
    payload = forms.ChoiceField(choices=PAYLOADS, initial=Payload.THIN.value)

    def refuse(self, problems: tuple[FieldProblem, ...]) -> None:
        """Puts what the service refused beside its field."""
        for problem in problems:
            self.add_error(problem.pointer.removeprefix("/").partition("/")[0] or None, problem.detail)


class NewEndpoint(_Wishes):
    source = forms.ModelChoiceField(
        queryset=Source.objects.order_by("name"),
        to_field_name="slug",
        error_messages={"required": "Choose the source that is told.", "invalid_choice": "There is no such source."},
    )
    scheme = forms.ChoiceField(choices=SCHEMES, initial=Scheme.HMAC_SHA256.value)

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields["events"].initial = [event.value for event in OUTCOME_EVENTS]


class ChangedEndpoint(_Wishes):
    def __init__(self, endpoint: Endpoint, data: Any = None) -> None:
        known = {"url": endpoint.url or "", "events": endpoint.events, "payload": endpoint.payload}
        super().__init__(data, initial=known)
        self.fields["url"].required = endpoint.url is not None


class Stretch(forms.Form):
    """A stretch of time in UTC, as the fields of a browser write it."""

    since = forms.DateTimeField(error_messages={"required": "Say from when.", "invalid": "This is no time."})
    until = forms.DateTimeField(error_messages={"required": "Say until when.", "invalid": "This is no time."})
    only_dead = forms.BooleanField(required=False)

    def stretch(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("since", "until", "only_dead")}


class HostForm(forms.Form):
    host = forms.CharField(max_length=253, error_messages={"required": "Say which host."})
    ports = forms.CharField(max_length=100, initial="443", error_messages={"required": "Say which ports."})
    plain_http = forms.BooleanField(required=False)
    ca_certificate = forms.CharField(required=False, max_length=20_000, strip=True)

    def clean_ports(self) -> list[int]:
        written = self.cleaned_data["ports"].replace(",", " ").split()
        if not all(each.isascii() and each.isdigit() and len(each) < 6 for each in written):
            raise forms.ValidationError("Port numbers, parted by commas.")
        return [int(each) for each in written]


def day_of(now: datetime) -> dict[str, str]:
    """The last day, as a form shows it at first."""
    end = now.astimezone(UTC)
    return {"since": end.replace(hour=0, minute=0).strftime("%Y-%m-%dT%H:%M"), "until": end.strftime("%Y-%m-%dT%H:%M")}
