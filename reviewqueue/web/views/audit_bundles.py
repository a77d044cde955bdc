"""A bundle of one claim, proven with the visitor's own key. Nothing of it is kept."""

from __future__ import annotations

from django.http import HttpResponse

from reviewqueue.auditors.bundle_check import BundleReport, UnusableBundle, check_bundle
from reviewqueue.web.access import form_page
from reviewqueue.web.audit_forms import BundleForm
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role
from reviewqueue.web.views.ledger import NOT_YOURS


@form_page
def verify_bundle(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    if request.method != "POST":
        return _show(request, BundleForm())
    form = BundleForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, form, status=422)
    try:
        report = check_bundle(form.cleaned_data["file"], form.cleaned_data["keys"])
    except UnusableBundle as error:
        form.add_error("file", error.detail)
        return _show(request, form, status=422)
    return _show(request, form, report=report)


def _show(
    request: PersonRequest, form: BundleForm, *, report: BundleReport | None = None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "report": report, "shows_errors": status == 422}
    return show(request, "ledger/verify_bundle.html", context, status=status)
