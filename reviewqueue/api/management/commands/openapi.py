from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from reviewqueue.api.views.reference import document


class Command(BaseCommand):
    help = "Prints the OpenAPI document of the REST API: `manage.py openapi > docs/openapi.json` after a change."

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False))
