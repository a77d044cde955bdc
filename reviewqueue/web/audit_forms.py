"""What auditors ask of the ledger, read from the address or the form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any, Final
from urllib.parse import urlencode

from django import forms

from reviewqueue.auditors.bundle_check import MAX_BYTES
from reviewqueue.auditors.comparing import keys_in, notes_in
from reviewqueue.auditors.searching import Found, actors_called, claims_called
from reviewqueue.ledger.note import NoteError, VerifierKey
from reviewqueue.ledger.selectors import EntryFilter
from reviewqueue.web.wording import EVENTS

ALL_OF: Final = "all:"
_GROUPS: Final = {
    "Claims": "claim",
    "Review": "task lease label adjudication relabel",
    "Outcomes": "outcome",
    "Policies and bands": "policy breaker band sample",
    "Measurement": "calibrator drift slice accuracy golden",
    "Gold tasks and reviewers": "gold reviewer skills",
    "Deliveries": "webhook",
    "Accounts": "user role password mfa login apikey",
    "Settings": "source pipeline form attachment config",
    "Payloads and exports": "payload export",
    "The ledger itself": "verification key ledger",
}


def _kinds_in(parts: str) -> dict[str, str]:
    return {kind: word for kind, word in EVENTS.items() if kind.partition(".")[0] in parts.split()}


def _grouped() -> dict[str, dict[str, str]]:
    """Every kind in one group; what no group names yet comes last."""
    groups = {name: _kinds_in(parts) for name, parts in _GROUPS.items()}
    placed = {kind for kinds in groups.values() for kind in kinds}
    rest = {kind: word for kind, word in EVENTS.items() if kind not in placed}
    return groups | ({"Other": rest} if rest else {})


KIND_GROUPS: Final = _grouped()
_KINDS: Final[list[tuple[str, Any]]] = [
    ("", "Everything"),
    *(
        (name, [(f"{ALL_OF}{name}", f"{name}: all"), *sorted(kinds.items(), key=itemgetter(1))])
        for name, kinds in KIND_GROUPS.items()
    ),
]


MAX_PASTED: Final = 100_000


class PinForm(forms.Form):
    note = forms.CharField(strip=False, max_length=MAX_PASTED, error_messages={"required": "Paste a checkpoint."})
    remark = forms.CharField(required=False, max_length=300)

    def clean_note(self) -> str:
        return one_note(self.cleaned_data["note"])


class KeysForm(forms.Form):
    """Public keys, one a line, as `ledger_key --show` prints them."""

    keys = forms.CharField(required=False, max_length=MAX_PASTED)

    def clean_keys(self) -> list[VerifierKey]:
        try:
            return keys_in(self.cleaned_data["keys"])
        except NoteError as error:
            raise forms.ValidationError(f"This is no public key, {error}.") from error


class VerificationForm(KeysForm):
    notes = forms.CharField(required=False, strip=False, max_length=MAX_PASTED)
    own_pins = forms.BooleanField(required=False)

    def clean_notes(self) -> list[str]:
        return notes_in(self.cleaned_data["notes"])


class CompareForm(KeysForm):
    first = forms.CharField(required=False, strip=False, max_length=MAX_PASTED)
    second = forms.CharField(required=False, strip=False, max_length=MAX_PASTED)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in ("first", "second"):
            if name in given and not given[name].strip():
                self.add_error(name, "Paste a checkpoint, or choose one above.")
            elif name in given:
                given[name] = one_note(given[name])
        return given


class BundleForm(KeysForm):
    file = forms.FileField(max_length=200, error_messages={"required": "Choose the file.", "empty": "It is empty."})

    def clean_keys(self) -> list[VerifierKey]:
        keys = super().clean_keys()
        if not keys:
            raise forms.ValidationError("Give the public key that you hold: without one, nothing is proven.")
        return keys

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(f"A bundle has at most {MAX_BYTES // 1024 // 1024} MiB.")
        raw: bytes = file.read()
        return raw


def place_before(text: str) -> int | None:
    """Where a page begins, as its address says."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def one_note(text: str) -> str:
    """As it was signed: browsers send other line ends, and pasting adds or loses empty lines around it."""
    return text.replace("\r\n", "\n").strip("\n") + "\n"


class LedgerSearch(forms.Form):
    """Which entries the ledger page lists, as its address says."""

    kind = forms.ChoiceField(required=False, choices=_KINDS)
    claim = forms.CharField(required=False, max_length=200)
    actor = forms.CharField(required=False, max_length=200)
    pipeline = forms.SlugField(required=False, max_length=60)
    source = forms.SlugField(required=False, max_length=60)
    policy = forms.IntegerField(required=False, min_value=1, max_value=2**31)
    leaf = forms.IntegerField(required=False, min_value=0, max_value=2**62)
    request = forms.CharField(required=False, max_length=100)
    since = forms.DateTimeField(required=False)
    until = forms.DateTimeField(required=False)
    older_than = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    narrowing = ("kind", "claim", "actor", "pipeline", "source", "policy", "leaf", "request", "since", "until")
    rarely = ("source", "policy", "leaf", "request", "since", "until")

    def __init__(self, data: Mapping[str, Any]) -> None:
        """`subject` is what the claim was called in older addresses."""
        super().__init__({**{name: data[name] for name in data}, "claim": data.get("claim") or data.get("subject", "")})

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("policy") is not None and not given.get("pipeline"):
            self.add_error("policy", "Name its pipeline too: every pipeline counts its own versions.")
        if given.get("since") and given.get("until") and given["since"] >= given["until"]:
            self.add_error("until", "This is not after the beginning.")
        return given

    @cached_property
    def who(self) -> Found | None:
        text = self.cleaned_data["actor"]
        return actors_called(text) if text else None

    def wanted(self) -> EntryFilter:
        given = self.cleaned_data
        return EntryFilter(
            kinds=self._kinds(),
            claims=claims_called(given["claim"]) if given["claim"] else None,
            actors=self.who.actors if self.who else None,
            pipeline=given["pipeline"] or None,
            source=given["source"] or None,
            policy_version=None if given["policy"] is None else str(given["policy"]),
            request=given["request"] or None,
            index=given["leaf"],
            since=given["since"],
            until=given["until"],
        )

    def before(self) -> int | None:
        older_than: int | None = self.cleaned_data["older_than"]
        return older_than

    def is_filtered(self) -> bool:
        return bool(self._given())

    def uses_rare(self) -> bool:
        return any(self.data.get(name) for name in self.rarely)

    def address(self, **more: object) -> str:
        """The query of this search with something added."""
        return "?" + urlencode({**self._given(), **more})

    def _given(self) -> dict[str, str]:
        """As it was typed: a time read and written again could lose its form."""
        return {name: str(self.data[name]) for name in self.narrowing if self.data.get(name)}

    def _kinds(self) -> list[str]:
        kind: str = self.cleaned_data["kind"]
        if kind.startswith(ALL_OF):
            return list(KIND_GROUPS[kind.removeprefix(ALL_OF)])
        return [kind] if kind else []
