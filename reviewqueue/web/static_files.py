"""How static files get their names: with a hash of the content where they were collected, plain where they were not."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Collected files carry their hash and may be cached for ever. Tests collect nothing and get plain names."""

    support_js_module_import_aggregation = True  # our modules import each other by relative names

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))
