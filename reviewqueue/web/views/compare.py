"""Ways to obtain confidence, prompt versions and model versions side by side."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.utils.http import urlencode

from calibration.comparing import BYS
from calibration.core.comparing import FEWEST
from calibration.core.report import FEWEST_FOR_ERRORS
from calibration.recent import NEWEST
from reviewqueue.pipelines.selectors import FIGURES_ROLES, pipeline_for
from reviewqueue.reports.comparison import comparison_page, plain_comparison, title_of
from reviewqueue.web.access import page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.wording import ELICITATIONS

WORDS: Final = {
    "elicitation": "Ways to obtain confidence",
    "prompt_version": "Prompt versions",
    "model_version": "Model versions",
}
CHOSEN: Final = ("by", "within", "against")


@page
def compare(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    by, within, against = (request.GET.get(name, "") for name in CHOSEN)
    found = comparison_page(pipeline, by=by, within=within, against=against, ways=ELICITATIONS)
    if wants_file(request):
        return file_of(request, plain_comparison(found), name=f"{slug}-{found.found.by.replace('_', '-')}")
    chosen = {name: request.GET[name] for name in CHOSEN if request.GET.get(name)}
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "page": found,
        "found": found.found,
        "bys": [(name, WORDS[name]) for name in BYS],
        "choices": [(each, title_of(each, ELICITATIONS)) for each in found.found.choices],
        "within": title_of(found.found.within, ELICITATIONS) if found.found.within else "",
        "query": urlencode(chosen) + "&" if chosen else "",
        "newest": NEWEST,
        "fewest": FEWEST,
        "fewest_for_errors": FEWEST_FOR_ERRORS,
    }
    return show(request, "pipelines/compare.html", context)
