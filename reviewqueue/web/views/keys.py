"""The keys of the review pages, as each person wants them."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.key_bindings import ACTIONS, are_off, own_keys
from reviewqueue.errors import Invalid
from reviewqueue.pipelines.form_versions import form_keys
from reviewqueue.web.access import form_page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest


class KeysForm(forms.Form):
    """One field for every action, named by its place; and whether single keys do anything at all."""

    on = forms.BooleanField(required=False)

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]  # handed on as they are
        for action, field in FIELDS.items():
            self.fields[field] = forms.CharField(max_length=8, label=ACTIONS[action])

    def chosen(self) -> dict[str, str]:
        return {action: self.cleaned_data[field] for action, field in FIELDS.items()}

    def take_over(self, invalid: Invalid) -> None:
        for problem in invalid.problems:
            self.add_error(FIELDS[problem.pointer.removeprefix("/keys/")], problem.detail)

    def rows(self) -> list[tuple[str, forms.BoundField]]:
        """The standard key of each action beside its field."""
        return [(action, self[field]) for action, field in FIELDS.items()]


FIELDS = {action: f"key_{place}" for place, action in enumerate(ACTIONS)}


@form_page
def keys(request: PersonRequest) -> HttpResponse:
    if request.method == "POST" and "standard" in request.POST:
        accounts.set_key_bindings(user=request.user, keys={}, off=False)
        messages.success(request, "All keys are the standard ones again.")
        return go(request, "web:keys")
    form = KeysForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    if form.is_valid():
        try:
            accounts.set_key_bindings(
                user=request.user,
                keys=form.chosen(),
                off=not form.cleaned_data["on"],
                taken=form_keys(request.user),
            )
        except Invalid as invalid:
            form.take_over(invalid)
        else:
            messages.success(request, "Saved. The sheet of keys shows them as they are now.")
            return go(request, "web:keys")
    return show(request, "keys/keys.html", {"form": form}, status=422 if form.errors else 200)


def _initial(request: PersonRequest) -> dict[str, object]:
    stored = request.user.key_bindings
    own = own_keys(stored)
    return {"on": not are_off(stored), **{field: own[action] for action, field in FIELDS.items()}}
