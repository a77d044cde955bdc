"""The keys behind the audit sample: derived from one secret, never stored."""

from __future__ import annotations

from django.conf import settings

from reviewqueue.policy.sampling import epoch_key


def sampling_key(pipeline_slug: str, epoch: str) -> bytes:
    return epoch_key(settings.SAMPLING_SECRET.encode(), pipeline_slug, epoch)
