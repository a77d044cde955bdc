"""Two checkpoints held against each other. What is pasted here is not kept."""

from __future__ import annotations

from django.http import HttpResponse

from reviewqueue.auditors.comparing import Comparison, compare
from reviewqueue.auditors.trust import known_keys
from reviewqueue.ledger.selectors import checkpoints
from reviewqueue.web.access import form_page
from reviewqueue.web.audit_forms import CompareForm
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role
from reviewqueue.web.views.ledger import NOT_YOURS

CHOICES = 10


@form_page
def compare_checkpoints(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    if request.method != "POST":
        return _show(request, CompareForm())
    form = CompareForm(_with_chosen(request))
    if not form.is_valid():
        return _show(request, form, status=422)
    given = form.cleaned_data
    compared = compare(given["first"], given["second"], [*given["keys"], *known_keys()])
    return _show(request, form, compared=compared)


def _with_chosen(request: PersonRequest) -> dict[str, str]:
    """What was typed; where nothing was, the note that was chosen from the list."""
    typed = {name: request.POST.get(name, "") for name in ("first", "second", "keys")}
    offered = {value: note for value, _, note in _offered(request)}
    for name in ("first", "second"):
        if not typed[name].strip():
            typed[name] = offered.get(request.POST.get(f"{name}_of", ""), "")
    return typed


def _offered(request: PersonRequest) -> list[tuple[str, str, str]]:
    """Value, words and note of checkpoints to choose from: the newest of the ledger, and one's own pins."""
    pins = request.user.pins.order_by("-pk")[:CHOICES]
    rows = checkpoints(limit=CHOICES)
    newest = [(f"size-{row.tree_size}", f"of {row.tree_size:,} entries", row.note) for row in rows]
    own = [(f"pin-{pin.pk}", f"your pin of {pin.tree_size:,}", pin.note) for pin in pins]
    return newest + own


def _show(
    request: PersonRequest, form: CompareForm, *, compared: Comparison | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "compared": compared,
        "sides": [("The first", compared.first), ("The second", compared.second)] if compared else [],
        "offered": _offered(request),
        "knows_keys": bool(known_keys()),
        "shows_errors": status == 422,
    }
    return show(request, "ledger/compare.html", context, status=status)
