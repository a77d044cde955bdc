from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.checks import Error

LIMITS: Final = ("RATE_LIMIT_INTAKE", "RATE_LIMIT_OTHER", "RATE_LIMIT_FAILED")


def limits_are_positive(*_: Any, **__: Any) -> list[Error]:
    return [
        Error(f"{name} is below 1.", hint="A very large number is as good as no limit.", id="api.E001")
        for name in LIMITS
        if getattr(settings, name) < 1
    ]
