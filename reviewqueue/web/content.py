"""What pages that show the content of a claim need for it, and what their browsers may load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse

from reviewqueue.claims.attachments import attachments_of
from reviewqueue.pipelines.content_views import ORIGINS, with_every_view
from reviewqueue.pipelines.selectors import WORKING_ROLES, pipelines_for
from reviewqueue.web.context_items import evidence_of
from reviewqueue.web.markdown import Allowance
from reviewqueue.web.media import CALMING, Media, calming, kind_of
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from reviewqueue.claims.models import Claim
    from reviewqueue.pipelines.models import Pipeline

CALMING_COOKIE: Final = "calming"
A_YEAR: Final = 365 * 86_400


Address = Callable[[str], str]
"""Where a file is found, by its id."""


def content_context(
    request: PersonRequest, task: Mapping[str, Any], pipeline: Pipeline, *, lease_id: UUID
) -> dict[str, Any]:
    """`task` is what `review.showing` lets this person see under this lease."""

    def address(file: str) -> str:
        return reverse("web:attachment", args=[lease_id, file])

    return _shown_content(request, task, pipeline, address)


def claim_content(request: PersonRequest, claim: Claim, content: Mapping[str, Any]) -> dict[str, Any]:
    """For those who may read all that the claim says."""

    def address(file: str) -> str:
        return reverse("web:claim_file", args=[claim.pk, file])

    seen = {"id": str(claim.pk), "claim": {"output": content["output"]}, "context": content["context"]}
    return _shown_content(request, seen, claim.pipeline, address)


def _shown_content(
    request: PersonRequest, task: Mapping[str, Any], pipeline: Pipeline, address: Address
) -> dict[str, Any]:
    views, own = with_every_view(pipeline.content_views), own_calming(request)
    return {
        "views": views,
        "reading": Allowance(),
        "evidence": evidence_of(task, views[ORIGINS], _files(task["context"], address)),
        "calming": calming(views, own),
        "own_calming": own,
    }


def _files(context: Iterable[Mapping[str, Any]], address: Address) -> dict[str, Media]:
    return {
        name: Media(kind_of(media_type), address(name), is_ours=True)
        for name, media_type in attachments_of(context).items()
    }


def own_calming(request: PersonRequest) -> list[str]:
    chosen = request.COOKIES.get(CALMING_COOKIE, "").split(".")
    return [each for each in CALMING if each in chosen]


def keep_calming(response: HttpResponse, chosen: list[str]) -> None:
    response.set_cookie(
        CALMING_COOKIE,
        ".".join(each for each in CALMING if each in chosen),
        max_age=A_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def allow_media(request: PersonRequest, response: HttpResponse) -> HttpResponse:
    """Lets the document load from the origins that the owners of this person's pipelines allowed.

    Of all of them, because the next task is put into the same document, and is often one of another pipeline.
    """
    if not request.htmx:
        named = pipelines_for(request.user, WORKING_ROLES).filter(content_views__has_key=ORIGINS)
        allow_origins(response, chain.from_iterable(named.values_list(f"content_views__{ORIGINS}", flat=True)))
    return response


def allow_origins(response: HttpResponse, origins: Iterable[str]) -> None:
    """And sound from this site. django-csp takes it from here."""
    allowed = sorted(set(origins))
    update = {"img-src": allowed, "media-src": ["'self'", *allowed]}
    response._csp_update = update  # type: ignore[attr-defined]  # where django-csp looks for it
